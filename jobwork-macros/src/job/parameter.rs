//! The parameters of a job's function: arguments, which are stored, and what is injected.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::{Attribute, FnArg, Lit, LitStr, Meta, MetaNameValue, Pat, PatType, Signature, Token, Type};

use crate::diag::Errors;

/// A parameter of the function.
pub(crate) struct Parameter {
    pub(super) name: Ident,
    pub(super) ty: Type,
    pub(super) role: Role,
    /// Whether the type can stand in a struct; one that can't was noted as a mistake.
    pub(super) storable: bool,
}

/// Where a parameter's value comes from.
pub(crate) enum Role {
    /// Dispatch; stored under the key, with these attributes on its field.
    Argument { key: LitStr, attrs: Vec<Attribute> },
    /// The worker.
    Injected,
}

const INJECTED: [&str; 3] = ["CancelSignal", "JobContext", "State"];
const LINTS: [&str; 5] = ["allow", "expect", "warn", "deny", "forbid"];

impl Parameter {
    pub(super) fn is_argument(&self) -> bool {
        matches!(self.role, Role::Argument { .. })
    }

    /// Whether dispatch takes anything that becomes a `String` for it.
    pub(super) fn is_string(&self) -> bool {
        last_segment(&self.ty).is_some_and(|segment| segment.ident == "String" && segment.arguments.is_none())
    }
}

/// Reads the parameters, and takes off them the attributes that only the job's struct has a use for.
pub(super) fn read(sig: &mut Signature, errors: &mut Errors) -> Vec<Parameter> {
    let types = sig.generics.type_params().map(|param| param.ident.clone());
    let lifetimes = sig.generics.lifetimes().map(|param| param.lifetime.ident.clone());
    let generics: Vec<Ident> = types.chain(lifetimes).collect();
    let inputs = sig.inputs.iter_mut().filter_map(|input| match input {
        FnArg::Typed(input) => Some(input),
        FnArg::Receiver(_) => None,
    });
    inputs.enumerate().map(|(position, input)| parameter(position, input, &generics, errors)).collect()
}

fn parameter(position: usize, input: &mut PatType, generics: &[Ident], errors: &mut Errors) -> Parameter {
    let ty = (*input.ty).clone();
    let Attributes { field, inject } = attributes(&mut input.attrs, errors);
    let injected = inject || last_segment(&ty).is_some_and(|segment| INJECTED.iter().any(|name| segment.ident == name));
    let name = name(&input.pat, errors).unwrap_or_else(|| quote::format_ident!("argument{position}"));
    let storable = check_type(&ty, injected, generics, errors);
    if !injected {
        let key = renamed(&field).unwrap_or_else(|| LitStr::new(&name.unraw().to_string(), name.span()));
        return Parameter { name, ty, role: Role::Argument { key, attrs: field }, storable };
    }
    for attr in field.iter().filter(|attr| attr.path().is_ident("serde")) {
        errors.add(attr, "an injected parameter is not stored: take `#[serde(..)]` off it");
    }
    Parameter { name, ty, role: Role::Injected, storable }
}

/// The attributes of a parameter that were taken off it.
struct Attributes {
    field: Vec<Attribute>,
    inject: bool,
}

fn attributes(attrs: &mut Vec<Attribute>, errors: &mut Errors) -> Attributes {
    let mut taken = Attributes { field: Vec::new(), inject: false };
    for attr in std::mem::take(attrs) {
        let is = |name: &str| attr.path().is_ident(name);
        if is("inject") {
            if !matches!(attr.meta, Meta::Path(_)) {
                errors.add(&attr.meta, "`#[inject]` takes nothing");
            }
            taken.inject = true;
        } else if is("serde") || is("doc") {
            taken.field.push(attr);
        } else if LINTS.iter().any(|lint| is(lint)) {
            attrs.push(attr);
        } else if is("cfg") || is("cfg_attr") {
            errors.add(
                &attr,
                "a job's parameters can't depend on `cfg`: what is stored must be the same in every program",
            );
        } else {
            errors.add(&attr, "a job's parameter takes only `#[serde(..)]`, `#[inject]`, lints and doc comments");
        }
    }
    taken
}

