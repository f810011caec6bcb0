//! `#[jobwork::main]`: the program's `main`, which runs the worker that the user's function configures.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{FnArg, Path, ReturnType};

use crate::diag::Errors;
use crate::function::{self, Function};
use crate::keys::Table;
use crate::krate::Krate;
use crate::{debug, job};

const TABLE: Table = Table {
    owner: "#[jobwork::main]",
    keys: &[("crate", "::my_crate::jobwork")],
    bare: &[],
    lists: &[],
    hints: &[
        ("flavor", "`flavor` is not an option of `#[jobwork::main]`: the worker runs on tokio's multi-thread runtime"),
        ("worker_threads", "`worker_threads` is not an option of `#[jobwork::main]`: set `TOKIO_WORKER_THREADS`"),
    ],
};

const FORM: &str = "`async fn main(app: App) -> anyhow::Result<App>`";

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let krate = read(args, &mut errors);
    let function = match function::read(item.clone(), "#[jobwork::main]") {
        Ok(function) => function,
        Err(error) => {
            errors.push(error);
            let report = errors.report();
            return quote!(#report #item);
        }
    };
    check(&function, &mut errors);
    let name = function.sig.ident.clone();
    let expansion = if errors.is_empty() { main(&Krate::new(krate), function) } else { fallback(function, &errors) };
    debug::print(&name, &expansion);
    expansion
}

fn read(args: TokenStream, errors: &mut Errors) -> Option<Path> {
    let keys = TABLE.read(args, errors);
    keys.first().and_then(|key| errors.keep(key.krate()))
}

/// The rules for the function.
fn check(function: &Function, errors: &mut Errors) {
    let sig = &function.sig;
    if sig.ident != "main" {
        errors.add(&sig.ident, format_args!("`#[jobwork::main]` goes on `main`: {FORM}"));
    }
    if sig.asyncness.is_none() {
        errors.add(sig.fn_token, format_args!("the worker's main is async: {FORM}"));
    }
    match sig.inputs.len() {
        0 => errors.add(&sig.ident, format_args!("the worker's main takes the app and returns it: {FORM}")),
        1 => {}
        _ => errors.add(&sig.inputs[1], format_args!("the worker's main takes the app and nothing else: {FORM}")),
    }
    if let Some(FnArg::Receiver(receiver)) = sig.inputs.first() {
        errors.add(receiver, format_args!("the worker's main is a free function: {FORM}"));
    }
    if matches!(sig.output, ReturnType::Default) {
        errors.add(&sig.ident, format_args!("the worker's main returns the app, or a `Result` of it: {FORM}"));
    }
    if !sig.generics.params.is_empty() {
        errors.add(&sig.generics.params, "the worker's main can't be generic");
    }
}

fn main(krate: &Krate, function: Function) -> TokenStream {
    let p = krate.private();
    let Function { attrs, vis, sig, body } = function;
    let name = &sig.ident;
    let span = match &sig.output {
        ReturnType::Type(_, ty) => job::located(ty),
        ReturnType::Default => job::located(name),
    };
    let run = quote_spanned!(span=> #p::main(#name));
    quote! {
        #(#attrs)*
        #vis fn main() -> ::std::process::ExitCode {
            #[allow(clippy::unused_async)]
            #sig #body
            #run
        }
    }
}

/// The errors and a `main`, so that a missing one is not an error too.
fn fallback(function: Function, errors: &Errors) -> TokenStream {
    let report = errors.report();
    let Function { attrs, mut sig, body, .. } = function;
    sig.asyncness.get_or_insert_with(Default::default);
    quote! {
        #report
        #(#attrs)*
        fn main() {
            #[allow(dead_code, unused_variables)]
            #sig #body
        }
    }
}
