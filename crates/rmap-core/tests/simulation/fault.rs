//! Everything that can happen in a history, one row each.
//!
//! A new fault is a row here and an arm where it happens: an [`Action`] in `World::act`, a [`Chance`] where it is asked
//! for with `Luck::strikes`. Which rows take part in a history, and how often, is drawn from its seed.

/// What a row makes undecidable in the histories that it takes part in; each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Blur {
    /// All promises can be checked.
    Nothing,
    /// The hash may have several lives, or the beginning of one may seem to come again: a wait may end as broken.
    History,
    /// A revision may come with several contents: a wait that was reached does not prove that its write is in the past.
    Revisions,
    /// A replica may show what the hash never held: only the end can be checked.
    States,
}

/// A row of a table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<T> {
    pub(crate) what: T,
    /// What reports call it.
    pub(crate) name: &'static str,
    /// How often it happens at most.
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
    /// What one step of a history does. The number is the step's greatest weight among all steps.
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
    /// What may go wrong each time that there is an occasion. The number is the greatest share of them, in parts of a
    /// thousand.
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
