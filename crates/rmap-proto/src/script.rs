//! Requests of writes and reads, and decoders of their replies.
//!
//! [`write`](fn@write) and [`read`](fn@read) build the [`Invocation`] to send. The transport runs it once. It hands an
//! error reply to [`WriteError::from_server`](crate::WriteError::from_server), and any other reply to
//! [`decode_written`] or [`decode_read`]. [`write_group`] combines writes of one map that wait at the same moment.

mod arguments;
mod batch;
mod check;
mod group;
mod lease;
mod read;
mod reply;
mod write;

use std::fmt;

use bytes::Bytes;

pub use check::{Check, check, check_leases, check_refused, decode_check};
pub use group::{MAX_GROUP_WRITES, decode_group, group_size, write_group, write_group_leased};
pub use lease::{
    decode_expires_at, decode_reaped, decode_renewed, decode_revoked, expires_at, parse_fence, reap, renew,
    revoke, start_leases,
};
pub use read::{decode_read, read};
pub use write::{decode_written, write};

use crate::sizes::Size;
use crate::{Escaped, KeyOperation, Sidecars};

/// A Lua script with its name.
#[derive(Debug, PartialEq, Eq)]
pub struct Script {
    name: &'static str,
    source: &'static str,
    leased: Option<&'static Self>,
}

impl Script {
    /// The name of the script: the name of its operation.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The script that does the same for a map that may have leases. `None` for a script that has no such twin.
    #[must_use]
    pub const fn leased(&self) -> Option<&'static Self> {
        self.leased
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
        /// The first element of `KEYS`: the hash.
        key: Bytes,
        /// The other elements of `KEYS`, in the order of the struct's fields, for a map that may have leases. They are in
        /// the cluster slot of the hash.
        sidecars: Option<Sidecars>,
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
            Self::Script { script, key, args, .. } => {
                write!(f, "{}({}, {:?})", script.name, Escaped(key), sizes(args))
            }
            Self::Command { name, args } => write!(f, "{name}({:?})", sizes(args)),
        }
    }
}

