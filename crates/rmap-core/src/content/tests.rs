//! The content against an ordinary map, and views against a writer that never stops.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use proptest::collection::vec;
use proptest::prelude::*;
use rmap_proto::Revision;

use super::{Content, Difference, Edit, KeyHasher, Table, View};
use crate::Value;

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

#[derive(Debug, Clone)]
enum Step {
    Set(Vec<u8>, Vec<u8>),
    Delete(Vec<u8>),
    Apply(Vec<(Vec<u8>, Option<Vec<u8>>)>),
    Replace(Model, usize),
    View,
}

fn step() -> impl Strategy<Value = Step> {
    let key = || vec(0u8..4, 1..3);
    let value = || vec(any::<u8>(), 0..4);
    prop_oneof![
        4 => (key(), value()).prop_map(|(key, value)| Step::Set(key, value)),
        2 => key().prop_map(Step::Delete),
        1 => vec((key(), proptest::option::of(value())), 1..5).prop_map(Step::Apply),
        1 => (proptest::collection::btree_map(key(), value(), 0..8), 1..20usize)
            .prop_map(|(whole, at_a_time)| Step::Replace(whole, at_a_time)),
        1 => Just(Step::View),
    ]
}

fn shown(view: &View) -> Model {
    view.iter().map(|(key, value)| (key.as_bytes().to_vec(), value.as_bytes().to_vec())).collect()
}

fn edit(key: &[u8], value: Option<&[u8]>) -> Edit {
    value.map_or_else(|| Edit::Delete(key.into()), |value| Edit::Set(Value::stored(key, value)))
}

fn table(content: &Content, model: &Model) -> Table {
    let mut table = Table::new(content.hasher());
    for (key, value) in model {
        table.set(key, value);
    }
    table
}

/// Applies the step to both maps. Returns the previous value, if the step returns one.
fn take(step: &Step, revision: Revision, content: &mut Content, model: &mut Model) {
    match step {
        Step::Set(key, value) => {
            let old = content.set(revision, Value::stored(key, value));
            assert_eq!(old.map(|old| old.as_bytes().to_vec()), model.insert(key.clone(), value.clone()));
        }
        Step::Delete(key) => {
            let old = content.delete(revision, key);
            assert_eq!(old.map(|old| old.as_bytes().to_vec()), model.remove(key));
        }
        Step::Apply(edits) => {
            let own: Vec<_> = edits.iter().map(|(key, value)| edit(key, value.as_deref())).collect();
            content.apply(revision, &own, |edit, old| {
                let key = edit.key().to_vec();
                let before = match edit.value() {
                    Some(value) => model.insert(key, value.as_bytes().to_vec()),
                    None => model.remove(&key),
                };
                assert_eq!(old.map(|old| old.as_bytes().to_vec()), before);
            });
        }
        Step::Replace(whole, at_a_time) => {
            let before = content.replace(table(content, whole), |progress| progress.jump(Some(revision)));
            let mut folded = model.clone();
            let mut difference = Difference::new(before);
            let mut fold = |key: &[u8], old: Option<&Value>, new: Option<&Value>| {
                let key = key.to_vec();
                assert_eq!(old.map(|old| old.as_bytes()), folded.get(&key).map(Vec::as_slice));
                match new {
                    Some(new) => folded.insert(key, new.as_bytes().to_vec()),
                    None => folded.remove(&key),
                };
            };
            while difference.advance(content, *at_a_time, &mut fold) {}
            assert_eq!(folded, *whole, "the difference leads from the old content to the new");
            *model = whole.clone();
        }
        Step::View => {}
    }
}

proptest! {
    #[test]
    fn behaves_like_an_ordinary_map_and_views_never_change(seed in any::<u64>(), steps in vec(step(), 1..60)) {
        let mut content = Content::new(KeyHasher::new(seed));
        let reader = content.reader();
        let mut model = Model::new();
        let mut views = Vec::new();
        for (number, step) in steps.iter().enumerate() {
            let revision = Revision::new(number as u64 + 1).unwrap();
            if matches!(step, Step::View) {
                views.push((reader.view(), model.clone()));
                continue;
            }
            take(step, revision, &mut content, &mut model);
            prop_assert_eq!(&shown(&reader.view()), &model);
            prop_assert_eq!(reader.len(), model.len());
            prop_assert_eq!(reader.revision(), Some(revision));
            for (key, value) in &model {
                prop_assert_eq!(reader.get(key).unwrap(), &value[..]);
                prop_assert_eq!(reader.with(key, <[u8]>::to_vec), Some(value.clone()));
            }
        }
        for (view, model) in views {
            prop_assert_eq!(shown(&view), model);
        }
    }
}

/// Every batch writes its revision under every key. A view with two values, or with another revision's value, is torn.
#[test]
fn no_view_is_torn_while_a_writer_never_stops() {
    const KEYS: u8 = 200;
    let mut content = Content::new(KeyHasher::new(3));
    let reader = content.reader();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut seen = 0;
            while !done.load(Ordering::Relaxed) || seen == 0 {
                let view = reader.view();
                let Some(revision) = view.revision() else { continue };
                assert_eq!(view.len(), usize::from(KEYS));
                for (_, value) in view.iter() {
                    assert_eq!(*value, *revision.get().to_le_bytes().as_slice());
                }
                seen += 1;
            }
        });
        for number in 1..=2000u64 {
            let value = number.to_le_bytes().to_vec();
            let edits: Vec<_> = (0..KEYS).map(|key| edit(&[key], Some(&value))).collect();
            content.apply(Revision::new(number).unwrap(), &edits, |_, _| {});
        }
        done.store(true, Ordering::Relaxed);
        watcher.join().unwrap();
    });
}
