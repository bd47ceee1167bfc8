//! What stands in a type of the signature.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{
    Lifetime, Type, TypeFnPtr, TypeReference,
    visit::{self, Visit},
};

/// The first `impl Trait` or `_` in the type.
pub(crate) fn unnamed(ty: &Type) -> Option<TokenStream> {
    /// Looks for it.
    struct Unnamed(Option<TokenStream>);

    impl<'ast> Visit<'ast> for Unnamed {
        fn visit_type(&mut self, ty: &'ast Type) {
            match ty {
                Type::ImplTrait(_) | Type::Infer(_) => {
                    self.0.get_or_insert_with(|| ty.to_token_stream());
                }
                _ => visit::visit_type(self, ty),
            }
        }
    }

    let mut found = Unnamed(None);
    found.visit_type(ty);
    found.0
}

/// The first reference or lifetime in the type that is left to inference. One that has a name is told where it is declared.
pub(crate) fn borrow(ty: &Type) -> Option<TokenStream> {
    /// Looks for it.
    struct Borrow(Option<TokenStream>);

    impl<'ast> Visit<'ast> for Borrow {
        fn visit_type_reference(&mut self, reference: &'ast TypeReference) {
            if reference.lifetime.is_none() {
                self.0.get_or_insert_with(|| reference.to_token_stream());
            }
            visit::visit_type_reference(self, reference);
        }

        fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
            if lifetime.ident == "_" {
                self.0.get_or_insert_with(|| lifetime.to_token_stream());
            }
        }

        /// The lifetimes in `fn(&str)` are its own.
        fn visit_type_fn_ptr(&mut self, _: &'ast TypeFnPtr) {}
    }

    let mut found = Borrow(None);
    found.visit_type(ty);
    found.0
}

/// Whether one of these identifiers stands anywhere in the tokens.
pub(crate) fn mentions(tokens: TokenStream, idents: &[&Ident]) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => idents.contains(&&ident),
        TokenTree::Group(group) => mentions(group.stream(), idents),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}
