//! An error that can be saved.

use std::{error::Error, fmt};

use serde::{Deserialize, Serialize};

/// An error of any kind that can be saved in a snapshot: a message and the messages of what caused it.
///
/// What a workflow or a step returns is saved, and most errors can't be. `?` turns any of them into a `Failure`, which
/// keeps what it says and lets go of its type. Where a workflow has to tell errors apart, use an enum of your own.
///
/// ```
/// use refluxo::{Context as _, Failure};
///
/// fn port(text: &str) -> refluxo::Result<u16> {
///     let port = text.parse().context("the port is not a number")?;
///     if port < 1024 {
///         return Err(Failure::new("the port is reserved"));
///     }
///     Ok(port)
/// }
///
/// assert_eq!(port("80").unwrap_err().to_string(), "the port is reserved");
/// let failure = port("http").unwrap_err();
/// assert_eq!(failure.to_string(), "the port is not a number");
/// assert_eq!(format!("{failure:#}"), "the port is not a number: invalid digit found in string");
/// ```
///
/// Like `anyhow::Error` it is not itself a [`std::error::Error`], since it is made from all of those; where one is asked
/// for, [`Failure::into_error`] gives one.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    message: String,
    /// The direct cause first.
    causes: Vec<String>,
}

/// What a workflow or step with errors of any kind returns.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    /// A failure without a cause.
    #[must_use]
    pub fn new(message: impl fmt::Display) -> Self {
        Self { message: message.to_string(), causes: Vec::new() }
    }

    /// This failure as the cause of another one.
    #[must_use]
    pub fn context(mut self, message: impl fmt::Display) -> Self {
        let cause = std::mem::replace(&mut self.message, message.to_string());
        self.causes.insert(0, cause);
        self
    }

    /// What it says.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What its causes say, the direct one first.
    pub fn causes(&self) -> impl ExactSizeIterator<Item = &str> {
        self.causes.iter().map(String::as_str)
    }

    /// The failure as a [`std::error::Error`] with its chain of causes, for `?` in a function that returns
    /// `anyhow::Result` or a boxed error.
    #[must_use]
    pub fn into_error(self) -> Box<dyn Error + Send + Sync> {
        let cause = self
            .causes
            .into_iter()
            .rev()
            .fold(None, |cause, message| Some(Box::new(Link { message, cause })));
        Box::new(Link { message: self.message, cause })
    }
}

impl<E: Error> From<E> for Failure {
    fn from(error: E) -> Self {
        let causes = std::iter::successors(error.source(), |&cause| cause.source());
        Self { message: error.to_string(), causes: causes.map(ToString::to_string).collect() }
    }
}

impl From<Failure> for Box<dyn Error + Send + Sync> {
    fn from(failure: Failure) -> Self {
        failure.into_error()
    }
}

impl From<Failure> for Box<dyn Error> {
    fn from(failure: Failure) -> Self {
        failure.into_error()
    }
}

impl fmt::Display for Failure {
    /// Shows the message; with `{:#}` the causes as well.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if f.alternate() {
            self.causes.iter().try_for_each(|cause| write!(f, ": {cause}"))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Failure {
    /// Shows the message and each cause on a line of its own, for a `main` that returns it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if !self.causes.is_empty() {
            f.write_str("\n\nCaused by:")?;
        }
        self.causes.iter().try_for_each(|cause| write!(f, "\n    {cause}"))
    }
}

/// Says what was being done when an error came.
pub trait Context<T> {
    /// Makes the error the cause of a failure with this message.
    ///
    /// # Errors
    ///
    /// If this is an error, or nothing.
    fn context(self, message: impl fmt::Display) -> Result<T>;

    /// Like [`Context::context`], with a message that is only made if it is needed.
    ///
    /// # Errors
    ///
    /// If this is an error, or nothing.
    fn with_context<M: fmt::Display>(self, message: impl FnOnce() -> M) -> Result<T>;
}

impl<T, E: Into<Failure>> Context<T> for Result<T, E> {
    fn context(self, message: impl fmt::Display) -> Result<T> {
        self.map_err(|error| error.into().context(message))
    }

    fn with_context<M: fmt::Display>(self, message: impl FnOnce() -> M) -> Result<T> {
        self.map_err(|error| error.into().context(message()))
    }
}

impl<T> Context<T> for Option<T> {
    fn context(self, message: impl fmt::Display) -> Result<T> {
        self.ok_or_else(|| Failure::new(message))
    }

    fn with_context<M: fmt::Display>(self, message: impl FnOnce() -> M) -> Result<T> {
        self.ok_or_else(|| Failure::new(message()))
    }
}

/// One error of a chain.
#[derive(Debug)]
struct Link {
    message: String,
    cause: Option<Box<Link>>,
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Link {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}

#[cfg(test)]
mod tests {
    use std::{error::Error, io};

    use super::{Context as _, Failure, Result};

    /// An error with a cause of a cause.
    fn deep() -> Result<()> {
        Err(io::Error::other(io::Error::other("the disk is full")))
            .context("the receipt was not written")
            .with_context(|| format!("order {} was not placed", 42))
    }

    #[test]
    fn keeps_the_messages_of_the_whole_chain() {
        let failure = deep().unwrap_err();
        assert_eq!(format!("{failure:#}").matches(": ").count(), failure.causes().len());
        assert!(
            format!("{failure:#}")
                .starts_with("order 42 was not placed: the receipt was not written: the disk")
        );
        assert!(format!("{failure:?}").contains("Caused by:\n    the receipt was not written"));
    }

    #[test]
    fn comes_back_from_json_as_it_was() {
        let failure = deep().unwrap_err();
        let json = serde_json::to_string(&failure).expect("a failure has JSON");
        assert_eq!(serde_json::from_str::<Failure>(&json).expect("its JSON is readable"), failure);
    }

    #[test]
    fn becomes_an_error_with_its_chain() {
        let error: Box<dyn Error + Send + Sync> = deep().unwrap_err().into();
        assert_eq!(error.to_string(), "order 42 was not placed");
        assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("the receipt was not written"));
    }

    #[test]
    fn a_question_mark_takes_every_error_and_nothing_is_a_failure_too() {
        fn parse(text: &str) -> Result<u8> {
            let first = text.split(',').next().filter(|part| !part.is_empty()).context("nothing there")?;
            Ok(first.parse()?)
        }
        assert_eq!(parse("7,8"), Ok(7));
        assert_eq!(parse("").unwrap_err(), Failure::new("nothing there"));
        assert_eq!(parse("x").unwrap_err().message(), "invalid digit found in string");
    }
}
