//! The rules for the function under `#[job]`.

use quote::quote_spanned;
use syn::{FnArg, ReturnType, Safety, Signature, Type};

use super::parameter::{Parameter, last_segment};
use crate::diag::Errors;

/// The arguments of a job are a tuple, and Rust implements traits for tuples of up to this many.
const MOST_ARGUMENTS: usize = 12;

/// Notes what keeps a function from being a job.
pub(super) fn check(sig: &Signature, parameters: &[Parameter], errors: &mut Errors) {
    if sig.ident == "main" {
        errors.add(&sig.ident, "`main` is where a program starts, not a job; a worker's is `#[jobwork::main]`");
    }
    if let Some(FnArg::Receiver(receiver)) = sig.receiver().map(|_| &sig.inputs[0]) {
        errors.add(receiver, "a job is a free function: take what it needs as arguments or as `State<T>`, not `self`");
    }
    if let Some(lifetime) = sig.generics.lifetimes().next() {
        errors.add(lifetime, "a job can't have lifetimes: its arguments are stored, so it owns them");
    } else if !sig.generics.params.is_empty() {
        errors.add(&sig.generics.params, "a job can't be generic: a worker finds it by its name, with one type");
    }
    if let Safety::Unsafe(word) = &sig.safety {
        errors.add(word, "a job can't be `unsafe`: the worker that calls it can't keep a promise it doesn't know");
    }
    if let Some(abi) = &sig.abi {
        errors.add(abi, "a job can't be `extern`: a worker calls it as a Rust function");
    }
    if let Some(word) = &sig.constness {
        errors.add(word, "a job can't be `const`: it runs in a worker");
    }
    if let Some(dots) = &sig.variadic {
        errors.add(dots, "a job has a fixed number of parameters");
    }
    let arguments: Vec<_> = parameters.iter().filter(|parameter| parameter.is_argument()).collect();
    if let Some(first) = arguments.get(MOST_ARGUMENTS) {
        let count = arguments.len();
        errors.add(
            &first.name,
            format_args!("a job takes at most {MOST_ARGUMENTS} arguments, this one {count}: put some into a struct"),
        );
    }
}

/// The job's output, as far as it can be read off the return type.
pub(super) enum Output {
    /// Returns nothing.
    Nothing,
    /// The `T` of a `Result<T, ..>`.
    Success(Type),
    /// A type that only the compiler can see through.
    Unknown(Type),
}

/// Reads the return type, and notes why its output can't be stored.
pub(super) fn output(sig: &Signature, errors: &mut Errors) -> Output {
    let output = read_output(sig);
    match &output {
        Output::Success(ty) | Output::Unknown(ty) if is_borrowed(ty) => {
            errors.add(ty, "a job's output is stored: return an owned type instead of a reference");
            Output::Nothing
        }
        Output::Unknown(ty) if is_no_result(ty) => {
            let message = "a job returns nothing or a `Result`: return `Result<T, E>`, with any error as `E`";
            errors.add(ty, message);
            Output::Nothing
        }
        _ => output,
    }
}

fn is_borrowed(ty: &Type) -> bool {
    match ty {
        Type::Reference(_) => true,
        Type::Tuple(tuple) => tuple.elems.iter().any(is_borrowed),
        _ => false,
    }
}

/// What can't be somebody's alias of `Result`; of all else the compiler must judge.
fn is_no_result(ty: &Type) -> bool {
    const NAMES: [&str; 21] = [
        "bool", "char", "f32", "f64", "i128", "i16", "i32", "i64", "i8", "isize", "u128", "u16", "u32", "u64", "u8",
        "usize", "Box", "HashMap", "Option", "String", "Vec",
    ];
    match ty {
        Type::Path(_) | Type::Group(_) | Type::Paren(_) | Type::Macro(_) => {
            last_segment(ty).is_some_and(|segment| NAMES.iter().any(|name| segment.ident == name))
        }
        _ => true,
    }
}

fn read_output(sig: &Signature) -> Output {
    let ReturnType::Type(_, ty) = &sig.output else { return Output::Nothing };
    if matches!(&**ty, Type::Tuple(tuple) if tuple.elems.is_empty()) {
        return Output::Nothing;
    }
    let arguments = last_segment(ty).filter(|segment| segment.ident == "Result").map(|segment| &segment.arguments);
    match arguments {
        Some(syn::PathArguments::AngleBracketed(arguments)) => match arguments.args.first() {
            Some(syn::GenericArgument::Type(success)) => Output::Success(success.clone()),
            _ => Output::Unknown((**ty).clone()),
        },
        _ => Output::Unknown((**ty).clone()),
    }
}

/// The return type, spelt out where the function leaves it away.
pub(super) fn returned(sig: &Signature) -> Type {
    match &sig.output {
        ReturnType::Type(_, ty) => (**ty).clone(),
        ReturnType::Default => syn::Type::Verbatim(quote_spanned!(sig.ident.span()=> ())),
    }
}
