//! A function as it was written, its body left as tokens: half-typed bodies still get their job, and nothing is parsed
//! that the macros don't look into.

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::{ToTokens, TokenStreamExt};
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Attribute, Signature, Token, Visibility};

use crate::diag::error;

pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    pub(crate) body: Group,
}

/// Reads the function under the attribute `owner`.
pub(crate) fn read(item: TokenStream, owner: &str) -> syn::Result<Function> {
    let parser = |input: ParseStream<'_>| {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        if !is_function(input) {
            let message = format!("`{owner}` goes on a function");
            let at = input.parse::<TokenTree>();
            return Err(at.map_or_else(|error| error, |at| error(at, message)));
        }
        let sig: Signature = input.parse()?;
        if input.peek(Token![;]) {
            return Err(error(&sig.ident, format_args!("`{owner}` goes on a function with a body")));
        }
        Ok(Function { attrs, vis, sig, body: input.parse()? })
    };
    parser.parse2(item)
}

fn is_function(input: ParseStream<'_>) -> bool {
    let words = |ahead: ParseStream<'_>| -> syn::Result<bool> {
        while !ahead.peek(Token![fn]) {
            let qualifier = ahead.peek(Token![async])
                || ahead.peek(Token![unsafe])
                || ahead.peek(Token![const])
                || ahead.peek(Token![extern])
                || ahead.peek(syn::LitStr);
            if !qualifier {
                return Ok(false);
            }
            TokenTree::parse(ahead)?;
        }
        Ok(true)
    };
    words(&input.fork()).unwrap_or(false)
}

impl ToTokens for Function {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.append_all(&self.attrs);
        self.vis.to_tokens(tokens);
        self.sig.to_tokens(tokens);
        self.body.to_tokens(tokens);
    }
}
