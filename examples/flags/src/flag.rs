//! A feature flag, and who gets the feature.

use serde::{Deserialize, Serialize};

/// A feature that some users get.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Flag {
    /// False: nobody gets the feature.
    pub(crate) on: bool,
    /// The share of users that get the feature, 0 to 100.
    pub(crate) percent: u8,
    /// Users that get the feature whatever the share.
    #[serde(default)]
    pub(crate) users: Vec<String>,
}

impl Flag {
    /// Says why no process may show this flag.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.percent > 100 {
            return Err(format!("{} percent is more than everybody", self.percent));
        }
        Ok(())
    }

    /// True when this user gets the feature. A user who has the feature keeps it while the share grows.
    pub(crate) fn is_on_for(&self, name: &str, user: &str) -> bool {
        self.on && (self.users.iter().any(|one| one == user) || place(name, user) < self.percent)
    }
}

/// The place of a user among 100, the same in every process and release. Each flag has an order of its own, so that it is not
/// always the same users who get new features first.
fn place(name: &str, user: &str) -> u8 {
    // FNV-1a. The hashers of the standard library may differ between releases.
    let bytes = name.bytes().chain([0]).chain(user.bytes());
    let hash = bytes
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    u8::try_from(hash % 100).expect("below 100")
}

#[cfg(test)]
mod tests {
    use super::{Flag, place};

    #[test]
    fn a_share_of_the_users_gets_the_feature_and_keeps_it_while_the_share_grows() {
        let flag = |percent| Flag { on: true, percent, users: Vec::new() };
        let has = |percent: u8, user: &u32| flag(percent).is_on_for("search", &format!("user-{user}"));
        let users = 0..10_000;
        let share = users.clone().filter(|user| has(20, user)).count();
        assert!((1_800..2_200).contains(&share), "{share} of 10,000 users have a feature of 20 %");
        assert!(users.clone().all(|user| !has(20, &user) || has(30, &user)));
        assert!(users.clone().all(|user| has(100, &user) && !has(0, &user)));
    }

    #[test]
    fn the_place_of_a_user_is_the_same_in_every_release() {
        assert_eq!(["ann", "bob", "eve"].map(|user| place("search", user)), [94, 82, 3]);
        assert_ne!(place("search", "ann"), place("checkout", "ann"));
    }

    #[test]
    fn named_users_have_the_feature_unless_it_is_off() {
        let flag = |on| Flag { on, percent: 0, users: vec!["ann".to_owned()] };
        assert!(flag(true).is_on_for("search", "ann"));
        assert!(!flag(true).is_on_for("search", "bob"));
        assert!(!flag(false).is_on_for("search", "ann"));
    }
}
