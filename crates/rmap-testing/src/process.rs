//! A server's process, which does not outlive the test that started it.

use std::io;
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// Waits for the end of its input, which comes when the test's process ends, however that happens.
const GUARD: &str = "read -r nothing; kill -9 \"$1\" 2>/dev/null";

/// A child that is killed with this value, or with the process that holds it.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    guard: Child,
}

impl Process {
    pub(crate) fn spawn(command: &mut Command) -> io::Result<Self> {
        let mut child = command.spawn()?;
        let mut guard = Command::new("sh");
        guard.args(["-c", GUARD, "guard"]).arg(child.id().to_string());
        guard.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        match guard.spawn() {
            Ok(guard) => Ok(Self { child, guard }),
            Err(error) => {
                child.kill()?;
                child.wait()?;
                Err(error)
            }
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("the server's process takes signals");
    }

    /// How it ended, if it has.
    pub(crate) fn try_wait(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("the server's process can be asked")
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) {
        self.dismiss_guard();
        self.child.wait().expect("the server's process ends");
    }

    /// It must not kill by an id that may be somebody else's by then.
    fn dismiss_guard(&mut self) {
        // It may have ended by itself.
        let _ = self.guard.kill();
        let _ = self.guard.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.dismiss_guard();
        // As above.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
