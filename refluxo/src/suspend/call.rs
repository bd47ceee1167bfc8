//! What the call struct of a step is made of: its arguments on their way to JSON and back.
//!
//! Serde's derive is not used: it would take a missing `Option` for `None`, and it would tell the user of a type that can't be
//! saved once for each of its impls. Here every argument goes through the one function [`argument`], so that rustc merges the errors
//! to one.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserializer, Serialize, Serializer,
    de::{self, DeserializeSeed, MapAccess, Visitor},
    ser::SerializeStruct,
};

use super::{Judged, Resources, StepContext, StepTask, Suspend, TimedOut};
use crate::{local::Saved, machine::Outcome};

/// A value that can be the argument of a step.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a step",
    label = "the arguments of a step are saved before it runs, and `{Self}` can't be",
    note = "derive `Serialize` and `Deserialize` for it; what is not data, like a client or a pool, is taken by `#[inject]`"
)]
pub trait Argument: Saved {}

#[diagnostic::do_not_recommend]
impl<T: Saved> Argument for T {}

/// A call struct, field by field.
pub trait Call: Sized {
    /// The step's name.
    const NAME: &'static str;

    /// The names of the arguments.
    const ARGUMENTS: &'static [&'static str];

    /// Writes each argument.
    ///
    /// # Errors
    ///
    /// If one can't be written.
    fn write<F: SerializeStruct>(&self, fields: &mut F) -> Result<(), F::Error>;

    /// Reads the arguments, in whatever order they come.
    ///
    /// # Errors
    ///
    /// If one is missing, comes twice, is unknown or of another type.
    fn read<'de, A: MapAccess<'de>>(fields: A) -> Result<Self, A::Error>;
}

/// Writes or reads an argument: the one function through which every argument goes.
///
/// # Errors
///
/// If the value can't be written, or what is read is of another type.
pub fn argument<T: Argument, D: Direction>(direction: D, value: D::Given<'_, T>) -> D::Result<T> {
    direction.pass(value)
}

/// Which way an argument goes.
pub trait Direction {
    /// What there is of the argument.
    type Given<'a, T: 'a>;
    /// What comes of it.
    type Result<T>;

    /// Writes or reads it.
    fn pass<T: Argument>(self, value: Self::Given<'_, T>) -> Self::Result<T>;
}

/// Writes the argument of this name.
pub struct Write<'f, F>(pub &'f mut F, pub &'static str);

impl<F: SerializeStruct> Direction for Write<'_, F> {
    type Given<'a, T: 'a> = &'a T;
    type Result<T> = Result<(), F::Error>;

    fn pass<T: Argument>(self, value: &T) -> Result<(), F::Error> {
        self.0.serialize_field(self.1, value)
    }
}

/// Reads the argument whose name was read last.
pub struct Read<'f, 'de, A>(&'f mut A, PhantomData<&'de ()>);

impl<'f, 'de, A: MapAccess<'de>> Read<'f, 'de, A> {
    /// Reads from these fields.
    pub fn from(fields: &'f mut A) -> Self {
        Self(fields, PhantomData)
    }
}

impl<'de, A: MapAccess<'de>> Direction for Read<'_, 'de, A> {
    type Given<'a, T: 'a> = ();
    type Result<T> = Result<T, A::Error>;

    fn pass<T: Argument>(self, (): ()) -> Result<T, A::Error> {
        self.0.next_value()
    }
}

/// Compiles if a step can return a `T`.
pub fn returns<T: StepOutput>() {}

/// A value that a step can return.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the output of a step",
    label = "the output of a step goes to whatever thread runs the workflow, and `{Self}` can't",
    note = "return owned data that is `Send`"
)]
pub trait StepOutput: Send + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Send + 'static> StepOutput for T {}

/// A step's output that can say that the step took too long.
#[diagnostic::on_unimplemented(
    message = "a step with a `timeout` returns a `Result` whose error is `From<TimedOut>`, and this one returns `{Self}`",
    label = "this can't say that the step took too long",
    note = "write `impl From<TimedOut>` for the error; `refluxo::Failure` has it"
)]
pub trait FromTimedOut: Send + 'static {
    /// The output that says so.
    fn from_timed_out(timed_out: TimedOut) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Send + 'static, E: From<TimedOut> + Send + 'static> FromTimedOut for Result<T, E> {
    fn from_timed_out(timed_out: TimedOut) -> Self {
        Err(timed_out.into())
    }
}

/// The outcome of an attempt that took too long.
#[must_use]
pub fn timed_out<R: FromTimedOut>(timed_out: TimedOut) -> Outcome {
    Outcome::new(R::from_timed_out(timed_out))
}

