const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The bytes as base64 with padding.
pub(super) fn encode(bytes: &[u8]) -> String {
    let digits = |chunk: &[u8]| {
        let number = (0..3).fold(0, |number, at| number << 8 | u32::from(chunk.get(at).copied().unwrap_or(0)));
        let digit = move |place: u32| ALPHABET[(number >> (18 - 6 * place) & 63) as usize] as char;
        let used = chunk.len() as u32 + 1;
        (0..4).map(move |place| if place < used { digit(place) } else { '=' })
    };
    bytes.chunks(3).flat_map(digits).collect()
}

/// The bytes that this is base64 of; the digits of URLs are understood too, and padding may be left away.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    for chunk in text.as_bytes().chunks(4) {
        let number = chunk.iter().try_fold(0, |number, digit| Some(number << 6 | value(*digit)?))?;
        let number = number << (6 * (4 - chunk.len()));
        let whole = [(number >> 16) as u8, (number >> 8) as u8, number as u8];
        bytes.extend_from_slice(whole.get(..chunk.len().checked_sub(1).filter(|count| *count > 0)?)?);
    }
    Some(bytes)
}

fn value(digit: u8) -> Option<u32> {
    let value = match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    };
    Some(value.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_standard() {
        let examples =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")];
        for (bytes, text) in examples {
            assert_eq!(encode(bytes.as_bytes()), text);
            assert_eq!(decode(text).as_deref(), Some(bytes.as_bytes()));
        }
    }

    #[test]
    fn both_alphabets_are_read_and_nothing_else() {
        assert_eq!(decode("-_-_"), decode("+/+/"));
        assert_eq!(decode("Zm9v!A=="), None);
        assert_eq!(decode("Z"), None);
    }
}
