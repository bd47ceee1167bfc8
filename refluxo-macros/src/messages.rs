//! What the macros say: every message is data, in one place, and names the cure.

use std::fmt;

/// A message of the macros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    // #[workflow]: the function
    /// `#[workflow] struct`.
    WorkflowNotAFunction,
    /// `#[workflow] fn`.
    WorkflowNotAsync,
    /// `#[workflow] async fn f(self)`.
    WorkflowMethod,
    /// `#[workflow] async fn f<T>()`.
    WorkflowGeneric,
    /// `#[workflow] async fn f(x: impl Trait)`.
    WorkflowImplTrait,
    /// `#[workflow] async fn f() -> !`.
    WorkflowNever,
    /// `const`, `unsafe` or `extern`.
    WorkflowQualifier,
    /// A parameter type that borrows.
    WorkflowBorrowedParameter,
    /// An unknown key in `#[workflow(…)]`.
    UnknownWorkflowOption(String),
    /// `?` in a workflow whose type is plain.
    TryNeedsResult,
    /// The enum has the name of a type in the signature.
    EnumNameTaken(String),

    // #[workflow]: the body
    /// An await in a closure.
    AwaitInClosure,
    /// An await in an inner async block.
    AwaitInAsyncBlock,
    /// An await in `unsafe`.
    AwaitInUnsafe,
    /// An await in a match guard.
    AwaitInGuard,
    /// An await in a macro that is not in the list.
    AwaitInMacro(String),
    /// The awaited operand is not a call by path.
    AwaitedNotACall,
    /// `signal().await`.
    SignalWithoutType,
    /// A call through a local item.
    AwaitedLocalItem(String),
    /// A guard that nothing uses, with an await behind it.
    GuardAcrossAwait(String),
    /// `yield`, `try {}` and what else is not Rust yet.
    Unsupported(&'static str),
    /// `async { … }.await`.
    AsyncBlockAwaited,
    /// `#[state]` with two awaits.
    StateOnSeveral,
    /// `#[state]` without an await.
    StateOnNone,
    /// `#[state(Name)]` twice.
    StateNameTaken(String),
    /// `#[state]` that is not `#[state(Name)]`.
    StateSyntax,

    // #[workflow]: the forms
    /// A branch that is something else.
    BranchNotACall,
    /// `async { … }` as a branch.
    BranchNotMove,
    /// `join!(a().await, …)`.
    BranchAwaited,
    /// A local that a branch uses and that can't be saved with it.
    BranchBorrows { name: String, what: String },
    /// `break` or `continue` that leaves a branch.
    JumpOutOfBranch(&'static str),
    /// `join!(…).await`.
    FormAwaited(String),
    /// `join!()`.
    FormEmpty(String),
    /// `join!` of more than 16 branches.
    FormTooWide(String),
    /// `tokio::join!` and its like.
    ForeignForm(String),
    /// `tokio::time::timeout(…)`.
    ForeignTimeout(String),
    /// `else => …` in `select!`.
    SelectElse,
    /// `, if …` in `select!`.
    SelectIf,
    /// A `select!` that can't be read.
    SelectSyntax,
    /// A `join_all!` that can't be read.
    JoinAllSyntax,
    /// `limit = 0`.
    JoinAllLimitZero,
    /// An await in what `join_all!` does for an item.
    JoinAllAwait,
    /// `.timeout(a).timeout(b)`.
    TimeoutTwice,
    /// `join!(…).timeout(…)` without `.await`.
    TimeoutNotAwaited,
    /// `.timeout()`.
    TimeoutArguments,
    /// `compensate!(a().timeout(…))`.
    TimeoutInCompensate,
    /// `compensate!` of something else.
    CompensateNotACall,
    /// `spawn` of something else.
    SpawnNotACall,

    // #[workflow]: what is saved
    /// A borrow that can't be taken again.
    BorrowAcrossAwait { what: String, name: String },
    /// A reference that is assigned again.
    ReassignedReference(String),
    /// `#[workflow(typed)]` and a local whose type is not known.
    Untyped(String),
    /// A shadowed name in the format string of a foreign macro.
    ShadowedInMacro(String),
    /// One signal's last segment by two paths.
    SignalTwice(String),

    // #[step]: the function
    /// `#[step] struct`.
    StepNotAFunction,
    /// `#[step] fn`.
    StepNotAsync,
    /// `#[step] async fn f(&self)`.
    StepMethod,
    /// `const`, `unsafe`, `extern` or `...`.
    StepQualifier(String),
    /// `#[step] async fn f<'a>()`.
    StepLifetime(String),
    /// `-> !`.
    StepNever,
    /// `-> impl Trait`.
    StepUnnamedOutput,
    /// `-> &str`.
    StepBorrowedOutput,

    // #[step]: its parameters
    /// `x: impl Trait` or `x: _`.
    ArgumentUnnamed,
    /// `(a, b): (A, B)`.
    ArgumentPattern,
    /// `&mut T`.
    ArgumentMutable,
    /// `&dyn Trait`.
    ArgumentTraitObject,
    /// `Cow<'_, str>`, `Option<&str>`.
    ArgumentBorrow,
    /// `&'static T`.
    StaticReference,
    /// `cx: &StepContext` without `#[inject]`.
    ContextNotInjected,
    /// `#[inject(…)]`.
    InjectSyntax,
    /// `#[inject] x: T`.
    InjectedNotAReference,
    /// `#[inject] x: &dyn Trait`.
    InjectedTraitObject(String),
    /// `#[inject] x: &impl Trait`.
    InjectedUnnamed,
    /// `#[inject] x: &Cow<'_, str>`.
    InjectedBorrow,

    /// `#[step(transaction)] fn f(x: u32)`.
    TransactionParameter,
    /// `tx: &mut SqliteTransaction` without `transaction`.
    TransactionNotSaid,

    // Options
    /// `transaction = …`.
    TransactionSyntax,
    /// `#[step(transaction, timeout = "1s")] fn`.
    TimeoutInBlocking,
    /// `#[step(transaction, concurrency = 1)]`.
    ConcurrencyInTransaction,
    /// An unknown key in `#[step(…)]`.
    UnknownStepOption(String),
    /// `name = 1`.
    NameSyntax,
    /// `name = "a", name = "b"`.
    OptionTwice(&'static str),
    /// `retry` without parentheses, or something else in them than `key = value`.
    RetrySyntax,
    /// An unknown key in `retry(…)`.
    UnknownRetryOption(String),
    /// `attempts = 0`.
    AttemptsSyntax,
    /// `backoff = "random"`.
    BackoffUnknown,
    /// `jitter = 1`.
    JitterSyntax,
    /// `initial = "0s"`.
    PauseZero,
    /// `initial = "2m", max = "1m"`.
    InitialAboveMax,
    /// `if = true`.
    PredicateNotAPath,
    /// `timeout = 10`.
    DurationSyntax,
    /// `timeout = "0s"`.
    TimeoutZero,
    /// `concurrency = 0`.
    ConcurrencySyntax,

    // #[derive(Signal)]
    /// `struct Signal<T>`.
    SignalGeneric,
    /// `#[signal(title = "…")]`.
    SignalSyntax,
}

impl fmt::Display for Message {
    #[expect(clippy::too_many_lines, reason = "one line a message")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WorkflowNotAFunction => f.write_str("`#[workflow]` stands on an `async fn`"),
            Self::WorkflowNotAsync => f.write_str("a workflow is an `async fn`: write `async fn`"),
            Self::WorkflowMethod => {
                f.write_str("a workflow can't take `self`: pass what it needs as parameters, they are its first state")
            }
            Self::WorkflowGeneric => f.write_str(
                "a workflow can't be generic: its enum is one type in the store; write one workflow for each type",
            ),
            Self::WorkflowImplTrait => {
                f.write_str("a workflow's parameter is saved, so its type must be written: replace `impl …` by a type")
            }
            Self::WorkflowNever => {
                f.write_str("a workflow must be able to end: return `()` and leave the loop when it is time")
            }
            Self::WorkflowQualifier => f.write_str("a workflow is a plain `async fn`: remove this"),
            Self::WorkflowBorrowedParameter => f.write_str(
                "a workflow's parameter is saved, so it can't borrow: take it owned, or as `&str`, `&[T]` or `&T`",
            ),
            Self::UnknownWorkflowOption(key) => write!(
                f,
                "`#[workflow]` has no option `{key}`: it takes `name = \"…\"`, `version = N`, `enum = Name` and `typed`"
            ),
            Self::TryNeedsResult => f.write_str(
                "this workflow uses `?`, so it must return a `Result` or an `Option`",
            ),
            Self::EnumNameTaken(name) => write!(
                f,
                "the workflow's enum would be called `{name}`, like a type in its signature: \
                 rename the function or write `#[workflow(enum = {name}Workflow)]`"
            ),
            Self::AwaitInClosure => f.write_str(
                "an await in a closure can't be saved: write a loop instead, or make the closure's work a step",
            ),
            Self::AwaitInAsyncBlock => f.write_str(
                "an await in an inner `async` block can't be saved: write its steps in the workflow itself, or make it a step",
            ),
            Self::AwaitInUnsafe => f.write_str("an await can't stand in `unsafe`: move it out of the block"),
            Self::AwaitInGuard => f.write_str(
                "an await can't stand in a match guard: await before the `match`, or use `if` in the arm",
            ),
            Self::AwaitInMacro(name) => write!(
                f,
                "an await in `{name}!` can't be seen by the compiler of workflows: put it in a `let` before the macro"
            ),
            Self::AwaitedNotACall => f.write_str(
                "only a call by its path can be awaited here, as in `module::step(…).await`: \
                 its type is a field of the snapshot",
            ),
            Self::SignalWithoutType => f.write_str("say which signal is awaited: `signal::<Type>().await`"),
            Self::AwaitedLocalItem(name) => write!(
                f,
                "`{name}` is declared inside the workflow, but the snapshot outside needs its type: \
                 move the declaration out of the function"
            ),
            Self::GuardAcrossAwait(name) => write!(
                f,
                "`{name}` is kept only for its drop, but it would be dropped at the next await, where the workflow may rest for days: \
                 put it in a block that ends before the await"
            ),
            Self::Unsupported(what) => write!(f, "a workflow can't contain {what}"),
            Self::AsyncBlockAwaited => {
                f.write_str("an `async` block is not awaited in a workflow: write its statements here, or make it a branch of `join!`")
            }
            Self::StateOnSeveral => f.write_str(
                "`#[state]` names one await, and this statement has several: put them in statements of their own",
            ),
            Self::StateOnNone => f.write_str("`#[state]` names an await, and there is none here"),
            Self::StateNameTaken(name) => write!(f, "the state `{name}` is named twice: choose another name"),
            Self::StateSyntax => f.write_str("write `#[state(Name)]`"),
            Self::BranchNotACall => f.write_str(
                "a branch is a call by its path, as in `module::step(…)`, with `.timeout(…)` or without, or an `async move` block: \
                 put this into an `async move` block",
            ),
            Self::BranchNotMove => {
                f.write_str("a branch is saved with what it uses, so it must own that: write `async move`")
            }
            Self::BranchAwaited => f.write_str("a branch is awaited by the form around it: remove `.await`"),
            Self::BranchBorrows { name, what } => write!(
                f,
                "`{name}` borrows `{what}`, and a branch is saved with what it uses: clone it before the form"
            ),
            Self::JumpOutOfBranch(jump) => {
                write!(f, "`{jump}` can't leave a branch, which runs beside others: return a value and decide after the form")
            }
            Self::FormAwaited(form) => write!(f, "`{form}` awaits by itself: remove `.await`"),
            Self::FormEmpty(form) => write!(f, "`{form}!` has no branch"),
            Self::FormTooWide(form) => write!(
                f,
                "`{form}!` takes 16 branches at most: use `join_all!` where they are alike, or a form in an `async move` block"
            ),
            Self::ForeignForm(path) => write!(
                f,
                "what `{path}` awaits can't be saved: use the one of refluxo, which is in its prelude"
            ),
            Self::ForeignTimeout(path) => write!(
                f,
                "what `{path}` awaits can't be saved: write `.timeout(duration)` behind what is awaited"
            ),
            Self::SelectElse => {
                f.write_str("`select!` has no `else`: one of its arms always wins; for a default write `() = sleep(…) => …`")
            }
            Self::SelectIf => {
                f.write_str("an arm of `select!` has no condition: choose between two `select!`s by an `if`")
            }
            Self::SelectSyntax => f.write_str("write `select! { pattern = branch => expression, … }`"),
            Self::JoinAllSyntax => {
                f.write_str("write `join_all!(for item in items => call(item))`, and `, limit = n` behind it for a limit")
            }
            Self::JoinAllLimitZero => f.write_str("with a limit of 0 nothing would ever run"),
            Self::JoinAllAwait => f.write_str(
                "`join_all!` builds all branches before one runs, so it can't await here: make the branch an `async move` block",
            ),
            Self::TimeoutTwice => f.write_str("one call has one timeout: keep the shorter one"),
            Self::TimeoutNotAwaited => f.write_str("a call with a limit is awaited: write `.timeout(…).await`"),
            Self::TimeoutArguments => f.write_str("`.timeout(…)` takes one argument, a `Duration`"),
            Self::TimeoutInCompensate => f.write_str(
                "a call that is pushed by `compensate!` can't be given up after a time: give the step itself a limit by `#[step(timeout = \"…\")]`",
            ),
            Self::CompensateNotACall => f.write_str(
                "`compensate!` takes one call of a step or a workflow by its path, without `.await`: `compensate!(release(…))`",
            ),
            Self::SpawnNotACall => f.write_str(
                "`spawn` takes one call of a workflow by its path: `spawn(workflow(…)).await`; a step of that name is called \
                 as `self::spawn(…)`",
            ),
            Self::BorrowAcrossAwait { what, name } => write!(
                f,
                "`{name}` borrows `{what}` across an await and can't be taken again on resume: \
                 clone it, or take it after the await"
            ),
            Self::ReassignedReference(name) => write!(
                f,
                "the reference `{name}` is assigned again and lives across an await, so it can't be taken again on resume: \
                 keep an index or a clone instead"
            ),
            Self::Untyped(name) => {
                write!(f, "`#[workflow(typed)]`: write the type of `{name}`, which lives across an await")
            }
            Self::ShadowedInMacro(name) => write!(
                f,
                "this macro may use `{name}`, which is shadowed while both are needed: rename one of the two"
            ),
            Self::SignalTwice(name) => {
                write!(f, "two different signals are called `{name}` here: import one under another name")
            }
            Self::StepNotAFunction => f.write_str("`#[step]` stands on an `async fn`"),
            Self::StepNotAsync => f.write_str("a step is an `async fn`: write `async fn`, also if it awaits nothing"),
            Self::StepMethod => f.write_str(
                "a step can't take `self`: write a function outside the `impl`, and take what is not data by `#[inject]`",
            ),
            Self::StepQualifier(qualifier) => {
                write!(f, "a step is a plain `async fn`: remove `{qualifier}`")
            }
            Self::StepLifetime(lifetime) => write!(
                f,
                "a step's arguments are stored, so they borrow from nothing: remove `{lifetime}`; `&str`, `&[T]` and `&T` need none"
            ),
            Self::StepNever => f.write_str("a step must be able to end: return `()`"),
            Self::StepUnnamedOutput => {
                f.write_str("the workflow needs the type of a step's output: replace this by a type")
            }
            Self::StepBorrowedOutput => {
                f.write_str("a step's output outlives the step, so it can't borrow: return an owned value")
            }
            Self::ArgumentUnnamed => {
                f.write_str("a step's argument is stored, so its type must be written: replace this by a type")
            }
            Self::ArgumentPattern => f.write_str(
                "a step's argument needs a name, which is its field's: name it here and take it apart in the body",
            ),
            Self::ArgumentMutable => f.write_str(
                "a step's argument is stored, so changes to it would be lost: take it owned and return what changed",
            ),
            Self::ArgumentTraitObject => f.write_str(
                "a trait object can't be stored with the call: write a type, or take it by `#[inject]`",
            ),
            Self::ArgumentBorrow => f.write_str(
                "a step's argument is stored, so it can't hold a borrow: take it owned; \
                 only `&str`, `&[T]` and `&T` as a whole are stored for you",
            ),
            Self::StaticReference => {
                f.write_str("a step's parameter lives as long as the step: remove `'static`")
            }
            Self::ContextNotInjected => {
                f.write_str("the step's context comes from the engine: write `#[inject] cx: &StepContext`")
            }
            Self::InjectSyntax => f.write_str("write `#[inject]`"),
            Self::InjectedNotAReference => {
                f.write_str("the engine lends its resources: write `#[inject] name: &Type`")
            }
            Self::InjectedTraitObject(object) => write!(
                f,
                "a resource is found by its type, and `{object}` has no size: provide a `Box<{object}>` and take `&Box<{object}>`"
            ),
            Self::InjectedUnnamed => f.write_str("a resource is found by its type: replace this by a type"),
            Self::InjectedBorrow => f.write_str("a resource belongs to the engine, so it can't borrow"),
            Self::TransactionParameter => f.write_str(
                "a step with `transaction` takes the store's transaction first: `tx: &mut SqliteTransaction` in a plain `fn`, \
                 or `tx: &mut PostgresTransaction` in an `async fn`",
            ),
            Self::TransactionNotSaid => f.write_str(
                "a step that takes the store's transaction says so: write `#[step(transaction)]`, and take it first",
            ),
            Self::TransactionSyntax => f.write_str("`transaction` takes nothing: write `#[step(transaction)]`"),
            Self::TimeoutInBlocking => f.write_str("nothing can interrupt a plain `fn`: remove `timeout`"),
            Self::ConcurrencyInTransaction => f.write_str(
                "how many transactions are open at once is the store's business: remove `concurrency`",
            ),
            Self::UnknownStepOption(key) => {
                write!(
                    f,
                    "`#[step]` has no option `{key}`: it takes `name = \"…\"`, `retry(…)`, `timeout = \"…\"`, `concurrency = n` and `transaction`"
                )
            }
            Self::NameSyntax => f.write_str("a name is a string that is not empty: `name = \"…\"`"),
            Self::OptionTwice(key) => write!(f, "`{key}` is given twice"),
            Self::RetrySyntax => f.write_str("write `retry(attempts = 5, …)`, or `retry()` for the defaults"),
            Self::UnknownRetryOption(key) => write!(
                f,
                "`retry` has no option `{key}`: it takes `attempts`, `backoff`, `initial`, `max`, `jitter`, `total` and `if`"
            ),
            Self::AttemptsSyntax => {
                f.write_str("`attempts` is how often the step runs at most, the first time included: a number from 1 up")
            }
            Self::BackoffUnknown => {
                f.write_str("the pauses are `\"constant\"`, `\"linear\"` or `\"exponential\"`")
            }
            Self::JitterSyntax => f.write_str("`jitter` is `true` or `false`"),
            Self::PauseZero => f.write_str("a pause of 0 is none: write at least `\"1ms\"`"),
            Self::InitialAboveMax => f.write_str(
                "the first pause is longer than the longest one: `initial` is `\"1s\"` and `max` is `\"60s\"` where they are not given",
            ),
            Self::PredicateNotAPath => f.write_str(
                "`if` takes a function that looks at the error: `if = ShopError::is_transient`, a `fn(&ShopError) -> bool`",
            ),
            Self::DurationSyntax => {
                f.write_str("a duration is a number and `ms`, `s`, `m`, `h` or `d`, as in `\"10s\"`")
            }
            Self::TimeoutZero => f.write_str("in no time no attempt can end: write at least `\"1ms\"`"),
            Self::ConcurrencySyntax => f.write_str(
                "`concurrency` is how many calls of the step an engine runs at once: a number from 1 up",
            ),
            Self::SignalGeneric => f.write_str(
                "a signal can't be generic: its name stands for one type; write one signal for each type",
            ),
            Self::SignalSyntax => f.write_str("write `#[signal(name = \"…\")]`"),
        }
    }
}
