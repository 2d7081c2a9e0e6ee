//! A terminal for the binary.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;
use std::thread;

use rmap_testing::Server;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::support::binary_for;

#[derive(Debug)]
pub(crate) struct Terminal;

impl Terminal {
    /// Runs the binary with a terminal as its input, output and error, on which these keys are pressed; returns the exit code and
    /// what was shown, echo included.
    pub(crate) fn run(server: &Server, args: &[&str], keys: &str) -> (i32, String) {
        let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&controller).unwrap();
        unlockpt(&controller).unwrap();
        let name = ptsname(&controller, Vec::new()).unwrap();
        let screen = Path::new(name.to_str().unwrap());
        let open = || OpenOptions::new().read(true).write(true).open(screen).unwrap();
        let mut command = binary_for(server);
        command.args(args).stdin(open()).stdout(open()).stderr(open());
        let mut child = command.spawn().unwrap();
        drop(command);
        let mut controller = File::from(controller);
        controller.write_all(keys.as_bytes()).unwrap();
        let shown = thread::spawn(move || {
            let mut shown = Vec::new();
            // It ends with an error when the last process that has the terminal ends.
            let _ = controller.read_to_end(&mut shown);
            String::from_utf8(shown).unwrap()
        });
        (child.wait().unwrap().code().unwrap(), shown.join().unwrap())
    }
}
