//! Leases beside a peer that writes past the sidecars, as Pulse does.

use integration_tests::{Scripts, Server};
use rmap_proto::{Held, Operation, Reaped, Ttl};

use crate::{aware, bytes, inc, key, lease, plain, set};

const NOW: u64 = 1_700_000_000_000;

/// The peer's write of a key, without a value its deletion: the commands of Pulse in the order of Pulse.
const PEER: &str = "
if ARGV[3] then
  redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
else
  redis.call('HDEL', KEYS[1], ARGV[2])
end
local kind = ARGV[3] and 'set' or 'del'
local revision = tostring(redis.call('HINCRBY', KEYS[1], '=rev', 1))
redis.call('HSET', KEYS[1], '=kind', kind)
local payload = struct.pack('<I4c0', #ARGV[2], ARGV[2])
if ARGV[3] then
  payload = payload .. struct.pack('<I4c0', #ARGV[3], ARGV[3])
end
redis.call('PUBLISH', ARGV[1], kind .. ':' .. payload .. struct.pack('<I4c0', #revision, revision))
return revision";

fn peer(scripts: &mut Scripts, name: &str, value: Option<&str>) {
    let mut call = redis::cmd("EVAL");
    call.arg(PEER).arg(1).arg(&scripts.map.hash_key()[..]).arg(&scripts.map.updates_channel()[..]).arg(name);
    call.arg(value.as_slice());
    call.exec(&mut scripts.behind).unwrap();
}

/// A map at this time whose key `k` holds `5` for a second. Returns the fence, too.
fn leased(server: &Server, name: &str) -> (Scripts, u64) {
    let mut scripts = Scripts::new(server, name);
    scripts.delete_sidecars(true, true);
    scripts.follow_time();
    scripts.set_time(NOW);
    let fence = lease(&mut scripts, "k", "5", 1_000);
    scripts.messages();
    (scripts, fence)
}

/// Reaps at the deadline. Returns the numbers of deleted keys and of leases that ended silently, and what `k` holds.
fn reap(scripts: &mut Scripts) -> (u64, u64, Option<String>) {
    scripts.set_time(NOW + 1_000);
    scripts.messages();
    let Reaped { deleted, dropped, .. } = scripts.reap(Ttl::None).unwrap();
    assert_eq!(scripts.notifications().len() as u64, deleted);
    let held = scripts.hash().remove(&b"k"[..]).map(|value| String::from_utf8(value.to_vec()).unwrap());
    (deleted, dropped, held)
}

#[test]
fn a_lease_never_ends_a_key_that_the_peer_set_to_another_value() {
    let server = Server::start();
    let (mut scripts, fence) = leased(&server, "other");
    peer(&mut scripts, "k", Some("6"));
    let lost = scripts.renew(
        rmap_proto::Expiry::new(std::time::Duration::from_secs(1)).unwrap(),
        &[Held::new(key("k"), fence)],
    );
    assert_eq!(lost, Ok(vec![bytes("k")]));
    assert_eq!(scripts.expires_at(&key("k")), Ok(None));
    let revoked = scripts.revoke(Ttl::None, &[Held::new(key("k"), fence)]).unwrap();
    assert_eq!((revoked.deleted, revoked.not_held), (0, vec![bytes("k")]));
    assert_eq!(reap(&mut scripts), (0, 1, Some("6".into())));
    assert_eq!(scripts.deadlines().unwrap().len(), 0);
}

/// The same value set past the sidecars cannot be told apart.
#[test]
fn the_same_value_of_the_peer_expires() {
    let server = Server::start();
    let (mut scripts, _) = leased(&server, "same");
    peer(&mut scripts, "k", Some("5"));
    assert_eq!(reap(&mut scripts), (1, 0, None));
}

#[test]
fn a_key_that_the_peer_deleted_is_not_deleted_again() {
    let server = Server::start();
    let (mut scripts, _) = leased(&server, "deleted");
    peer(&mut scripts, "k", None);
    assert_eq!(reap(&mut scripts), (0, 1, None));
    // A later set without sidecars keeps its key, too.
    let (mut scripts, _) = leased(&server, "again");
    peer(&mut scripts, "k", None);
    scripts.write(&plain(set("k", "x"))).unwrap();
    assert_eq!(reap(&mut scripts), (0, 1, Some("x".into())));
}

/// The lease is of another life, which the revision shows even where the value is the same.
#[test]
fn a_life_that_the_peer_began_keeps_its_keys() {
    let server = Server::start();
    let (mut scripts, _) = leased(&server, "life");
    scripts.delete_hash();
    peer(&mut scripts, "k", Some("5"));
    assert_eq!(reap(&mut scripts), (0, 1, Some("5".into())));
}

/// A life that our write begins ends the leases of the life before.
#[test]
fn a_life_that_we_began_keeps_its_keys() {
    let server = Server::start();
    let (mut scripts, _) = leased(&server, "ours");
    scripts.delete_hash();
    scripts.write(&aware(set("k", "5"))).unwrap();
    assert_eq!(scripts.deadlines().unwrap().len(), 0);
    assert_eq!(reap(&mut scripts), (0, 0, Some("5".into())));
}

/// A count of ours carries a lease over only if the lease guarded the value that is counted up.
#[test]
fn a_count_after_the_peers_does_not_carry_the_lease_over() {
    let server = Server::start();
    let (mut scripts, _) = leased(&server, "counted");
    scripts.write(&aware(inc("k", 1))).unwrap();
    assert!(scripts.expires_at(&key("k")).unwrap().is_some());
    peer(&mut scripts, "k", Some("8"));
    scripts.write(&aware(inc("k", 1))).unwrap();
    assert_eq!(scripts.deadlines().unwrap().len(), 0);
    assert_eq!(reap(&mut scripts), (0, 0, Some("9".into())));
    let (mut scripts, _) = leased(&server, "ours");
    scripts.write(&aware(inc("k", 1))).unwrap();
    assert_eq!(reap(&mut scripts), (1, 0, None));
}

/// Readers that skip tag `L` stay right: the payload before the tags is that of a plain set.
#[test]
fn the_tag_stands_behind_what_the_peer_reads() {
    let server = Server::start();
    let (mut scripts, _) = leased(&server, "tag");
    lease(&mut scripts, "k", "6", 1_500);
    scripts.write(&plain(set("k", "6"))).unwrap();
    let published = scripts.notifications();
    let (tagged, plain) = (&published[0], &published[1]);
    assert_eq!(tagged[plain.len()..], *b"RML\x04\0\0\x001500");
    assert_eq!(tagged[..plain.len() - 1], plain[..plain.len() - 1]);
    scripts.write(&aware(Operation::Destroy)).unwrap();
    assert_eq!(scripts.side().len(), 2);
}
