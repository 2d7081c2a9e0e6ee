//! Every setting reaches the place that uses it.

use super::*;

const TIME: Duration = Duration::from_millis(4321);

/// The replica's part of the settings.
fn replica(settings: MapSettings) -> ReplicaSettings {
    let rest = MapSettings { replica: ReplicaSettings::default(), ..settings.clone() };
    assert_eq!(rest, MapSettings::default(), "nothing else changes");
    assert_ne!(settings, MapSettings::default(), "it changes something");
    settings.replica
}

#[test]
fn settings_of_the_replica_are_passed_on() {
    let (ours, its) = (MapSettings::default, ReplicaSettings::default);
    assert_eq!(replica(ours().probe_interval(TIME)), its().probe_interval(TIME));
    assert_eq!(replica(ours().probe_floor(TIME)), its().probe_floor(TIME));
    assert_eq!(replica(ours().verify_interval(TIME)), its().verify_interval(TIME));
    assert_eq!(replica(ours().expires_after(TIME)), its().expires_after(TIME));
    assert_eq!(replica(ours().request_timeout(TIME)), its().request_timeout(TIME));
    assert_eq!(replica(ours().patience(TIME)), its().patience(TIME));
    assert_eq!(replica(ours().reconnect_jitter(TIME)), its().reconnect_jitter(TIME));
    assert_eq!(replica(ours().resync_interval(TIME, 2 * TIME)), its().resync_interval(TIME, 2 * TIME));
    assert_eq!(replica(ours().small_map(7, 8)), its().small_map(7, 8));
    assert_eq!(replica(ours().page_fields(7)), its().page_fields(7));
    assert_eq!(replica(ours().held(7, 8)), its().held(7, 8));
    assert_eq!(replica(ours().compared(7)), its().compared(7));
}

#[test]
fn the_others_are_kept_within_what_the_server_bears() {
    let settings = MapSettings::default()
        .value_bytes(usize::MAX)
        .batch_steps(usize::MAX)
        .batch_bytes(usize::MAX)
        .list_items(7)
        .list_bytes(8)
        .inbox(0, 9)
        .unread_changes(10, 11)
        .join_timeout(TIME)
        .sync_timeout(2 * TIME);
    let most = (settings.value_bytes, settings.batch_steps, settings.batch_bytes);
    assert_eq!(most, (16 << 20, 2_500, 16 << 20));
    assert_eq!((settings.lists.items(), settings.lists.bytes()), (7, 8));
    assert_eq!((settings.inbox.count, settings.inbox.bytes), (1, 9));
    assert_eq!((settings.unread.count, settings.unread.bytes), (10, 11));
    assert_eq!((settings.join_timeout, settings.sync_timeout), (TIME, 2 * TIME));
}

#[test]
fn settings_of_a_client_are_those_of_its_builder() {
    let maps = MapSettings::default().probe_interval(TIME);
    let settings = ClientSettings::default().maps(maps.clone()).unread_changes_in_sum(7).received_in_sum(8);
    let builder = crate::Client::builder().maps(maps).unread_changes_in_sum(7).received_in_sum(8);
    #[cfg(feature = "fred")]
    let (settings, builder) = (
        settings.connect_timeout(TIME).command_timeout(2 * TIME),
        builder.connect_timeout(TIME).command_timeout(2 * TIME),
    );
    let at_once = crate::Client::builder().settings(settings.clone());
    assert_eq!(format!("{:?}", builder), format!("{:?}", at_once));
    assert_eq!((settings.unread, settings.received), (7, 8));
    assert_ne!(format!("{builder:?}"), format!("{:?}", crate::Client::builder()));
}
