//! Tokens: the last pass, which cannot fail.

mod blocks;
mod bounds;
mod dispatch;
mod forms;
mod frame;
mod graph;
mod machine;
mod names;
mod outcome;
mod serde;
mod snapshot;
mod twin;

use proc_macro2::{Delimiter, Group, Literal, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Type, parse_quote};

use crate::{
    compile::Source,
    ir::{Await, BlockId, Program, Var, VarSet},
    layout::{Layout, State},
    liveness::Liveness,
};

use forms::Undo;
use names::Names;
pub(crate) use names::check;

/// Everything that emission needs.
pub(super) struct Context<'p> {
    pub(super) source: &'p Source,
    pub(super) program: &'p Program,
    pub(super) liveness: &'p Liveness,
    pub(super) layout: &'p Layout,
    names: Names<'p>,
    /// The locals that more than one block knows.
    crossing: VarSet,
    /// The calls that `compensate!` pushes.
    undos: Vec<Undo>,
}

impl Context<'_> {
    /// Whether more than one block knows a local.
    fn crosses(&self, var: Var) -> bool {
        self.crossing.contains(var)
    }
}

/// A state, and where it leads.
pub(super) struct Entry<'c> {
    /// Its number in the frame.
    pub(super) at: Literal,
    pub(super) state: &'c State,
    /// What it waits for; `Start` and the first state of a branch wait for nothing.
    pub(super) awaited: Option<&'c Await>,
    /// The block that goes on.
    pub(super) resume: BlockId,
}

impl<'p> Context<'p> {
    /// The states in the order of the source: those of an await's branches after the await's own.
    pub(super) fn entries(&self) -> impl Iterator<Item = Entry<'p>> {
        let (program, layout) = (self.program, self.layout);
        let waiting = layout.states.iter().zip(&program.awaits).flat_map(move |(state, awaited)| {
            let firsts = awaited
                .kind
                .blocks()
                .map(move |(_, branch)| (layout.first(branch), None, program.branch(branch).entry));
            [(state, Some(awaited), awaited.resume)].into_iter().chain(firsts)
        });
        let all = [(layout.start(), None, Program::ENTRY)].into_iter().chain(waiting);
        all.enumerate().map(|(at, (state, awaited, resume))| Entry {
            at: Literal::usize_unsuffixed(at),
            state,
            awaited,
            resume,
        })
    }
}

/// The locals that some block takes from another one, or that two blocks mention, and those with which a branch begins.
fn crossing(program: &Program, liveness: &Liveness) -> VarSet {
    let mut crossing: VarSet = program.params.iter().copied().collect();
    crossing.extend(program.branches.iter().flat_map(|branch| &branch.captures).map(|capture| capture.inner));
    let mut mentioned = VarSet::new();
    for block in &program.blocks {
        crossing.union(liveness.at(block.id));
        for var in liveness.frame(block.id).mentioned.iter() {
            if !mentioned.insert(var) {
                crossing.insert(var);
            }
        }
    }
    crossing
}

/// Emits the workflow.
pub(crate) fn emit(source: &Source, program: &Program, liveness: &Liveness, layout: &Layout) -> TokenStream {
    let names = Names::of(program, liveness);
    let crossing = crossing(program, liveness);
    let undos = forms::undos(program);
    let context = Context { source, program, liveness, layout, names, crossing, undos };
    let snapshot = snapshot::emit(&context);
    let fields = layout.start().fields.iter().zip(&source.params).map(|(field, param)| {
        let (ident, value) = (&field.ident, param.value());
        quote!(#ident: #value)
    });
    let enum_ident = &source.enum_ident;
    let constructor = constructor(source, &quote!(#enum_ident::Start { #(#fields),* }));
    let frame = frame::emit(&context);
    let machine = machine::emit(&context);
    let serde = serde::emit(source, &bounds::saved_outputs(program));
    let dispatch = dispatch::emit(&context);
    let twin = twin::emit(source);
    quote! {
        #snapshot
        #constructor
        const _: () = {
            #frame
            #machine
            #serde
            #dispatch
            #twin
        };
    }
}

/// The function that makes the first state, and the type of the workflow as a child.
///
/// From end to end the function has the user's spans: rustc tells of one that is never used only where it was written by hand.
fn constructor(source: &Source, start: &TokenStream) -> TokenStream {
    let Source { vis, ident, enum_ident, docs, generics, fn_token, paren_token, .. } = source;
    let params = source.params.iter().map(|param| {
        let (ident, ty) = (&param.ident, &param.input.ty);
        quote!(#ident: #ty)
    });
    let params = quote_spanned!(paren_token.span.join()=> (#(#params),*));
    let output = quote_spanned!(paren_token.span.close()=> -> #enum_ident);
    let mut block = Group::new(Delimiter::Brace, start.clone());
    block.set_span(source.body.brace_token.span.join());
    quote! {
        #(#docs)*
        #[must_use = "a workflow does nothing unless it is started or awaited"]
        #[allow(clippy::all, clippy::pedantic, clippy::nursery, unused_variables)]
        #vis #fn_token #ident #generics #params #output #block

        #[allow(non_camel_case_types, dead_code, missing_docs, private_interfaces)]
        #[doc(hidden)]
        #vis type #ident = ::refluxo::__private::Child<#enum_ident>;
    }
}

/// What stands in for a workflow that has errors: its items, so that code which uses them gives no message of its own.
pub(crate) fn stub(source: &Source) -> TokenStream {
    let Source { vis, enum_ident, .. } = source;
    let output = match &source.output {
        Type::Never(_) | Type::ImplTrait(_) => &parse_quote!(()),
        output => output,
    };
    let constructor = constructor(source, &quote!(#enum_ident::Start {}));
    let serde = serde::emit(source, &TokenStream::new());
    quote! {
        #[allow(missing_docs, dead_code)]
        #vis enum #enum_ident { Start {} }
        #constructor
        const _: () = {
            impl ::refluxo::__private::Machine for #enum_ident {
                type Output = #output;
                type Frame = ();
                const NAME: &'static str = "";
                const VERSION: u32 = 1;
                const GRAPH: &'static ::refluxo::__private::Graph = &::refluxo::__private::Graph { states: &[] };
                fn at(&self) -> &'static str { ::core::unreachable!() }
                fn pending(&self) -> ::refluxo::__private::Pending<'_> { ::core::unreachable!() }
                fn begin(self) -> (::refluxo::__private::Begin, Self::Frame) { ::core::unreachable!() }
                fn resume(
                    _: Self::Frame,
                    _: ::refluxo::__private::Outcome,
                    _: &mut ::refluxo::__private::Undos,
                ) -> ::refluxo::__private::Transition<Self, Self::Output> {
                    ::core::unreachable!()
                }
                fn encode(&self, _: &mut ::refluxo::__private::StateWriter<'_>) {}
                fn decode(
                    _: &str,
                    _: ::refluxo::__private::StateReader<'_>,
                ) -> ::core::result::Result<Self, ::refluxo::__private::LoadError> {
                    ::core::unreachable!()
                }
                fn describe(_: &mut ::refluxo::__private::Description) {}
            }
            impl ::refluxo::__private::Awaitable for #enum_ident {
                type Output = #output;
            }
            impl<S: ::refluxo::__private::Signal> ::refluxo::__private::Accepts<S> for #enum_ident {}
            #serde
        };
    }
}
