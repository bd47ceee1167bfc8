//! Collected errors: a pass reports what it finds and goes on, a barrier between passes stops the compilation.

use std::cell::RefCell;

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;

use crate::messages::Message;

/// The errors of one expansion, in the order in which they were found.
///
/// Every pass takes it first, reports to it and keeps going. Panics if it is dropped without [`Errors::finish`], so that no
/// error is lost.
pub(crate) struct Errors(RefCell<Option<Vec<syn::Error>>>);

impl Errors {
    /// No errors yet.
    pub(crate) fn new() -> Self {
        Self(RefCell::new(Some(Vec::new())))
    }

    /// Reports `message` on all of `tokens`.
    pub(crate) fn on(&self, tokens: impl ToTokens, message: &Message) {
        self.push(syn::Error::new_spanned(tokens, message));
    }

    /// Reports `message` at `span`.
    pub(crate) fn at(&self, span: Span, message: &Message) {
        self.push(syn::Error::new(span, message));
    }

    /// Reports an error of the parser.
    pub(crate) fn push(&self, error: syn::Error) {
        if let Some(errors) = self.0.borrow_mut().as_mut() {
            errors.push(error);
        }
    }

    /// Whether nothing was reported: the barrier between passes.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.borrow().as_ref().is_none_or(Vec::is_empty)
    }

    /// The errors as `compile_error!` items; nothing if there are none.
    pub(crate) fn finish(self) -> TokenStream {
        let errors = self.0.borrow_mut().take().unwrap_or_default();
        errors.iter().map(syn::Error::to_compile_error).collect()
    }
}

impl Drop for Errors {
    fn drop(&mut self) {
        assert!(
            self.0.borrow().is_none() || std::thread::panicking(),
            "the errors of an expansion were not checked"
        );
    }
}
