//! The attributes of refluxo.

use proc_macro::TokenStream;

mod check;
mod codegen;
mod compile;
mod diag;
mod ir;
mod layout;
mod liveness;
mod lower;
mod messages;
mod parse;
mod resolve;
mod signal;
mod split;
mod step;

/// Makes an async function a durable workflow.
#[proc_macro_attribute]
pub fn workflow(options: TokenStream, item: TokenStream) -> TokenStream {
    compile::workflow(options.into(), item.into()).into()
}

/// Makes an async function a step: a piece of work that a workflow awaits and that is run at least once.
///
/// `#[step] async fn charge(order: Order) -> Receipt` gives the struct `charge { order: Order }`, which is saved before the
/// body runs, and the function `charge(order) -> charge`, which makes one. Awaited in a workflow, the call is performed by the
/// engine; awaited anywhere else, it simply runs, unless it takes something by `#[inject]`.
///
/// - A parameter is stored with the call, so its type is `Serialize` and `DeserializeOwned`. `&str`, `&[T]` and `&T` are
///   stored owned.
/// - `#[inject] bank: &Bank` is handed over by the engine, which got it by `provide`.
/// - `#[inject] cx: &StepContext` says which run calls, in which attempt, and under which idempotency key.
/// - `#[step(name = "…")]` is the name in snapshots; the function's name if it is not given.
///
/// A step is not transactional: if the process dies between the body's last effect and the commit, the body runs again with
/// the same arguments and the same idempotency key.
///
/// ```
/// use refluxo::prelude::*;
///
/// /// Greets somebody.
/// #[step]
/// async fn greet(name: &str) -> String {
///     format!("Hello, {name}!")
/// }
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let call = greet("Eve");
/// assert_eq!(call.name, "Eve");
/// assert_eq!(call.await, "Hello, Eve!");
/// # });
/// ```
#[proc_macro_attribute]
pub fn step(options: TokenStream, item: TokenStream) -> TokenStream {
    step::step(options.into(), item.into()).into()
}

/// Makes a type a signal: a message that a workflow awaits by `signal::<T>()`.
///
/// The type is `Serialize` and `DeserializeOwned`. Its name in messages and snapshots is the type's, or the one given by
/// `#[signal(name = "…")]`.
///
/// ```
/// use refluxo::prelude::*;
///
/// #[derive(Debug, Serialize, Deserialize, Signal)]
/// struct Approval {
///     by: String,
///     granted: bool,
/// }
/// ```
#[proc_macro_derive(Signal, attributes(signal))]
pub fn signal(item: TokenStream) -> TokenStream {
    signal::derive(item.into()).into()
}
