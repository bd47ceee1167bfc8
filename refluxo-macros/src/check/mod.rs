//! The rules that a workflow must keep, one function each. After them no pass can fail, but for what liveness tells.

mod body;
mod branch;

use syn::{FnArg, GenericParam, Lifetime, Pat, ReturnType, Safety, Type, visit::Visit};

use crate::{diag::Errors, messages::Message, parse::Workflow};

/// Checks every rule and reports each breach.
pub(crate) fn check(errors: &Errors, workflow: &Workflow) {
    is_async(errors, workflow);
    is_plain(errors, workflow);
    is_not_generic(errors, workflow);
    parameters_have_types(errors, workflow);
    parameters_are_owned(errors, workflow);
    can_end(errors, workflow);
    try_has_a_result(errors, workflow);
    enum_has_its_own_name(errors, workflow);
    body::check(errors, &workflow.function.block);
}

/// A workflow is an `async fn`.
fn is_async(errors: &Errors, workflow: &Workflow) {
    let sig = &workflow.function.sig;
    if sig.asyncness.is_none() {
        errors.on(sig.fn_token, &Message::WorkflowNotAsync);
    }
}

/// It is neither `const` nor `unsafe` nor `extern`, and takes no variable arguments.
fn is_plain(errors: &Errors, workflow: &Workflow) {
    let sig = &workflow.function.sig;
    if let Some(token) = &sig.constness {
        errors.on(token, &Message::WorkflowQualifier);
    }
    if !matches!(sig.safety, Safety::Default) {
        errors.on(&sig.safety, &Message::WorkflowQualifier);
    }
    if let Some(abi) = &sig.abi {
        errors.on(abi, &Message::WorkflowQualifier);
    }
    if let Some(variadic) = &sig.variadic {
        errors.on(variadic, &Message::WorkflowQualifier);
    }
}

/// Its enum is one type: there are no type or const parameters. Lifetimes of `&str` parameters are no trouble.
fn is_not_generic(errors: &Errors, workflow: &Workflow) {
    for param in &workflow.function.sig.generics.params {
        if !matches!(param, GenericParam::Lifetime(_)) {
            errors.on(param, &Message::WorkflowGeneric);
        }
    }
}

/// A parameter is saved, so its type is written.
fn parameters_have_types(errors: &Errors, workflow: &Workflow) {
    for ty in parameter_types(workflow) {
        for part in find(ty, |ty| matches!(ty, Type::ImplTrait(_))) {
            errors.on(part, &Message::WorkflowImplTrait);
        }
    }
}

/// A parameter is saved, so it borrows nothing, but for `&str`, `&[T]` and `&T`, which are stored owned.
fn parameters_are_owned(errors: &Errors, workflow: &Workflow) {
    for ty in parameter_types(workflow) {
        let inner = match ty {
            Type::Reference(reference) if reference.mutability.is_none() => &*reference.elem,
            other => other,
        };
        if let Some(borrowed) = find(inner, |ty| matches!(ty, Type::Reference(_))).first() {
            errors.on(borrowed, &Message::WorkflowBorrowedParameter);
        } else if let Some(lifetime) = lifetime(inner) {
            errors.on(lifetime, &Message::WorkflowBorrowedParameter);
        }
    }
}

/// A workflow can end.
fn can_end(errors: &Errors, workflow: &Workflow) {
    if let ReturnType::Type(_, ty) = &workflow.function.sig.output
        && matches!(**ty, Type::Never(_))
    {
        errors.on(ty, &Message::WorkflowNever);
    }
}

/// A workflow that uses `?` returns a `Result` or an `Option`. Any name may be an alias of these, but a plain type is not.
fn try_has_a_result(errors: &Errors, workflow: &Workflow) {
    if !crate::compile::has_try(&workflow.function.block) {
        return;
    }
    match &workflow.function.sig.output {
        ReturnType::Default => errors.on(&workflow.function.sig.ident, &Message::TryNeedsResult),
        ReturnType::Type(_, ty) if is_plain_type(ty) => errors.on(ty, &Message::TryNeedsResult),
        ReturnType::Type(..) => {}
    }
}

/// Whether a type is certainly no `Result` and no `Option`.
fn is_plain_type(ty: &Type) -> bool {
    const PLAIN: [&str; 18] = [
        "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32", "u64",
        "u128", "usize", "String", "Vec",
    ];
    match ty {
        Type::Tuple(_) | Type::Array(_) => true,
        Type::Path(path) => {
            path.path.segments.len() == 1 && PLAIN.iter().any(|name| path.path.segments[0].ident == name)
        }
        _ => false,
    }
}

/// The enum's name is not that of a type in the signature, which it would hide.
fn enum_has_its_own_name(errors: &Errors, workflow: &Workflow) {
    let name = crate::compile::enum_name(workflow).to_string();
    let output = match &workflow.function.sig.output {
        ReturnType::Type(_, ty) => Some(&**ty),
        ReturnType::Default => None,
    };
    let taken = parameter_types(workflow)
        .chain(output)
        .any(|ty| !find(ty, |ty| matches!(ty, Type::Path(path) if path.path.is_ident(&name))).is_empty());
    if taken {
        errors.on(&workflow.function.sig.ident, &Message::EnumNameTaken(name));
    }
}

fn parameter_types(workflow: &Workflow) -> impl Iterator<Item = &Type> {
    workflow.function.sig.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(param) => match &*param.pat {
            Pat::Type(typed) => Some(&*typed.ty),
            _ => Some(&*param.ty),
        },
        FnArg::Receiver(_) => None,
    })
}

/// The parts of a type that `wanted` accepts, outermost first.
fn find(ty: &Type, wanted: impl Fn(&Type) -> bool) -> Vec<&Type> {
    struct Finder<'a, F>(F, Vec<&'a Type>);

    impl<'a, F: Fn(&Type) -> bool> Visit<'a> for Finder<'a, F> {
        fn visit_type(&mut self, ty: &'a Type) {
            if (self.0)(ty) {
                self.1.push(ty);
            }
            syn::visit::visit_type(self, ty);
        }
    }

    let mut finder = Finder(wanted, Vec::new());
    finder.visit_type(ty);
    finder.1
}

/// The first lifetime in a type that is not `'static`.
fn lifetime(ty: &Type) -> Option<&Lifetime> {
    struct Finder<'a>(Option<&'a Lifetime>);

    impl<'a> Visit<'a> for Finder<'a> {
        fn visit_lifetime(&mut self, lifetime: &'a Lifetime) {
            if lifetime.ident != "static" && self.0.is_none() {
                self.0 = Some(lifetime);
            }
        }
    }

    let mut finder = Finder(None);
    finder.visit_type(ty);
    finder.0
}