/// The script for a map that may have leases.
const fn leased(script: &'static Script) -> &'static Script {
    match script.leased {
        Some(leased) => leased,
        None => script,
    }
}

/// The text of a file in `lua/`, or the generated choice among the operations on values or on lists.
macro_rules! piece {
    (choose_value) => {
        choose_value!()
    };
    (choose_leased) => {
        choose_leased!()
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
/// Each operation on one key is one row: variant, static, static of the twin for maps with leases, name, and its letter in
/// groups and batches. An operation on values adds its argument count and the extra parts of its script. Frequent
/// operations come first, because Lua compares the letters in this order. An expiring operation exists with leases only.
macro_rules! scripts {
    (
        values { $($value:ident $value_item:ident $value_leased:ident $value_name:literal $value_letter:literal
            $count:literal [$($value_part:literal)*];)+ }
        expiring { $($expiring:ident $expiring_item:ident $expiring_name:literal $expiring_letter:literal
            $expiring_count:literal;)+ }
        lists { $($list:ident $list_item:ident $list_leased:ident $list_name:literal $list_letter:literal;)+ }
        twins { $($(#[$twin_doc:meta])* $twin_item:ident $twin_leased:ident = $twin_name:literal [$($twin:tt)+]
            leased [$($twin_piece:tt)+];)+ }
        others { $($(#[$doc:meta])* $item:ident = $name:literal [$($piece:tt)+];)+ }
    ) => {
        macro_rules! choose_value {
            () => { choose!("if" $(($value_name $value_letter $count))+) };
        }
        macro_rules! choose_leased {
            () => {
                choose!("if" $(($value_name $value_letter $count))+
                    $(($expiring_name $expiring_letter $expiring_count))+)
            };
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
                leased: Some(&$value_leased),
            };
            static $value_leased: Script = Script {
                name: concat!("leased_", $value_name),
                source: concat!(
                    $(piece!($value_part),)*
                    piece!("parts/read_key"), piece!("parts/revision"), lease_of_key!(), piece!("parts/take_values"),
                    include_str!(concat!("../lua/operations/", $value_name, ".lua")),
                    piece!("parts/decided"), commit_leased!(),
                ),
                leased: None,
            };
        )+
        $(
            #[doc = concat!("[`KeyOperation::", stringify!($expiring), "`](crate::KeyOperation::", stringify!($expiring), ").")]
            pub static $expiring_item: Script = Script {
                name: $expiring_name,
                source: concat!(
                    piece!("parts/read_key"), piece!("parts/revision"), lease_of_key!(), piece!("parts/lease_clock"),
                    piece!("parts/lease_fence"), piece!("parts/take_values"),
                    include_str!(concat!("../lua/operations/", $expiring_name, ".lua")),
                    piece!("parts/decided"), commit_leased!(),
                ),
                leased: None,
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
                leased: Some(&$list_leased),
            };
            static $list_leased: Script = Script {
                name: concat!("leased_", $list_name),
                source: concat!(
                    piece!("parts/read_key"), piece!("parts/revision"), lease_of_key!(), piece!("parts/list"),
                    piece!("parts/take_items"),
                    include_str!(concat!("../lua/operations/", $list_name, ".lua")), piece!("parts/list_value"),
                    piece!("parts/decided"), commit_leased!(),
                ),
                leased: None,
            };
        )+
        $(
            $(#[$twin_doc])*
            pub static $twin_item: Script = Script {
                name: $twin_name, source: concat!($(piece!($twin)),+), leased: Some(&$twin_leased),
            };
            static $twin_leased: Script = Script {
                name: concat!("leased_", $twin_name), source: concat!($(piece!($twin_piece)),+), leased: None,
            };
        )+
        $(
            $(#[$doc])*
            pub static $item: Script = Script { name: $name, source: concat!($(piece!($piece)),+), leased: None };
        )+

        /// All scripts, so that a transport can load them before their first use.
        pub static ALL: &[&Script] = &[
            $(&$value_item,)+ $(&$list_item,)+ $(&$twin_item,)+ $(&$item,)+
            $(&$value_leased,)+ $(&$expiring_item,)+ $(&$list_leased,)+ $(&$twin_leased),+
        ];

        /// The script of an operation on one key.
        const fn script_of(operation: &KeyOperation) -> &'static Script {
            match operation {
                $(KeyOperation::$value { .. } => &$value_item,)+
                $(KeyOperation::$expiring { .. } => &$expiring_item,)+
                $(KeyOperation::$list { .. } => &$list_item,)+
            }
        }

        /// The letter that stands for an operation in the scripts of groups and batches.
        const fn letter_of(operation: &KeyOperation) -> &'static str {
            match operation {
                $(KeyOperation::$value { .. } => $value_letter,)+
                $(KeyOperation::$expiring { .. } => $expiring_letter,)+
                $(KeyOperation::$list { .. } => $list_letter,)+
            }
        }
    };
}

/// The parts that read the lease of the key, in the script of an operation on one key.
macro_rules! lease_of_key {
    () => {
        concat!(
            piece!("parts/lease_key"),
            piece!("parts/lease_life"),
            piece!("parts/lease_holds"),
            piece!("parts/lease_read"),
            piece!("parts/lease_change"),
        )
    };
}

/// The end of the script of an operation on one key, for maps that may have leases.
macro_rules! commit_leased {
    () => {
        concat!(
            piece!("parts/lease_step"),
            piece!("parts/next"),
            piece!("parts/ttl"),
            piece!("parts/lease_plan"),
            piece!("parts/lease_ask"),
            piece!("parts/lease_begin"),
            piece!("parts/lease_tag"),
            piece!("parts/commit_key"),
            piece!("parts/lease_end"),
            piece!("parts/lease_run"),
            piece!("parts/lease_answer"),
        )
    };
}

scripts! {
    values {
        Set SET LEASED_SET "set" "s" 1 [];
        Inc INC LEASED_INC "inc" "i" 1 ["parts/sum"];
        SetIfNotExists SET_IF_NOT_EXISTS LEASED_SET_IF_NOT_EXISTS "set_if_not_exists" "n" 1 [];
        TestAndSet TEST_AND_SET LEASED_TEST_AND_SET "test_and_set" "t" 2 [];
        Delete DELETE LEASED_DELETE "delete" "d" 0 [];
        TestAndDelete TEST_AND_DELETE LEASED_TEST_AND_DELETE "test_and_delete" "x" 1 [];
    }
    expiring {
        SetExpiring SET_EXPIRING "set_expiring" "e" 4;
    }
    lists {
        AppendValues APPEND_VALUES LEASED_APPEND_VALUES "append_values" "a";
        AppendUniqueValues APPEND_UNIQUE_VALUES LEASED_APPEND_UNIQUE_VALUES "append_unique_values" "u";
        RemoveValues REMOVE_VALUES LEASED_REMOVE_VALUES "remove_values" "r";
    }
    twins {
        /// [`Operation::Reset`](crate::Operation::Reset).
        RESET LEASED_RESET = "reset" [
            "parts/read_map" "parts/revision" "reset" "parts/next" "parts/vanish" "parts/commit_map"]
            leased [
            "parts/read_map" "parts/revision" "reset" "parts/next" "parts/vanish" "parts/lease_map" "parts/lease_read"
            "parts/lease_plan" "parts/lease_ask" "parts/lease_begin" "parts/commit_map" "parts/lease_end" "parts/lease_run"
            "parts/lease_answer"];
        /// [`Operation::TestAndReset`](crate::Operation::TestAndReset).
        TEST_AND_RESET LEASED_TEST_AND_RESET = "test_and_reset" [
            "parts/read_map" "parts/revision" "test_and_reset" "parts/next" "parts/vanish" "parts/commit_map"]
            leased [
            "parts/read_map" "parts/revision" "test_and_reset" "parts/next" "parts/vanish" "parts/lease_map"
            "parts/lease_read" "parts/lease_plan" "parts/lease_ask" "parts/lease_begin" "parts/commit_map" "parts/lease_end"
            "parts/lease_run" "parts/lease_answer"];
        /// [`Operation::Destroy`](crate::Operation::Destroy).
        DESTROY LEASED_DESTROY = "destroy" [
            "parts/read_map" "parts/revision" "destroy" "parts/next" "parts/vanish" "parts/commit_map"]
            leased [
            "parts/read_map" "parts/revision" "destroy" "parts/next" "parts/vanish" "parts/lease_map" "parts/lease_read"
            "parts/lease_plan" "parts/lease_ask" "parts/lease_begin" "parts/commit_map" "parts/lease_end" "parts/lease_run"
            "parts/lease_answer"];
        /// [`Operation::Batch`](crate::Operation::Batch).
        BATCH LEASED_BATCH = "batch" [
            "parts/items_begin" "parts/list" "parts/items_end" "parts/sum" "parts/read_keys" "parts/revision" "batch"
            choose_value "parts/batch_list" choose_list "parts/list_value" "parts/batch_list_end" "parts/batch_decided"
            "parts/next" "parts/ttl" "parts/batch_keys" "parts/prove_keys" "parts/publish_batch" "parts/write_keys"]
            leased [
            "parts/items_begin" "parts/list" "parts/items_end" "parts/sum" "parts/read_keys" "parts/revision"
            "parts/lease_batch" "parts/lease_life" "parts/lease_holds" "parts/lease_read" "parts/lease_change"
            "parts/lease_clock" "parts/lease_fence" "batch" choose_leased "parts/batch_list" choose_list
            "parts/list_value" "parts/batch_list_end" "parts/lease_batch_step" "parts/batch_decided"
            "parts/lease_batch_tags" "parts/next" "parts/ttl" "parts/batch_keys" "parts/lease_plan" "parts/lease_ask"
            "parts/lease_begin" "parts/prove_keys" "parts/lease_tag" "parts/publish_batch" "parts/write_keys"
            "parts/lease_end" "parts/lease_run" "parts/lease_answer"];
        /// [`write_group`].
        GROUP LEASED_GROUP = "group" [
            "parts/sum" "parts/read_group" "parts/revision" "group" choose_value "parts/group_decided" "parts/next"
            "parts/ttl" "parts/group_keys" "parts/prove_keys" "parts/publish_group" "parts/write_keys"]
            leased [
            "parts/sum" "parts/read_group" "parts/revision" "parts/lease_group" "parts/lease_life" "parts/lease_holds"
            "parts/lease_read" "parts/lease_change" "parts/lease_clock" "parts/lease_fence" "group" choose_leased
            "parts/lease_group_step" "parts/group_decided" "parts/next" "parts/ttl" "parts/group_keys" "parts/lease_plan"
            "parts/lease_ask" "parts/lease_begin" "parts/prove_keys" "parts/lease_tag" "parts/publish_group"
            "parts/write_keys" "parts/lease_end" "parts/lease_run" "parts/lease_answer"];
    }
    others {
        /// [`start_leases`].
        START_LEASES = "start_leases" ["start_leases" "parts/lease_ask" "parts/lease_run" "parts/start_answer"];
        /// [`reap`].
        REAP = "reap" [
            "parts/read_map" "parts/revision" "parts/lease_clock" "reap" "parts/lease_holds" "parts/lease_read"
            "parts/removal" "parts/next" "parts/ttl" "parts/lease_plan" "parts/lease_ask" "parts/lease_begin"
            "parts/removal_keys" "parts/prove_keys" "parts/publish_removal" "parts/write_keys" "parts/lease_end"
            "parts/lease_run" "parts/reap_answer"];
        /// [`revoke`].
        REVOKE = "revoke" [
            "parts/read_map" "parts/revision" "revoke" "parts/lease_holds" "parts/lease_read" "parts/removal" "parts/next"
            "parts/ttl" "parts/lease_plan" "parts/lease_ask" "parts/lease_begin" "parts/removal_keys" "parts/prove_keys"
            "parts/publish_removal" "parts/write_keys" "parts/lease_end" "parts/lease_run" "parts/revoke_answer"];
        /// [`renew`].
        RENEW = "renew" [
            "parts/read_map" "parts/revision" "parts/lease_clock" "parts/lease_holds" "renew" "parts/lease_ask"
            "parts/lease_run" "parts/renew_answer"];
        /// [`expires_at`].
        EXPIRES_AT = "expires_at" [
            "parts/read_map" "parts/revision" "parts/lease_clock" "parts/lease_holds" "expires_at"];
        /// [`Read::Probe`](crate::Read::Probe).
        PROBE = "probe" [
            "parts/read_map" "parts/revision" "parts/probe" "parts/lease_state" "parts/mark" "probe"];
        /// [`Read::Snapshot`](crate::Read::Snapshot).
        SNAPSHOT = "snapshot" [
            "parts/read_map" "parts/revision" "parts/probe" "parts/lease_state" "parts/mark" "snapshot"];
        /// [`check`](fn@check).
        CHECK = "check" ["check"];
    }
}
