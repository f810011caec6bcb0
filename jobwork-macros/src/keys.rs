//! The options of an attribute: `key = value` by commas, each key known and given once.

use proc_macro2::{TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, Ident, Token};

use crate::diag::{Errors, error, nearest};

/// The options that an attribute knows.
pub(crate) struct Table {
    /// The attribute, as it is written.
    pub(crate) owner: &'static str,
    /// Each key with an example of its value.
    pub(crate) keys: &'static [(&'static str, &'static str)],
    /// Keys that somebody may expect, and what to say then.
    pub(crate) hints: &'static [(&'static str, &'static str)],
}

/// One option as it was written.
pub(crate) struct Key {
    pub(crate) name: Ident,
    pub(crate) value: Expr,
    /// A right value, for messages.
    pub(crate) example: &'static str,
}

impl Table {
    /// Every option that is well-formed and known; the mistakes in the others are noted, and reading goes on after them.
    pub(crate) fn read(&self, tokens: TokenStream, errors: &mut Errors) -> Vec<Key> {
        let mut keys: Vec<Key> = Vec::new();
        let parser = |input: ParseStream<'_>| {
            while !input.is_empty() {
                match self.key(input) {
                    Ok(key) if keys.iter().any(|other| other.name == key.name) => {
                        errors.add(&key.name, format_args!("`{}` is given twice", key.name));
                    }
                    Ok(key) => keys.push(key),
                    Err(error) => {
                        errors.push(error);
                        skip(input);
                    }
                }
                comma(input, errors);
            }
            Ok(())
        };
        if let Err(error) = parser.parse2(tokens) {
            errors.push(error);
        }
        keys
    }

    fn key(&self, input: ParseStream<'_>) -> syn::Result<Key> {
        let name = Ident::parse_any(input).map_err(|_| self.not_a_key(input))?;
        let Some((_, example)) = self.keys.iter().find(|(key, _)| name == key) else {
            return Err(self.unknown(&name));
        };
        let needs_value = || error(&name, format_args!("`{name}` needs a value: `{name} = {example}`"));
        if !input.peek(Token![=]) || input.peek(Token![==]) {
            return Err(needs_value());
        }
        input.parse::<Token![=]>()?;
        if input.is_empty() || input.peek(Token![,]) {
            return Err(needs_value());
        }
        let start = input.fork();
        let value = input.parse::<Expr>().map_err(|_| {
            let at = start.parse::<TokenTree>();
            at.map_or_else(|error| error, |at| error(at, format_args!("expected a value such as `{name} = {example}`")))
        })?;
        Ok(Key { name, value, example })
    }

    fn not_a_key(&self, input: ParseStream<'_>) -> syn::Error {
        let (key, example) = self.keys[0];
        let message = format!("expected an option of `{}`, such as `{key} = {example}`", self.owner);
        input.fork().parse::<TokenTree>().map_or_else(|error| error, |at| error(at, message))
    }

    fn unknown(&self, name: &Ident) -> syn::Error {
        let word = name.to_string();
        if let Some((_, hint)) = self.hints.iter().find(|(key, _)| word == *key) {
            return error(name, hint);
        }
        let keys = || self.keys.iter().map(|(key, _)| *key);
        let guess = nearest(&word, keys()).map_or_else(String::new, |key| format!(", did you mean `{key}`?"));
        let all = keys().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
        error(name, format_args!("`{word}` is not an option of `{}`{guess}\nthe options are {all}", self.owner))
    }
}

/// Goes on to the next comma.
fn skip(input: ParseStream<'_>) {
    while !input.is_empty() && !input.peek(Token![,]) {
        if input.parse::<TokenTree>().is_err() {
            return;
        }
    }
}

/// Takes the comma after an option; a missing one is noted once.
fn comma(input: ParseStream<'_>, errors: &mut Errors) {
    if input.is_empty() || input.parse::<Token![,]>().is_ok() {
        return;
    }
    let next = input.fork().parse::<TokenTree>();
    errors.push(next.map_or_else(|error| error, |next| error(next, "expected `,` before this")));
    if !input.peek(Ident::peek_any) {
        skip(input);
        let _ = input.parse::<Token![,]>();
    }
}
