//! Requests of writes and reads, and decoders of their replies.
//!
//! [`write`](fn@write) and [`read`](fn@read) build the [`Invocation`] to send. The transport runs it once. It hands an
//! error reply to [`WriteError::from_server`](crate::WriteError::from_server), and any other reply to
//! [`decode_written`] or [`decode_read`]. [`write_group`] combines writes of one map that wait at the same moment.

mod arguments;
mod batch;
mod check;
mod group;
mod read;
mod reply;
mod write;

use std::fmt;

use bytes::Bytes;

pub use check::{Check, check, check_refused, decode_check};
pub use group::{MAX_GROUP_WRITES, decode_group, group_size, write_group};
pub use read::{decode_read, read};
pub use write::{decode_written, write};

use crate::sizes::Size;
use crate::{Escaped, KeyOperation};

/// A Lua script with its name.
#[derive(Debug, PartialEq, Eq)]
pub struct Script {
    name: &'static str,
    source: &'static str,
}

impl Script {
    /// The name of the script: the name of its operation.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The source text for `SCRIPT LOAD` and `EVAL`.
    #[must_use]
    pub const fn source(&self) -> &'static str {
        self.source
    }
}

/// One request to the server.
///
/// The `Debug` form shows the number of bytes of the arguments, never an argument.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a transport has to know how to run each of them")]
pub enum Invocation {
    /// Run a script with `EVALSHA` or `EVAL`.
    Script {
        /// The script.
        script: &'static Script,
        /// The only element of `KEYS`: the hash.
        key: Bytes,
        /// The elements of `ARGV`.
        args: Vec<Bytes>,
    },
    /// Run a plain command.
    Command {
        /// The command.
        name: &'static str,
        /// The arguments after the command's name.
        args: Vec<Bytes>,
    },
}

impl fmt::Debug for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sizes = |args: &[Bytes]| args.iter().map(Size::of).collect::<Vec<_>>();
        match self {
            Self::Script { script, key, args } => {
                write!(f, "{}({}, {:?})", script.name, Escaped(key), sizes(args))
            }
            Self::Command { name, args } => write!(f, "{name}({:?})", sizes(args)),
        }
    }
}

/// The text of a file in `lua/`, or the generated choice among the operations on values or on lists.
macro_rules! piece {
    (choose_value) => {
        choose_value!()
    };
    (choose_list) => {
        choose_list!()
    };
    ($file:literal) => {
        include_str!(concat!("../lua/", $file, ".lua"))
    };
}

/// Generates the choice by letter among operations, without its `end`. The number after a letter is the operation's
/// argument count.
macro_rules! choose {
    ($if:literal) => { "" };
    ($if:literal ($name:literal $letter:literal $($count:literal)?) $($rest:tt)*) => {
        concat!(
            "-- Part: choice\n", $if, " letter == '", $letter, "' then\n",
            include_str!(concat!("../lua/operations/", $name, ".lua")),
            "-- Part: choice\n", $("at = at + ", $count, "\n",)?
            choose!("elseif" $($rest)*)
        )
    };
}

