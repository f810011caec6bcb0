//! The values of options: what was written, as the type that the option takes.

use std::time::Duration;

use proc_macro2::Span;
use syn::{Expr, ExprLit, ExprUnary, Lit, LitInt, LitStr, Path, UnOp};

use crate::diag::error;
use crate::keys::Key;

/// A duration where it was written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timed {
    pub(crate) value: Duration,
    pub(crate) span: Span,
}

/// So many in a time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rated {
    pub(crate) count: u32,
    pub(crate) per: Duration,
}

impl Key {
    pub(crate) fn string(&self) -> syn::Result<LitStr> {
        string(self.value()?).ok_or_else(|| self.expected("a string"))
    }

    pub(crate) fn strings(&self) -> syn::Result<Vec<LitStr>> {
        let list = self.list()?;
        list.iter().map(|item| string(item).ok_or_else(|| error(item, "expected a string"))).collect()
    }

    pub(crate) fn list(&self) -> syn::Result<Vec<Expr>> {
        match self.value()? {
            Expr::Array(array) => Ok(array.elems.iter().cloned().collect()),
            _ => Err(self.expected("a list")),
        }
    }

    /// A whole number from `least` to `most`.
    pub(crate) fn integer<T: TryFrom<i64>>(&self, least: i64, most: i64) -> syn::Result<T> {
        let value = self.value()?;
        if string(value).is_some_and(|text| text.value().parse::<i64>().is_ok()) {
            return Err(self.expected("a number without quotes"));
        }
        let range = format!("a whole number from {least} to {most}");
        let in_range = integer(value).filter(|number| (least..=most).contains(number));
        in_range.and_then(|number| T::try_from(number).ok()).ok_or_else(|| self.expected(&range))
    }

    pub(crate) fn duration(&self) -> syn::Result<Timed> {
        duration(self.value()?, self.example)
    }

    /// So many in a time, such as `"100/1m"`.
    pub(crate) fn rate(&self) -> syn::Result<Rated> {
        let value = self.value()?;
        let expected = |why: &str| {
            let message = "expected a number and the time it is for, such as `\"100/1m\"`";
            error(value, format_args!("{message}{why}"))
        };
        let text = string(value).ok_or_else(|| expected(""))?.value();
        let (count, per) = text.split_once('/').ok_or_else(|| expected(""))?;
        let count = count.trim().parse::<u32>().map_err(|_| expected(": the number is whole and without a unit"))?;
        let per = humantime::parse_duration(per.trim()).map_err(|wrong| expected(&format!(": {wrong}")))?;
        if count == 0 || per.is_zero() {
            return Err(expected(": neither can be zero"));
        }
        Ok(Rated { count, per })
    }

    /// The path of a function.
    pub(crate) fn function(&self) -> syn::Result<Path> {
        path(self.value()?).ok_or_else(|| self.expected("the path of a function"))
    }

    /// The path of a crate.
    pub(crate) fn krate(&self) -> syn::Result<Path> {
        let plain = path(self.value()?).filter(|path| path.segments.iter().all(|segment| segment.arguments.is_none()));
        plain.ok_or_else(|| self.expected("the path of a crate, without quotes"))
    }

    /// That something else was expected in the place of what stands there.
    pub(crate) fn expected(&self, what: &str) -> syn::Error {
        let message = format!("expected {what}, such as `{} = {}`", self.name, self.example);
        self.value().map_or_else(|_| error(&self.name, &message), |value| error(value, &message))
    }
}

pub(crate) fn string(value: &Expr) -> Option<LitStr> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.clone()),
        Expr::Group(group) => string(&group.expr),
        _ => None,
    }
}

pub(crate) fn path(value: &Expr) -> Option<Path> {
    match value {
        Expr::Path(path) if path.qself.is_none() => Some(path.path.clone()),
        Expr::Group(group) => self::path(&group.expr),
        _ => None,
    }
}

pub(crate) fn duration(value: &Expr, example: &str) -> syn::Result<Timed> {
    let Some(text) = string(value) else {
        let quotes = if matches!(value, Expr::Lit(_)) { ", in quotes and with its unit" } else { "" };
        return Err(error(value, format_args!("expected a duration such as `{example}`{quotes}")));
    };
    let parsed = humantime::parse_duration(&text.value());
    let value =
        parsed.map_err(|wrong| error(&text, format_args!("expected a duration such as `{example}`: {wrong}")))?;
    Ok(Timed { value, span: text.span() })
}

fn integer(value: &Expr) -> Option<i64> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => plain(number),
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => integer(expr)?.checked_neg(),
        Expr::Group(group) => integer(&group.expr),
        _ => None,
    }
}

/// The number of a literal without a suffix, which could be a unit that was meant.
fn plain(number: &LitInt) -> Option<i64> {
    number.suffix().is_empty().then(|| number.base10_parse().ok())?
}

impl quote::ToTokens for Timed {
    /// An empty string in its place, for messages under it.
    fn to_tokens(&self, tokens: &mut proc_macro2::TokenStream) {
        LitStr::new("", self.span).to_tokens(tokens);
    }
}
