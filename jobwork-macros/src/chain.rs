//! `chain![A, B(_, x), C(1)]`: its steps as they were written, and the calls they stand for.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Expr, Path, Token, parenthesized};

use crate::diag::{Errors, error};
use crate::krate::Krate;
use crate::names;

pub(crate) fn expand(input: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let (krate, steps) = read(input, &mut errors);
    if !errors.is_empty() {
        let report = errors.report();
        // A block that ends in an error has every type, so that what is called on it is not a mistake too.
        return quote!({ #report });
    }
    value(&Krate::new(krate), &steps)
}

/// One step of a chain.
pub(crate) struct Step {
    pub(crate) job: Path,
    pub(crate) form: Form,
}

/// What a step takes from the one before.
pub(crate) enum Form {
    /// Its only argument: `B`.
    Bare,
    /// The argument at a position: `B(_, x)`.
    Holed(usize, Vec<Expr>),
    /// Nothing: `B(x, y)`.
    Complete(Vec<Expr>),
}

/// Reads `[crate = path;] step, ..`.
pub(crate) fn read(input: TokenStream, errors: &mut Errors) -> (Option<Path>, Vec<Step>) {
    let mut steps = Vec::new();
    let parser = |input: ParseStream<'_>| {
        let krate = krate(input)?;
        if input.is_empty() {
            return Err(syn::Error::new(
                Span::call_site(),
                "a chain needs at least one step: `chain![ProcessPodcast, ReleasePodcast]`",
            ));
        }
        for step in Punctuated::<Written, Token![,]>::parse_terminated(input)? {
            steps.extend(errors.keep(step.checked()));
        }
        Ok(krate)
    };
    let krate = parser.parse2(input);
    (errors.keep(krate).flatten(), steps)
}

fn krate(input: ParseStream<'_>) -> syn::Result<Option<Path>> {
    if !(input.peek(Token![crate]) && input.peek2(Token![=])) {
        return Ok(None);
    }
    input.parse::<Token![crate]>()?;
    input.parse::<Token![=]>()?;
    let path = Path::parse_mod_style(input)?;
    let semicolon = input.parse::<Token![;]>();
    semicolon.map_err(|wrong| syn::Error::new(wrong.span(), "expected `;` between the crate's path and the steps"))?;
    Ok(Some(path))
}

/// A step before its rules are checked.
struct Written {
    job: Path,
    arguments: Option<Vec<Expr>>,
}

impl syn::parse::Parse for Written {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let expected = |wrong: syn::Error| {
            let message = "expected a step: a job's type, such as `B`, `B(_, 1)` or `B(1, 2)`";
            syn::Error::new(wrong.span(), message)
        };
        let job = Path::parse_mod_style(input).map_err(expected)?;
        let mut arguments = None;
        if input.peek(syn::token::Paren) {
            let inside;
            parenthesized!(inside in input);
            arguments = Some(Punctuated::<Expr, Token![,]>::parse_terminated(&inside)?.into_iter().collect());
        }
        if !input.is_empty() && !input.peek(Token![,]) {
            return Err(input.error("expected `,` before the next step"));
        }
        Ok(Self { job, arguments })
    }
}

impl Written {
    fn checked(self) -> syn::Result<Step> {
        let Self { job, arguments } = self;
        let name = last(&job);
        if let Some(ty) = names::type_name(name).filter(|_| starts_small(name)) {
            return Err(error(&job, format_args!("`{name}` is the job's function; a step is its type: `{ty}`")));
        }
        let Some(arguments) = arguments else { return Ok(Step { job, form: Form::Bare }) };
        let mut holes = arguments.iter().enumerate().filter(|(_, argument)| matches!(argument, Expr::Infer(_)));
        let (first, second) = (holes.next().map(|(position, _)| position), holes.next());
        if let Some((_, second)) = second {
            return Err(error(second, "a step has one `_` at most, the place of the previous step's output"));
        }
        let form = match first {
            Some(position) => Form::Holed(position, arguments),
            None => Form::Complete(arguments),
        };
        Ok(Step { job, form })
    }
}

fn starts_small(name: &Ident) -> bool {
    name.to_string().starts_with(char::is_lowercase)
}

fn last(path: &Path) -> &Ident {
    // A path has a segment, by its grammar.
    &path.segments[path.segments.len() - 1].ident
}

/// The chain as a value.
pub(crate) fn value(krate: &Krate, steps: &[Step]) -> TokenStream {
    let p = krate.private();
    let calls = steps.iter().enumerate().map(|(position, step)| call(&p, step, position == 0));
    quote!(#p::Chain #(#calls)*)
}

fn call(p: &TokenStream, step: &Step, is_first: bool) -> TokenStream {
    let Step { job, form } = step;
    // Under the step's own name, where the compiler then reports types that don't fit.
    let span = Span::mixed_site().located_at(last(job).span());
    let (verb, joint) = if is_first { ("first", quote!(::)) } else { ("then", quote!(.)) };
    let method = |suffix: &str| Ident::new(&format!("{verb}{suffix}"), span);
    match form {
        Form::Bare => {
            let method = method("");
            quote_spanned!(span=> #joint #method::<#job>())
        }
        Form::Holed(position, arguments) => {
            // The type is spelt out so that the previous output is held against it, not taken for it.
            let takes = quote_spanned!(span=> <<#job as #p::Job>::Params as #p::Nth<#position>>::Type);
            let method = method("_holed");
            let slots = arguments.iter().map(|argument| match argument {
                Expr::Infer(_) => quote!(#p::Hole),
                value => quote!(#p::Value(#value)),
            });
            quote_spanned!(span=> #joint #method::<#takes, #job>(#p::holed::<#job, #position, _>((#(#slots,)*))))
        }
        Form::Complete(arguments) => {
            let method = method("_complete");
            quote_spanned!(span=> #joint #method(<#job>::new(#(#arguments),*)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(tokens: TokenStream) -> Vec<String> {
        let mut errors = Errors::default();
        read(tokens, &mut errors);
        errors.messages()
    }

    #[test]
    fn the_forms_of_a_step() {
        let mut errors = Errors::default();
        let (_, steps) = read(quote!(crate = a::b; A, m::B(_, x), C(1, 2), D(),), &mut errors);
        assert!(errors.is_empty(), "{:?}", errors.messages());
        let forms: Vec<_> = steps.iter().map(|step| &step.form).collect();
        assert!(matches!(forms[..], [Form::Bare, Form::Holed(0, _), Form::Complete(two), Form::Complete(none)]
            if two.len() == 2 && none.is_empty()));
    }

    #[test]
    fn every_step_is_checked() {
        assert_eq!(mistakes(quote!(a, B(_, _), c(1))).len(), 3);
    }

    #[test]
    fn a_chain_of_nothing_is_refused() {
        assert!(mistakes(quote!())[0].contains("at least one step"));
    }
}
