//! What the passes made of a workflow, as text: for `REFLUXO_DUMP=name cargo check`, and for the tests of the passes.

use std::fmt::Write;

use quote::ToTokens;

use crate::{
    ir::{BranchId, Program, VarSet, exits::Exits},
    layout::Layout,
    liveness::Liveness,
};

/// The block graph as a Mermaid diagram, the blocks with what is live in them, and the states.
pub(crate) fn dump(program: &Program, liveness: &Liveness, layout: &Layout) -> String {
    format!("{}\n{}\n{}", graph(program, layout), blocks(program, liveness), states(program, layout))
}

/// The block graph as a Mermaid diagram. A dotted arrow is an await.
pub(crate) fn graph(program: &Program, layout: &Layout) -> String {
    let mut text = String::from("flowchart TD\n");
    for block in &program.blocks {
        let exits = Exits::of(&block.stmts);
        for next in &exits.gotos {
            let _ = writeln!(text, "    b{} --> b{}", block.id.0, next.0);
        }
        for &id in &exits.suspensions {
            let (name, resume) = (&layout.state(id).name, program.awaits[id.0].resume);
            let _ = writeln!(text, "    b{} -. {name} .-> b{}", block.id.0, resume.0);
        }
        if exits.returns {
            let _ = writeln!(text, "    b{} --> done([done])", block.id.0);
        }
    }
    text
}

/// The blocks in the order of the source, with the locals that are live where they begin.
pub(crate) fn blocks(program: &Program, liveness: &Liveness) -> String {
    let mut text = String::new();
    for block in &program.blocks {
        let owner = block.owner.map_or_else(String::new, |BranchId(number)| format!(" of branch {number}"));
        let live = names(program, liveness.at(block.id));
        let _ = writeln!(text, "block {}{owner} live {{{live}}}", block.id.0);
        for stmt in &block.stmts {
            let _ = writeln!(text, "    {}", stmt.to_token_stream());
        }
    }
    text
}

/// The states with their fields: `*` marks one that is stable.
pub(crate) fn states(program: &Program, layout: &Layout) -> String {
    let mut text = String::new();
    for start in &layout.starts {
        let fields: Vec<String> = start.fields.iter().map(|field| field.ident.to_string()).collect();
        let _ = writeln!(text, "{} {{{}}}", start.name, fields.join(", "));
    }
    for (state, awaited) in layout.states.iter().zip(&program.awaits) {
        let fields = state
            .fields
            .iter()
            .map(|field| format!("{}{}", field.ident, if field.stable { "*" } else { "" }));
        let fields: Vec<String> = fields.collect();
        let _ = writeln!(
            text,
            "{} {{{}}} calls {}",
            state.name,
            fields.join(", "),
            awaited.call.to_token_stream()
        );
    }
    text
}

fn names(program: &Program, vars: &VarSet) -> String {
    let names: Vec<String> = vars.iter().map(|var| program.vars.ident(var).to_string()).collect();
    names.join(", ")
}
