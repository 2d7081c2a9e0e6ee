//! What each error code proves: the one table for transports, groups, clients and documents.

/// What an error reply proves about a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Proof {
    /// The server refused the request before anything ran.
    NothingRan,
    /// What ran changed nothing, or took back what it had changed.
    NothingChanged,
    /// The write may have been carried out.
    Nothing,
}

/// Which writes meet an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Meets {
    /// Any script, whatever it is about to do: sent again by itself, a write meets the same.
    Every,
    /// Perhaps this one alone: in a full memory a delete still works, and a write whose condition does not hold needs no right to
    /// write.
    This,
}

/// What an error says about the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Server {
    /// Nothing.
    Unknown,
    /// It refuses some commands for a while, even PING, and takes the others.
    Limited,
    /// It is no master. Another one may be, so the connection is of no use.
    NoMaster,
    /// It wants a user and a password, or others than these.
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
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The first word of the error; of [`Killed`](Self::Killed), which has no code of its own, part of the text.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// What the error proves about a write that it answers.
            #[must_use]
            pub const fn proof(self) -> Proof {
                match self { $(Self::$name => Proof::$proof,)* }
            }

            /// Which writes meet the error.
            #[must_use]
            pub const fn meets(self) -> Meets {
                match self { $(Self::$name => Meets::$meets,)* }
            }

            /// What the error says about the server.
            #[must_use]
            pub const fn server(self) -> Server {
                match self { $(Self::$name => Server::$server,)* }
            }
        }
    };
}

error_codes! {
    // Of our scripts.
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
    BatchTooLong = "RMAPBATCH", NothingChanged, This, Unknown;
    /// A step of a batch failed; its number and cause follow.
    Step = "RMAPSTEP", NothingChanged, This, Unknown;
    /// The server refused a command of the script; the server's own error follows.
    Refused = "RMAPREFUSED", NothingChanged, This, Unknown;
    /// A command was refused that had been proved before: what came before it stands.
    Partial = "RMAPPARTIAL", Nothing, Every, Unknown;

    // Of the server.
    /// The key holds another type.
    WrongType = "WRONGTYPE", NothingChanged, Every, Unknown;
    /// The server does not know the script.
    NoScript = "NOSCRIPT", NothingRan, This, Unknown;
    /// The memory is full, and the write needs some.
    OutOfMemory = "OOM", NothingChanged, This, Unknown;
    /// Too few replicas follow the server.
    NoReplicas = "NOREPLICAS", NothingRan, This, Unknown;
    /// The server cannot save.
    Misconfigured = "MISCONF", NothingRan, This, Limited;
    /// A script runs too long.
    Busy = "BUSY", NothingRan, Every, Limited;
    /// A replica refuses the first write of a script, and so not a write whose condition does not hold. It counts as met by
    /// every write: what would be sent again might get lost with the connections, which are replaced.
    ReadOnly = "READONLY", NothingRan, Every, NoMaster;
    /// A replica that has lost its master serves nothing.
    MasterDown = "MASTERDOWN", NothingRan, Every, NoMaster;
    /// The server loads its data.
    Loading = "LOADING", NothingRan, Every, Unknown;
    /// The user lacks a right.
    NoPermission = "NOPERM", NothingChanged, This, Unknown;
    /// `SCRIPT KILL` ended the script, which works only on one that has not written yet.
    Killed = "Script killed by user", NothingChanged, Every, Unknown;
    /// Another node of the cluster has the slot.
    Moved = "MOVED", NothingRan, Every, Unknown;
    /// Another node of the cluster is getting the slot.
    Ask = "ASK", NothingRan, Every, Unknown;
    /// The slot is on its way to another node.
    TryAgain = "TRYAGAIN", NothingRan, This, Unknown;
    /// The keys are in several slots.
    CrossSlot = "CROSSSLOT", NothingRan, Every, Unknown;
    /// The cluster is down.
    ClusterDown = "CLUSTERDOWN", NothingRan, This, Unknown;
    /// Nobody is logged in. No write meets it, since connections log in before.
    NoLogin = "NOAUTH", Nothing, Every, WantsLogin;
    /// User or password are wrong. No write meets it.
    WrongLogin = "WRONGPASS", Nothing, Every, WantsLogin;
}

impl ErrorCode {
    /// The code of an error that begins with this word, and goes on with this text; `None`: not known.
    #[must_use]
    pub fn of(word: &str, text: &str) -> Option<Self> {
        let killed = || text.contains(Self::Killed.as_str()).then_some(Self::Killed);
        Self::ALL.iter().copied().find(|code| code.as_str() == word).or_else(killed)
    }
}
