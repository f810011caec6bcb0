//! `#[named_chain]`: a chain with a name, a queue and an error handler of its own, dispatched like a job.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{Attribute, FnArg, LitStr, Path, ReturnType, Safety, Type};

use crate::chain::{self, Form, Step};
use crate::diag::Errors;
use crate::function::{self, Function};
use crate::keys::{Key, Table};
use crate::krate::Krate;
use crate::{debug, names};

const TABLE: Table = Table {
    owner: "#[named_chain]",
    keys: &[
        ("queue", "\"priority\""),
        ("priority", "3"),
        ("on_error", "note_failure"),
        ("name", "\"podcast_pipeline\""),
        ("feature", "\"worker\""),
        ("crate", "::my_crate::jobwork"),
    ],
    bare: &[],
    lists: &[],
    hints: &[
        ("retries", "`retries` is not an option of `#[named_chain]`: each of its jobs has its own"),
        ("timeout", "`timeout` is not an option of `#[named_chain]`: each of its jobs has its own"),
        ("middleware", "`middleware` is not an option of `#[named_chain]`: each of its jobs has its own"),
        ("on_dead", "`on_dead` is not an option of `#[named_chain]`: its `on_error` is told when a job is dead"),
    ],
};

/// What was written between the parentheses.
#[derive(Default)]
struct ChainArgs {
    queue: Option<LitStr>,
    priority: Option<i32>,
    on_error: Option<Path>,
    name: Option<LitStr>,
    feature: Option<LitStr>,
    krate: Option<Path>,
}

impl ChainArgs {
    fn read(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut args = Self::default();
        for key in TABLE.read(tokens, errors) {
            let result = args.take(&key);
            errors.keep(result);
        }
        if let Some(queue) = args.queue.as_ref().filter(|queue| queue.value().is_empty()) {
            errors.add(queue, "a queue's name can't be empty");
        }
        args
    }

    fn take(&mut self, key: &Key) -> syn::Result<()> {
        match key.name.to_string().as_str() {
            "queue" => self.queue = Some(key.string()?),
            "priority" => self.priority = Some(key.integer(i32::MIN.into(), i32::MAX.into())?),
            "on_error" => self.on_error = Some(key.function()?),
            "name" => self.name = Some(key.string()?),
            "feature" => self.feature = Some(key.string()?),
            "crate" => self.krate = Some(key.krate()?),
            other => unreachable!("the table has `{other}`, the match has not"),
        }
        Ok(())
    }
}

/// A named chain that keeps every rule; when mistakes were noted, only good for the fallback.
struct Model {
    args: ChainArgs,
    krate: Krate,
    function: Function,
    ty: Ident,
    name: LitStr,
    /// The body, its `chain!` as it was written: an import of that macro is used here.
    body: TokenStream,
    steps: Vec<Step>,
    cfgs: Vec<Attribute>,
    docs: Vec<Attribute>,
    derives: Vec<Attribute>,
}

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let mut args = ChainArgs::read(args, &mut errors);
    let function = match function::read(item.clone(), "#[named_chain]") {
        Ok(function) => function,
        Err(error) => {
            errors.push(error);
            let report = errors.report();
            return quote!(#report #item);
        }
    };
    check(&function, &mut errors);
    let krate = Krate::new(args.krate.take());
    let model = Model::new(args, krate, function, &mut errors);
    let expansion = if errors.is_empty() { model.expand() } else { model.fallback(&errors) };
    debug::print(&model.function.sig.ident, &expansion);
    expansion
}

/// The rules for the function.
fn check(function: &Function, errors: &mut Errors) {
    let sig = &function.sig;
    if let Some(word) = &sig.asyncness {
        errors.add(word, "a named chain is a plain `fn`: it only lists the steps, a worker awaits them");
    }
    if let ReturnType::Type(_, ty) = &sig.output {
        errors.add(ty, "a named chain says no return type: it is that of its last step");
    }
    for input in &sig.inputs {
        match input {
            FnArg::Receiver(receiver) => errors.add(receiver, "a named chain is a free function, without `self`"),
            FnArg::Typed(input) => {
                for attr in &input.attrs {
                    errors.add(attr, "a parameter of a named chain takes no attributes: what is stored is its steps");
                }
            }
        }
    }
    if !sig.generics.params.is_empty() {
        errors.add(&sig.generics.params, "a named chain can't be generic");
    }
    if let Safety::Unsafe(word) = &sig.safety {
        errors.add(word, "a named chain can't be `unsafe`");
    }
    if let Some(abi) = &sig.abi {
        errors.add(abi, "a named chain can't be `extern`");
    }
    if let Some(word) = &sig.constness {
        errors.add(word, "a named chain can't be `const`");
    }
}

