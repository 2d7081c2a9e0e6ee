//! Every command of a server with its time, from MONITOR.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use integration_tests::Server;

/// Listens from the first moment at which the server accepts it, across restarts.
pub(crate) struct Monitor {
    lines: Arc<Mutex<Vec<String>>>,
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Monitor {
    pub(crate) fn start(server: &Server) -> Self {
        let (lines, stopped) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (port, all, stop) = (server.port(), Arc::clone(&lines), Arc::clone(&stopped));
        let thread = thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                listen(port, &all, &stop);
                thread::sleep(Duration::from_millis(1));
            }
        });
        Self { lines, stopped, thread: Some(thread) }
    }

    /// The times, in seconds, at which commands with this text ran.
    pub(crate) fn times(&self, text: &str) -> Vec<f64> {
        let lines = self.lines.lock().unwrap();
        lines.iter().filter(|line| line.contains(text)).map(|line| time(line)).collect()
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn listen(port: u16, lines: &Mutex<Vec<String>>, stop: &AtomicBool) {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return };
    stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    if stream.write_all(b"MONITOR\r\n").is_err() {
        return;
    }
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    while !stop.load(Ordering::Relaxed) {
        match reader.read_line(&mut line) {
            Ok(0) => return,
            Ok(_) => lines.lock().unwrap().push(std::mem::take(&mut line)),
            // The part of a line that was read stays in the buffer.
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}

/// `+1700000000.123456 [0 127.0.0.1:1] "COMMAND" …`
fn time(line: &str) -> f64 {
    line.trim_start_matches('+').split(' ').next().unwrap().parse().unwrap()
}