fn name(pat: &Pat, errors: &mut Errors) -> Option<Ident> {
    match pat {
        Pat::Ident(pat) if pat.by_ref.is_none() && pat.subpat.is_none() => Some(pat.ident.clone()),
        Pat::Wild(_) => {
            errors.add(pat, "a job's parameter needs a name: an argument is stored under it");
            None
        }
        _ => {
            errors.add(pat, "expected a plain name: an argument is stored under it; take it apart inside the function");
            None
        }
    }
}

/// Notes why a type can't be a job's parameter, and says whether it can.
fn check_type(ty: &Type, injected: bool, generics: &[Ident], errors: &mut Errors) -> bool {
    let Some(found) = unstorable(ty.to_token_stream(), generics) else { return true };
    let why = if injected { "what is injected is owned by the job" } else { "a job's arguments are stored" };
    let instead = match found {
        Found::Reference if is_str(ty) => "take `String` instead of `&str`",
        Found::Reference => "take an owned type instead of a reference",
        Found::Lifetime => "take an owned type instead of one with a lifetime",
        Found::Impl => "name the type instead of `impl Trait`",
        // Noted once, under the function's generics.
        Found::Generic => return false,
    };
    errors.add(ty, format_args!("{why}: {instead}"));
    false
}

fn is_str(ty: &Type) -> bool {
    matches!(ty, Type::Reference(reference) if matches!(&*reference.elem, Type::Path(path) if path.path.is_ident("str")))
}

/// What can't stand in a struct without parameters.
enum Found {
    Reference,
    Lifetime,
    Impl,
    Generic,
}

/// Looks for what can't be stored; the references of function types are those of a call, and are passed over.
fn unstorable(tokens: TokenStream, generics: &[Ident]) -> Option<Found> {
    let mut tokens = tokens.into_iter().peekable();
    let mut after_name = false;
    while let Some(token) = tokens.next() {
        let named = after_name;
        after_name = matches!(token, TokenTree::Ident(_));
        let found = match token {
            TokenTree::Punct(punct) if punct.as_char() == '&' => {
                let lifetime =
                    tokens.next_if(|next| matches!(next, TokenTree::Punct(punct) if punct.as_char() == '\''));
                let lifetime = lifetime.and_then(|_| tokens.next());
                lifetime.map_or(Some(Found::Reference), |name| unless_static(&name, generics, Found::Reference))
            }
            TokenTree::Punct(punct) if punct.as_char() == '\'' => {
                tokens.next().and_then(|name| unless_static(&name, generics, Found::Lifetime))
            }
            TokenTree::Ident(word) if word == "for" => return None,
            TokenTree::Ident(word) if word == "impl" => Some(Found::Impl),
            TokenTree::Ident(word) if generics.contains(&word) => Some(Found::Generic),
            TokenTree::Group(group) if !(named && group.delimiter() == Delimiter::Parenthesis) => {
                unstorable(group.stream(), generics)
            }
            _ => None,
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

fn unless_static(lifetime: &TokenTree, generics: &[Ident], found: Found) -> Option<Found> {
    match lifetime {
        TokenTree::Ident(name) if name == "static" => None,
        TokenTree::Ident(name) if generics.contains(name) => Some(Found::Generic),
        _ => Some(found),
    }
}

/// The last name of a type's path, through the invisible groups of `macro_rules!`.
pub(super) fn last_segment(ty: &Type) -> Option<&syn::PathSegment> {
    match ty {
        Type::Path(path) => path.path.segments.last(),
        Type::Group(group) => last_segment(&group.elem),
        Type::Paren(paren) => last_segment(&paren.elem),
        _ => None,
    }
}

/// The key that `#[serde(rename = "..")]` or `#[serde(rename(serialize = ".."))]` gives a field.
fn renamed(attrs: &[Attribute]) -> Option<LitStr> {
    attrs.iter().filter(|attr| attr.path().is_ident("serde")).find_map(|attr| {
        let metas = attr.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).ok()?;
        metas.into_iter().find(|meta| meta.path().is_ident("rename")).and_then(|meta| match meta {
            Meta::NameValue(pair) => text(&pair),
            Meta::List(list) => {
                let pairs = list.parse_args_with(Punctuated::<MetaNameValue, Token![,]>::parse_terminated).ok()?;
                pairs.iter().find(|pair| pair.path.is_ident("serialize")).and_then(text)
            }
            Meta::Path(_) => None,
        })
    })
}

fn text(pair: &MetaNameValue) -> Option<LitStr> {
    match syn::parse2(pair.value.to_token_stream()) {
        Ok(Lit::Str(text)) => Some(text),
        _ => None,
    }
}