impl Model {
    fn new(args: ChainArgs, mut krate: Krate, mut function: Function, errors: &mut Errors) -> Self {
        let ident = &function.sig.ident;
        let ty = names::type_name(ident).unwrap_or_else(|| {
            errors.add(
                ident,
                "the chain's type is named after the function in camel case: name the function in snake case",
            );
            Ident::new(&format!("{ident}Chain"), ident.span())
        });
        let default = || LitStr::new(&ident.unraw().to_string(), ident.span());
        let name = args.name.clone().unwrap_or_else(default);
        names::check(&name, "a chain's name", errors);
        let (body, steps) = read_body(&function, &mut krate, errors);
        check_first(&steps, errors);
        let attrs = std::mem::take(&mut function.attrs);
        let (derives, attrs): (Vec<_>, Vec<_>) = attrs.into_iter().partition(|attr| attr.path().is_ident("derive"));
        let (docs, attrs): (Vec<_>, Vec<_>) = attrs.into_iter().partition(|attr| attr.path().is_ident("doc"));
        let (cfgs, attrs): (Vec<_>, Vec<_>) = attrs.into_iter().partition(|attr| attr.path().is_ident("cfg"));
        function.attrs = attrs;
        Self { args, krate, function, ty, name, body, steps, cfgs, docs, derives }
    }