/// A step's output that has an error to look at.
#[diagnostic::on_unimplemented(
    message = "the `if` of `retry` looks at the error of a step, and this one returns `{Self}`",
    label = "not a `Result`",
    note = "return a `Result`, or remove `if`: a panic is tried again without it"
)]
pub trait HasError: 'static {
    /// The error.
    type Error;

    /// The error, if it is one.
    fn error(&self) -> Option<&Self::Error>;
}

impl<T: 'static, E: 'static> HasError for Result<T, E> {
    type Error = E;

    fn error(&self) -> Option<&E> {
        self.as_ref().err()
    }
}

/// Judges an outcome by its error. `words` gives what that says.
#[must_use]
pub fn judged<R: HasError<Error = E>, E>(
    outcome: &Outcome,
    again: fn(&E) -> bool,
    words: fn(&R) -> Option<String>,
) -> Judged {
    match outcome.get::<R>().and_then(|output| Some((output, output.error()?))) {
        Some((output, error)) => Judged::Failed { again: again(error), words: words(output) },
        None => Judged::Good,
    }
}

/// The number of the next argument in [`Call::ARGUMENTS`].
///
/// # Errors
///
/// If the call has no such argument.
pub fn next_argument<'de, C: Call, A: MapAccess<'de>>(fields: &mut A) -> Result<Option<usize>, A::Error> {
    fields.next_key_seed(Name(C::ARGUMENTS))
}

/// An argument that was read once.
///
/// # Errors
///
/// If it was read before.
pub fn once<T, E: de::Error>(slot: &mut Option<T>, value: T, name: &'static str) -> Result<(), E> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(E::duplicate_field(name)),
    }
}

/// An argument that must have been read.
///
/// # Errors
///
/// If it was not, also where it is an `Option`.
pub fn required<T, E: de::Error>(slot: Option<T>, name: &'static str) -> Result<T, E> {
    slot.ok_or_else(|| E::missing_field(name))
}

/// Writes a call as a map of its arguments.
///
/// # Errors
///
/// If an argument can't be written.
pub fn write_call<C: Call, S: Serializer>(call: &C, serializer: S) -> Result<S::Ok, S::Error> {
    let mut fields = serializer.serialize_struct(C::NAME, C::ARGUMENTS.len())?;
    call.write(&mut fields)?;
    fields.end()
}

/// Reads a call from a map of its arguments.
///
/// # Errors
///
/// If it has other arguments than `C`.
pub fn read_call<'de, C: Call, D: Deserializer<'de>>(deserializer: D) -> Result<C, D::Error> {
    deserializer.deserialize_struct(C::NAME, C::ARGUMENTS, Arguments(PhantomData))
}

/// Shows a call with its arguments as JSON, so that no argument has to be `Debug`.
///
/// # Errors
///
/// If the formatter fails.
pub fn show_call<C: Call + Serialize>(call: &C, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match serde_json::to_string(call) {
        Ok(json) => write!(f, "{} {json}", C::NAME),
        Err(cause) => write!(f, "{} <{cause}>", C::NAME),
    }
}

/// The same call once more.
///
/// # Errors
///
/// If an argument does not read back.
pub fn copy_call<C: Saved>(call: &C) -> Result<C, serde_json::Error> {
    let mut json = Vec::new();
    call_json(call, &mut json)?;
    serde_json::from_slice(&json)
}

/// Appends a call's JSON.
///
/// # Errors
///
/// If an argument can't be written.
pub fn call_json<C: Saved>(call: &C, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    crate::snapshot::save_json(call, out)
}

/// Runs a step that takes no resources, outside of any run.
pub fn run_alone<C: Suspend + StepTask + Call>(call: C) -> Alone<C::Output> {
    Box::pin(async move {
        let context = StepContext::new("".into(), C::NAME, 1, "".into());
        let running = Box::new(call).run(context, Resources::default().into());
        running.await.take()
    })
}

/// The future of a step that runs outside of any run.
pub type Alone<T> = std::pin::Pin<Box<dyn Future<Output = T> + Send>>;

/// Reads the arguments of `C`.
struct Arguments<C>(PhantomData<C>);

impl<'de, C: Call> Visitor<'de> for Arguments<C> {
    type Value = C;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the arguments of the step `{}`", C::NAME)
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<C, A::Error> {
        C::read(fields)
    }
}

/// Reads the name of one of these arguments.
struct Name(&'static [&'static str]);

impl<'de> DeserializeSeed<'de> for Name {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Name {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of an argument")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<usize, E> {
        let position = self.0.iter().position(|known| *known == name);
        position.ok_or_else(|| E::unknown_field(name, self.0))
    }
}
