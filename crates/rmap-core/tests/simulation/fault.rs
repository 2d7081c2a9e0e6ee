//! Every fault of a history, one row each.
//!
//! A new fault is a row here and an arm at its place: an [`Action`] in `World::act`, or a [`Chance`] with a call of
//! `Luck::strikes`. The seed of a history decides which rows take part, and how often.

/// Uncertainty that a row brings into its histories. Each level includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Blur {
    /// Every promise can be checked.
    Nothing,
    /// The hash may have several lives, or the beginning of one may seem to recur. A wait may end as broken.
    History,
    /// A revision may have several contents. A wait that was reached does not prove that its write is in the past.
    Revisions,
    /// A replica may show content that the hash never held. Only the end can be checked.
    States,
}

/// A row of a table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<T> {
    pub(crate) what: T,
    /// The name in reports.
    pub(crate) name: &'static str,
    /// Largest frequency.
    pub(crate) most: u64,
    pub(crate) blur: Blur,
}

macro_rules! table {
    ($(#[$doc:meta])* $table:ident { $($row:ident: $name:literal, $most:literal, $blur:ident;)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum $table { $($row,)* }

        impl $table {
            pub(crate) const ROWS: &[Row<Self>] =
                &[$(Row { what: Self::$row, name: $name, most: $most, blur: Blur::$blur },)*];

            pub(crate) const fn row(self) -> Row<Self> {
                Self::ROWS[self as usize]
            }
        }
    };
}

table! {
    /// One step of a history. The number is the step's greatest weight among all steps.
    Action {
        Idle: "idle", 400, Nothing;
        Write: "write", 500, Nothing;
        Batch: "batch", 100, Nothing;
        Sync: "sync", 40, Nothing;
        Verify: "verification asked for", 20, Nothing;
        Sleep: "much time passes", 20, Nothing;
        Bulk: "bulk load", 10, Nothing;
        Cut: "connection lost", 60, Nothing;
        ResetAway: "reset while a replica is away", 20, Nothing;
        Stop: "replica stopped, its clock jumps", 20, Nothing;
        Store: "content stored", 60, Nothing;
        Restart: "process restarted with its store", 20, Nothing;
        Noise: "garbage again and again", 10, Nothing;
        ClockBack: "server clock set back", 10, Nothing;
        Wipe: "hash deleted", 60, History;
        GoWrite: "write of a Go peer", 400, Revisions;
        CloseWipe: "hash deleted, next life follows closely", 60, Revisions;
        RestartBelow: "life that begins below", 30, Revisions;
        Failover: "failover to an older copy", 20, Revisions;
        AttachedFailover: "failover, subscribers attached", 20, States;
        Behind: "write past the map", 30, States;
        Forge: "forged notification", 20, States;
        Restore: "older copy restored", 20, States;
    }
}

table! {
    /// A fault that may strike at each occasion. The number is its greatest share, in parts of a thousand.
    Chance {
        SilentLoss: "message lost silently", 100, Nothing;
        Lag: "message lost and reported", 50, Nothing;
        Spoiled: "message spoiled", 50, Nothing;
        Twice: "message sent twice", 50, History;
        Swapped: "messages swapped", 50, History;
        LostReply: "reply lost", 100, Nothing;
        Unavailable: "request failed", 50, Nothing;
        Refused: "request refused", 50, Nothing;
        LostSubscription: "subscription unanswered", 100, Nothing;
        FailedSubscription: "subscription failed", 100, Nothing;
        TimeToLive: "write with a time to live", 200, History;
    }
}