    fn expand(&self) -> TokenStream {
        let Self { function, body, .. } = self;
        let strings = function
            .sig
            .inputs
            .iter()
            .filter_map(string_parameter)
            .map(|(name, ty)| quote!(let #name: #ty = ::core::convert::Into::into(#name);));
        let local = Ident::new("__chain", Span::mixed_site());
        let queue = self.args.queue.as_ref().map(|queue| quote!(.queue(#queue)));
        let priority = self.args.priority.map(|priority| {
            let priority = proc_macro2::Literal::i32_unsuffixed(priority);
            quote!(.priority(#priority))
        });
        let on_error = self.args.on_error.as_ref().map(|_| quote!(.on_error(Self::NAME)));
        let data = self.data(&quote! {
            #(#strings)*
            let #local = { #body };
            #local #queue #priority #on_error .dispatch()
        });
        let submit = self.submit();
        quote!(#data #submit)
    }

    /// The errors, and a chain of the same shape that can't be dispatched.
    fn fallback(&self, errors: &Errors) -> TokenStream {
        let report = errors.report();
        let data = self.data(&quote!(::core::unreachable!()));
        quote!(#report #data)
    }

    fn data(&self, body: &TokenStream) -> TokenStream {
        let Self { krate, function, ty, name, steps, cfgs, docs, derives, .. } = self;
        let p = krate.private();
        let (vis, attrs) = (&function.vis, &function.attrs);
        let doc = docs.is_empty().then(|| format!("The chain `{}`.", name.value()));
        let doc = doc.map(|doc| quote!(#[doc = #doc]));
        let inputs = function.sig.inputs.iter().map(|input| match string_parameter(input) {
            Some((name, ty)) => quote!(#name: impl ::core::convert::Into<#ty>),
            None => quote!(#input),
        });
        let output = match steps.last() {
            Some(Step { job, .. }) => quote_spanned!(span_of(job)=> <#job as #p::Job>::Output),
            None => quote!(()),
        };
        quote! {
            #(#cfgs)* #doc #(#docs)* #(#derives)*
            #[allow(dead_code)]
            #vis struct #ty;
            #(#cfgs)*
            #[automatically_derived]
            #[allow(dead_code, private_interfaces, unused_variables)]
            impl #ty {
                /// The name under which workers know the chain's error handler.
                pub const NAME: &'static str = #name;
                /// Stores the chain's jobs, the first one ready, when it is awaited.
                #(#attrs)*
                pub fn dispatch(#(#inputs),*) -> #p::ChainDispatch<#output> { #body }
            }
        }
    }

    fn submit(&self) -> TokenStream {
        let Some(on_error) = &self.args.on_error else { return TokenStream::new() };
        let (p, cfgs, name) = (self.krate.private(), &self.cfgs, &self.name);
        let gate = self.args.feature.as_ref().map(|feature| quote!(#[cfg(feature = #feature)]));
        let place = crate::job::place(&self.function.sig.ident);
        quote! {
            #(#cfgs)* #gate
            #p::submit! {
                #p::ChainEntry::new(#name, #place, || #p::IntoErrorHandler::into_error_handler(#on_error))
            }
        }
    }
}

fn span_of(job: &Path) -> Span {
    let first = job.segments.first().map_or_else(Span::call_site, |segment| segment.ident.span());
    Span::mixed_site().located_at(first)
}

/// The name and type of a parameter of type `String`.
fn string_parameter(input: &FnArg) -> Option<(&Ident, &Type)> {
    let FnArg::Typed(input) = input else { return None };
    let syn::Pat::Ident(name) = &*input.pat else { return None };
    let Type::Path(path) = &*input.ty else { return None };
    let is_string = path.path.segments.last().is_some_and(|last| last.ident == "String" && last.arguments.is_none());
    (is_string && name.mutability.is_none()).then_some((&name.ident, &*input.ty))
}

/// The body, whose `chain!` is told the crate that the attribute names, and the chain's steps.
fn read_body(function: &Function, krate: &mut Krate, errors: &mut Errors) -> (TokenStream, Vec<Step>) {
    let mut tokens: Vec<TokenTree> = function.body.stream().into_iter().collect();
    let Some(written) = tail_chain(&tokens) else {
        let at = tokens.pop().unwrap_or_else(|| function.sig.ident.clone().into());
        errors.add(at, "a named chain ends with `chain![..]`, and nothing after it");
        return (TokenStream::new(), Vec::new());
    };
    let (own, steps) = chain::read(written.stream(), errors);
    if own.is_some() {
        *krate = Krate::new(own);
    } else {
        let (path, inside) = (krate.path(), written.stream());
        let mut told = Group::new(written.delimiter(), quote!(crate = #path; #inside));
        told.set_span(written.span());
        tokens.pop();
        tokens.push(told.into());
    }
    (tokens.into_iter().collect(), steps)
}

/// What stands in the brackets of the `chain![..]` that the tokens end with.
fn tail_chain(tokens: &[TokenTree]) -> Option<Group> {
    match tokens {
        [.., TokenTree::Ident(name), TokenTree::Punct(bang), TokenTree::Group(steps)]
            if name == "chain" && bang.as_char() == '!' && steps.delimiter() != Delimiter::None =>
        {
            Some(steps.clone())
        }
        _ => None,
    }
}

/// Nothing is given to a named chain at dispatch but its parameters.
fn check_first(steps: &[Step], errors: &mut Errors) {
    let Some(Step { job, form: Form::Bare | Form::Holed(..) }) = steps.first() else { return };
    let name = job.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
    errors.add(job, format_args!("the first step of a named chain has all its arguments: `{name}(..)` without `_`"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: TokenStream) -> (String, usize, Vec<String>) {
        let mut errors = Errors::default();
        let function = function::read(quote!(fn f() { #body }), "").unwrap();
        let (body, steps) = read_body(&function, &mut Krate::new(None), &mut errors);
        (body.to_string(), steps.len(), errors.messages())
    }

    #[test]
    fn the_chain_of_the_body_is_told_the_crate() {
        let (body, steps, mistakes) = read(quote!(let x = 1; chain![A(x), B]));
        let told = quote!(let x = 1; chain![crate = ::jobwork; A(x), B]).to_string();
        assert_eq!((body, steps, mistakes), (told, 2, vec![]));
    }

    #[test]
    fn a_body_that_ends_otherwise_is_refused() {
        for body in [quote!(), quote!(chain![A];), quote!(A), quote!(vec![A])] {
            assert_eq!(read(body).2.len(), 1);
        }
    }
}
