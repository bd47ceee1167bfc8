//! The attributes of refluxo.

use proc_macro::TokenStream;

mod check;
mod codegen;
mod compile;
mod desugar;
mod diag;
mod dump;
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
///
/// `#[workflow] async fn checkout(order: Order) -> R` gives the enum `Checkout`, which is the state machine and its snapshot, and the
/// function `checkout(order) -> Checkout`, which makes its first state. Nothing runs until an engine starts it, or another workflow
/// awaits it.
///
/// - Each await is a state: the call with its evaluated arguments, and the locals that are needed after it.
/// - The body is ordinary Rust. Between awaits it may read the clock, draw random numbers or log: that code runs once a
///   transition and is never replayed.
/// - What lives across an await is saved, so its type is `Serialize` and `DeserializeOwned`. The types of locals are inferred as usual.
/// - A borrow of a place (`&order.items`, a pattern over `&order`, the item of `for item in &order.items`) is not saved but taken
///   again on resume. Another borrow across an await is refused, with the cure.
/// - A struct of which a part is moved out is saved by the fields that are still used. One that is used whole again after an await,
///   once the part was put back, is refused by rustc as partially moved: take the part with `std::mem::take`.
/// - A `for` over a place saves a cursor, one over a range saves the range. What any other iterator gives is collected when
///   the loop starts, so an endless one never begins.
/// - A local that nothing needs after an await is dropped at that await.
///
/// What can be awaited: a step, `sleep`, `sleep_until`, `signal::<T>()`, another workflow, `spawn(workflow(…))`, and each of them with
/// `.timeout(duration)`, which gives a `Result<_, Elapsed>`. What awaits by itself:
///
/// - `join!(a(), b())` gives a tuple, `try_join!(a(), b())` the first `Err` or a tuple, `join_all!(for x in xs => a(x), limit = 8)` a `Vec` in
///   the order of the items. All of them take a `.timeout(duration).await` behind them.
/// - `select! { x = a() => …, () = sleep(d) => … }` has the value of the arm whose branch ended first; arms may await. With `.timeout(duration).await`
///   behind it, it gives a `Result`; the time is that of the wait, not of the arms.
/// - `compensate!(a())` awaits nothing: it pushes a call that is performed, the last one first, if the workflow fails or is cancelled.
///
/// A branch is a call, a call with a timeout, or an `async move` block of several steps. It is saved with what it uses, so it borrows nothing but what it
/// can clone, and neither `break` nor `continue` leaves it; `return` and `?` end the branch. Inside of a workflow these names are the
/// forms, whatever it is that goes by them in scope.
///
/// Options: `name = "…"` is the name in the store, the function's if it is not given; `version = N`; `enum = Name`; `typed`, which
/// asks for the type of every saved local that the macro can't name, instead of making it a `Local`. `#[derive(…)]` below the
/// attribute goes to the enum. `#[state(Name)]` on a statement names the state of its await.
///
/// `REFLUXO_DUMP=checkout cargo check` prints the block graph, the states and the expansion of a workflow.
///
/// ```
/// use refluxo::prelude::*;
///
/// #[step]
/// async fn greet(name: &str) -> String {
///     format!("Hello, {name}!")
/// }
///
/// #[workflow]
/// async fn greet_all(names: Vec<String>) -> Vec<String> {
///     let mut greetings = Vec::new();
///     for name in &names {
///         greetings.push(greet(name).await);
///     }
///     greetings
/// }
///
/// # tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
/// let engine = Engine::builder(MemoryStore::new()).register::<GreetAll>().build().await.unwrap();
/// let run = engine.start("hello", greet_all(vec!["Eve".into()])).await.unwrap();
/// assert_eq!(run.result().await.unwrap(), ["Hello, Eve!"]);
/// # });
/// ```
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
/// - `#[step(retry(attempts = 5, backoff = "exponential", initial = "200ms", max = "30s", jitter = true, total = "10m", if = path))]` runs
///   it again if it gives an `Err` or panics. `attempts` counts the first one. `backoff` is `"constant"`, `"linear"` or
///   `"exponential"`; no attempt begins later than `total` after the first one; `if` is a function that looks at the error. Without a word
///   more, `retry()` makes three attempts, one and two seconds apart, with jitter. The workflow gets what the last attempt gave.
/// - `#[step(timeout = "10s")]` is the time that one attempt has. The step returns a `Result` whose error is `From<TimedOut>`.
/// - `#[step(concurrency = 8)]` is how many calls of it one engine runs at once.
///
/// - `#[step(transaction)] fn pay(tx: &mut SqliteTransaction, sum: i64) -> Result<i64, rusqlite::Error>`: the body writes in the
///   transaction in which the run's next state is stored, so that what it writes is there exactly once. See below.
///
/// Durations are written as a number and `ms`, `s`, `m`, `h` or `d`.
///
/// Else a step is not transactional: if the process dies between the body's last effect and the commit, the body runs again with
/// the same arguments and the same idempotency key.
///
/// # Exactly once: `transaction`
///
/// The first parameter is the transaction of the engine's store: `&mut SqliteTransaction` in a plain `fn`, which runs on the
/// store's thread, or `&mut PostgresTransaction` in an `async fn`. It is stored nowhere, and calls of the step leave it out. What the
/// body writes by it, the workflow's next state and the entry of the history are committed together or not at all, whatever
/// dies. If the body gives an `Err` or panics, if the workflow's code panics behind it, or if the commit fails, all of it is
/// rolled back: the body may run several times, and what it wrote is there at most once. What else it does, beside the
/// transaction, is at least once as ever.
///
/// While the transaction is open, its run does nothing else, not even what it is told, and in a `SqliteStore` nobody else
/// writes: keep it short, and don't wait in it for what the engine does elsewhere, which waits for the transaction. A plain `fn`
/// takes no `timeout`, and a transaction no `concurrency`. An engine on a store without such transactions is not built; in a test
/// a mock stands in for the step.
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
