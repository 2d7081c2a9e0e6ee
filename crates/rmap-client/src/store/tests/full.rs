//! A process whose files the operating system keeps small, as a full disk would.

#![cfg(unix)]

use std::env;
use std::path::PathBuf;
use std::process::Command;

use super::{Content, Place, Store, StoreFault, StoreStep, names, read};

/// Names the store to the child, and makes it one.
const CHILD: &str = "RMAP_STORE_SMALL";

/// Finds each write refused in its middle, if this process is the child of the next test.
#[test]
fn the_child_whose_files_stay_small() {
    let Some(path) = env::var_os(CHILD).map(PathBuf::from) else { return };
    let store = Store::at(&path).open().expect("a free store");
    for _ in 0..2 {
        let fault = Content::number(2).write(&store).expect_err("too large");
        assert!(matches!(fault, StoreFault::Failed { step: StoreStep::Write, .. }), "{fault}");
        assert_eq!(names(path.parent().unwrap()), ["flags.store", "flags.store.lock"]);
        assert!(read(&store).unwrap() == Some(Content::number(1)), "another content");
    }
    println!("refused as it should be");
}

#[test]
fn a_write_that_the_system_refuses_in_its_middle_leaves_the_old_store() {
    let place = Place::new();
    Content::number(1).write(&place.open()).unwrap();
    // Eight blocks of 512 or 1,024 bytes. Without the signal a write beyond them fails.
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\""])
        .arg(env::current_exe().unwrap())
        .args(["--exact", "store::tests::full::the_child_whose_files_stay_small", "--nocapture"])
        .env(CHILD, place.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("refused as it should be"), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let store = place.open();
    assert!(read(&store).unwrap() == Some(Content::number(1)));
    Content::number(3).write(&store).unwrap();
}
