//! Mistakes, collected so that all of one attribute are reported at once.

use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::ToTokens;

/// The mistakes found so far.
#[derive(Default)]
#[must_use = "mistakes that nobody reports are lost"]
pub(crate) struct Errors(Vec<syn::Error>);

impl Errors {
    /// Notes a mistake, under the tokens to change.
    pub(crate) fn add(&mut self, at: impl ToTokens, message: impl Display) {
        self.push(error(at, message));
    }

    pub(crate) fn push(&mut self, error: syn::Error) {
        self.0.push(error);
    }

    /// The value, or nothing and the mistake noted.
    pub(crate) fn keep<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One `compile_error!` per mistake.
    pub(crate) fn report(&self) -> TokenStream {
        self.0.iter().map(syn::Error::to_compile_error).collect()
    }
}

#[cfg(test)]
impl Errors {
    pub(crate) fn messages(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }
}

/// A mistake, under the tokens to change.
pub(crate) fn error(at: impl ToTokens, message: impl Display) -> syn::Error {
    syn::Error::new_spanned(at, message)
}

/// The candidate that `word` was probably meant to be.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = |candidate: &&str| distance(word, candidate) <= candidate.len().div_ceil(3);
    candidates.into_iter().filter(near).min_by_key(|candidate| distance(word, candidate))
}

/// Letters to insert, delete or exchange to get from one word to the other (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.bytes().enumerate() {
            let exchanged = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = exchanged.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_found_and_a_far_one_is_not() {
        let keys = ["queue", "retries", "retry_if"];
        assert_eq!(nearest("queu", keys), Some("queue"));
        assert_eq!(nearest("retires", keys), Some("retries"));
        assert_eq!(nearest("colour", keys), None);
    }
}
