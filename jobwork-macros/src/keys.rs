//! The options of an attribute, by commas, each key known and given once: `key = value`, and for keys that allow it `key` by
//! itself or `key(..)`.

use proc_macro2::{TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, Ident, Token, token};

use crate::diag::{Errors, error, nearest};

/// The options that an attribute knows.
pub(crate) struct Table {
    /// The attribute, as it is written.
    pub(crate) owner: &'static str,
    /// Each key with an example of its value; a key that takes none has an empty one.
    pub(crate) keys: &'static [(&'static str, &'static str)],
    /// Keys that may stand by themselves.
    pub(crate) bare: &'static [&'static str],
    /// Keys that may have options of their own, in parentheses.
    pub(crate) lists: &'static [&'static str],
    /// Keys that somebody may expect, and what to say then.
    pub(crate) hints: &'static [(&'static str, &'static str)],
}

/// One option as it was written.
pub(crate) struct Key {
    pub(crate) name: Ident,
    pub(crate) written: Written,
    /// A right value, for messages.
    pub(crate) example: &'static str,
}

/// What stands after a key.
pub(crate) enum Written {
    Nothing,
    Value(Expr),
    List(TokenStream),
}

impl Key {
    /// What stands after `=`.
    pub(crate) fn value(&self) -> syn::Result<&Expr> {
        match &self.written {
            Written::Value(value) => Ok(value),
            Written::Nothing | Written::List(_) => Err(needs_value(&self.name, self.example)),
        }
    }
}

impl Table {
    /// Every option that is well-formed and known; the mistakes in the others are noted, and reading goes on after them.
    pub(crate) fn read(&self, tokens: TokenStream, errors: &mut Errors) -> Vec<Key> {
        self.parse(tokens, errors, |_, _| Ok(())).1
    }

    /// The options after a value that stands first and has no key.
    pub(crate) fn read_after_value(&self, tokens: TokenStream, errors: &mut Errors) -> (Option<Expr>, Vec<Key>) {
        let (value, keys) = self.parse(tokens, errors, |input, errors| {
            if input.is_empty() || input.peek(Ident::peek_any) {
                return Ok(None);
            }
            let value = input.parse()?;
            comma(input, errors);
            Ok(Some(value))
        });
        (value.flatten(), keys)
    }

    fn parse<T>(
        &self,
        tokens: TokenStream,
        errors: &mut Errors,
        first: impl FnOnce(ParseStream<'_>, &mut Errors) -> syn::Result<T>,
    ) -> (Option<T>, Vec<Key>) {
        let (mut value, mut keys) = (None, Vec::new());
        let parser = |input: ParseStream<'_>| {
            value = Some(first(input, errors)?);
            self.options(input, &mut keys, errors);
            Ok(())
        };
        if let Err(error) = parser.parse2(tokens) {
            errors.push(error);
        }
        (value, keys)
    }

    fn options(&self, input: ParseStream<'_>, keys: &mut Vec<Key>, errors: &mut Errors) {
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
    }

    fn key(&self, input: ParseStream<'_>) -> syn::Result<Key> {
        let name = Ident::parse_any(input).map_err(|_| self.not_a_key(input))?;
        let Some((_, example)) = self.keys.iter().find(|(key, _)| name == key) else {
            return Err(self.unknown(&name));
        };
        let written = self.written(&name, example, input)?;
        Ok(Key { name, written, example })
    }

    fn written(&self, name: &Ident, example: &str, input: ParseStream<'_>) -> syn::Result<Written> {
        let allowed = |keys: &[&str]| keys.iter().any(|key| name == key);
        let equals = input.peek(Token![=]) && !input.peek(Token![==]);
        if input.peek(token::Paren) && allowed(self.lists) {
            let list;
            syn::parenthesized!(list in input);
            return Ok(Written::List(list.parse()?));
        }
        if example.is_empty() && (equals || input.peek(token::Paren)) {
            return Err(error(name, format_args!("`{name}` takes no value: write `{name}`")));
        }
        if allowed(self.bare) && !equals {
            return Ok(Written::Nothing);
        }
        if !equals {
            return Err(needs_value(name, example));
        }
        input.parse::<Token![=]>()?;
        if input.is_empty() || input.peek(Token![,]) {
            return Err(needs_value(name, example));
        }
        let start = input.fork();
        let value = input.parse::<Expr>().map_err(|_| {
            let at = start.parse::<TokenTree>();
            at.map_or_else(|error| error, |at| error(at, format_args!("expected a value such as `{name} = {example}`")))
        })?;
        Ok(Written::Value(value))
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

fn needs_value(name: &Ident, example: &str) -> syn::Error {
    error(name, format_args!("`{name}` needs a value: `{name} = {example}`"))
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