/// Declares every script as a concatenation of files in `lua/`, and the list of all scripts.
///
/// Each operation on one key is one row: variant, static, name, and its letter in groups and batches. An operation on
/// values adds its argument count and the extra parts of its script. Frequent operations come first, because Lua
/// compares the letters in this order.
macro_rules! scripts {
    (
        values { $($value:ident $value_item:ident $value_name:literal $value_letter:literal $count:literal
            [$($value_part:literal)*];)+ }
        lists { $($list:ident $list_item:ident $list_name:literal $list_letter:literal;)+ }
        others { $($(#[$doc:meta])* $item:ident = $name:literal [$($piece:tt)+];)+ }
    ) => {
        macro_rules! choose_value {
            () => { choose!("if" $(($value_name $value_letter $count))+) };
        }
        macro_rules! choose_list {
            () => { concat!(choose!("if" $(($list_name $list_letter))+), "end\n") };
        }
        $(
            #[doc = concat!("[`KeyOperation::", stringify!($value), "`](crate::KeyOperation::", stringify!($value), ").")]
            pub static $value_item: Script = Script {
                name: $value_name,
                source: concat!(
                    $(piece!($value_part),)*
                    piece!("parts/read_key"), piece!("parts/revision"), piece!("parts/take_values"),
                    include_str!(concat!("../lua/operations/", $value_name, ".lua")),
                    piece!("parts/decided"), piece!("parts/next"), piece!("parts/ttl"), piece!("parts/commit_key"),
                ),
            };
        )+
        $(
            #[doc = concat!("[`KeyOperation::", stringify!($list), "`](crate::KeyOperation::", stringify!($list), ").")]
            pub static $list_item: Script = Script {
                name: $list_name,
                source: concat!(
                    piece!("parts/read_key"), piece!("parts/revision"), piece!("parts/list"), piece!("parts/take_items"),
                    include_str!(concat!("../lua/operations/", $list_name, ".lua")), piece!("parts/list_value"),
                    piece!("parts/decided"), piece!("parts/next"), piece!("parts/ttl"), piece!("parts/commit_key"),
                ),
            };
        )+
        $(
            $(#[$doc])*
            pub static $item: Script = Script { name: $name, source: concat!($(piece!($piece)),+) };
        )+

        /// All scripts, so that a transport can load them before their first use.
        pub static ALL: &[&Script] = &[$(&$value_item,)+ $(&$list_item,)+ $(&$item),+];

        /// The script of an operation on one key.
        const fn script_of(operation: &KeyOperation) -> &'static Script {
            match operation {
                $(KeyOperation::$value { .. } => &$value_item,)+
                $(KeyOperation::$list { .. } => &$list_item,)+
            }
        }

        /// The letter that stands for an operation in the scripts of groups and batches.
        const fn letter_of(operation: &KeyOperation) -> &'static str {
            match operation {
                $(KeyOperation::$value { .. } => $value_letter,)+
                $(KeyOperation::$list { .. } => $list_letter,)+
            }
        }
    };
}

scripts! {
    values {
        Set SET "set" "s" 1 [];
        Inc INC "inc" "i" 1 ["parts/sum"];
        SetIfNotExists SET_IF_NOT_EXISTS "set_if_not_exists" "n" 1 [];
        TestAndSet TEST_AND_SET "test_and_set" "t" 2 [];
        Delete DELETE "delete" "d" 0 [];
        TestAndDelete TEST_AND_DELETE "test_and_delete" "x" 1 [];
    }
    lists {
        AppendValues APPEND_VALUES "append_values" "a";
        AppendUniqueValues APPEND_UNIQUE_VALUES "append_unique_values" "u";
        RemoveValues REMOVE_VALUES "remove_values" "r";
    }
    others {
        /// [`Operation::Reset`](crate::Operation::Reset).
        RESET = "reset" [
            "parts/read_map" "parts/revision" "reset" "parts/next" "parts/vanish" "parts/commit_map"];
        /// [`Operation::TestAndReset`](crate::Operation::TestAndReset).
        TEST_AND_RESET = "test_and_reset" [
            "parts/read_map" "parts/revision" "test_and_reset" "parts/next" "parts/vanish" "parts/commit_map"];
        /// [`Operation::Destroy`](crate::Operation::Destroy).
        DESTROY = "destroy" [
            "parts/read_map" "parts/revision" "destroy" "parts/next" "parts/vanish" "parts/commit_map"];
        /// [`Operation::Batch`](crate::Operation::Batch).
        BATCH = "batch" [
            "parts/items_begin" "parts/list" "parts/items_end" "parts/sum" "parts/read_keys" "parts/revision" "batch"
            choose_value "parts/batch_list" choose_list "parts/list_value" "parts/batch_list_end" "parts/batch_decided"
            "parts/next" "parts/ttl" "parts/batch_keys" "parts/prove_keys" "parts/publish_batch" "parts/write_keys"];
        /// [`write_group`].
        GROUP = "group" [
            "parts/sum" "parts/read_group" "parts/revision" "group" choose_value "parts/group_decided" "parts/next"
            "parts/ttl" "parts/group_keys" "parts/prove_keys" "parts/publish_group" "parts/write_keys"];
        /// [`Read::Probe`](crate::Read::Probe).
        PROBE = "probe" [
            "parts/read_map" "parts/revision" "parts/probe" "parts/mark" "probe"];
        /// [`Read::Snapshot`](crate::Read::Snapshot).
        SNAPSHOT = "snapshot" [
            "parts/read_map" "parts/revision" "parts/probe" "parts/mark" "snapshot"];
        /// [`check`](fn@check).
        CHECK = "check" ["check"];
    }
}
