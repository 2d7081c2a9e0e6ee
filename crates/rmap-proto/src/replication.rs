//! The replication of a server.

use bytes::Bytes;

/// The position of a server in the stream of changes that its replicas follow, from `INFO replication`.
///
/// Two servers with the same id had the same content at the same offset. A server that takes over from another one
/// draws an id of its own and keeps the other's as its [former](Former) id.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Replication {
    /// The replication id (`master_replid`), which changes with a failover and with most restarts.
    pub id: Bytes,
    /// The offset (`master_repl_offset`). It stands still while the server never had a replica.
    pub offset: u64,
    /// The history that this server continues; `None` where it continues none.
    pub former: Option<Former>,
}

/// The history of another replication id that a server continues.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Former {
    /// The former id (`master_replid2`).
    pub id: Bytes,
    /// The first offset that the histories do not share (`second_repl_offset`).
    pub end: u64,
}

impl Replication {
    /// A server with this id at this offset that continues no other history.
    #[must_use]
    pub const fn new(id: Bytes, offset: u64) -> Self {
        Self { id, offset, former: None }
    }

    /// Sets the history that the server continues, and the first offset that is not part of it.
    #[must_use]
    pub fn former(mut self, id: Bytes, end: u64) -> Self {
        self.former = Some(Former { id, end });
        self
    }

    /// Reads the text of `INFO replication`. `None` when it names no replication id.
    ///
    /// A missing or unreadable offset counts as 0, and a former id without a readable offset as none: both only make
    /// fewer contents provable.
    ///
    /// ```
    /// use rmap_proto::Replication;
    ///
    /// let text = b"# Replication\r\nrole:master\r\nmaster_replid:0af3\r\nmaster_repl_offset:42\r\n";
    /// assert_eq!(Replication::parse(text), Some(Replication::new("0af3".into(), 42)));
    /// assert_eq!(Replication::parse(b"role:master\r\n"), None);
    /// ```
    #[must_use]
    pub fn parse(info: &[u8]) -> Option<Self> {
        let id = id(field(info, b"master_replid")?)?;
        let offset = field(info, b"master_repl_offset").and_then(number).unwrap_or_default();
        let former = field(info, b"master_replid2").and_then(self::id);
        let end = field(info, b"second_repl_offset").and_then(number);
        let former = former.zip(end).map(|(id, end)| Former { id, end });
        Some(Self { id, offset, former })
    }
}

/// The value of a field: the rest of the line that begins with the name and a colon.
fn field<'a>(info: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut lines = info.split(|&byte| byte == b'\n');
    let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(b":"))?;
    Some(value.trim_ascii_end())
}

/// An id in hexadecimal. All zeros stand for none.
fn id(text: &[u8]) -> Option<Bytes> {
    let sound = text.iter().all(u8::is_ascii_hexdigit) && text.iter().any(|&digit| digit != b'0');
    sound.then(|| Bytes::copy_from_slice(text))
}

/// A number in decimal; `None` for -1, which stands for none.
fn number(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}
