//! Keys and values from arguments, files and standard input.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::args::Hex;
use crate::command_error::CommandError;

/// Longest key of a map.
pub(crate) const MAX_KEY_BYTES: usize = 1 << 20;

/// Longest value of a map.
pub(crate) const MAX_VALUE_BYTES: usize = 16 << 20;

/// One more than any value may have: enough to let the map say that it is too long.
const MOST: u64 = MAX_VALUE_BYTES as u64 + 1;

/// The source of a value.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'a> {
    Argument(&'a OsStr),
    /// `-` is standard input.
    File(&'a Path),
}

impl Value<'_> {
    pub(crate) fn read(self, hex: Hex) -> Result<Vec<u8>, CommandError> {
        match self {
            Self::Argument(argument) => bytes(argument, hex),
            Self::File(path) => read_file(path, MOST),
        }
    }
}

/// The bytes that an argument stands for: its own, or those that its hexadecimal digits say.
pub(crate) fn bytes(argument: &OsStr, Hex { hex }: Hex) -> Result<Vec<u8>, CommandError> {
    decoded(argument.as_encoded_bytes(), hex)
}

/// An argument that is `KEY=VALUE`.
pub(crate) fn pair(argument: &OsStr, Hex { hex }: Hex) -> Result<(Vec<u8>, Vec<u8>), CommandError> {
    let Some((key, value)) = split_pair(argument.as_encoded_bytes()) else {
        let argument = argument.to_string_lossy();
        return Err(CommandError::Usage(format!("'{}' is not KEY=VALUE", argument.escape_debug())));
    };
    Ok((decoded(key, hex)?, decoded(value, hex)?))
}

fn decoded(bytes: &[u8], hex: bool) -> Result<Vec<u8>, CommandError> {
    if !hex {
        return Ok(bytes.to_vec());
    }
    decode_hex(bytes).ok_or_else(|| {
        let digits = String::from_utf8_lossy(bytes);
        CommandError::Usage(format!(
            "'{}' is not an even number of hexadecimal digits",
            digits.escape_debug()
        ))
    })
}

/// Splits `KEY=VALUE`; keys hold no `=`.
pub(crate) fn split_pair(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let equals = bytes.iter().position(|&byte| byte == b'=')?;
    Some((&bytes[..equals], &bytes[equals + 1..]))
}

/// A whole file, or standard input when it is `-`.
pub(crate) fn read_all(path: &Path) -> Result<Vec<u8>, CommandError> {
    read_file(path, u64::MAX)
}

fn read_file(path: &Path, most: u64) -> Result<Vec<u8>, CommandError> {
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        io::stdin().lock().take(most).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes))
    };
    read.map_err(|error| CommandError::Usage(format!("can't read {}: {error}", path.display())))?;
    Ok(bytes)
}

pub(crate) fn decode_hex(digits: &[u8]) -> Option<Vec<u8>> {
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let (pairs, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|&[high, low]| Some(value(high)? << 4 | value(low)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text;

    #[test]
    fn hexadecimal_comes_back() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(decode_hex(text::hex(&all).as_bytes()), Some(all));
        assert_eq!(decode_hex(b"0Ff0"), Some(vec![0x0f, 0xf0]));
        assert_eq!(decode_hex(b""), Some(Vec::new()));
        assert_eq!(decode_hex(b"0"), None);
        assert_eq!(decode_hex(b"0g"), None);
    }

    #[test]
    fn a_pair_ends_its_key_at_the_first_equals_sign() {
        let pair = |argument: &str, hex| pair(argument.as_ref(), Hex { hex });
        assert_eq!(pair("a=b=c", false).unwrap(), (b"a".to_vec(), b"b=c".to_vec()));
        assert_eq!(pair("a=", false).unwrap(), (b"a".to_vec(), Vec::new()));
        assert_eq!(pair("ff=00", true).unwrap(), (vec![0xff], vec![0]));
        for (bad, hex) in [("a", false), ("a", true), ("ff=0", true), ("f=00", true), ("ff=0=", true)] {
            assert!(matches!(pair(bad, hex), Err(CommandError::Usage(_))), "{bad}");
        }
    }
}
