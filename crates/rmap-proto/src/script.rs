//! What a transport sends for a write or a read, and how it reads the reply.
//!
//! [`write`](fn@write) and [`read`](fn@read) say which [`Script`] or command to run with which arguments. The transport
//! runs it once, hands an error reply to [`WriteError::from_server`](crate::WriteError::from_server) and anything else
//! to [`decode_written`] or [`decode_read`]. Writes of one map that wait at the same moment may be one [`write_group`].

mod batch;
mod check;
mod group;
mod read;
mod reply;
mod write;

use bytes::Bytes;

pub use check::{Check, check, check_refused, decode_check};
pub use group::{MAX_GROUP_WRITES, decode_group, group_size, write_group};
pub use read::{decode_read, read};
pub use write::{decode_written, write};

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
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// Declares scripts, each put together from files in `lua/`, and the list of them all.
macro_rules! scripts {
    ($($(#[$doc:meta])* $item:ident = $name:literal: $($file:literal)+;)+) => {
        $(
            $(#[$doc])*
            pub static $item: Script =
                Script { name: $name, source: concat!($(include_str!(concat!("../lua/", $file, ".lua"))),+) };
        )+

        /// All scripts, for loading them ahead of their first use.
        pub static ALL: &[&Script] = &[$(&$item),+];
    };
}

scripts! {
    /// [`KeyOperation::Set`](crate::KeyOperation::Set).
    SET = "set":
        "parts/read_key" "parts/revision" "set" "parts/next" "parts/ttl" "parts/commit_key";
    /// [`KeyOperation::SetIfNotExists`](crate::KeyOperation::SetIfNotExists).
    SET_IF_NOT_EXISTS = "set_if_not_exists":
        "parts/read_key" "parts/revision" "set_if_not_exists" "parts/next" "parts/ttl" "parts/commit_key";
    /// [`KeyOperation::TestAndSet`](crate::KeyOperation::TestAndSet).
    TEST_AND_SET = "test_and_set":
        "parts/read_key" "parts/revision" "test_and_set" "parts/next" "parts/ttl" "parts/commit_key";
    /// [`KeyOperation::Delete`](crate::KeyOperation::Delete).
    DELETE = "delete":
        "parts/read_key" "parts/revision" "delete" "parts/next" "parts/ttl" "parts/commit_key";
    /// [`KeyOperation::TestAndDelete`](crate::KeyOperation::TestAndDelete).
    TEST_AND_DELETE = "test_and_delete":
        "parts/read_key" "parts/revision" "test_and_delete" "parts/next" "parts/ttl" "parts/commit_key";
    /// [`KeyOperation::Inc`](crate::KeyOperation::Inc).
    INC = "inc":
        "parts/sum" "parts/read_key" "parts/revision" "inc" "parts/next" "parts/ttl" "parts/commit_key";
    /// [`KeyOperation::AppendValues`](crate::KeyOperation::AppendValues).
    APPEND_VALUES = "append_values":
        "parts/read_key" "parts/revision" "parts/list" "append_values" "parts/list_value" "parts/next"
        "parts/ttl" "parts/commit_key";
    /// [`KeyOperation::AppendUniqueValues`](crate::KeyOperation::AppendUniqueValues).
    APPEND_UNIQUE_VALUES = "append_unique_values":
        "parts/read_key" "parts/revision" "parts/list" "append_unique_values" "parts/list_value" "parts/next"
        "parts/ttl" "parts/commit_key";
    /// [`KeyOperation::RemoveValues`](crate::KeyOperation::RemoveValues).
    REMOVE_VALUES = "remove_values":
        "parts/read_key" "parts/revision" "parts/list" "remove_values" "parts/list_value" "parts/next"
        "parts/ttl" "parts/commit_key";
    /// [`Operation::Reset`](crate::Operation::Reset).
    RESET = "reset":
        "parts/read_map" "parts/revision" "reset" "parts/next" "parts/vanish" "parts/commit_map";
    /// [`Operation::TestAndReset`](crate::Operation::TestAndReset).
    TEST_AND_RESET = "test_and_reset":
        "parts/read_map" "parts/revision" "test_and_reset" "parts/next" "parts/vanish" "parts/commit_map";
    /// [`Operation::Destroy`](crate::Operation::Destroy).
    DESTROY = "destroy":
        "parts/read_map" "parts/revision" "destroy" "parts/next" "parts/vanish" "parts/commit_map";
    /// [`Operation::Batch`](crate::Operation::Batch).
    BATCH = "batch":
        "parts/items_begin" "parts/list" "parts/items_end" "parts/sum" "parts/read_keys" "parts/revision" "batch"
        "parts/next" "parts/ttl" "parts/batch_keys" "parts/prove_keys" "parts/publish_batch" "parts/write_keys";
    /// [`write_group`].
    GROUP = "group":
        "parts/sum" "parts/read_group" "parts/revision" "group" "parts/next" "parts/ttl" "parts/group_keys"
        "parts/prove_keys" "parts/publish_group" "parts/write_keys";
    /// [`Read::Probe`](crate::Read::Probe).
    PROBE = "probe":
        "parts/read_map" "parts/revision" "parts/probe" "parts/mark" "probe";
    /// [`Read::Snapshot`](crate::Read::Snapshot).
    SNAPSHOT = "snapshot":
        "parts/read_map" "parts/revision" "parts/probe" "parts/mark" "snapshot";
    /// [`check`](fn@check).
    CHECK = "check": "check";
}
