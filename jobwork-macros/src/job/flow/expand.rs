//! `Job::flow` and `Job::flow_unfilled`: short calls into the library.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;

use super::args::ConflictArg;
use super::model::{KeyModel, MadeOf, RuleModel, SameModel};
use crate::job::expand::located;
use crate::job::model::JobModel;
use crate::job::setting::duration;
use crate::value::Rated;

/// Both functions, or nothing when the job shares nothing.
pub(in crate::job) fn flow(model: &JobModel) -> TokenStream {
    let flow = &model.flow;
    if flow.is_empty() {
        return TokenStream::new();
    }
    let p = model.krate.private();
    let same = flow.same.as_ref().map(|same| unique(&p, same));
    let concurrency = flow.concurrency.as_ref().map(|(count, key)| {
        let key = stored_key(&p, key);
        quote!(.limit(#p::Limit::concurrency(#key, #count)))
    });
    let rate = flow.rate.as_ref().map(|(Rated { count, per }, key)| {
        let (key, per) = (stored_key(&p, key), duration(&p, *per));
        quote!(.limit(#p::Limit::rate(#key, #count, #per)))
    });
    let ordered = flow.ordered.as_ref().map(|key| {
        let key = stored_key(&p, key);
        quote!(.ordered(#key))
    });
    let flow = quote!(#p::Flow::default() #same #concurrency #rate #ordered);
    let unfilled = match of_arguments(model) {
        Some(option) => {
            let why = format!("the key of its `{option}` is made of its arguments, and not all of them are known yet");
            quote!(::core::result::Result::Err(#why))
        }
        None => quote!(::core::result::Result::Ok(#flow)),
    };
    quote! {
        fn flow(&self) -> #p::JsonResult<#p::Flow> {
            ::core::result::Result::Ok(#flow)
        }
        fn flow_unfilled() -> ::core::result::Result<#p::Flow, &'static str> {
            #unfilled
        }
    }
}

/// The first option with a key that differs by the job's arguments.
fn of_arguments(model: &JobModel) -> Option<&'static str> {
    let mut keys = model.flow.keys().filter(|(_, key)| !matches!(key.made_of, MadeOf::Nothing));
    keys.next().map(|(option, _)| option)
}

fn unique(p: &TokenStream, same: &SameModel) -> TokenStream {
    let key = stored_key(p, &same.by);
    let unique = match &same.rule {
        RuleModel::Unique { window, states, on_conflict } => {
            let window = window.map(|window| {
                let window = duration(p, window);
                quote!(.window(#window))
            });
            let states = states.as_ref().map(|states| {
                let states = states.iter().map(|state| format_ident!("{}{}", state[..1].to_uppercase(), &state[1..]));
                quote!(.states(const { #p::unique_states(&[#(#p::JobState::#states),*]) }))
            });
            // Whoever gives a time means jobs that have completed in it too.
            let states = match (&window, states) {
                (Some(_), None) => Some(quote!(.states(#p::UniqueStates::UNLESS_FAILED))),
                (_, states) => states,
            };
            let on_conflict = on_conflict.map(|conflict| {
                let conflict = on_conflict_tokens(p, conflict);
                quote!(.on_conflict(#conflict))
            });
            quote!(#p::Unique::new(#key) #states #window #on_conflict)
        }
        RuleModel::Debounce { at_most, .. } => {
            let at_most = at_most.map(|at_most| {
                let at_most = duration(p, at_most);
                quote!(.at_most(#at_most))
            });
            quote!(#p::Unique::debounce(#key) #at_most)
        }
        RuleModel::Throttle { per } => {
            let per = duration(p, *per);
            quote!(#p::Unique::throttle(#key, #per))
        }
    };
    quote!(.unique(#unique))
}

fn on_conflict_tokens(p: &TokenStream, conflict: ConflictArg) -> TokenStream {
    match conflict {
        ConflictArg::Skip => quote!(#p::OnConflict::Skip),
        ConflictArg::Error => quote!(#p::OnConflict::Error),
        ConflictArg::Replace { args, schedule } => quote! {
            #p::OnConflict::Replace { args: #args, schedule: #schedule, at_most: ::core::option::Option::None }
        },
    }
}

/// The key as it is stored. Mistakes in it are reported under the user's own name or path.
fn stored_key(p: &TokenStream, key: &KeyModel) -> TokenStream {
    let scope = key.group.as_ref().map_or_else(|| quote!(<Self as #p::Job>::NAME), |group| quote!(#group));
    // The method's own `self`, in another place.
    let this = |place: Span| Ident::new("self", Span::call_site().located_at(place));
    match &key.made_of {
        MadeOf::Nothing => scope,
        MadeOf::Job => quote!(#p::Flow::key(#scope, self)?),
        MadeOf::Arguments(names) => {
            let values = names.iter().map(|name| {
                let this = this(name.span());
                quote_spanned!(located(name)=> &#this.#name)
            });
            let values: Vec<_> = values.collect();
            match &values[..] {
                [value] => quote!(#p::Flow::key(#scope, #value)?),
                values => quote!(#p::Flow::key(#scope, &(#(#values),*))?),
            }
        }
        MadeOf::Function(path) => {
            let this = this(path.span());
            let value = quote_spanned!(path.span()=> &#path(#this));
            quote!(#p::Flow::key(#scope, #value)?)
        }
    }
}
