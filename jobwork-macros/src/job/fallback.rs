//! What is emitted beside the mistakes: the function, and a job of the same shape that can't run, so that the rest of
//! the crate compiles as if there were none.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{FnArg, parse_quote};

use super::expand::{arguments, data, function, job_impl};
use super::flow::FlowModel;
use super::model::JobModel;
use super::parameter::Role;
use super::signature::Output;
use crate::diag::Errors;

pub(super) fn job(mut model: JobModel, errors: &Errors) -> TokenStream {
    let report = errors.report();
    model.function.sig.constness = None;
    model.function.sig.variadic = None;
    // What its keys are made of is perhaps the mistake.
    model.flow = FlowModel::default();
    let function = function(&model);
    if model.function.sig.ident == "main" {
        return quote!(#report fn main() { #[allow(dead_code)] #function });
    }
    // In an `impl`, where a `self` belongs, there is no place for a struct.
    if matches!(model.function.sig.inputs.first(), Some(FnArg::Receiver(_))) {
        return quote!(#report #function);
    }
    if !model.function.sig.generics.params.is_empty() {
        model.output = Output::Nothing;
    }
    for parameter in &mut model.parameters {
        if !parameter.storable {
            parameter.ty = parse_quote!(());
        }
        if let Role::Argument { attrs, .. } = &mut parameter.role {
            attrs.retain(|attr| !attr.path().is_ident("serde"));
        }
    }
    let data = data(&model);
    let job = job_impl(&model);
    let stub = stub(&model);
    quote!(#report #function #data #job #stub)
}

fn stub(model: &JobModel) -> TokenStream {
    let (p, job, cfgs, gate) = (model.krate.private(), &model.job, &model.attrs.cfgs, &model.gate);
    let parameters: Vec<_> = arguments(model)
        .map(|argument| {
            let (name, ty) = (&argument.parameter.name, &argument.parameter.ty);
            if argument.parameter.is_string() {
                quote!(#name: impl ::core::convert::Into<#ty>)
            } else if argument.parameter.storable {
                quote!(#name: #ty)
            } else {
                quote!(#name: impl ::core::marker::Sized)
            }
        })
        .collect();
    quote! {
        #(#cfgs)*
        #[allow(unused_variables, dead_code, private_interfaces, unreachable_code)]
        const _: () = {
            impl #p::serde::Serialize for #job {
                fn serialize<S: #p::serde::Serializer>(&self, _: S) -> ::core::result::Result<S::Ok, S::Error> {
                    ::core::unreachable!()
                }
            }
            impl<'de> #p::serde::Deserialize<'de> for #job {
                fn deserialize<D: #p::serde::Deserializer<'de>>(_: D) -> ::core::result::Result<Self, D::Error> {
                    ::core::unreachable!()
                }
            }
            impl #job {
                pub fn new(#(#parameters),*) -> Self { ::core::unreachable!() }
                pub fn dispatch(#(#parameters),*) -> #p::Dispatch<Self> { ::core::unreachable!() }
                pub fn dispatch_many(jobs: impl ::core::iter::IntoIterator<Item = Self>) -> #p::DispatchMany<Self> {
                    ::core::unreachable!()
                }
            }
            #(#gate)*
            impl #p::Perform for #job {
                async fn perform(self, _: #p::JobContext) -> ::core::result::Result<<Self as #p::Job>::Output, #p::JobError> {
                    ::core::unreachable!()
                }
            }
        };
    }
}
