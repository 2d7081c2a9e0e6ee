//! A plain connection that sends commands and counts replies, faster than the server answers.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};

/// Number of commands sent together. Two such groups are in flight, so that the server never waits.
const GROUP: usize = 128;

pub(crate) struct Raw {
    writer: TcpStream,
    reader: BufReader<TcpStream>,
}

/// A reply.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reply {
    Int(i64),
    Text(String),
    Null,
    Array(Vec<Self>),
}

impl Reply {
    pub(crate) fn int(&self) -> i64 {
        match self {
            Self::Int(number) => *number,
            Self::Text(_) | Self::Null | Self::Array(_) => panic!("not a number: {self:?}"),
        }
    }

    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Int(_) | Self::Null | Self::Array(_) => panic!("not a text: {self:?}"),
        }
    }

    pub(crate) fn items(&self) -> &[Self] {
        match self {
            Self::Array(items) => items,
            Self::Int(_) | Self::Null | Self::Text(_) => panic!("not an array: {self:?}"),
        }
    }
}

impl Raw {
    pub(crate) fn connect(port: u16) -> Self {
        let writer = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        writer.set_nodelay(true).unwrap();
        let reader = BufReader::with_capacity(1 << 16, writer.try_clone().unwrap());
        Self { writer, reader }
    }

    /// Sends one command and waits for its reply. Panics on an error reply.
    pub(crate) fn command<W: AsRef<[u8]>>(&mut self, words: &[W]) -> Reply {
        self.writer.write_all(&encode(words)).unwrap();
        self.reply()
    }

    /// Sends encoded commands and waits for all replies, of which each command has `replies`.
    pub(crate) fn pipeline(&mut self, commands: &[Vec<u8>], replies: usize) {
        self.pipeline_paced(commands, replies, |_| {});
    }

    /// Like `pipeline`, but calls `before` ahead of each group, with the number of commands sent after the group.
    pub(crate) fn pipeline_paced(
        &mut self,
        commands: &[Vec<u8>],
        replies: usize,
        mut before: impl FnMut(usize),
    ) {
        let (mut sent, mut waiting) = (0, 0);
        for group in commands.chunks(GROUP) {
            sent += group.len();
            before(sent);
            self.writer.write_all(&group.concat()).unwrap();
            self.skip(waiting);
            waiting = group.len() * replies;
        }
        self.skip(waiting);
    }

    /// A number from the server's INFO.
    pub(crate) fn info(&mut self, section: &str, field: &str) -> f64 {
        let text = self.info_text(section);
        let prefix = format!("{field}:");
        let line = text.lines().find_map(|line| line.strip_prefix(&prefix));
        line.unwrap_or_else(|| panic!("INFO {section} has no {field}")).trim().parse().unwrap()
    }

    pub(crate) fn info_text(&mut self, section: &str) -> String {
        self.command(&["INFO", section]).text().to_owned()
    }

    /// Seconds of processor time that the server has used.
    pub(crate) fn server_seconds(&mut self) -> f64 {
        self.info("cpu", "used_cpu_user") + self.info("cpu", "used_cpu_sys")
    }

    fn reply(&mut self) -> Reply {
        let line = self.line();
        let (kind, rest) = line.split_at(1);
        match kind {
            "+" => Reply::Text(rest.to_owned()),
            ":" => Reply::Int(rest.parse().unwrap()),
            "$" | "*" if rest.starts_with('-') => Reply::Null,
            "$" => {
                let mut bytes = vec![0; rest.parse::<usize>().unwrap() + 2];
                self.reader.read_exact(&mut bytes).unwrap();
                bytes.truncate(bytes.len() - 2);
                Reply::Text(String::from_utf8_lossy(&bytes).into_owned())
            }
            "*" => Reply::Array((0..rest.parse().unwrap()).map(|_| self.reply()).collect()),
            _ => panic!("the server answered {line}"),
        }
    }

    /// Reads and drops replies. Panics on an error reply.
    fn skip(&mut self, mut replies: usize) {
        while replies > 0 {
            replies -= 1;
            let line = self.line();
            let (kind, rest) = line.split_at(1);
            match kind {
                "+" | ":" => {}
                "$" | "*" if rest.starts_with('-') => {}
                "$" => self.skip_bytes(rest.parse::<usize>().unwrap() + 2),
                "*" => replies += rest.parse::<usize>().unwrap(),
                _ => panic!("the server answered {line}"),
            }
        }
    }

    fn skip_bytes(&mut self, mut count: usize) {
        while count > 0 {
            let here = self.reader.fill_buf().unwrap().len().min(count);
            assert_ne!(here, 0, "the server closed the connection");
            self.reader.consume(here);
            count -= here;
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert_ne!(self.reader.read_line(&mut line).unwrap(), 0, "the server closed the connection");
        line.truncate(line.trim_end().len());
        line
    }
}

/// A command in the wire format.
pub(crate) fn encode<W: AsRef<[u8]>>(words: &[W]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        let word = word.as_ref();
        bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        bytes.extend_from_slice(word);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}
