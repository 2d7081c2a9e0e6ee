//! Keys that are more than bytes.

use std::sync::Arc;

use rmap_proto::Key;

/// Something that names a key of a map: what `get` and the writes of a [`TypedMap`](crate::TypedMap) take.
///
/// As with [`HashMap`](std::collections::HashMap), a key type may be looked up by a borrowed form: a `String` by a `str`.
///
/// ```
/// use rmap_client::typed::KeyBytes;
///
/// assert!("requests".with_bytes(|bytes| bytes == b"requests"));
/// assert!((-7_i32).with_bytes(|bytes| bytes == b"-7"));
/// ```
pub trait KeyBytes {
    /// Calls `read` with the bytes of the key, and returns what it returns.
    fn with_bytes<R>(&self, read: impl FnOnce(&[u8]) -> R) -> R;
}

/// A key type of a [`TypedMap`](crate::TypedMap).
///
/// `String`, `Arc<str>`, `Vec<u8>`, [`Key`] and the integers of Rust implement it; integers are decimal numbers. A newtype takes
/// two methods:
///
/// ```
/// use rmap_client::typed::{KeyBytes, MapKey};
///
/// #[derive(Debug, PartialEq)]
/// struct Tenant(u32);
///
/// impl KeyBytes for Tenant {
///     fn with_bytes<R>(&self, read: impl FnOnce(&[u8]) -> R) -> R {
///         format!("tenant-{}", self.0).as_str().with_bytes(read)
///     }
/// }
///
/// impl MapKey for Tenant {
///     fn from_bytes(bytes: &[u8]) -> Option<Self> {
///         u32::from_bytes(bytes.strip_prefix(b"tenant-")?).map(Self)
///     }
/// }
///
/// assert_eq!(Tenant::from_bytes(b"tenant-7"), Some(Tenant(7)));
/// assert!(Tenant(7).with_bytes(|bytes| bytes == b"tenant-7"));
/// ```
pub trait MapKey: KeyBytes + Send + Sync + Sized + 'static {
    /// The key with these bytes; `None` when they are no key of this type.
    ///
    /// It must always return the same for the same bytes. An entry whose key is not of this type, or whose key has other
    /// bytes than [`with_bytes`](KeyBytes::with_bytes) gives for it (`007` is no `u32`), is rejected.
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

macro_rules! bytes_of {
    ($($type:ty: |$key:ident| $bytes:expr;)+) => {
        $(
            impl KeyBytes for $type {
                fn with_bytes<R>(&self, read: impl FnOnce(&[u8]) -> R) -> R {
                    let $key = self;
                    read($bytes)
                }
            }
        )+
    };
}

bytes_of! {
    str: |key| key.as_bytes();
    String: |key| key.as_bytes();
    Arc<str>: |key| key.as_bytes();
    [u8]: |key| key;
    Vec<u8>: |key| key;
    Key: |key| key.as_bytes();
}

impl MapKey for String {
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        str::from_utf8(bytes).ok().map(Self::from)
    }
}

impl MapKey for Arc<str> {
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        str::from_utf8(bytes).ok().map(Self::from)
    }
}

impl MapKey for Vec<u8> {
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(bytes.to_vec())
    }
}

impl MapKey for Key {
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self::stored(bytes))
    }
}

/// The digits of an integer, without memory of their own.
fn digits<R>(number: u64, negative: bool, read: impl FnOnce(&[u8]) -> R) -> R {
    // 20 digits and a sign.
    let mut text = [b'0'; 21];
    let (mut start, mut rest) = (text.len(), number);
    loop {
        start -= 1;
        text[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if negative {
        start -= 1;
        text[start] = b'-';
    }
    read(&text[start..])
}

macro_rules! integers {
    ($($type:ty: $negative:expr;)+) => {
        $(
            impl KeyBytes for $type {
                fn with_bytes<R>(&self, read: impl FnOnce(&[u8]) -> R) -> R {
                    let negative: fn($type) -> bool = $negative;
                    digits(self.abs_diff(0) as u64, negative(*self), read)
                }
            }

            impl MapKey for $type {
                fn from_bytes(bytes: &[u8]) -> Option<Self> {
                    str::from_utf8(bytes).ok()?.parse().ok()
                }
            }
        )+
    };
}

integers! {
    u8: |_| false;
    u16: |_| false;
    u32: |_| false;
    u64: |_| false;
    usize: |_| false;
    i8: |number| number < 0;
    i16: |number| number < 0;
    i32: |number| number < 0;
    i64: |number| number < 0;
    isize: |number| number < 0;
}

#[cfg(test)]
mod tests {
    use std::fmt::{Debug, Display};

    use super::*;

    fn is_its_text<K: MapKey + Display + Debug + PartialEq>(key: K) {
        let text = key.to_string();
        assert!(key.with_bytes(|bytes| bytes == text.as_bytes()), "{text}");
        assert_eq!(K::from_bytes(text.as_bytes()), Some(key));
    }

    #[test]
    fn integers_are_decimal_numbers() {
        for number in [i64::MIN, i64::MAX, -1, 0, 1, 10, -10] {
            is_its_text(number);
        }
        is_its_text(u64::MAX);
        is_its_text(i8::MIN);
        is_its_text(usize::MAX);
        assert_eq!(u8::from_bytes(b"256"), None);
        assert_eq!(u8::from_bytes(b"x"), None);
    }
}
