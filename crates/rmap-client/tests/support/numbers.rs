//! A codec that counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rmap_client::typed::{Codec, CodecError};

/// Numbers as text. It counts what it decodes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Numbers(Arc<AtomicUsize>);

impl Numbers {
    pub(crate) fn decoded(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Codec<i64> for Numbers {
    fn encode(&self, value: &i64) -> Result<Vec<u8>, CodecError> {
        if *value == 13 { Err("13 brings bad luck".into()) } else { Ok(value.to_string().into_bytes()) }
    }

    fn decode(&self, bytes: &[u8]) -> Result<i64, CodecError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        assert_ne!(bytes, b"panic");
        Ok(std::str::from_utf8(bytes)?.parse()?)
    }
}
