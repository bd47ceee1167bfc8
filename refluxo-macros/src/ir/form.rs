//! What `desugar` writes in place of the forms: calls of functions that no user can name.
//!
//! `join!(a(x), async move { … })` is `form·join(form·branch(a(x)), form·branch(async move { … })).await`, so that a form is an
//! await like any other to the passes that ask no more.

use proc_macro2::{Ident, Span};
use syn::{Expr, ExprCall, Path, Token, parse_quote_spanned, punctuated::Punctuated};

/// What is called in place of a form, or of a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A branch: a call, a timed call, or an `async move` block.
    Branch,
    /// `X.timeout(d)`: what is awaited, and how long.
    Timeout,
    /// `spawn(x)`.
    Spawn,
    /// `join!`.
    Join,
    /// `try_join!`.
    TryJoin,
    /// `select!`.
    Select,
    /// `join_all!`: a block that gives the branches as a `Vec`, and the limit if there is one.
    JoinAll,
    /// `compensate!(x)`.
    Undo,
}

impl Form {
    const ALL: [Self; 8] = [
        Self::Branch,
        Self::Timeout,
        Self::Spawn,
        Self::Join,
        Self::TryJoin,
        Self::Select,
        Self::JoinAll,
        Self::Undo,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Branch => "form·branch",
            Self::Timeout => "form·timeout",
            Self::Spawn => "form·spawn",
            Self::Join => "form·join",
            Self::TryJoin => "form·try_join",
            Self::Select => "form·select",
            Self::JoinAll => "form·join_all",
            Self::Undo => "form·undo",
        }
    }

    /// The call that stands for the form.
    pub(crate) fn call(self, span: Span, args: impl IntoIterator<Item = Expr>) -> Expr {
        let name = Ident::new(self.name(), span);
        let args: Punctuated<Expr, Token![,]> = args.into_iter().collect();
        parse_quote_spanned!(span=> #name(#args))
    }

    /// The form that a path names, if it is one.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let name = path.get_ident()?;
        Self::ALL.into_iter().find(|form| name == form.name())
    }

    /// The form that an expression is a call of, with the call.
    pub(crate) fn of_call(expr: &Expr) -> Option<(Self, &ExprCall)> {
        let Expr::Call(call) = expr else { return None };
        let Expr::Path(path) = &*call.func else { return None };
        Some((Self::of(&path.path)?, call))
    }
}
