//! The parts of a block: numbers, lengths and bytes.

use super::invalid::Problem;

/// Appends a number of eight bytes, lowest first.
pub(super) fn put_number(to: &mut Vec<u8>, number: u64) {
    to.extend_from_slice(&number.to_le_bytes());
}

/// Appends bytes behind their length.
pub(super) fn put_bytes(to: &mut Vec<u8>, bytes: &[u8]) {
    put_length(to, bytes.len());
    to.extend_from_slice(bytes);
}

/// Appends a length in groups of seven bits, lowest first. The highest bit of a byte says that another one follows.
fn put_length(to: &mut Vec<u8>, mut length: usize) {
    while length >= 0x80 {
        to.push(length as u8 | 0x80);
        length >>= 7;
    }
    to.push(length as u8);
}

/// Reads the parts of a block one after the other. A part is only as long as the bytes that are there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    /// Reads `bytes` from offset `at`.
    pub(super) const fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    /// Offset of the next part.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    pub(super) const fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    pub(super) fn byte(&mut self) -> Result<u8, Problem> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn number(&mut self) -> Result<u64, Problem> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], Problem> {
        let length = self.length()?;
        let end = self.at.checked_add(length).ok_or(Problem::Length)?;
        let bytes = self.bytes.get(self.at..end).ok_or(Problem::Length)?;
        self.at = end;
        Ok(bytes)
    }

    /// An optional part behind a byte that is 1 where the part is there, and 0 where it is not.
    pub(super) fn optional<T>(
        &mut self,
        part: impl FnOnce(&mut Self) -> Result<T, Problem>,
    ) -> Result<Option<T>, Problem> {
        match self.byte()? {
            0 => Ok(None),
            1 => part(self).map(Some),
            _ => Err(Problem::Flag),
        }
    }

    /// A length has one form only: its last byte is not 0, unless the length is.
    fn length(&mut self) -> Result<usize, Problem> {
        let mut length = 0u64;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            let shifted = bits << shift;
            if shifted >> shift != bits || byte == 0 && shift > 0 {
                return Err(Problem::Length);
            }
            length |= shifted;
            if byte < 0x80 {
                return usize::try_from(length).map_err(|_| Problem::Length);
            }
        }
        Err(Problem::Length)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Problem> {
        let rest = self.bytes.get(self.at..).and_then(<[u8]>::first_chunk);
        let array = rest.ok_or(Problem::Length)?;
        self.at += N;
        Ok(*array)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_has_one_form() {
        for length in [0, 1, 0x7f, 0x80, 0x3fff, 0x4000, usize::MAX] {
            let mut bytes = Vec::new();
            put_length(&mut bytes, length);
            let mut fields = Fields::new(&bytes, 0);
            assert_eq!(fields.length(), Ok(length));
            assert!(fields.is_at_end());
            if let Some(last) = bytes.last_mut() {
                *last |= 0x80;
            }
            bytes.push(0);
            assert_eq!(
                Fields::new(&bytes, 0).length(),
                Err(Problem::Length),
                "{length} with a zero behind it"
            );
        }
        assert_eq!(Fields::new(&[0xff; 20], 0).length(), Err(Problem::Length), "endless");
        assert_eq!(Fields::new(&[0x80], 0).length(), Err(Problem::Length), "cut short");
        let beyond = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02];
        assert_eq!(Fields::new(&beyond, 0).length(), Err(Problem::Length), "more than 64 bits");
    }

    #[test]
    fn a_part_is_never_longer_than_the_bytes_that_are_there() {
        let mut bytes = Vec::new();
        put_length(&mut bytes, usize::MAX);
        bytes.extend_from_slice(b"abc");
        assert_eq!(Fields::new(&bytes, 0).bytes(), Err(Problem::Length));
        assert_eq!(Fields::new(b"\x04abc", 0).bytes(), Err(Problem::Length));
        assert_eq!(Fields::new(b"\x03abc", 0).bytes(), Ok(&b"abc"[..]));
        assert_eq!(Fields::new(&[0; 7], 0).number(), Err(Problem::Length));
        assert_eq!(Fields::new(&[2], 0).optional(Fields::byte), Err(Problem::Flag));
        assert_eq!(Fields::new(b"", 5).byte(), Err(Problem::Length));
    }
}
