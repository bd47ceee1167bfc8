//! What a workflow's code says of its run, to be found by.
//!
//! The basic idea is as follows: between two awaits a workflow's code runs on one thread, without a stop. So what it calls there
//! finds the run's list on that thread, and what is on the list goes into the same commit as the state that the code came to.

use std::cell::RefCell;

use crate::store::{AttrOp, AttrValue};

thread_local! {
    /// What the workflow's code that runs on this thread has changed; `None` where none runs.
    static CHANGES: RefCell<Option<Vec<AttrOp>>> = const { RefCell::new(None) };
}

/// Gives this run an attribute that it can be found by, or gives it another value: a text, a whole number, or a `bool`, which is 0
/// or 1.
///
/// To be called in a workflow between its awaits, also in an `async move` block of a `join!` and in the functions that it calls;
/// a child has attributes of its own. It is stored with the state that the code comes to next, atomically, so it is there if
/// that is there. Attributes stay when the run has ended, until it is purged. What is more than they can hold (see
/// [`Attribute::check`](crate::store::Attribute::check)) parks the run, as a state does that can't be saved.
///
/// Anywhere else, as in a step, it does nothing but say so in the log (`tracing::warn!`).
///
/// ```
/// use refluxo::prelude::*;
///
/// #[workflow]
/// async fn subscribe(customer: String, seats: u32) -> String {
///     set_attribute("customer", &customer);
///     set_attribute("seats", seats);
///     let answer = signal::<Answer>().timeout(std::time::Duration::from_hours(24)).await;
///     set_attribute("answered", answer.is_ok());
///     customer
/// }
///
/// #[derive(Serialize, Deserialize, Signal)]
/// struct Answer;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let engine = Engine::builder(MemoryStore::new()).register::<Subscribe>().build().await?;
/// let run = engine.start("s-1", subscribe("Eve".into(), 3)).await?;
/// run.signal(Answer).await?;
/// run.result().await?;
///
/// let page = engine.runs().attribute("customer", "Eve").page(10).await?;
/// assert_eq!(page.runs[0].id.as_str(), "s-1");
/// assert_eq!(page.runs[0].attributes["seats"], 3.into());
/// assert_eq!(page.runs[0].attributes["answered"], true.into());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
pub fn set_attribute(name: impl Into<String>, value: impl Into<AttrValue>) {
    change(AttrOp::Set { name: name.into(), value: value.into() });
}

/// Takes an attribute away from this run, if it has it: see [`set_attribute`].
pub fn remove_attribute(name: impl Into<String>) {
    change(AttrOp::Remove { name: name.into() });
}

/// Notes a change.
fn change(op: AttrOp) {
    let stray = CHANGES.with_borrow_mut(|changes| match changes {
        Some(changes) => {
            changes.push(op);
            None
        }
        None => Some(op),
    });
    if let Some(AttrOp::Set { name, .. } | AttrOp::Remove { name }) = stray {
        tracing::warn!(
            attribute = name,
            "an attribute was changed outside of a workflow's code, which does nothing: call it in the workflow"
        );
    }
}

/// Runs a workflow's code and gives what it changed.
pub(crate) fn collect<T>(code: impl FnOnce() -> T) -> (T, Vec<AttrOp>) {
    let outer = Outer(CHANGES.replace(Some(Vec::new())));
    let value = code();
    let changes = CHANGES.take().unwrap_or_default();
    drop(outer);
    (value, changes)
}

/// What was on the list before, put back when the code has run or panicked.
struct Outer(Option<Vec<AttrOp>>);

impl Drop for Outer {
    fn drop(&mut self) {
        CHANGES.set(self.0.take());
    }
}

#[cfg(test)]
mod tests {
    use super::{collect, remove_attribute, set_attribute};
    use crate::store::AttrOp;

    #[test]
    fn what_panics_leaves_no_list_behind() {
        let panicked = std::panic::catch_unwind(|| collect(|| panic!("so it says")));
        assert!(panicked.is_err());
        set_attribute("stray", 1);
        let set = |name: &str, value: i64| AttrOp::Set { name: name.into(), value: value.into() };
        let (inner, changes) = collect(|| {
            set_attribute("a", 1);
            let ((), inner) = collect(|| set_attribute("b", true));
            remove_attribute("a");
            inner
        });
        assert_eq!(inner, [set("b", 1)]);
        assert_eq!(changes, [set("a", 1), AttrOp::Remove { name: "a".into() }]);
    }
}
