//! The table of error codes and their proofs, for transports, groups, clients and documents.

/// The proof that an error reply gives about a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Proof {
    /// The server refused the request before anything ran.
    NothingRan,
    /// The request ran, but it changed nothing, or took its changes back.
    NothingChanged,
    /// The write may have been carried out.
    Nothing,
}

/// The writes that get an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Meets {
    /// Every script, whatever its operation. A write that is retried alone gets the same error.
    Every,
    /// Perhaps only this write. With full memory a delete still works, and a write whose condition does not hold needs no
    /// right to write.
    This,
}

/// The condition of the server that an error reveals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Server {
    /// The error reveals nothing about the server.
    Unknown,
    /// The server refuses some commands for a while, even PING, and accepts the others.
    Limited,
    /// The server is no master. Another server may be, so the connection is useless.
    NoMaster,
    /// The server wants a user and a password, or other ones.
    WantsLogin,
}

/// Declares the codes and their table.
macro_rules! error_codes {
    ($($(#[doc = $doc:literal])* $name:ident = $text:literal, $proof:ident, $meets:ident, $server:ident;)*) => {
        /// An error code that rmap knows, of a server or of its own scripts.
        ///
        /// An error with any other code proves nothing.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[doc = $doc])* $name,)*
        }

        impl ErrorCode {
            /// All codes.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The first word of the error. [`Killed`](Self::Killed) has no code of its own, so this is a part of its text.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The proof that the error gives about a write.
            #[must_use]
            pub const fn proof(self) -> Proof {
                match self { $(Self::$name => Proof::$proof,)* }
            }

            /// The writes that get the error.
            #[must_use]
            pub const fn meets(self) -> Meets {
                match self { $(Self::$name => Meets::$meets,)* }
            }

            /// The condition of the server that the error reveals.
            #[must_use]
            pub const fn server(self) -> Server {
                match self { $(Self::$name => Server::$server,)* }
            }
        }
    };
}

error_codes! {
    // Codes of our scripts.
    /// The field `=rev` is corrupt.
    CorruptRevision = "RMAPREVISION", NothingChanged, Every, Unknown;
    /// The next revision would reach the limit.
    RevisionsExhausted = "RMAPEXHAUSTED", NothingChanged, This, Unknown;
    /// The value is not an integer.
    NotAnInteger = "RMAPINTEGER", NothingChanged, This, Unknown;
    /// The sum does not fit 64 bits.
    Overflow = "RMAPOVERFLOW", NothingChanged, This, Unknown;
    /// The value is not a list.
    NotAList = "RMAPNOTALIST", NothingChanged, This, Unknown;
    /// The list would be too long.
    ListTooLong = "RMAPTOOLONG", NothingChanged, This, Unknown;
    /// The batch would change too many bytes.
    BatchTooLarge = "RMAPBATCH", NothingChanged, This, Unknown;
    /// A step of a batch failed. Its number and cause follow.
    Step = "RMAPSTEP", NothingChanged, This, Unknown;
    /// The server refused a command of the script. The server's own error follows.
    Refused = "RMAPREFUSED", NothingChanged, This, Unknown;
    /// The server refused a command after its proof. The earlier commands of the script took effect.
    Partial = "RMAPPARTIAL", Nothing, Every, Unknown;

    // Codes of the server.
    /// The key holds another type.
    WrongType = "WRONGTYPE", NothingChanged, Every, Unknown;
    /// The server does not know the script.
    NoScript = "NOSCRIPT", NothingRan, This, Unknown;
    /// The memory is full, and the write needs memory.
    OutOfMemory = "OOM", NothingChanged, This, Unknown;
    /// Too few replicas follow the server.
    NoReplicas = "NOREPLICAS", NothingRan, This, Unknown;
    /// The server cannot save.
    Misconfigured = "MISCONF", NothingRan, This, Limited;
    /// A script runs too long.
    Busy = "BUSY", NothingRan, Every, Limited;
    /// The server is a replica, which refuses the first write of a script. A write whose condition does not hold would
    /// pass. The error counts for every write all the same, because a retry might get lost with the replaced connections.
    ReadOnly = "READONLY", NothingRan, Every, NoMaster;
    /// The server is a replica that has lost its master, and serves nothing.
    MasterDown = "MASTERDOWN", NothingRan, Every, NoMaster;
    /// The server is loading its data.
    Loading = "LOADING", NothingRan, Every, Unknown;
    /// The user lacks a right.
    NoPermission = "NOPERM", NothingChanged, This, Unknown;
    /// `SCRIPT KILL` ended the script. That works only on a script that has not written yet.
    Killed = "Script killed by user", NothingChanged, Every, Unknown;
    /// Another node of the cluster has the slot.
    Moved = "MOVED", NothingRan, Every, Unknown;
    /// Another node of the cluster is getting the slot.
    Ask = "ASK", NothingRan, Every, Unknown;
    /// The slot is moving to another node.
    TryAgain = "TRYAGAIN", NothingRan, This, Unknown;
    /// The keys are in several slots.
    CrossSlot = "CROSSSLOT", NothingRan, Every, Unknown;
    /// The cluster is down.
    ClusterDown = "CLUSTERDOWN", NothingRan, This, Unknown;
    /// The connection is not logged in. No write gets this error, because connections log in first.
    NoLogin = "NOAUTH", Nothing, Every, WantsLogin;
    /// User or password are wrong. No write gets this error.
    WrongLogin = "WRONGPASS", Nothing, Every, WantsLogin;
}

impl ErrorCode {
    /// The code of an error with this first word and this text. `None` for an unknown code.
    #[must_use]
    pub fn of(word: &str, text: &str) -> Option<Self> {
        let killed = || text.contains(Self::Killed.as_str()).then_some(Self::Killed);
        Self::ALL.iter().copied().find(|code| code.as_str() == word).or_else(killed)
    }
}
