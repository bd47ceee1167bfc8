//! Waiting a limited time.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use super::{Begin, Limited, Pending, Suspend};
use crate::machine::{Description, Outcome};

/// A call that may take a limited time: what `X.timeout(duration)` is in a snapshot.
///
/// The time is counted by the store's clock from the moment when the wait is saved. What arrived before it was over wins over the
/// timeout, however late the workflow gets to know.
#[must_use = "a call does nothing unless it is awaited"]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timeout<C> {
    /// The call.
    pub call: C,
    /// How long it may take.
    pub limit: Duration,
}

/// A call did not end in its time: what `X.timeout(duration).await` gives as its error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Elapsed;

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the time is over")
    }
}

impl std::error::Error for Elapsed {}

impl<C: Suspend> Suspend for Timeout<C> {
    type Output = Result<C::Output, Elapsed>;

    fn pending(&self) -> Pending<'_> {
        self.call.pending()
    }

    fn begin(self) -> Begin {
        Begin::Limited(Box::new(Limited {
            begin: self.call.begin(),
            in_time: |outcome| Outcome::new(Ok::<_, Elapsed>(outcome.take::<C::Output>())),
            elapsed: || Outcome::new(Err::<C::Output, _>(Elapsed)),
        }))
    }

    fn limit(&self) -> Option<Duration> {
        Some(self.limit)
    }

    fn describe(description: &mut Description) {
        C::describe(description);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Elapsed, Timeout};
    use crate::{
        machine::Outcome,
        suspend::{Begin, Deadline, Pending, Suspend, sleep},
    };

    /// A minute that may take a second.
    fn minute() -> Timeout<sleep> {
        Timeout { call: sleep(Duration::from_mins(1)), limit: Duration::from_secs(1) }
    }

    #[test]
    fn waits_for_what_its_call_waits_for_and_says_how_long() {
        let minute = minute();
        assert_eq!(minute.limit(), Some(Duration::from_secs(1)));
        assert!(
            matches!(minute.pending(), Pending::Timer(Deadline::After(length)) if length == Duration::from_mins(1))
        );
    }

    #[test]
    fn gives_the_outcome_or_says_that_the_time_is_over() {
        let Begin::Limited(limited) = minute().begin() else { panic!("no limit") };
        assert!(matches!(limited.begin, Begin::Timer));
        assert_eq!((limited.in_time)(Outcome::new(())).take::<Result<(), Elapsed>>(), Ok(()));
        assert_eq!((limited.elapsed)().take::<Result<(), Elapsed>>(), Err(Elapsed));
    }

    #[test]
    fn is_a_call_and_a_limit_in_json() {
        let json = serde_json::to_string(&minute()).expect("a call has JSON");
        assert_eq!(json, r#"{"call":{"duration":{"secs":60,"nanos":0}},"limit":{"secs":1,"nanos":0}}"#);
        assert_eq!(serde_json::from_str::<Timeout<sleep>>(&json).expect("its JSON is readable"), minute());
    }
}
