//! A job that keeps every rule: what `expand` makes code of, with nothing left to decide.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident};
use syn::{Attribute, LitStr, Path, Type, parse_quote};

use super::args::JobArgs;
use super::flow::FlowModel;
use super::parameter::{self, Parameter};
use super::setting::Setting;
use super::signature::{self, Output};
use super::{handling, options};
use crate::diag::Errors;
use crate::function::Function;
use crate::krate::Krate;
use crate::names;

/// A job. When mistakes were noted, it is as near to what was meant as can be told, and only good for the fallback.
pub(crate) struct JobModel {
    pub(super) krate: Krate,
    /// The function, without what moved to the struct.
    pub(super) function: Function,
    /// The name of the job's type.
    pub(super) job: Ident,
    pub(super) attrs: JobAttrs,
    pub(super) parameters: Vec<Parameter>,
    pub(super) returned: Type,
    pub(super) output: Output,
    pub(super) name: LitStr,
    pub(super) aliases: Vec<LitStr>,
    /// Calls on `JobOptions::DEFAULT`.
    pub(super) options: Vec<Setting>,
    /// What it shares with others.
    pub(super) flow: FlowModel,
    /// The functions from older versions of its arguments, the oldest first.
    pub(super) upgrade: Vec<Path>,
    /// Calls on `Handling::new()`.
    pub(super) handling: Vec<Setting>,
    /// `#[cfg(feature = "..")]` of what only a worker needs.
    pub(super) gate: Vec<Attribute>,
}

/// The attributes of what is made beside the function.
#[derive(Default)]
pub(super) struct JobAttrs {
    /// On everything.
    pub(super) cfgs: Vec<Attribute>,
    /// On the struct.
    pub(super) docs: Vec<Attribute>,
    /// On the struct, and not on the function.
    pub(super) derives: Vec<Attribute>,
}

impl JobModel {
    pub(super) fn new(args: JobArgs, mut function: Function, errors: &mut Errors) -> Self {
        let attrs = take_attrs(&mut function.attrs, errors);
        let parameters = parameter::read(&mut function.sig, errors);
        signature::check(&function.sig, &parameters, errors);
        let output = signature::output(&function.sig, errors);
        let returned = signature::returned(&function.sig);
        let job = job_name(&function.sig.ident, errors);
        check_own_name(&job, &parameters, &returned, errors);
        check_output(&args, &output, errors);
        let name = stored_name(&args, &function.sig.ident, errors);
        let aliases = aliases(&args, &name, errors);
        let flow = FlowModel::new(&args.flow, &parameters, args.encrypted, errors);
        Self {
            options: options::settings_of(&args, &flow, errors),
            gate: gate(&args, errors),
            handling: handling::settings_of(&args, &parameters, errors),
            upgrade: options::upgrades(&args, errors),
            flow,
            krate: Krate::new(args.krate),
            function,
            job,
            attrs,
            parameters,
            returned,
            output,
            name,
            aliases,
        }
    }
}

/// Takes what moves to the struct off the function, and copies what stands on both.
fn take_attrs(attrs: &mut Vec<Attribute>, errors: &mut Errors) -> JobAttrs {
    let mut taken = JobAttrs::default();
    attrs.retain(|attr| {
        let is = |name: &str| attr.path().is_ident(name);
        let derives = is("derive") || (is("cfg_attr") && mentions(attr.meta.to_token_stream(), "derive"));
        if derives {
            taken.derives.push(attr.clone());
        } else if is("cfg") {
            taken.cfgs.push(attr.clone());
        } else if is("doc") {
            taken.docs.push(attr.clone());
        } else if is("serde") {
            errors.add(attr, "put `#[serde(..)]` on a parameter: the keys of the arguments are the parameters' own");
        }
        !derives && !is("serde")
    });
    taken
}

fn mentions(tokens: TokenStream, word: &str) -> bool {
    tokens.into_iter().any(|token| match token {
        proc_macro2::TokenTree::Ident(ident) => ident == word,
        proc_macro2::TokenTree::Group(group) => mentions(group.stream(), word),
        _ => false,
    })
}

fn job_name(function: &Ident, errors: &mut Errors) -> Ident {
    names::type_name(function).unwrap_or_else(|| {
        let message = "the job's type is named after the function in camel case: name the function in snake case";
        errors.add(function, message);
        format_ident!("{function}Job", span = function.span())
    })
}

/// A type of the job's own name, which its struct would hide, is seen here or nowhere.
fn check_own_name(job: &Ident, parameters: &[Parameter], returned: &Type, errors: &mut Errors) {
    let types = parameters.iter().map(|parameter| &parameter.ty).chain([returned]);
    if let Some(own) = types.flat_map(|ty| own_name(ty.to_token_stream(), job)).next() {
        errors
            .add(own, format_args!("`{job}` is also the name of the job's own type: rename the function or this type"));
    }
}

/// The places where `job` stands at the beginning of a path.
fn own_name(tokens: TokenStream, job: &Ident) -> Vec<Ident> {
    let mut in_path = false;
    let mut found = Vec::new();
    for token in tokens {
        match &token {
            proc_macro2::TokenTree::Ident(ident) if !in_path && ident == job => found.push(ident.clone()),
            proc_macro2::TokenTree::Group(group) => found.extend(own_name(group.stream(), job)),
            _ => {}
        }
        in_path = matches!(&token, proc_macro2::TokenTree::Punct(punct) if punct.as_char() == ':');
    }
    found
}

fn check_output(args: &JobArgs, output: &Output, errors: &mut Errors) {
    if let (Some(_), Output::Unknown(ty)) = (&args.feature, output) {
        let why = "its output must be known where the function is not compiled";
        errors.add(
            ty,
            format_args!("a job with `feature` returns nothing or a `Result<T, ..>` that is written out: {why}"),
        );
    }
}

fn stored_name(args: &JobArgs, function: &Ident, errors: &mut Errors) -> LitStr {
    let default = || LitStr::new(&syn::ext::IdentExt::unraw(function).to_string(), function.span());
    let name = args.name.clone().unwrap_or_else(default);
    names::check(&name, "a job's name", errors);
    name
}

fn aliases(args: &JobArgs, name: &LitStr, errors: &mut Errors) -> Vec<LitStr> {
    let mut seen = vec![name.value()];
    for alias in &args.alias {
        names::check(alias, "an alias", errors);
        if seen[0] == alias.value() {
            errors.add(alias, "this is the job's name already; an alias is an older one");
        } else if seen.contains(&alias.value()) {
            errors.add(alias, "this alias is given twice");
        }
        seen.push(alias.value());
    }
    args.alias.clone()
}

fn gate(args: &JobArgs, errors: &mut Errors) -> Vec<Attribute> {
    let Some(feature) = &args.feature else { return Vec::new() };
    if feature.value().is_empty() {
        errors.add(feature, "expected the name of a feature of this crate");
    }
    vec![parse_quote!(#[cfg(feature = #feature)])]
}
