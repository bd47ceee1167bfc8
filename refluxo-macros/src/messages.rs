//! What the macros say: every message is data, in one place, and names the cure.

use thiserror::Error;

/// A message of the macros.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum Message {
    // #[workflow]: the function
    /// `#[workflow] struct`.
    #[error("`#[workflow]` stands on an `async fn`")]
    WorkflowNotAFunction,
    /// `#[workflow] fn`.
    #[error("a workflow is an `async fn`: write `async fn`")]
    WorkflowNotAsync,
    /// `#[workflow] async fn f(self)`.
    #[error("a workflow can't take `self`: pass what it needs as parameters, they are its first state")]
    WorkflowMethod,
    /// `#[workflow] async fn f<T>()`.
    #[error(
        "a workflow can't be generic: its enum is one type in the store; write one workflow for each type"
    )]
    WorkflowGeneric,
    /// `#[workflow] async fn f(x: impl Trait)`.
    #[error("a workflow's parameter is saved, so its type must be written: replace `impl …` by a type")]
    WorkflowImplTrait,
    /// `#[workflow] async fn f() -> !`.
    #[error("a workflow must be able to end: return `()` and leave the loop when it is time")]
    WorkflowNever,
    /// `const`, `unsafe` or `extern`.
    #[error("a workflow is a plain `async fn`: remove this")]
    WorkflowQualifier,
    /// A parameter type that borrows.
    #[error(
        "a workflow's parameter is saved, so it can't borrow: take it owned, or as `&str`, `&[T]` or `&T`"
    )]
    WorkflowBorrowedParameter,
    /// An unknown key in `#[workflow(…)]`.
    #[error(
        "`#[workflow]` has no option `{0}`: it takes `name = \"…\"`, `version = N`, `enum = Name` and `typed`"
    )]
    UnknownWorkflowOption(String),
    /// `?` in a workflow whose type is plain.
    #[error("this workflow uses `?`, so it must return a `Result` or an `Option`")]
    TryNeedsResult,
    /// The enum has the name of a type in the signature.
    #[error(
        "the workflow's enum would be called `{0}`, like a type in its signature: rename the function or write `#[workflow(enum = {0}Workflow)]`"
    )]
    EnumNameTaken(String),

    // #[workflow]: the body
    /// An await in a closure.
    #[error("an await in a closure can't be saved: write a loop instead, or make the closure's work a step")]
    AwaitInClosure,
    /// An await in an inner async block.
    #[error(
        "an await in an inner `async` block can't be saved: write its steps in the workflow itself, or make it a step"
    )]
    AwaitInAsyncBlock,
    /// An await in `unsafe`.
    #[error("an await can't stand in `unsafe`: move it out of the block")]
    AwaitInUnsafe,
    /// An await in a match guard.
    #[error("an await can't stand in a match guard: await before the `match`, or use `if` in the arm")]
    AwaitInGuard,
    /// An await in a macro that is not in the list.
    #[error(
        "an await in `{0}!` can't be seen by the compiler of workflows: put it in a `let` before the macro"
    )]
    AwaitInMacro(String),
    /// The awaited operand is not a call by path.
    #[error(
        "only a call by its path can be awaited here, as in `module::step(…).await`: its type is a field of the snapshot"
    )]
    AwaitedNotACall,
    /// `signal().await`.
    #[error("say which signal is awaited: `signal::<Type>().await`")]
    SignalWithoutType,
    /// A call through a local item.
    #[error(
        "`{0}` is declared inside the workflow, but the snapshot outside needs its type: move the declaration out of the function"
    )]
    AwaitedLocalItem(String),
    /// A guard that nothing uses, with an await behind it.
    #[error(
        "`{0}` is kept only for its drop, but it would be dropped at the next await, where the workflow may rest for days: put it in a block that ends before the await"
    )]
    GuardAcrossAwait(String),
    /// `yield`, `try {}` and what else is not Rust yet.
    #[error("a workflow can't contain {0}")]
    Unsupported(&'static str),
    /// `async { … }.await`.
    #[error(
        "an `async` block is not awaited in a workflow: write its statements here, or make it a branch of `join!`"
    )]
    AsyncBlockAwaited,
    /// `#[state]` with two awaits.
    #[error(
        "`#[state]` names one await, and this statement has several: put them in statements of their own"
    )]
    StateOnSeveral,
    /// `#[state]` without an await.
    #[error("`#[state]` names an await, and there is none here")]
    StateOnNone,
    /// `#[state(Name)]` twice.
    #[error("the state `{0}` is named twice: choose another name")]
    StateNameTaken(String),
    /// `#[state]` that is not `#[state(Name)]`.
    #[error("write `#[state(Name)]`")]
    StateSyntax,

    // #[workflow]: the forms
    /// A branch that is something else.
    #[error(
        "a branch is a call by its path, as in `module::step(…)`, with `.timeout(…)` or without, or an `async move` block: put this into an `async move` block"
    )]
    BranchNotACall,
    /// `async { … }` as a branch.
    #[error("a branch is saved with what it uses, so it must own that: write `async move`")]
    BranchNotMove,
    /// `join!(a().await, …)`.
    #[error("a branch is awaited by the form around it: remove `.await`")]
    BranchAwaited,
    /// A local that a branch uses and that can't be saved with it.
    #[error("`{name}` borrows `{what}`, and a branch is saved with what it uses: clone it before the form")]
    BranchBorrows { name: String, what: String },
    /// `break` or `continue` that leaves a branch.
    #[error("`{0}` can't leave a branch, which runs beside others: return a value and decide after the form")]
    JumpOutOfBranch(&'static str),
    /// `join!(…).await`.
    #[error("`{0}` awaits by itself: remove `.await`")]
    FormAwaited(String),
    /// `join!()`.
    #[error("`{0}!` has no branch")]
    FormEmpty(String),
    /// `join!` of more than 16 branches.
    #[error(
        "`{0}!` takes 16 branches at most: use `join_all!` where they are alike, or a form in an `async move` block"
    )]
    FormTooWide(String),
    /// `tokio::join!` and its like.
    #[error("what `{0}` awaits can't be saved: use the one of refluxo, which is in its prelude")]
    ForeignForm(String),
    /// `tokio::time::timeout(…)`.
    #[error("what `{0}` awaits can't be saved: write `.timeout(duration)` behind what is awaited")]
    ForeignTimeout(String),
    /// `else => …` in `select!`.
    #[error("`select!` has no `else`: one of its arms always wins; for a default write `() = sleep(…) => …`")]
    SelectElse,
    /// `, if …` in `select!`.
    #[error("an arm of `select!` has no condition: choose between two `select!`s by an `if`")]
    SelectIf,
    /// A `select!` that can't be read.
    #[error("write `select! {{ pattern = branch => expression, … }}`")]
    SelectSyntax,
    /// A `join_all!` that can't be read.
    #[error("write `join_all!(for item in items => call(item))`, and `, limit = n` behind it for a limit")]
    JoinAllSyntax,
    /// `limit = 0`.
    #[error("with a limit of 0 nothing would ever run")]
    JoinAllLimitZero,
    /// An await in what `join_all!` does for an item.
    #[error(
        "`join_all!` builds all branches before one runs, so it can't await here: make the branch an `async move` block"
    )]
    JoinAllAwait,
    /// `.timeout(a).timeout(b)`.
    #[error("one call has one timeout: keep the shorter one")]
    TimeoutTwice,
    /// `join!(…).timeout(…)` without `.await`.
    #[error("a call with a limit is awaited: write `.timeout(…).await`")]
    TimeoutNotAwaited,
    /// `.timeout()`.
    #[error("`.timeout(…)` takes one argument, a `Duration`")]
    TimeoutArguments,
    /// `compensate!(a().timeout(…))`.
    #[error(
        "a call that is pushed by `compensate!` can't be given up after a time: give the step itself a limit by `#[step(timeout = \"…\")]`"
    )]
    TimeoutInCompensate,
    /// `compensate!` of something else.
    #[error(
        "`compensate!` takes one call of a step or a workflow by its path, without `.await`: `compensate!(release(…))`"
    )]
    CompensateNotACall,
    /// `spawn` of something else.
    #[error(
        "`spawn` takes one call of a workflow by its path: `spawn(workflow(…)).await`; a step of that name is called as `self::spawn(…)`"
    )]
    SpawnNotACall,

    // #[workflow]: what is saved
    /// A borrow that can't be taken again.
    #[error(
        "`{name}` borrows `{what}` across an await and can't be taken again on resume: clone it, or take it after the await"
    )]
    BorrowAcrossAwait { what: String, name: String },
    /// A reference that is assigned again.
    #[error(
        "the reference `{0}` is assigned again and lives across an await, so it can't be taken again on resume: keep an index or a clone instead"
    )]
    ReassignedReference(String),
    /// `#[workflow(typed)]` and a local whose type is not known.
    #[error("`#[workflow(typed)]`: write the type of `{0}`, which lives across an await")]
    Untyped(String),
    /// A shadowed name in the format string of a foreign macro.
    #[error("this macro may use `{0}`, which is shadowed while both are needed: rename one of the two")]
    ShadowedInMacro(String),
    /// One signal's last segment by two paths.
    #[error("two different signals are called `{0}` here: import one under another name")]
    SignalTwice(String),

    // #[step]: the function
    /// `#[step] struct`.
    #[error("`#[step]` stands on an `async fn`")]
    StepNotAFunction,
    /// `#[step] fn`.
    #[error("a step is an `async fn`: write `async fn`, also if it awaits nothing")]
    StepNotAsync,
    /// `#[step] async fn f(&self)`.
    #[error(
        "a step can't take `self`: write a function outside the `impl`, and take what is not data by `#[inject]`"
    )]
    StepMethod,
    /// `const`, `unsafe`, `extern` or `...`.
    #[error("a step is a plain `async fn`: remove `{0}`")]
    StepQualifier(String),
    /// `#[step] async fn f<'a>()`.
    #[error(
        "a step's arguments are stored, so they borrow from nothing: remove `{0}`; `&str`, `&[T]` and `&T` need none"
    )]
    StepLifetime(String),
    /// `-> !`.
    #[error("a step must be able to end: return `()`")]
    StepNever,
    /// `-> impl Trait`.
    #[error("the workflow needs the type of a step's output: replace this by a type")]
    StepUnnamedOutput,
    /// `-> &str`.
    #[error("a step's output outlives the step, so it can't borrow: return an owned value")]
    StepBorrowedOutput,

    // #[step]: its parameters
    /// `x: impl Trait` or `x: _`.
    #[error("a step's argument is stored, so its type must be written: replace this by a type")]
    ArgumentUnnamed,
    /// `(a, b): (A, B)`.
    #[error(
        "a step's argument needs a name, which is its field's: name it here and take it apart in the body"
    )]
    ArgumentPattern,
    /// `&mut T`.
    #[error(
        "a step's argument is stored, so changes to it would be lost: take it owned and return what changed"
    )]
    ArgumentMutable,
    /// `&dyn Trait`.
    #[error("a trait object can't be stored with the call: write a type, or take it by `#[inject]`")]
    ArgumentTraitObject,
    /// `Cow<'_, str>`, `Option<&str>`.
    #[error(
        "a step's argument is stored, so it can't hold a borrow: take it owned; only `&str`, `&[T]` and `&T` as a whole are stored for you"
    )]
    ArgumentBorrow,
    /// `&'static T`.
    #[error("a step's parameter lives as long as the step: remove `'static`")]
    StaticReference,
    /// `cx: &StepContext` without `#[inject]`.
    #[error("the step's context comes from the engine: write `#[inject] cx: &StepContext`")]
    ContextNotInjected,
    /// `#[inject(…)]`.
    #[error("write `#[inject]`")]
    InjectSyntax,
    /// `#[inject] x: T`.
    #[error("the engine lends its resources: write `#[inject] name: &Type`")]
    InjectedNotAReference,
    /// `#[inject] x: &dyn Trait`.
    #[error(
        "a resource is found by its type, and `{0}` has no size: provide a `Box<{0}>` and take `&Box<{0}>`"
    )]
    InjectedTraitObject(String),
    /// `#[inject] x: &impl Trait`.
    #[error("a resource is found by its type: replace this by a type")]
    InjectedUnnamed,
    /// `#[inject] x: &Cow<'_, str>`.
    #[error("a resource belongs to the engine, so it can't borrow")]
    InjectedBorrow,

    /// `#[step(transaction)] fn f(x: u32)`.
    #[error(
        "a step with `transaction` takes the store's transaction first: `tx: &mut SqliteTransaction` in a plain `fn`, or `tx: &mut PostgresTransaction` in an `async fn`"
    )]
    TransactionParameter,
    /// `tx: &mut SqliteTransaction` without `transaction`.
    #[error(
        "a step that takes the store's transaction says so: write `#[step(transaction)]`, and take it first"
    )]
    TransactionNotSaid,

    // Options
    /// `transaction = …`.
    #[error("`transaction` takes nothing: write `#[step(transaction)]`")]
    TransactionSyntax,
    /// `#[step(transaction, timeout = "1s")] fn`.
    #[error("nothing can interrupt a plain `fn`: remove `timeout`")]
    TimeoutInBlocking,
    /// `#[step(transaction, concurrency = 1)]`.
    #[error("how many transactions are open at once is the store's business: remove `concurrency`")]
    ConcurrencyInTransaction,
    /// An unknown key in `#[step(…)]`.
    #[error(
        "`#[step]` has no option `{0}`: it takes `name = \"…\"`, `retry(…)`, `timeout = \"…\"`, `concurrency = n` and `transaction`"
    )]
    UnknownStepOption(String),
    /// `name = 1`.
    #[error("a name is a string that is not empty: `name = \"…\"`")]
    NameSyntax,
    /// `name = "a", name = "b"`.
    #[error("`{0}` is given twice")]
    OptionTwice(&'static str),
    /// `retry` without parentheses, or something else in them than `key = value`.
    #[error("write `retry(attempts = 5, …)`, or `retry()` for the defaults")]
    RetrySyntax,
    /// An unknown key in `retry(…)`.
    #[error(
        "`retry` has no option `{0}`: it takes `attempts`, `backoff`, `initial`, `max`, `jitter`, `total` and `if`"
    )]
    UnknownRetryOption(String),
    /// `attempts = 0`.
    #[error("`attempts` is how often the step runs at most, the first time included: a number from 1 up")]
    AttemptsSyntax,
    /// `backoff = "random"`.
    #[error("the pauses are `\"constant\"`, `\"linear\"` or `\"exponential\"`")]
    BackoffUnknown,
    /// `jitter = 1`.
    #[error("`jitter` is `true` or `false`")]
    JitterSyntax,
    /// `initial = "0s"`.
    #[error("a pause of 0 is none: write at least `\"1ms\"`")]
    PauseZero,
    /// `initial = "2m", max = "1m"`.
    #[error(
        "the first pause is longer than the longest one: `initial` is `\"1s\"` and `max` is `\"60s\"` where they are not given"
    )]
    InitialAboveMax,
    /// `if = true`.
    #[error(
        "`if` takes a function that looks at the error: `if = ShopError::is_transient`, a `fn(&ShopError) -> bool`"
    )]
    PredicateNotAPath,
    /// `timeout = 10`.
    #[error("a duration is a number and `ms`, `s`, `m`, `h` or `d`, as in `\"10s\"`")]
    DurationSyntax,
    /// `timeout = "0s"`.
    #[error("in no time no attempt can end: write at least `\"1ms\"`")]
    TimeoutZero,
    /// `concurrency = 0`.
    #[error("`concurrency` is how many calls of the step an engine runs at once: a number from 1 up")]
    ConcurrencySyntax,

    // #[derive(Signal)]
    /// `struct Signal<T>`.
    #[error("a signal can't be generic: its name stands for one type; write one signal for each type")]
    SignalGeneric,
    /// `#[signal(title = "…")]`.
    #[error("write `#[signal(name = \"…\")]`")]
    SignalSyntax,
}
