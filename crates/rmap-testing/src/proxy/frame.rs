//! The length of a RESP2 frame.

/// The length of the first whole frame, or `None` when more bytes are needed.
pub(super) fn length(bytes: &[u8]) -> Option<usize> {
    let line = bytes.windows(2).position(|window| window == b"\r\n")? + 2;
    match bytes[0] {
        b'$' => {
            let length = line + usize::try_from(number(&bytes[..line])).map_or(0, |length| length + 2);
            (bytes.len() >= length).then_some(length)
        }
        b'*' => {
            let mut end = line;
            for _ in 0..number(&bytes[..line]) {
                end += length(&bytes[end..])?;
            }
            Some(end)
        }
        _ => Some(line),
    }
}

/// The number in the first line of a frame.
fn number(line: &[u8]) -> i64 {
    let digits = std::str::from_utf8(&line[1..line.len() - 2]).expect("a length is text");
    digits.parse().expect("a length is a number")
}

/// True when a request is this command.
pub(super) fn is_command(request: &[u8], name: &str) -> bool {
    let mut lines = request.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
    lines.nth(2).is_some_and(|word| word.eq_ignore_ascii_case(name.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_ends_where_it_ends() {
        for frame in [
            &b"+OK\r\n"[..],
            b"-ERR no\r\n",
            b":12\r\n",
            b"$-1\r\n",
            b"$0\r\n\r\n",
            b"$5\r\na\r\nbc\r\n",
            b"*-1\r\n",
            b"*0\r\n",
            b"*2\r\n*1\r\n:1\r\n$2\r\nab\r\n",
        ] {
            assert_eq!(length(&[frame, b"+next"].concat()), Some(frame.len()), "{}", frame.escape_ascii());
            for end in 0..frame.len() {
                assert_eq!(length(&frame[..end]), None, "{}", frame.escape_ascii());
            }
        }
    }

    #[test]
    fn a_command_is_known_by_its_name() {
        assert!(is_command(b"*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\na\r\n", "subscribe"));
        assert!(!is_command(b"*2\r\n$4\r\nECHO\r\n$9\r\nSUBSCRIBE\r\n", "SUBSCRIBE"));
        assert!(!is_command(b"PING\r\n", "SUBSCRIBE"));
    }
}
