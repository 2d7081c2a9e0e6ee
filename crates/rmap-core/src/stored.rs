//! The format of a **store**: the content of one map as bytes that outlive the process. Encoding and decoding are pure
//! functions of bytes; whoever has files writes and reads them.
//!
//! [`decode`] checks the whole store before it hands out anything: a store is either the content that was encoded, or
//! an [`InvalidStore`] that says what is wrong and where. The page `docs/store-format.md` defines every byte.
//!
//! ```
//! use rmap_core::stored::{self, Encoder, Header};
//! use rmap_proto::{MapName, Revision};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let name = MapName::new("flags")?;
//! let mut header = Header::new(name.clone(), 1_764_000_000_000);
//! header.revision = Revision::new(1_763_999_000_000);
//! header.fields = 3;
//!
//! let mut file = Vec::new();
//! let mut encoder = Encoder::new(&header);
//! if let Some(block) = encoder.push(b"dark-mode", b"on") {
//!     file.extend_from_slice(block);
//! }
//! file.extend_from_slice(&encoder.finish());
//!
//! let stored = stored::decode(&file, &name)?;
//! assert_eq!(stored.header(), &header);
//! assert_eq!(stored.entries().collect::<Vec<_>>(), [(&b"dark-mode"[..], &b"on"[..])]);
//!
//! // Every store that is cut short or damaged is refused.
//! assert!(stored::decode(&file[..file.len() - 1], &name).is_err());
//! # Ok(())
//! # }
//! ```

mod decoder;
mod encoder;
mod fields;
mod frame;
mod header;
mod invalid;

pub use decoder::{Stored, StoredEntries, decode};
pub use encoder::{BLOCK_BYTES, Encoder};
pub use frame::{MAGIC, VERSION};
pub use header::Header;
pub use invalid::{InvalidStore, Problem};
