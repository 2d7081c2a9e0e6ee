//! A server's process, which does not outlive its test.

use std::io;
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// Waits for the end of its input, which comes with the end of the test's process, however that ends.
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

    /// The exit status, if the process has ended.
    pub(crate) fn try_wait(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("the server's process can be asked")
    }

    /// Waits for the end of the process.
    pub(crate) fn wait(mut self) {
        self.dismiss_guard();
        self.child.wait().expect("the server's process ends");
    }

    /// Ends the guard, which must not kill a process id that another process may have by then.
    fn dismiss_guard(&mut self) {
        // The guard may have ended by itself.
        let _ = self.guard.kill();
        let _ = self.guard.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.dismiss_guard();
        // The child may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
