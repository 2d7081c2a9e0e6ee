use std::fs;

#[cfg(unix)]
use super::{Content, StoreStep, names, read};
use super::{Place, Store, StoreFault};

fn in_use(path: &std::path::Path) -> StoreFault {
    let path = fs::canonicalize(path.parent().unwrap()).unwrap().join(path.file_name().unwrap());
    StoreFault::InUse { path: Some(path), pid: Some(std::process::id()) }
}

#[test]
fn the_second_holder_gets_the_process_id_of_the_first() {
    let place = Place::new();
    let first = place.open();
    let fault = Store::at(place.path()).open().unwrap_err();
    assert_eq!(fault, in_use(&place.path()));
    let text = fault.to_string();
    assert!(text.ends_with(&format!("flags.store\" is in use by process {}", std::process::id())), "{text}");
    drop(first);
    place.open();
    assert_eq!(place.names(), ["flags.store.lock"], "the file of the lock stays");
    assert_eq!(fs::read(place.folder.path().join("flags.store.lock")).unwrap(), b"", "nobody holds it");
}

// Elsewhere nobody else can write into the file of a lock.
#[cfg(unix)]
#[test]
fn a_lock_without_a_whole_process_id_has_an_unknown_holder() {
    let place = Place::new();
    let _first = place.open();
    for text in ["", "12", "x\n", "-1\n", "99999999999999999999\n", "\u{fffd}"] {
        fs::write(place.folder.path().join("flags.store.lock"), text).unwrap();
        let fault = Store::at(place.path()).open().unwrap_err();
        assert!(matches!(fault, StoreFault::InUse { pid: None, .. }), "{text:?}: {fault}");
        assert!(fault.to_string().ends_with("is in use by an unknown process"), "{fault}");
    }
}

#[test]
fn a_lock_file_that_a_dead_process_left_is_free() {
    let place = Place::new();
    fs::write(place.folder.path().join("flags.store.lock"), "1\n").unwrap();
    let _held = place.open();
    assert_eq!(Store::at(place.path()).open().unwrap_err(), in_use(&place.path()));
}

#[test]
fn other_files_of_the_folder_have_other_locks() {
    let place = Place::new();
    let _held = place.open();
    assert!(Store::at(place.folder.path().join("other.store")).open().is_ok());
    assert!(Store::at(place.folder.path().join("flags.store.lock")).open().is_ok());
}

#[cfg(unix)]
#[test]
fn two_spellings_of_a_path_are_one_store() {
    use std::os::unix::fs::symlink;

    let place = Place::new();
    let folder = place.folder.path();
    fs::create_dir(folder.join("sub")).unwrap();
    symlink("flags.store", folder.join("link")).unwrap();
    symlink("link", folder.join("sub/../second-link")).unwrap();
    symlink(folder, folder.join("sub/up")).unwrap();
    let held = place.open();
    for spelling in ["link", "second-link", "sub/../flags.store", "./flags.store", "sub/up/link"] {
        let fault = Store::at(folder.join(spelling)).open().unwrap_err();
        assert_eq!(fault, in_use(&place.path()), "{spelling}");
    }
    drop(held);

    // A write by another spelling replaces the file that the link leads to, and the link stays.
    Content::number(5).write(&Store::at(folder.join("sub/up/second-link")).open().unwrap()).unwrap();
    assert_eq!(read(&place.open()).unwrap(), Some(Content::number(5)));
    assert!(fs::symlink_metadata(folder.join("link")).unwrap().is_symlink());
    assert_eq!(names(folder), ["flags.store", "flags.store.lock", "link", "second-link", "sub"]);
}

#[cfg(unix)]
#[test]
fn links_in_a_circle_are_a_fault() {
    let place = Place::new();
    std::os::unix::fs::symlink("flags.store", place.path()).unwrap();
    let fault = Store::at(place.path()).open().unwrap_err();
    assert!(matches!(fault, StoreFault::Failed { step: StoreStep::Find, .. }), "{fault}");
}

#[cfg(unix)]
#[test]
fn a_link_at_the_name_of_the_lock_leads_nowhere() {
    let place = Place::new();
    let precious = place.folder.path().join("precious");
    fs::write(&precious, "precious").unwrap();
    std::os::unix::fs::symlink(&precious, place.folder.path().join("flags.store.lock")).unwrap();
    let opened = place.open();
    assert!(matches!(opened.read_only(), Some(StoreFault::Failed { step: StoreStep::Lock, .. })));
    assert_eq!(read(&opened).unwrap(), None);
    assert_eq!(Content::number(1).write(&opened).unwrap_err(), *opened.read_only().unwrap());
    assert_eq!(fs::read(precious).unwrap(), b"precious");
}

#[cfg(unix)]
#[test]
fn a_lock_file_that_somebody_deleted_is_locked_again_before_the_next_write() {
    let place = Place::new();
    let lock = place.folder.path().join("flags.store.lock");
    let first = place.open();
    Content::number(1).write(&first).unwrap();
    fs::remove_file(&lock).unwrap();
    Content::number(2).write(&first).unwrap();
    assert_eq!(Store::at(place.path()).open().unwrap_err(), in_use(&place.path()));

    // Another process was faster: the first one must not write any more.
    fs::remove_file(&lock).unwrap();
    let second = place.open();
    Content::number(3).write(&second).unwrap();
    assert_eq!(Content::number(4).write(&first).unwrap_err(), in_use(&place.path()));
    assert_eq!(read(&second).unwrap(), Some(Content::number(3)));
    drop(second);
    Content::number(5).write(&first).unwrap();
}
