//! What the outputs of branches must be.

use proc_macro2::{Span, TokenStream};
use quote::quote;

use super::names::Distinct;
use crate::ir::{BranchKind, Kind, Program, Rule, marker::private};

// Output: `where for<'any> Keep: Ending<<(ship) as Suspend>::Output>,`
/// The `where` clause of whatever needs the workflow to be a machine: that the outputs of its branches can be saved.
///
/// Where one can't, the twin tells so at the branch. `for<'any>` makes rustc believe the clause until somebody uses the machine, so that the
/// machine's own code says nothing.
pub(super) fn saved_outputs(program: &Program) -> TokenStream {
    let mut known = Distinct::default();
    let outputs = program.awaits.iter().flat_map(|awaited| match &awaited.kind {
        Kind::Call | Kind::Group { rule: Rule::Any, .. } => Vec::new(),
        Kind::Group { rule: Rule::All, branches } => branches.iter().map(|branch| ("Keep", branch)).collect(),
        Kind::Group { rule: Rule::Try, branches } => branches.iter().map(|branch| ("Try", branch)).collect(),
        Kind::All { item } => vec![("Keep", item)],
    });
    let bounds = outputs.filter_map(|(end, branch)| match branch {
        BranchKind::Call(ty) => {
            let span = Span::call_site();
            let (end, ending, suspend) =
                (private(end, span), private("Ending", span), private("Suspend", span));
            Some(quote!(for<'any> #end: #ending<<(#ty) as #suspend>::Output>))
        }
        BranchKind::Block(_) => None,
    });
    let bounds: Vec<_> = bounds.filter(|bound| known.insert(bound.to_string())).collect();
    if bounds.is_empty() { TokenStream::new() } else { quote!(where #(#bounds,)*) }
}
