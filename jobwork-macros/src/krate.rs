//! Where the runtime lives: `::jobwork`, or what `crate = path` says.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::Path;

/// The path of the runtime crate, as generated code names it.
#[derive(Clone)]
pub(crate) struct Krate(TokenStream);

impl Krate {
    pub(crate) fn new(path: Option<Path>) -> Self {
        Self(path.map_or_else(|| quote!(::jobwork), ToTokens::into_token_stream))
    }

    pub(crate) fn path(&self) -> &TokenStream {
        &self.0
    }

    /// The module with everything that generated code needs.
    pub(crate) fn private(&self) -> TokenStream {
        let krate = &self.0;
        quote!(#krate::__private)
    }
}
