//! What a transport sends for a write or a read, and how it reads the reply.
//!
//! [`write`](fn@write) and [`read`](fn@read) say which [`Script`] or command to run with which arguments. The transport
//! runs it once, hands an error reply to [`WriteError::from_server`](crate::WriteError::from_server) and anything else
//! to [`decode_written`] or [`decode_read`]. Writes of one map that wait at the same moment may be one [`write_group`].

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
    /// The name of the script, which is that of the operation it carries out.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The text of the script, as `SCRIPT LOAD` and `EVAL` take it.
    #[must_use]
    pub const fn source(&self) -> &'static str {
        self.source
    }
}

/// One request to the server.
///
/// Its `Debug` form tells how many bytes the arguments have, not the arguments.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a transport has to know how to run each of them")]
pub enum Invocation {
    /// A script, by `EVALSHA` or `EVAL`.
    Script {
        /// The script.
        script: &'static Script,
        /// The only one of its `KEYS`: the hash.
        key: Bytes,
        /// Its `ARGV`.
        args: Vec<Bytes>,
    },
    /// A plain command.
    Command {
        /// The command.
        name: &'static str,
        /// Everything after it.
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

/// The text of a file in `lua/`, or the choice by letter among the operations on values or on lists.
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

/// The choice by letter among operations, without its `end`. One on values is followed by how many arguments it takes.
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

/// Declares scripts, each put together from files in `lua/`, and the list of them all.
///
/// An operation on one key is a row of its own: its variant, its script, its name, the letter for it in groups and batches, for
/// one on values how many arguments it takes, and what its script needs beside that of others. The most frequent come first.
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

        /// All scripts, for loading them ahead of their first use.
        pub static ALL: &[&Script] = &[$(&$value_item,)+ $(&$list_item,)+ $(&$item),+];

        /// The script of an operation on one key.
        const fn script_of(operation: &KeyOperation) -> &'static Script {
            match operation {
                $(KeyOperation::$value { .. } => &$value_item,)+
                $(KeyOperation::$list { .. } => &$list_item,)+
            }
        }

        /// How the scripts of groups and batches call an operation on one key.
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
