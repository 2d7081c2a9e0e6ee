//! Types of keys and values, and codecs.

use rmap_client::Client;
use rmap_client::typed::{Codec, CodecError, KeyBytes, MapKey, Text, Why};

/// A key with a form of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tenant(u32);

impl KeyBytes for Tenant {
    fn with_bytes<R>(&self, read: impl FnOnce(&[u8]) -> R) -> R {
        format!("tenant-{}", self.0).as_str().with_bytes(read)
    }
}

impl MapKey for Tenant {
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        u32::from_bytes(bytes.strip_prefix(b"tenant-")?).map(Self)
    }
}

#[tokio::test]
async fn a_key_of_another_form_is_rejected() {
    let bytes = Client::in_memory().map("limits").join().await.unwrap();
    let map = bytes.typed_with_keys::<Tenant, u8>(Postcard).join().await.unwrap();
    map.set(&Tenant(7), &1).visible().await.unwrap();
    assert_eq!(bytes.get("tenant-7").unwrap().as_bytes(), [1]);
    bytes.batch().set("tenant-007", [2]).set("other", [3]).commit().await.unwrap();
    map.sync().await.unwrap();
    assert_eq!((map.keys(), *map.get(&Tenant(7)).unwrap()), (vec![Tenant(7)], 1));
    map.batch()
        .set(&Tenant(10), &3)
        .set(&Tenant(9), &2)
        .set(&Tenant(71), &4)
        .commit()
        .visible()
        .await
        .unwrap();
    let view = map.view();
    let sorted: Vec<_> = view.sorted().into_iter().map(|entry| entry.key).collect();
    assert_eq!(sorted, [Tenant(10), Tenant(7), Tenant(71), Tenant(9)], "by bytes");
    let mut begun: Vec<_> = view.prefix("tenant-7").map(|entry| entry.key.0).collect();
    begun.sort_unstable();
    assert_eq!(begun, [7, 71]);
    assert_eq!(map.rejected().iter().filter(|rejected| *rejected.why() == Why::Key).count(), 2);
}

/// Another codec is a few lines.
#[derive(Debug)]
struct Postcard;

impl<T: serde::Serialize + serde::de::DeserializeOwned> Codec<T> for Postcard {
    fn encode(&self, value: &T) -> Result<Vec<u8>, CodecError> {
        Ok(postcard::to_stdvec(value)?)
    }

    fn decode(&self, bytes: &[u8]) -> Result<T, CodecError> {
        Ok(postcard::from_bytes(bytes)?)
    }
}

#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Flag {
    on: bool,
    percent: u8,
}

#[tokio::test]
async fn postcard_is_a_codec_of_a_few_lines() {
    let flags = Client::in_memory().map("flags").typed::<Flag>(Postcard).join().await.unwrap();
    flags.set("dark-mode", &Flag { on: true, percent: 20 }).visible().await.unwrap();
    assert_eq!(*flags.get("dark-mode").unwrap(), Flag { on: true, percent: 20 });
    assert_eq!(flags.untyped().get("dark-mode").unwrap().as_bytes(), [1, 20]);
    flags.untyped().set("dark-mode", [7]).visible().await.unwrap();
    flags.sync().await.unwrap();
    assert!(flags.get("dark-mode").unwrap().on && flags.rejected().len() == 1);
}

#[cfg(feature = "serde")]
#[tokio::test]
async fn json_is_a_codec() {
    use rmap_client::typed::Json;

    let flags = Client::in_memory().map("flags").typed::<Flag>(Json).join().await.unwrap();
    flags.set("dark-mode", &Flag { on: true, percent: 20 }).visible().await.unwrap();
    assert_eq!(flags.untyped().get("dark-mode").unwrap(), r#"{"on":true,"percent":20}"#);
    flags.untyped().set("dark-mode", r#"{"on":"yes"}"#).await.unwrap();
    flags.sync().await.unwrap();
    assert_eq!((flags.get("dark-mode").unwrap().percent, flags.rejected().len()), (20, 1));
}

#[tokio::test]
async fn text_is_a_codec_of_what_can_be_displayed_and_read() {
    let bytes = Client::in_memory().map("limits").join().await.unwrap();
    let numbers = bytes.typed::<i64>(Text).join().await.unwrap();
    numbers.set("a", &-7).await.unwrap();
    bytes.inc("a", 10).await.unwrap();
    bytes.set("b", " 1").await.unwrap();
    bytes.set("c", [0xff]).await.unwrap();
    numbers.sync().await.unwrap();
    assert_eq!(numbers.get("a").as_deref(), Some(&3));
    let mut why: Vec<_> = numbers.rejected().iter().map(|rejected| rejected.why().to_string()).collect();
    why.sort();
    assert_eq!(
        why,
        [
            "the value was not decoded: invalid digit found in string",
            "the value was not decoded: invalid utf-8 sequence of 1 bytes from index 0",
        ]
    );

    let strings = bytes.typed::<String>(Text).join().await.unwrap();
    assert_eq!(strings.get("b").unwrap().as_str(), " 1");
    assert!(strings.test_and_set("b", &" 1".to_owned(), &String::new()).visible().await.unwrap().applied);
    assert_eq!(bytes.get("b").unwrap(), "");
}
