//! Keys, values, list items and names of every kind. A client sets them, and they are unchanged in another client's
//! replica, in the hash and in the notification.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

mod bytes;
mod joins;
mod lists;
mod names;
mod pair;
mod sizes;
mod words;
