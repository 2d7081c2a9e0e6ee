//! Every operation through the API of a map: each body runs against a real server and against the server in memory.
//!
//! A body is listed once, here. One that is listed nowhere is dead code, which the lints refuse. What only a real server
//! can refuse is in `real`.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

mod clears;
mod deletes;
mod every;
mod increments;
mod joins;
mod lists;
mod lives;
mod outside;
mod reads;
mod real;
mod refusals;
mod sets;
mod streams;
mod waits;
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
    joins:
        a_join_finds_what_is_there,
        a_join_writes_nothing,
        two_clients_share_a_map,
        one_client_joins_a_map_twice_and_another_besides,
        a_large_map_is_joined_in_pages,
        names_up_to_their_limit_are_taken,
        an_empty_name_is_refused,
        a_name_too_long_is_refused,
        a_name_with_a_forbidden_byte_is_refused,
        no_time_to_live_is_refused,
        a_time_to_live_too_long_is_refused,
        a_closed_client_joins_nothing;
    reads:
        reads_find_what_the_map_holds,
        reads_miss_what_the_map_does_not_hold,
        an_empty_map_reads_as_one,
        reserved_fields_are_not_shown,
        values_are_read_as_lists,
        a_view_never_changes,
        reads_need_no_server,
        reads_work_after_close;
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
    waits:
        a_set_and_wait_is_visible,
        many_are_visible_each_with_its_own_value,
        a_set_and_wait_that_is_not_polled_writes_nothing,
        a_wait_ends_in_every_process,
        the_revision_of_no_hash_is_there_at_once,
        a_wait_for_a_revision_to_come_is_not_ended_by_an_earlier_one,
        a_wait_for_what_was_deleted_says_so,
        a_wait_ends_when_the_map_closes;
    deletes:
        a_delete_is_published_byte_by_byte,
        a_delete_of_a_missing_key_changes_nothing,
        a_delete_of_an_empty_value_is_a_delete,
        a_delete_of_the_only_field_leaves_the_revision,
        a_test_and_delete_applies_when_the_value_is_the_same,
        a_test_and_delete_leaves_another_value_alone,
        a_test_and_delete_leaves_a_missing_key_alone;
    increments:
        a_missing_key_counts_as_zero,
        a_number_is_added_to,
        the_limits_of_64_bits_are_reached_exactly,
        what_redis_takes_for_no_integer_is_refused,
        a_sum_beyond_64_bits_is_refused;
    lists:
        items_are_appended_to_a_missing_list,
        items_are_appended_to_a_list,
        items_are_appended_to_text_with_commas,
        escapes_and_letters_come_out_as_what_they_mean,
        no_items_change_nothing_and_tell_the_list,
        without_a_hash_no_items_have_no_revision,
        only_new_items_are_appended_as_unique,
        items_that_are_there_are_not_appended_as_unique,
        every_occurrence_is_removed,
        removing_the_last_item_deletes_the_key,
        items_that_are_missing_are_not_removed,
        what_is_not_a_list_is_refused,
        a_list_grows_to_its_limit_and_no_further,
        a_list_has_at_most_so_many_items,
        how_long_lists_may_be_is_a_setting;
    clears:
        a_reset_is_published_byte_by_byte,
        a_reset_of_nothing_is_a_reset,
        a_destroy_clears_and_keeps_the_revision,
        a_destroy_of_nothing_is_a_destroy,
        a_test_and_reset_clears_when_all_values_are_the_same,
        a_test_and_reset_needs_every_value,
        a_test_and_reset_without_a_hash_does_not_apply,
        a_test_and_reset_without_tests_is_refused;
    streams:
        each_kind_of_change_is_told,
        the_strongest_kind_wins_while_unread,
        what_does_not_apply_is_not_told,
        subscriptions_are_independent,
        changes_tell_old_and_new,
        streams_end_with_the_map_after_what_is_unread,
        a_close_is_for_all_handles_and_for_good,
        the_last_handle_dropped_closes_the_map;
    lives:
        without_a_time_to_live_writes_leave_it_alone,
        a_time_to_live_is_given_by_every_write_that_applies,
        a_time_to_live_is_not_extended_by_any_write,
        a_sliding_time_to_live_is_refreshed_by_every_write_that_applies,
        no_time_to_live_is_touched_by_a_write_that_does_not_apply,
        no_time_to_live_is_touched_by_a_write_that_is_refused,
        content_disappears_with_the_hash,
        a_time_to_live_below_a_millisecond_is_one,
        revisions_rise_across_lives;
    outside:
        every_write_works_outside_of_the_runtime,
        all_else_works_outside_of_the_runtime;
    refusals:
        an_empty_key_is_refused,
        a_key_with_an_equals_sign_is_refused,
        a_key_too_long_is_refused,
        a_value_too_long_is_refused,
        the_longest_key_and_value_are_taken,
        a_corrupt_revision_is_refused,
        exhausted_revisions_are_refused,
        the_last_revision_is_written_in_full,
        writes_whose_condition_does_not_hold_change_nothing,
        each_write_raises_the_revision_by_one_and_says_so_once,
        a_closed_map_refuses_all_but_clearing,
        a_closed_client_refuses_all;
}
