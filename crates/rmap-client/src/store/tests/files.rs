use std::fs;
use std::io::ErrorKind;
#[cfg(unix)]
use std::path::Path;
#[cfg(unix)]
use std::process::Command;

#[cfg(unix)]
use rmap_core::stored::InvalidStore;
use rmap_core::stored::MAGIC;

#[cfg(unix)]
use super::names;
use super::{Content, Place, Store, StoreFault, StoreStep, read};

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[track_caller]
fn assert_failed(fault: &StoreFault, expected: StoreStep) {
    let StoreFault::Failed { step, .. } = fault else { panic!("{fault}") };
    assert_eq!(*step, expected, "{fault}");
    assert!(!fault.to_string().contains('\n'), "{fault}");
}

#[test]
fn each_write_replaces_the_store() {
    let place = Place::new();
    let store = place.open();
    assert_eq!(read(&store).unwrap(), None);
    for number in 0..10 {
        let saved = Content::number(number).write(&store).unwrap();
        assert_eq!(saved.bytes, fs::metadata(place.path()).unwrap().len());
        assert_eq!(saved.entries, Content::number(number).entries.len() as u64);
        assert_eq!(read(&store).unwrap(), Some(Content::number(number)));
    }
    assert_eq!(place.names(), ["flags.store", "flags.store.lock"]);
    drop(store);
    assert_eq!(read(&place.open()).unwrap(), Some(Content::number(9)));
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_what_is_written() {
    let place = Place::new();
    let lock = place.folder.path().join("flags.store.lock");
    fs::write(&lock, "").unwrap();
    set_mode(&lock, 0o666);
    let store = place.open();
    Content::number(1).write(&store).unwrap();
    assert_eq!((mode(&place.path()), mode(&lock)), (0o600, 0o600));
    // What somebody opened up is read, and closed by the next write.
    set_mode(&place.path(), 0o644);
    assert_eq!(read(&store).unwrap(), Some(Content::number(1)));
    Content::number(2).write(&store).unwrap();
    assert_eq!(mode(&place.path()), 0o600);
}

#[test]
fn a_file_that_is_no_whole_store_is_a_fault_until_the_next_write() {
    let place = Place::new();
    let store = place.open();
    Content::number(1).write(&store).unwrap();
    let whole = fs::read(place.path()).unwrap();
    let mut newer = whole.clone();
    newer[MAGIC.len()] += 1;
    let files = [b"".to_vec(), b"{}".to_vec(), vec![0; 99], whole[..5].to_vec(), whole[..9].to_vec(), newer];
    for (n, file) in files.into_iter().chain([whole[..whole.len() - 1].to_vec()]).enumerate() {
        fs::write(place.path(), file).unwrap();
        let fault = read(&store).unwrap_err();
        assert!(matches!(fault, StoreFault::Invalid { .. }), "file {n}: {fault}");
        assert!(fault.to_string().contains("flags.store\": the "), "file {n}: {fault}");
        Content::number(2).write(&store).unwrap();
        assert_eq!(read(&store).unwrap(), Some(Content::number(2)), "file {n}");
    }
}

#[cfg(unix)]
#[test]
fn a_huge_foreign_file_is_not_read_as_a_whole() {
    let place = Place::new();
    let store = place.open();
    let file = fs::File::create(place.path()).unwrap();
    // More than any memory, and a hole on the disk.
    file.set_len(1 << 43).unwrap();
    assert!(store.read().unwrap().unwrap().len() < 100);
    let fault = read(&store).unwrap_err();
    assert!(matches!(fault, StoreFault::Invalid { cause: InvalidStore::NotAStore, .. }), "{fault}");
}

#[cfg(unix)]
#[test]
fn a_folder_or_a_pipe_at_the_path_is_a_fault_and_stays() {
    let place = Place::new();
    let folder = place.folder.path();
    fs::create_dir(folder.join("folder")).unwrap();
    assert!(Command::new("mkfifo").arg(folder.join("pipe")).status().unwrap().success());
    for name in ["folder", "pipe"] {
        let store = Store::at(folder.join(name)).open().unwrap();
        assert_failed(&store.read().unwrap_err(), StoreStep::Read);
        let fault = Content::number(1).write(&store).unwrap_err();
        assert_failed(&fault, StoreStep::Rename);
        assert!(fault.to_string().ends_with("it is no regular file"), "{fault}");
    }
    assert_eq!(names(folder), ["folder", "folder.lock", "pipe", "pipe.lock"]);
}

#[test]
fn a_path_without_a_folder_or_a_name_is_a_fault() {
    let place = Place::new();
    fs::write(place.path(), "a file").unwrap();
    let missing = Store::at(place.folder.path().join("missing/flags.store")).open().unwrap_err();
    assert_failed(&missing, StoreStep::Find);
    assert!(matches!(missing, StoreFault::Failed { kind: ErrorKind::NotFound, .. }), "{missing}");
    for path in [place.path().join("below-a-file"), "/".into(), "..".into(), "".into()] {
        let opened = Store::at(&path).open();
        let fault = opened.and_then(|store| Content::number(1).write(&store)).unwrap_err();
        assert!(matches!(fault, StoreFault::Failed { .. }), "{path:?}: {fault}");
    }
    assert_eq!(place.names(), ["flags.store"]);
}

#[test]
fn a_name_that_has_no_room_for_the_names_beside_it_is_a_fault() {
    let place = Place::new();
    let path = place.folder.path().join("n".repeat(252));
    let store = Store::at(path).open().unwrap();
    assert_failed(store.read_only().unwrap(), StoreStep::Lock);
    assert_eq!(store.read().unwrap(), None);
    // Room for the lock, but not for the temporary file with its process id.
    let store = Store::at(place.folder.path().join("n".repeat(250))).open().unwrap();
    assert_eq!(store.read_only(), None);
    assert_failed(&Content::number(1).write(&store).unwrap_err(), StoreStep::Create);
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_takes_no_file_is_a_fault_of_each_write() {
    // No rights of a file system stop root, but /proc takes no file from anybody.
    let store = Store::at("/proc/self/flags.store").open().unwrap();
    let fault = store.read_only().unwrap().clone();
    assert_failed(&fault, StoreStep::Lock);
    assert_eq!(store.read().unwrap(), None);
    assert_eq!(Content::number(1).write(&store).unwrap_err(), fault);
    // What is there can be read: this file is none of ours.
    let fault = read(&Store::at("/proc/self/status").open().unwrap()).unwrap_err();
    assert!(matches!(fault, StoreFault::Invalid { cause: InvalidStore::NotAStore, .. }), "{fault}");
}

#[cfg(unix)]
#[test]
fn a_store_in_a_folder_without_the_right_to_write_can_be_read() {
    let place = Place::new();
    Content::number(1).write(&place.open()).unwrap();
    fs::remove_file(place.folder.path().join("flags.store.lock")).unwrap();
    set_mode(place.folder.path(), 0o500);
    let store = place.open();
    assert_eq!(read(&store).unwrap(), Some(Content::number(1)));
    let written = Content::number(2).write(&store).map(|_| ());
    // Rights do not stop root.
    let as_root = fs::write(place.folder.path().join("probe"), "").is_ok();
    set_mode(place.folder.path(), 0o700);
    if as_root {
        assert_eq!(written, Ok(()));
    } else {
        assert_failed(&written.unwrap_err(), StoreStep::Lock);
        assert_eq!(read(&store).unwrap(), Some(Content::number(1)));
    }
}

#[test]
fn temporary_files_of_the_dead_are_removed_and_no_others() {
    let place = Place::new();
    let folder = place.folder.path();
    let ours = ["flags.store.1.tmp", "flags.store.4194304.tmp"];
    let others = ["flags.store.tmp", "flags.store..tmp", "flags.store.1x.tmp", "other.store.1.tmp", "1.tmp"];
    for name in ours.iter().chain(&others) {
        fs::write(folder.join(name), "torn").unwrap();
    }
    fs::create_dir(folder.join("flags.store.2.tmp")).unwrap();
    let store = place.open();
    let mut expected: Vec<&str> =
        others.into_iter().chain(["flags.store.2.tmp", "flags.store.lock"]).collect();
    expected.sort_unstable();
    assert_eq!(place.names(), expected);

    // The one that this process would use: a file of an earlier process in another container, or of a failed removal.
    let own = folder.join(format!("flags.store.{}.tmp", std::process::id()));
    fs::write(&own, "torn").unwrap();
    Content::number(1).write(&store).unwrap();
    assert_eq!(read(&store).unwrap(), Some(Content::number(1)));
    fs::create_dir(&own).unwrap();
    assert_failed(&Content::number(2).write(&store).unwrap_err(), StoreStep::Create);
    assert_eq!(read(&store).unwrap(), Some(Content::number(1)));
}

#[cfg(unix)]
#[test]
fn a_link_at_the_temporary_name_is_not_followed() {
    let place = Place::new();
    let store = place.open();
    let precious = place.folder.path().join("precious");
    fs::write(&precious, "precious").unwrap();
    let name = format!("flags.store.{}.tmp", std::process::id());
    std::os::unix::fs::symlink(&precious, place.folder.path().join(name)).unwrap();
    Content::number(1).write(&store).unwrap();
    assert_eq!(fs::read(precious).unwrap(), b"precious");
    assert!(fs::symlink_metadata(place.path()).unwrap().is_file());
}

#[test]
fn a_panic_of_the_closure_that_skips_leaves_the_old_store() {
    let place = Place::new();
    Content::number(1).write(&place.open()).unwrap();
    let store = Store::at(place.path()).skip(|key| key.ends_with(b"599") && panic!("skip")).open().unwrap();
    let write = std::panic::AssertUnwindSafe(|| Content::number(2).write(&store));
    assert!(std::panic::catch_unwind(write).is_err());
    assert_eq!(place.names(), ["flags.store", "flags.store.lock"]);
    assert_eq!(read(&store).unwrap(), Some(Content::number(1)));
}

#[test]
fn writes_at_once_wait_for_each_other() {
    let place = Place::new();
    let store = place.open();
    std::thread::scope(|scope| {
        for number in 0..4 {
            let store = &store;
            scope.spawn(move || {
                for _ in 0..5 {
                    Content::number(number).write(store).unwrap();
                }
            });
        }
        for _ in 0..20 {
            let found = read(&store).unwrap();
            assert!(found.is_none_or(|found| (0..4).any(|number| found == Content::number(number))));
        }
    });
    assert_eq!(place.names(), ["flags.store", "flags.store.lock"]);
}
