//! The code that a job's model stands for. Nothing can go wrong here any more.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;

use super::flow;
use super::model::JobModel;
use super::parameter::{Parameter, Role};
use super::setting::calls;
use super::signature::Output;

/// Everything, the user's function first: editors map its tokens to the first place they find.
pub(super) fn job(model: &JobModel) -> TokenStream {
    let function = function(model);
    let data = data(model);
    let serde = serde(model);
    let constructors = constructors(model);
    let job = job_impl(model);
    let perform = perform(model);
    let submit = submit(model);
    quote!(#function #data #serde #constructors #job #perform #submit)
}

pub(super) fn function(model: &JobModel) -> TokenStream {
    let (gate, function) = (&model.gate, &model.function);
    // What the lints ask for is not the user's to give: a job owns its arguments, and is async to run on the async threads.
    quote! {
        #(#gate)*
        #[allow(clippy::needless_pass_by_value, clippy::unused_async)]
        #function
    }
}

/// An argument as code is made of it.
pub(super) struct Argument<'a> {
    pub(super) parameter: &'a Parameter,
    pub(super) key: &'a syn::LitStr,
    pub(super) attrs: &'a [syn::Attribute],
}

pub(super) fn arguments(model: &JobModel) -> impl Iterator<Item = Argument<'_>> {
    model.parameters.iter().filter_map(|parameter| match &parameter.role {
        Role::Argument { key, attrs } => Some(Argument { parameter, key, attrs }),
        Role::Injected => None,
    })
}

