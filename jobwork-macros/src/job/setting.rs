//! The calls of builders that options become.

use std::time::Duration;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};

use super::cron::{Cron, Missed};

/// One call of a builder's method.
pub(super) struct Setting {
    pub(super) method: &'static str,
    pub(super) value: Value,
}

pub(super) enum Value {
    /// The user's own tokens.
    Written(TokenStream),
    Number(i64),
    Time(Duration),
    Fixed(Duration),
    Exponential(Duration, Duration),
    List(Vec<Duration>),
    Custom(TokenStream),
    /// The level of a log, in lower case.
    Level(String),
    Cron(Cron),
}

/// The settings that were given.
pub(super) fn settings<const N: usize>(all: [(&'static str, Option<Value>); N]) -> Vec<Setting> {
    let given = all.into_iter().filter_map(|(method, value)| Some((method, value?)));
    given.map(|(method, value)| Setting { method, value }).collect()
}

/// `.method(value)` for each setting.
pub(super) fn calls(p: &TokenStream, settings: &[Setting]) -> TokenStream {
    let calls = settings.iter().map(|Setting { method, value }| {
        let value = value_tokens(p, value);
        let method = Ident::new(method, Span::call_site());
        quote!(.#method(#value))
    });
    calls.collect()
}

pub(super) fn duration(p: &TokenStream, time: Duration) -> TokenStream {
    let (seconds, nanoseconds) = (time.as_secs(), time.subsec_nanos());
    quote!(#p::Duration::new(#seconds, #nanoseconds))
}

fn value_tokens(p: &TokenStream, value: &Value) -> TokenStream {
    let time = |time: &Duration| duration(p, *time);
    match value {
        Value::Written(tokens) => tokens.clone(),
        Value::Number(number) => {
            let number = proc_macro2::Literal::i64_unsuffixed(*number);
            quote!(#number)
        }
        Value::Time(value) => time(value),
        Value::Fixed(wait) => {
            let wait = time(wait);
            quote!(#p::Backoff::Fixed(#wait))
        }
        Value::Exponential(first, last) => {
            let (first, last) = (time(first), time(last));
            quote!(#p::Backoff::Exponential(#first, #last))
        }
        Value::List(waits) => {
            let waits = waits.iter().map(time);
            quote!(#p::Backoff::List(&const { [#(#waits),*] }))
        }
        Value::Custom(path) => quote!(#p::Backoff::Custom(#path)),
        Value::Level(level) => {
            let level = format_ident!("{}{}", level[..1].to_uppercase(), &level[1..]);
            quote!(#p::LogLevel::#level)
        }
        Value::Cron(cron) => cron_tokens(p, cron),
    }
}

fn cron_tokens(p: &TokenStream, Cron { expression, zone, missed }: &Cron) -> TokenStream {
    let zone = zone.as_ref().map(|zone| quote!(.tz(#zone)));
    let missed = missed.as_ref().map(|missed| match missed {
        Missed::Skip => quote!(.missed(#p::Missed::Skip)),
        Missed::Once => quote!(.missed(#p::Missed::Once)),
        Missed::Fill(horizon) => {
            let horizon = duration(p, *horizon);
            quote!(.missed(#p::Missed::Fill(#horizon)))
        }
    });
    quote!(#p::Cron::new(<Self as #p::Job>::NAME, #expression, Self::dispatch) #zone #missed)
}
