//! A process that writes its store in a loop, and is killed at random moments.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{Content, Place, Store, StoreFault, read};

/// Names the folder to the child, and makes it one.
const CHILD: &str = "RMAP_STORE_CHILD";

/// Writes contents with rising numbers for ever, if this process is the child of the next test.
#[test]
fn the_child_that_is_killed() {
    let Some(path) = env::var_os(CHILD).map(PathBuf::from) else { return };
    let store = Store::at(path).open().expect("the lock of a dead process is free");
    let last = read(&store).expect("a whole store").and_then(|content| content.header.revision);
    for number in last.map_or(0, |last| last.get() + 1).. {
        Content::number(number).write(&store).expect("written");
        println!("written {number}");
    }
}

/// Kills the child when it is dropped, so that no failure leaves it running.
struct Running(Child);

impl Running {
    fn start(place: &Place) -> Self {
        let child = Command::new(env::current_exe().expect("this program"))
            .args(["--exact", "store::tests::killed::the_child_that_is_killed", "--nocapture"])
            .env(CHILD, place.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        Self(child.expect("this program runs"))
    }

    fn kill(&mut self) {
        self.0.kill().expect("it runs");
        self.0.wait().expect("it ends");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The number in a line that says what is written. The test's own output may stand before it in the line.
fn written(line: &str) -> Option<u64> {
    line.split_once("written ")?.1.parse().ok()
}

/// Kills a child after `pause` from its first write on. Returns the last number that it said to be written.
fn round(place: &Place, pause: Duration) -> u64 {
    let mut child = Running::start(place);
    let output = child.0.stdout.take().expect("piped");
    let mut lines = BufReader::new(output).lines().map_while(Result::ok);
    let first = lines.find_map(|line| written(&line)).expect("the child writes its store");
    // The child writes without end, so any moment is as good as another one.
    std::thread::sleep(pause);
    child.kill();
    lines.filter_map(|line| written(&line)).last().unwrap_or(first)
}

/// `RMAP_STORE_SECONDS` plays rounds for so long, `RMAP_STORE_SEED` repeats the moments.
#[test]
fn a_process_that_is_killed_at_any_moment_leaves_a_store_that_it_wrote() {
    let number = |name| env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let seed = number("RMAP_STORE_SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("replay: RMAP_STORE_SEED={seed} cargo test -p rmap-client --lib store::tests::killed");
    let end = number("RMAP_STORE_SECONDS").map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut random = fastrand::Rng::with_seed(seed);
    let place = Place::new();
    let (mut rounds, mut newer, mut left_behind) = (0, 0, 0);
    while end.map_or(rounds < 30, |end| Instant::now() < end) {
        let said = round(&place, Duration::from_micros(random.u64(0..20_000)));
        rounds += 1;
        left_behind += usize::from(place.names().iter().any(|name| name.ends_with(".tmp")));
        // A copy is opened, so that the child finds the folder as the killed one left it.
        let copy = Place::new();
        fs::copy(place.path(), copy.path()).expect("the store is there");
        let content = read(&copy.open()).expect("a whole store").expect("a store");
        let found = content.header.revision.expect("a number").get();
        assert!(content == Content::number(found), "content {found} is not what was written");
        // The child dies between the rename and its line, or within the write after it.
        assert!((said..=said + 1).contains(&found), "{found} where {said} was the last that is written");
        newer += usize::from(found > said);
    }
    println!("{rounds} rounds: {newer} with a store newer than said, {left_behind} with a temporary file");
}

#[test]
fn a_holder_in_another_process_is_named_and_its_death_frees_the_store() {
    let place = Place::new();
    let mut child = Running::start(&place);
    let output = child.0.stdout.take().expect("piped");
    let mut lines = BufReader::new(output).lines().map_while(Result::ok);
    lines.find_map(|line| written(&line)).expect("the child writes its store");
    let fault = Store::at(place.path()).open().expect_err("in use");
    assert!(matches!(fault, StoreFault::InUse { pid: Some(pid), .. } if pid == child.0.id()), "{fault}");
    child.kill();
    assert!(read(&place.open()).expect("a whole store").is_some());
}
