//! The driver of `#[workflow]`: parse → desugar → check → resolve → lower → liveness → layout → codegen, with a barrier after each pass that can
//! find an error.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{
    Attribute, Block, FnArg, GenericArgument, Generics, Ident, Pat, PatType, Path, PathArguments, ReturnType,
    Stmt, Token, Type, Visibility, parse_quote, token,
    visit::{self, Visit},
};

use crate::{
    check, codegen, desugar,
    diag::Errors,
    dump,
    ir::{Program, VarInfo},
    layout::{Layout, camel},
    liveness::{self, Liveness},
    parse::{self, Workflow, macros::Arguments},
    resolve::Resolver,
    split::{self, Body},
};

/// Compiles a workflow. On an error, emits it and items that stand in for the workflow, so that one mistake gives one message.
pub(crate) fn workflow(args: TokenStream, item: TokenStream) -> TokenStream {
    let errors = Errors::new();
    let mut workflow = match parse::workflow(&errors, args, item) {
        Ok(workflow) => workflow,
        Err(item) => return [errors.finish(), item].into_iter().collect(),
    };
    desugar::desugar(&errors, &mut workflow.function.block);
    check::check(&errors, &workflow);
    let source = Source::of(&workflow);
    let expansion = if errors.is_empty() { passes(&errors, &workflow, &source) } else { None };
    let errors = errors.finish();
    match expansion {
        Some(expansion) if errors.is_empty() => expansion,
        _ => {
            let stub = codegen::stub(&source.with_free_enum_name());
            quote!(#errors #stub)
        }
    }
}

/// The passes behind the first barrier.
fn passes(errors: &Errors, workflow: &Workflow, source: &Source) -> Option<TokenStream> {
    let (program, liveness, layout) = analyse(errors, source);
    liveness::check(errors, &program, &liveness, workflow.options.typed);
    signals_have_one_name(errors, program.awaits.iter().flat_map(|awaited| &awaited.paths));
    codegen::check(errors, &program, &liveness);
    let expansion = errors.is_empty().then(|| codegen::emit(source, &program, &liveness, &layout))?;
    if std::env::var("REFLUXO_DUMP").is_ok_and(|wanted| wanted == source.name || wanted == "all") {
        eprintln!("{}\n{expansion}", dump::dump(&program, &liveness, &layout));
    }
    Some(expansion)
}

/// The passes that decide what is saved where.
fn analyse(errors: &Errors, source: &Source) -> (Program, Liveness, Layout) {
    let (program, liveness) = split::lower(&resolve(source));
    let layout = Layout::of(errors, &program, &liveness);
    (program, liveness, layout)
}

/// What all passes know of the workflow.
pub(crate) struct Source {
    pub(crate) vis: Visibility,
    pub(crate) ident: Ident,
    pub(crate) enum_ident: Ident,
    pub(crate) docs: Vec<Attribute>,
    pub(crate) derives: Vec<Attribute>,
    /// `#[allow(…)]` and its kin, for the user's code.
    pub(crate) lints: Vec<Attribute>,
    pub(crate) fn_token: Token![fn],
    pub(crate) paren_token: token::Paren,
    pub(crate) generics: Generics,
    pub(crate) params: Vec<Param>,
    pub(crate) output: Type,
    /// Whether the body leaves the function by `?`.
    pub(crate) tried: bool,
    /// The name in the store.
    pub(crate) name: String,
    pub(crate) version: TokenStream,
    /// The body as it was written, but for its forms.
    pub(crate) body: Block,
}

/// A parameter.
pub(crate) struct Param {
    /// As it was written.
    pub(crate) input: PatType,
    /// The local that is saved.
    pub(crate) ident: Ident,
    /// The type that is saved.
    pub(crate) ty: Type,
    /// Whether it is taken by reference.
    pub(crate) borrowed: bool,
}

impl Source {
    fn of(workflow: &Workflow) -> Self {
        let function = &workflow.function;
        let sig = &function.sig;
        let docs = workflow.attrs.iter().filter(|attr| attr.path().is_ident("doc")).cloned().collect();
        let inputs = sig.inputs.iter().filter_map(|input| match input {
            FnArg::Typed(input) => Some(input.clone()),
            FnArg::Receiver(_) => None,
        });
        let output = match &sig.output {
            ReturnType::Type(_, ty) => (**ty).clone(),
            ReturnType::Default => parse_quote!(()),
        };
        let options = &workflow.options;
        Self {
            vis: function.vis.clone(),
            ident: sig.ident.clone(),
            enum_ident: enum_name(workflow),
            docs,
            derives: workflow.derives.clone(),
            lints: workflow.attrs.iter().filter(|attr| is_lint(attr)).cloned().collect(),
            fn_token: sig.fn_token,
            paren_token: sig.paren_token,
            generics: sig.generics.clone(),
            params: inputs.enumerate().map(|(number, input)| Param::of(input, number)).collect(),
            output,
            tried: has_try(&function.block),
            name: options.name.as_ref().map_or_else(
                || sig.ident.to_string().trim_start_matches("r#").to_owned(),
                syn::LitStr::value,
            ),
            version: options.version.as_ref().map_or_else(|| quote!(1), ToTokens::to_token_stream),
            body: (*function.block).clone(),
        }
    }
}

impl Source {
    /// The same with an enum of a name that no type in the signature has: the error about that has been told.
    fn with_free_enum_name(mut self) -> Self {
        let name = self.enum_ident.to_string();
        let types = self.params.iter().map(|param| param.ty.to_token_stream());
        let taken = types.chain([self.output.to_token_stream()]).any(|ty| mentions(ty, &name));
        if taken {
            self.enum_ident = Ident::new(&format!("{name}Workflow"), self.enum_ident.span());
        }
        self
    }
}

/// Whether an attribute sets the level of a lint.
fn is_lint(attr: &Attribute) -> bool {
    ["allow", "expect", "warn", "deny", "forbid"].iter().any(|level| attr.path().is_ident(level))
}

/// Whether an identifier stands anywhere in tokens.
fn mentions(tokens: TokenStream, name: &str) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == name,
        TokenTree::Group(group) => mentions(group.stream(), name),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

impl Param {
    fn of(input: PatType, number: usize) -> Self {
        let ident = match &*input.pat {
            Pat::Ident(name) if name.by_ref.is_none() && name.subpat.is_none() => name.ident.clone(),
            _ => Ident::new(&format!("argument_{}", number + 1), Span::call_site()),
        };
        let (ty, borrowed) = match &*input.ty {
            Type::Reference(reference) => (owned(&reference.elem), true),
            ty => (ty.clone(), false),
        };
        Self { input, ident, ty, borrowed }
    }

    /// The argument's value, owned.
    pub(crate) fn value(&self) -> TokenStream {
        let ident = &self.ident;
        if self.borrowed { quote!(::std::borrow::ToOwned::to_owned(#ident)) } else { quote!(#ident) }
    }
}

/// What `&T` is stored as.
fn owned(referenced: &Type) -> Type {
    match referenced {
        Type::Path(path) if path.path.is_ident("str") => parse_quote!(::std::string::String),
        Type::Slice(slice) => {
            let item = &slice.elem;
            parse_quote!(::std::vec::Vec<#item>)
        }
        other => other.clone(),
    }
}

/// The name of the enum: `enum = Name`, or the function's in `UpperCamelCase`.
pub(crate) fn enum_name(workflow: &Workflow) -> Ident {
    let ident = &workflow.function.sig.ident;
    workflow.options.enum_name.clone().unwrap_or_else(|| Ident::new(&camel(&ident.to_string()), ident.span()))
}

/// Gives every local a name of its own. A parameter that is taken by reference or by pattern is bound by a `let` in front.
fn resolve(source: &Source) -> Body {
    let mut resolver = Resolver::new();
    let mut params = Vec::new();
    let mut prologue: Vec<Stmt> = Vec::new();
    for param in &source.params {
        let plain = match &*param.input.pat {
            Pat::Ident(name) if name.by_ref.is_none() && name.subpat.is_none() => Some(name),
            _ => None,
        };
        let mutable = plain.is_some_and(|name| name.mutability.is_some());
        let info = VarInfo { ty: Some(param.ty.clone()), ..VarInfo::user(param.ident.clone(), mutable) };
        match plain {
            Some(_) if !param.borrowed => params.push(resolver.declare(info)),
            _ => {
                let (var, ident) = resolver.make(info);
                params.push(var);
                let mut pattern = (*param.input.pat).clone();
                resolver.bind(&mut pattern);
                prologue.push(if !param.borrowed {
                    parse_quote!(let #pattern = #ident;)
                } else if matches!(&*param.input.ty, Type::Reference(reference) if reference.elem.as_ref() == &param.ty) {
                    parse_quote!(let #pattern = &#ident;)
                } else {
                    parse_quote!(let #pattern = &*#ident;)
                });
            }
        }
    }
    let mut block = source.body.clone();
    let vars = resolver.body(&mut block);
    Body { machine: source.enum_ident.clone(), vars, params, prologue, block }
}

/// The type in `signal::<Type>`.
pub(crate) fn signal_type(path: &Path) -> Option<Type> {
    let last = path.segments.last().filter(|last| last.ident == "signal")?;
    let PathArguments::AngleBracketed(args) = &last.arguments else { return None };
    match args.args.first()? {
        GenericArgument::Type(ty) => Some(ty.clone()),
        _ => None,
    }
}

/// One signal has one name: `Approval` and `other::Approval` would be two implementations for what may be one type.
fn signals_have_one_name<'p>(errors: &Errors, calls: impl Iterator<Item = &'p Path>) {
    let mut known: Vec<(String, String)> = Vec::new();
    for ty in calls.filter_map(signal_type) {
        let Type::Path(path) = &ty else { continue };
        let Some(last) = path.path.segments.last() else { continue };
        let (name, text) = (last.ident.to_string(), ty.to_token_stream().to_string());
        match known.iter().find(|(known, _)| *known == name) {
            Some((_, first)) if *first != text => {
                errors.on(&ty, &crate::messages::Message::SignalTwice(name));
            }
            Some(_) => {}
            None => known.push((name, text)),
        }
    }
}

/// Whether a `?` leaves the function itself. One among the tokens of a macro counts, unless it is known what its arguments are.
pub(crate) fn has_try(body: &Block) -> bool {
    struct Finder(bool);

    impl<'a> Visit<'a> for Finder {
        fn visit_expr_try(&mut self, _: &'a syn::ExprTry) {
            self.0 = true;
        }

        fn visit_macro(&mut self, mac: &'a syn::Macro) {
            let Some(Arguments { args, matched, .. }) = Arguments::of(mac) else {
                self.0 |= has_question_mark(&mac.tokens);
                return;
            };
            for argument in &args {
                self.visit_expr(&argument.expr);
            }
            if let Some((_, Some(guard))) = &matched {
                self.visit_expr(guard);
            }
        }

        fn visit_expr_closure(&mut self, _: &'a syn::ExprClosure) {}

        fn visit_expr_async(&mut self, _: &'a syn::ExprAsync) {}

        fn visit_item(&mut self, _: &'a syn::Item) {}
    }

    let mut finder = Finder(false);
    visit::visit_block(&mut finder, body);
    finder.0
}

/// Whether a `?` stands among tokens, outside of literals.
fn has_question_mark(tokens: &TokenStream) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Punct(punct) => punct.as_char() == '?',
        TokenTree::Group(group) => has_question_mark(&group.stream()),
        TokenTree::Ident(_) | TokenTree::Literal(_) => false,
    })
}

#[cfg(test)]
mod tests;
