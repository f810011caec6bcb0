//! The names that macros make, and the rules for those that users give.

use proc_macro2::Ident;
use quote::format_ident;
use syn::LitStr;
use syn::ext::IdentExt;

use crate::diag::Errors;

const LONGEST: usize = 200;

/// `SendEmail` of `send_email`; nothing when that would not be a name, or the function's own.
pub(crate) fn type_name(function: &Ident) -> Option<Ident> {
    let snake = function.unraw().to_string();
    let camel: String = snake.split('_').map(capitalized).collect();
    let name = syn::parse_str::<Ident>(&camel).ok()?;
    (camel != snake).then(|| format_ident!("{name}", span = function.span()))
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Notes what is wrong with a stored name.
pub(crate) fn check(name: &LitStr, what: &str, errors: &mut Errors) {
    let value = name.value();
    let foreign = value.chars().find(|c| !c.is_ascii_alphanumeric() && !"_.:-".contains(*c));
    if value.is_empty() {
        errors.add(name, format_args!("{what} can't be empty"));
    } else if let Some(foreign) = foreign {
        let rule = "it is made of ASCII letters, digits, `_`, `.`, `:` and `-`";
        errors.add(name, format_args!("{what} can't contain {foreign:?}: {rule}"));
    } else if value.len() > LONGEST {
        errors.add(name, format_args!("{what} has at most {LONGEST} characters, this one {}", value.len()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_named_in_camel_case() {
        let named = |name: &str| type_name(&format_ident!("{name}")).map(|name| name.to_string());
        assert_eq!(named("send_email").as_deref(), Some("SendEmail"));
        assert_eq!(named("r#type").as_deref(), Some("Type"));
        assert_eq!(named("_v2__export_").as_deref(), Some("V2Export"));
        assert_eq!(named("Ping"), None);
        assert_eq!(named("_1"), None);
        assert_eq!(named("self_"), None);
    }
}