/// The struct.
pub(super) fn data(model: &JobModel) -> TokenStream {
    let JobModel { job, function, .. } = model;
    let (cfgs, derives, vis) = (&model.attrs.cfgs, &model.attrs.derives, &function.vis);
    let docs = or_doc(&model.attrs.docs, &format!("The job made of [`{0}`](fn@{0}).", function.sig.ident));
    let fields = arguments(model).map(|Argument { parameter: Parameter { name, ty, .. }, attrs, .. }| {
        let documented: Vec<_> = attrs.iter().filter(|attr| attr.path().is_ident("doc")).cloned().collect();
        let doc =
            if documented.is_empty() { or_doc(&[], &format!("The argument `{name}`.")) } else { TokenStream::new() };
        quote!(#doc #(#attrs)* #vis #name: #ty)
    });
    let serde = derive_serde(model);
    quote! {
        #(#cfgs)* #docs
        #[allow(dead_code, private_interfaces)]
        #(#derives)* #serde
        #vis struct #job { #(#fields),* }
    }
}

fn or_doc(docs: &[syn::Attribute], default: &str) -> TokenStream {
    if docs.is_empty() { quote!(#[doc = #default]) } else { quote!(#(#docs)*) }
}

/// Only attributes of serde's own need serde's derive, which takes the compiler ten times as long as what `serde` makes.
fn derives_serde(model: &JobModel) -> bool {
    arguments(model).any(|argument| argument.attrs.iter().any(|attr| attr.path().is_ident("serde")))
}

fn derive_serde(model: &JobModel) -> TokenStream {
    if !derives_serde(model) {
        return TokenStream::new();
    }
    let p = model.krate.private();
    let path = quote!(#p::serde).to_string();
    quote! {
        #[derive(#p::serde::Serialize, #p::serde::Deserialize)]
        #[serde(crate = #path)]
    }
}

/// The struct as a JSON object, written and read by the library.
fn serde(model: &JobModel) -> TokenStream {
    if derives_serde(model) {
        return TokenStream::new();
    }
    let (p, job, cfgs) = (model.krate.private(), &model.job, &model.attrs.cfgs);
    let names: Vec<_> = arguments(model).map(|argument| &argument.parameter.name).collect();
    // Under the user's types, where a missing `Serialize` or `Deserialize` is then reported.
    let fields = arguments(model).map(|Argument { parameter: Parameter { name, ty, .. }, .. }| {
        let (mut this, mut name) = (Ident::new("self", Span::call_site()), name.clone());
        this.set_span(this.span().located_at(ty.span()));
        name.set_span(name.span().located_at(ty.span()));
        quote_spanned!(located(ty)=> &#this.#name)
    });
    let types = arguments(model)
        .map(|Argument { parameter: Parameter { ty, .. }, .. }| quote_spanned!(located(ty)=> ::core::marker::PhantomData::<#ty>));
    // Under the function's name, where the compiler reports a missing `Deserialize`.
    let read = quote_spanned!(located(&model.function.sig.ident)=> read_fields);
    let types = quote_spanned!(located(&model.function.sig.ident)=> (#(#types,)*));
    quote! {
        #(#cfgs)*
        #[automatically_derived]
        impl #p::serde::Serialize for #job {
            fn serialize<S: #p::serde::Serializer>(&self, serializer: S) -> ::core::result::Result<S::Ok, S::Error> {
                #p::write_fields(serializer, <Self as #p::Job>::FIELDS, (#(#fields,)*))
            }
        }
        #(#cfgs)*
        #[automatically_derived]
        impl<'de> #p::serde::Deserialize<'de> for #job {
            fn deserialize<D: #p::serde::Deserializer<'de>>(deserializer: D) -> ::core::result::Result<Self, D::Error> {
                let (#(#names,)*) = #p::#read(deserializer, <Self as #p::Job>::FIELDS, #types)?;
                ::core::result::Result::Ok(Self { #(#names),* })
            }
        }
    }
}

/// The user's place with the macro's hygiene: errors point there, lints know that nobody wrote this.
pub(crate) fn located(tokens: impl Spanned) -> Span {
    Span::mixed_site().located_at(tokens.span())
}

fn constructors(model: &JobModel) -> TokenStream {
    let p = model.krate.private();
    let (job, cfgs) = (&model.job, &model.attrs.cfgs);
    let parameters: Vec<_> = arguments(model).map(|argument| taken(argument.parameter)).collect();
    let names: Vec<_> = arguments(model).map(|argument| &argument.parameter.name).collect();
    let fields = arguments(model).map(|Argument { parameter, .. }| {
        let name = &parameter.name;
        if parameter.is_string() { quote!(#name: ::core::convert::Into::into(#name)) } else { quote!(#name) }
    });
    quote! {
        #(#cfgs)*
        #[automatically_derived]
        #[allow(dead_code, private_interfaces)]
        impl #job {
            /// The job with these arguments.
            #[must_use]
            pub fn new(#(#parameters),*) -> Self {
                Self { #(#fields),* }
            }
            /// Stores the job with these arguments when it is awaited.
            pub fn dispatch(#(#parameters),*) -> #p::Dispatch<Self> {
                #p::Dispatch::new(Self::new(#(#names),*))
            }
            /// Stores all these jobs at once when it is awaited.
            pub fn dispatch_many(jobs: impl ::core::iter::IntoIterator<Item = Self>) -> #p::DispatchMany<Self> {
                #p::DispatchMany::new(jobs)
            }
        }
    }
}

/// An argument as a parameter of `new` and `dispatch`.
fn taken(parameter: &Parameter) -> TokenStream {
    let Parameter { name, ty, .. } = parameter;
    if parameter.is_string() { quote!(#name: impl ::core::convert::Into<#ty>) } else { quote!(#name: #ty) }
}

pub(super) fn job_impl(model: &JobModel) -> TokenStream {
    let (p, job, name, aliases) = (model.krate.private(), &model.job, &model.name, &model.aliases);
    let cfgs = &model.attrs.cfgs;
    let output = output(model);
    let types = arguments(model).map(|argument| &argument.parameter.ty);
    let keys = arguments(model).map(|argument| argument.key);
    // Under the function's name, where a type that is more private than the job is reported.
    let params = quote_spanned!(located(&model.function.sig.ident)=> type Params);
    let aliases = if aliases.is_empty() {
        TokenStream::new()
    } else {
        quote!(const ALIASES: &'static [&'static str] = &[#(#aliases),*];)
    };
    let options = calls(&p, &model.options);
    let options = if options.is_empty() {
        options
    } else {
        quote!(const OPTIONS: #p::JobOptions = #p::JobOptions::DEFAULT #options;)
    };
    let flow = flow::flow(model);
    quote! {
        #(#cfgs)*
        #[automatically_derived]
        impl #p::Job for #job {
            type Output = #output;
            #params = (#(#types,)*);
            const NAME: &'static str = #name;
            #aliases
            const FIELDS: &'static [&'static str] = &[#(#keys),*];
            #options
            #flow
        }
    }
}

fn output(model: &JobModel) -> TokenStream {
    let p = model.krate.private();
    match &model.output {
        Output::Nothing => quote!(()),
        Output::Success(ty) => quote!(#ty),
        Output::Unknown(ty) => quote_spanned!(ty.span()=> <#ty as #p::JobReturn>::Output),
    }
}

fn perform(model: &JobModel) -> TokenStream {
    let (p, job) = (model.krate.private(), &model.job);
    let (cfgs, gate) = (&model.attrs.cfgs, &model.gate);
    let function = &model.function.sig.ident;
    let kind = if is_async(model) { TokenStream::new() } else { quote!(const KIND: #p::Kind = #p::Kind::Blocking;) };
    let handling = handling(model);
    let missing = missing(model);
    let upgrade = upgrade(model);
    let body = call(model);
    let context = injected(model).next().map_or_else(|| quote!(_), |_| context().to_token_stream());
    // Under the function's name, where a future that is not `Send` is reported; or, like every other mention of it, under
    // a type that is perhaps no `JobReturn`: what is said twice of one place is shown once.
    let span = match &model.output {
        Output::Unknown(ty) => ty.span(),
        Output::Nothing | Output::Success(_) => located(function),
    };
    let output = output(model);
    let perform = quote_spanned!(span=> async fn perform);
    let result = quote_spanned!(span=> ::core::result::Result<#output, #p::JobError>);
    quote! {
        #(#cfgs)* #(#gate)*
        #[automatically_derived]
        #[allow(deprecated)]
        impl #p::Perform for #job {
            #kind
            #handling
            #missing
            #upgrade
            #perform(self, #context: #p::JobContext) -> #result { #body }
        }
    }
}

pub(super) fn is_async(model: &JobModel) -> bool {
    model.function.sig.asyncness.is_some()
}

fn handling(model: &JobModel) -> TokenStream {
    if model.handling.is_empty() {
        return TokenStream::new();
    }
    let p = model.krate.private();
    let calls = calls(&p, &model.handling);
    quote! {
        fn handling() -> #p::Handling {
            #p::Handling::new() #calls
        }
    }
}

/// From the newest step down, as each is made on the one after it.
fn upgrade(model: &JobModel) -> TokenStream {
    if model.upgrade.is_empty() {
        return TokenStream::new();
    }
    let p = model.krate.private();
    let steps = model.upgrade.iter().rev().map(|step| quote_spanned!(step.span()=> .from(#step)));
    let (version, args) = (Ident::new("version", Span::mixed_site()), Ident::new("args", Span::mixed_site()));
    quote! {
        fn upgrade(#version: u32, #args: &str) -> ::core::result::Result<Self, #p::JobError> {
            #p::Upgrades::<Self, Self>::to() #(#steps)* .read(#version, #args)
        }
    }
}

/// What is injected: the local it goes to, and its type.
fn injected(model: &JobModel) -> impl Iterator<Item = (Ident, &syn::Type)> {
    let numbered = model.parameters.iter().filter(|parameter| !parameter.is_argument()).enumerate();
    numbered.map(|(index, parameter)| (format_ident!("__{index}", span = Span::mixed_site()), &parameter.ty))
}

fn context() -> Ident {
    Ident::new("__job", Span::mixed_site())
}

fn missing(model: &JobModel) -> TokenStream {
    let p = model.krate.private();
    let types: Vec<_> = injected(model).map(|(_, ty)| ty).collect();
    if types.is_empty() {
        return TokenStream::new();
    }
    let states = Ident::new("__states", Span::mixed_site());
    let asked = types.iter().map(|ty| {
        let missing = quote_spanned!(located(ty)=> <#ty as #p::Inject>::missing);
        quote!(#missing(#states))
    });
    quote! {
        fn missing(#states: &#p::States) -> #p::Vec<&'static str> {
            #p::missing([#(#asked),*])
        }
    }
}

/// Injects what is to be injected, and calls the function.
fn call(model: &JobModel) -> TokenStream {
    let p = model.krate.private();
    let function = &model.function.sig.ident;
    let context = context();
    let locals = injected(model).map(|(local, ty)| {
        let inject = quote_spanned!(located(ty)=> <#ty as #p::Inject>::inject);
        quote!(let #local = #inject(&#context)?;)
    });
    let mut injected_locals = injected(model).map(|(local, _)| local);
    let values = model.parameters.iter().map(|parameter| match &parameter.role {
        Role::Argument { .. } => {
            let name = &parameter.name;
            quote!(self.#name)
        }
        Role::Injected => injected_locals.next().to_token_stream(),
    });
    let returned = &model.returned;
    if !is_async(model) {
        return quote!(#(#locals)* #p::blocking(move || #function(#(#values),*)).await);
    }
    let into_result = quote_spanned!(returned.span()=> <#returned as #p::JobReturn>::into_result);
    quote!(#(#locals)* #into_result(#function(#(#values),*).await))
}

fn submit(model: &JobModel) -> TokenStream {
    let (p, job) = (model.krate.private(), &model.job);
    let (cfgs, gate) = (&model.attrs.cfgs, &model.gate);
    let place = place(&model.function.sig.ident);
    quote! {
        #(#cfgs)* #(#gate)*
        #p::submit! { #p::JobEntry::of::<#job>(#place) }
    }
}

/// The file and line of a token, as two arguments.
pub(crate) fn place(token: &Ident) -> TokenStream {
    // The token's own span: `line!` takes its line.
    quote_spanned!(token.span()=> ::core::file!(), ::core::line!())
}
