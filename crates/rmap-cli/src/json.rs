//! JSON that loses nothing: what is not UTF-8 stands in hexadecimal under a name of its own.

use serde_json::{Map, Value};

use crate::text;

/// Puts bytes under `name` when they are text, under `name_hex` when they are not, and null when there are none.
pub(crate) fn put(object: &mut Map<String, Value>, name: &str, bytes: Option<&[u8]>) {
    match bytes.map(|bytes| (bytes, str::from_utf8(bytes))) {
        None => object.insert(name.to_owned(), Value::Null),
        Some((_, Ok(text))) => object.insert(name.to_owned(), text.into()),
        Some((bytes, Err(_))) => object.insert(format!("{name}_hex"), text::hex(bytes).into()),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_no_text_is_hexadecimal() {
        let mut object = Map::new();
        put(&mut object, "old", None);
        put(&mut object, "key", Some("é\0".as_bytes()));
        put(&mut object, "new", Some(b"\xff\x00"));
        assert_eq!(Value::from(object).to_string(), r#"{"key":"é\u0000","new_hex":"ff00","old":null}"#);
    }
}
