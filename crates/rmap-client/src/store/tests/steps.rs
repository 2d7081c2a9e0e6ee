//! Writes that stop at each step: the process dies, the power fails, or the disk refuses the step.

use std::cell::{Cell, RefCell};
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::super::OpenedPlace;
use super::super::disk::{Disk, System};
use super::{Content, Opened, Place, Saved, StoreFault, StoreStep, read};

/// How a write stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// The process dies: nothing happens after the step, and half of a write may have.
    Death,
    /// The power fails: as with a death, and what was not synced is lost.
    PowerFailure,
    /// The disk is full, for the length of this one step.
    Refusal,
}

/// A disk that stops at one step, in its middle where the step is a write.
struct Stopping {
    stop: Stop,
    /// Steps until then.
    left: Cell<usize>,
    stopped: Cell<bool>,
    steps: RefCell<Vec<&'static str>>,
    /// The file that is written, under its present name, and its bytes that are on the disk.
    unsynced: RefCell<Option<(PathBuf, u64)>>,
}

impl Stopping {
    fn at(step: usize, stop: Stop) -> Self {
        Self {
            stop,
            left: Cell::new(step),
            stopped: Cell::new(false),
            steps: RefCell::default(),
            unsynced: RefCell::default(),
        }
    }

    /// Takes a step, or stops with the half of it.
    fn step<T>(
        &self,
        name: &'static str,
        whole: impl FnOnce() -> io::Result<T>,
        half: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<T> {
        let stopped = || io::Error::new(ErrorKind::StorageFull, "no space left");
        if self.stopped.get() && self.stop != Stop::Refusal {
            return Err(stopped());
        }
        self.steps.borrow_mut().push(name);
        if self.stopped.get() || self.left.get() > 0 {
            self.left.set(self.left.get().saturating_sub(1));
            return whole();
        }
        half()?;
        self.stopped.set(true);
        if let (Stop::PowerFailure, Some((path, synced))) = (self.stop, self.unsynced.take()) {
            OpenOptions::new().write(true).open(path)?.set_len(synced)?;
        }
        Err(stopped())
    }
}

const fn nothing() -> io::Result<()> {
    Ok(())
}

impl Disk for Stopping {
    fn create(&self, path: &Path) -> io::Result<File> {
        let create = || {
            let file = System.create(path)?;
            self.unsynced.replace(Some((path.to_path_buf(), 0)));
            Ok(file)
        };
        self.step("create", create, nothing)
    }

    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        let mut torn = file.try_clone()?;
        let half = || torn.write_all(&bytes[..bytes.len() / 2]);
        self.step("write", || System.write(file, bytes), half)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        let sync = || {
            System.sync(file)?;
            self.unsynced.replace(None);
            Ok(())
        };
        self.step("sync", sync, nothing)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let rename = || {
            System.rename(from, to)?;
            if let Some((path, _)) = &mut *self.unsynced.borrow_mut() {
                *path = to.to_path_buf();
            }
            Ok(())
        };
        self.step("rename", rename, nothing)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.step("sync folder", || System.sync_folder(folder), nothing)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.step("remove", || System.remove(path), nothing)
    }
}

fn write(content: &Content, store: &Opened, disk: &Stopping) -> Result<Saved, StoreFault> {
    let OpenedPlace::File(file) = &store.place else { panic!("the store is a file") };
    file.write(disk, &content.header, None, content.entries())
}

/// The steps of a write that nothing stops.
fn steps() -> Vec<&'static str> {
    let place = Place::new();
    let disk = Stopping::at(usize::MAX, Stop::Death);
    write(&Content::number(2), &place.open(), &disk).unwrap();
    disk.steps.take()
}

#[test]
fn a_write_syncs_the_file_before_its_name_and_then_the_name() {
    let mut expected = vec!["remove", "create"];
    expected.extend(vec!["write"; 3]);
    expected.extend(["sync", "rename", "sync folder"]);
    assert_eq!(steps(), expected);
}

/// Stops a write of content 2 at each step, with and without content 1 before, and gives what is there afterwards.
fn stop_at_each_step(stop: Stop, mut then: impl FnMut(&Place, Opened, &str, StoreFault)) {
    for before in [None, Some(Content::number(1))] {
        for (step, name) in steps().into_iter().enumerate() {
            let place = Place::new();
            let store = place.open();
            if let Some(before) = &before {
                before.write(&store).unwrap();
            }
            let disk = Stopping::at(step, stop);
            // The first step removes a file that is not there, and has no effect on what follows.
            let Err(fault) = write(&Content::number(2), &store, &disk) else {
                assert_eq!(name, "remove");
                continue;
            };
            let found = read(&store).unwrap();
            let renamed = name == "sync folder";
            let expected = if renamed { Some(Content::number(2)) } else { before.clone() };
            assert!(found == expected, "{stop:?} at step {step}, {name}: another content");
            then(&place, store, name, fault);
        }
    }
}

#[test]
fn a_process_that_dies_at_any_step_leaves_the_old_or_the_new_store_and_the_next_one_can_write() {
    for stop in [Stop::Death, Stop::PowerFailure] {
        stop_at_each_step(stop, |place, store, _, _| {
            let there = read(&store).unwrap();
            drop(store);
            let store = place.open();
            assert!(read(&store).unwrap() == there, "the next process finds the same");
            assert!(!place.names().iter().any(|name| name.ends_with(".tmp")), "{:?}", place.names());
            Content::number(3).write(&store).unwrap();
            assert!(read(&store).unwrap() == Some(Content::number(3)), "the next write");
        });
    }
}

#[test]
fn a_step_that_is_refused_is_named_and_leaves_no_temporary_file() {
    stop_at_each_step(Stop::Refusal, |place, store, name, fault| {
        let expected = match name {
            "create" => StoreStep::Create,
            "write" => StoreStep::Write,
            "sync" => StoreStep::Sync,
            "rename" => StoreStep::Rename,
            "sync folder" => StoreStep::SyncFolder,
            name => panic!("{name} has no fault"),
        };
        let StoreFault::Failed { step, kind, .. } = fault else { panic!("{fault}") };
        assert_eq!((step, kind), (expected, ErrorKind::StorageFull));
        assert!(!place.names().iter().any(|name| name.ends_with(".tmp")), "{:?}", place.names());
        Content::number(3).write(&store).unwrap();
        assert!(read(&store).unwrap() == Some(Content::number(3)), "the next write of the same process");
    });
}
