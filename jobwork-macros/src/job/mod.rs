//! `#[job]`: what was written, the rules it must keep, and the code made of it.

mod args;
mod cron;
mod expand;
mod fallback;
mod flow;
mod handling;
mod model;
mod options;
mod parameter;
mod setting;
mod signature;

pub(crate) use self::expand::{located, place};

use proc_macro2::TokenStream;
use quote::quote;

use crate::diag::Errors;
use crate::{debug, function};

pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let args = args::JobArgs::read(args, &mut errors);
    let function = match function::read(item.clone(), "#[job]") {
        Ok(function) => function,
        Err(error) => {
            errors.push(error);
            let report = errors.report();
            return quote!(#report #item);
        }
    };
    let name = function.sig.ident.clone();
    let model = model::JobModel::new(args, function, &mut errors);
    let expansion = if errors.is_empty() { expand::job(&model) } else { fallback::job(model, &errors) };
    debug::print(&name, &expansion);
    expansion
}
