//! Texts as Postgres can keep them: all but those with a zero byte are kept as they are.

use std::borrow::Cow;

/// Stands before the digit that tells what stood there. No text for people has it: Unicode gives it no meaning.
const ESCAPE: char = '\u{fdd0}';

/// A text as it is stored.
pub(super) fn stored(text: &str) -> Cow<'_, str> {
    if text.contains(['\0', ESCAPE]) {
        Cow::Owned(text.replace(ESCAPE, "\u{fdd0}1").replace('\0', "\u{fdd0}0"))
    } else {
        Cow::Borrowed(text)
    }
}

/// A stored text as it was given.
pub(super) fn given(text: String) -> String {
    if text.contains(ESCAPE) { text.replace("\u{fdd0}0", "\0").replace("\u{fdd0}1", "\u{fdd0}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_comes_back_and_no_two_are_stored_alike() {
        let texts = ["", "plain", "\0", "\u{fdd0}", "\u{fdd0}0", "\0\u{fdd0}1\0", "a\0b"];
        let kept = texts.map(|text| stored(text).into_owned());
        assert!(kept.iter().all(|text| !text.contains('\0')));
        assert_eq!(kept.clone().map(given), texts);
        assert_eq!(kept.iter().collect::<std::collections::BTreeSet<_>>().len(), texts.len());
    }
}
