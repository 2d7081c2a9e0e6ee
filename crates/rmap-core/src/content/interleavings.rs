//! Readers beside the writer, in orders chosen by the schedulers.
//!
//! Every key holds the number of the content's revision, so that a mix of two contents is visible.

use std::env;

use rmap_proto::Revision;
use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::{Config, Runner, thread};

use super::{Content, Edit, KeyHasher, Reader, Table};
use crate::Value;

const KEYS: u8 = 6;

/// Last revision that the writer produces.
const LAST: u64 = 4;

/// Largest number of forced thread switches in one execution of the second scheduler.
const DEPTH: usize = 4;

/// Runs `test` in many orders: random ones, and those of the PCT scheduler, which finds every error of up to `DEPTH`
/// thread switches with a known probability.
fn check(test: impl Fn() + Copy + Send + Sync + 'static) {
    let number = |name| env::var(name).ok().map(|text| text.parse().expect("a number"));
    let orders = number("RMAP_ORDERS").unwrap_or(1000);
    let seed = number("RMAP_ORDERS_SEED").unwrap_or(1);
    println!("RMAP_ORDERS={orders} RMAP_ORDERS_SEED={seed}");
    let orders = usize::try_from(orders).expect("a small number");
    Runner::new(RandomScheduler::new_from_seed(seed, orders), Config::default()).run(test);
    Runner::new(PctScheduler::new_from_seed(seed, DEPTH, orders), Config::default()).run(test);
}

fn revision(number: u64) -> Revision {
    Revision::new(number).expect("a small revision")
}

fn value(key: u8, number: u64) -> Value {
    Value::stored(&[key], number.to_string().as_bytes())
}

fn edits(number: u64) -> Vec<Edit> {
    (0..KEYS).map(|key| Edit::Set(value(key, number))).collect()
}

fn number_of(value: &Value) -> u64 {
    value.as_str().ok().and_then(|text| text.parse().ok()).expect("a number")
}

fn table(content: &Content, number: u64) -> Table {
    let mut table = Table::new(content.hasher());
    (0..KEYS).for_each(|key| table.put(value(key, number)));
    table
}

/// Creates a content at revision 1 and starts the readers. Then the writer produces each following revision in another
/// way.
fn beside_the_writer(readers: impl IntoIterator<Item = fn(&Reader)>) {
    let mut content = Content::new(KeyHasher::new(7));
    content.apply(revision(1), &edits(1), |_, _| {});
    let reader = content.reader();
    let threads: Vec<_> = readers
        .into_iter()
        .map(|read| {
            let reader = reader.clone();
            thread::spawn(move || read(&reader))
        })
        .collect();
    for number in 2..=LAST {
        if number % 2 == 0 {
            content.apply(revision(number), &edits(number), |_, _| {});
        } else {
            let before =
                content.replace(table(&content, number), |progress| progress.jump(Some(revision(number))));
            assert_eq!(number_of(before.get(&[0]).expect("the key was there")), number - 1);
        }
    }
    threads.into_iter().for_each(|thread| thread.join().expect("the reader ends"));
}

/// A view shows one content, at its own revision, and later views are not older.
fn views_agree(reader: &Reader) {
    let mut least = reader.revision();
    for _ in 0..3 {
        let view = reader.view();
        assert!(view.revision() >= least, "from {least:?} back to {:?}", view.revision());
        least = view.revision();
        assert_eq!(view.len(), usize::from(KEYS));
        for value in view.iter().map(|(_, value)| value) {
            assert_eq!(Some(revision(number_of(value))), view.revision());
        }
    }
}

/// A reader that sees a revision or a value finds all other keys at that revision too.
fn keys_follow_each_other(reader: &Reader) {
    let mut least = reader.revision().expect("there is a hash").get();
    for key in (0..KEYS).rev().chain(0..KEYS) {
        let found = number_of(&reader.get(&[key]).expect("the key is always there"));
        assert!(found >= least, "{found} after {least}");
        least = found;
    }
    assert!(reader.revision() >= Some(revision(least)));
}

#[test]
fn interleavings_of_views() {
    check(|| beside_the_writer([views_agree as fn(&Reader), views_agree]));
}

#[test]
fn interleavings_of_reads() {
    check(|| beside_the_writer([keys_follow_each_other as fn(&Reader), keys_follow_each_other]));
}

#[test]
fn interleavings_of_views_and_reads() {
    check(|| beside_the_writer([views_agree as fn(&Reader), keys_follow_each_other]));
}

/// The keys of the content at each revision of `interleavings_of_single_writes`.
const HELD: [&[u8]; 4] = [&[], &[1], &[1, 2], &[2]];

fn keys_are_those_of_the_revision(reader: &Reader) {
    for _ in 0..3 {
        let seen = reader.revision();
        let view = reader.view();
        assert!(view.revision() >= seen);
        let held = usize::try_from(view.revision().map_or(0, Revision::get)).expect("a small number");
        let mut keys: Vec<_> = view.keys().map(|key| key.as_bytes()[0]).collect();
        keys.sort_unstable();
        assert_eq!(keys, HELD[held]);
        assert!(reader.contains(&[2]) || held < 2);
    }
}

#[test]
fn interleavings_of_single_writes() {
    check(|| {
        let mut content = Content::new(KeyHasher::new(7));
        let reader = content.reader();
        let watching = thread::spawn(move || keys_are_those_of_the_revision(&reader));
        content.set(revision(1), value(1, 1));
        content.set(revision(2), value(2, 2));
        content.prefetch([1, 2].iter().map(std::slice::from_ref));
        content.delete(revision(3), &[1]);
        watching.join().expect("the reader ends");
    });
}
