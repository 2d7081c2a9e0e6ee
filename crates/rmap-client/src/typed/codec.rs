//! Codecs, which turn values into bytes and bytes into values.

use std::error::Error;
use std::fmt::Display;
use std::str::FromStr;

/// The error of a codec that could not encode or decode a value.
///
/// ```
/// use rmap_client::typed::CodecError;
///
/// let error = CodecError::from("it is no port");
/// assert_eq!(error.to_string(), "it is no port");
/// ```
pub type CodecError = Box<dyn Error + Send + Sync>;

/// Turns values of a type into bytes and back. [`Text`] is one, and `Json` with the feature `serde`.
///
/// Another takes two methods. Conditional writes compare bytes, so equal values should be encoded equally.
///
/// ```
/// use rmap_client::typed::{Codec, CodecError};
///
/// /// Two bytes, the high one first.
/// #[derive(Debug)]
/// struct Port;
///
/// impl Codec<u16> for Port {
///     fn encode(&self, value: &u16) -> Result<Vec<u8>, CodecError> {
///         Ok(value.to_be_bytes().into())
///     }
///
///     fn decode(&self, bytes: &[u8]) -> Result<u16, CodecError> {
///         Ok(u16::from_be_bytes(bytes.try_into()?))
///     }
/// }
///
/// assert_eq!(Port.decode(&[0x1f, 0x90]).unwrap(), 8080);
/// assert!(Port.decode(b"http").is_err());
/// ```
pub trait Codec<T>: Send + Sync + 'static {
    /// The bytes of a value.
    ///
    /// # Errors
    ///
    /// Why it has none. The write fails with [`Error::NotEncoded`](crate::Error::NotEncoded), and nothing is sent.
    fn encode(&self, value: &T) -> Result<Vec<u8>, CodecError>;

    /// The value of these bytes. They may come from any program.
    ///
    /// # Errors
    ///
    /// Why they are none. The value is [rejected](crate::TypedMap::rejected), and its key keeps the last good one.
    fn decode(&self, bytes: &[u8]) -> Result<T, CodecError>;
}

/// Text, as `Display` writes a value and `FromStr` reads it: strings, numbers, addresses and the like.
///
/// The bytes are those that the command line, [`Map::set`](crate::Map::set) and [`Map::inc`](crate::Map::inc) write. A value
/// that is no UTF-8 is rejected.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), rmap_client::Error> {
/// use std::net::IpAddr;
///
/// use rmap_client::typed::Text;
///
/// # let client = rmap_client::Client::in_memory();
/// let hosts = client.map("hosts").typed::<IpAddr>(Text).join().await?;
/// hosts.untyped().set("web", "127.0.0.1").await?;
/// hosts.untyped().set("db", "somewhere").await?;
/// hosts.sync().await?;
/// assert!(hosts.get("web").unwrap().is_loopback());
/// assert_eq!(hosts.rejected()[0].why().to_string(), "the value was not decoded: invalid IP address syntax");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "users write its name as a value")]
pub struct Text;

impl<T> Codec<T> for Text
where
    T: Display + FromStr<Err: Error + Send + Sync + 'static>,
{
    fn encode(&self, value: &T) -> Result<Vec<u8>, CodecError> {
        Ok(value.to_string().into_bytes())
    }

    fn decode(&self, bytes: &[u8]) -> Result<T, CodecError> {
        Ok(std::str::from_utf8(bytes)?.parse()?)
    }
}

/// JSON, by `serde_json`.
///
/// ```
/// use rmap_client::typed::{Codec, Json};
///
/// let bytes = Codec::<Vec<u32>>::encode(&Json, &vec![1, 2]).unwrap();
/// assert_eq!(bytes, b"[1,2]");
/// let numbers: Vec<u32> = Json.decode(&bytes).unwrap();
/// assert_eq!(numbers, [1, 2]);
/// ```
#[cfg(feature = "serde")]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "users write its name as a value")]
pub struct Json;

#[cfg(feature = "serde")]
impl<T: serde::Serialize + serde::de::DeserializeOwned> Codec<T> for Json {
    fn encode(&self, value: &T) -> Result<Vec<u8>, CodecError> {
        Ok(serde_json::to_vec(value)?)
    }

    fn decode(&self, bytes: &[u8]) -> Result<T, CodecError> {
        Ok(serde_json::from_slice(bytes)?)
    }
}
