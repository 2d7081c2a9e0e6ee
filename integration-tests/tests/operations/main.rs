//! Every operation through the API of a map: each body runs against a real server and against the server in memory.
//!
//! A body is listed once, here. One that is listed nowhere is dead code, which the lints refuse.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

mod increments;
mod sets;
mod wire;
mod world;

/// Makes a test of every body in each of the two worlds.
macro_rules! in_both_worlds {
    ($($module:ident: $($body:ident),+ $(,)?;)+) => {
        mod redis {
            $(mod $module {
                $(#[tokio::test]
                async fn $body() {
                    crate::$module::$body(crate::world::World::redis().await).await;
                })+
            })+
        }

        mod memory {
            $(mod $module {
                $(#[tokio::test]
                async fn $body() {
                    crate::$module::$body(crate::world::World::memory().await).await;
                })+
            })+
        }
    };
}

in_both_worlds! {
    sets:
        a_set_is_published_byte_by_byte,
        a_set_creates_the_hash_at_the_clock,
        a_set_replaces_and_tells_what_was_there,
        a_set_to_the_same_value_is_a_change,
        a_set_continues_a_hash_filled_by_hand,
        a_set_if_not_exists_sets_a_missing_key,
        a_set_if_not_exists_leaves_a_key_alone,
        a_test_and_set_applies_when_the_value_is_the_same,
        a_test_and_set_leaves_another_value_alone,
        a_test_and_set_leaves_a_missing_key_alone;
    increments:
        a_missing_key_counts_as_zero,
        a_number_is_added_to,
        the_limits_of_64_bits_are_reached_exactly,
        what_redis_takes_for_no_integer_is_refused,
        a_sum_beyond_64_bits_is_refused;
}
