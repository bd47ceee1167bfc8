//! Looks at all runs, again and again: none may be lost, and none may go back.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use refluxo::{Engine, engine::RunSummary, snapshot::RunStatus};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep},
};

use super::findings::Findings;

/// All runs of a look, by their ids.
pub type Seen = BTreeMap<String, RunSummary>;

/// What the last look has shown.
#[derive(Clone, Default)]
struct Look {
    number: u64,
    /// How many have not come to an end.
    under_way: usize,
    /// Since which look there are none.
    idle_since: Option<u64>,
    seen: Arc<Seen>,
}

/// Who looks.
pub struct Watch {
    last: watch::Receiver<Look>,
    task: JoinHandle<()>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Watch {
    pub fn begin(engine: Engine, findings: Findings) -> Arc<Self> {
        let (tell, last) = watch::channel(Look::default());
        let task = tokio::spawn(async move {
            loop {
                let begun = Instant::now();
                let before = tell.borrow().clone();
                if let Some(seen) = look(&engine).await {
                    compare(&before.seen, &seen, &findings);
                    let number = before.number + 1;
                    let under_way = seen.values().filter(|run| is_under_way(run)).count();
                    let idle_since = before.idle_since.or(Some(number)).filter(|_| under_way == 0);
                    tell.send_replace(Look { number, under_way, idle_since, seen: Arc::new(seen) });
                }
                sleep(Duration::from_millis(300).max(4 * begun.elapsed())).await;
            }
        });
        Arc::new(Self { last, task })
    }

    /// Ready when fewer runs than that are under way.
    pub async fn fewer_than(&self, most: usize) {
        let _ = self.last.clone().wait_for(|look| look.under_way < most).await;
    }

    /// Ready when none is under way any more. While one look is read a run may be started that it does not show, by one that
    /// it shows as ended; the next look shows it.
    pub async fn all_ended(&self) {
        let first = self.last.borrow().number + 2;
        let is_over = |look: &Look| look.idle_since.is_some_and(|since| look.number > since.max(first));
        let _ = self.last.clone().wait_for(is_over).await;
    }

    /// What the last look has shown.
    pub fn seen(&self) -> Arc<Seen> {
        self.last.borrow().seen.clone()
    }
}

fn is_under_way(run: &RunSummary) -> bool {
    !run.status.stored().is_ended() && run.status != RunStatus::Parked
}

/// All runs; none if the store is too busy to tell.
async fn look(engine: &Engine) -> Option<Seen> {
    let (mut seen, mut after) = (Seen::new(), None);
    loop {
        let page = engine.runs().page(1_000).after(after).await.ok()?;
        seen.extend(page.runs.into_iter().map(|run| (run.id.to_string(), run)));
        after = page.next;
        if after.is_none() {
            return Some(seen);
        }
    }
}

/// What was there must still be there, and further on.
fn compare(before: &Seen, after: &Seen, findings: &Findings) {
    for (id, old) in before {
        let Some(new) = after.get(id) else {
            findings.add(id, format!("it is lost: it was {old:?}"));
            continue;
        };
        let same =
            (old.created_at, &old.workflow, &old.parent) == (new.created_at, &new.workflow, &new.parent);
        let on = old.revision <= new.revision && old.updated_at <= new.updated_at;
        let over =
            !old.status.stored().is_ended() || (old.status, old.revision) == (new.status, new.revision);
        findings.expect(same && on && over, id, || format!("it went back, from {old:?} to {new:?}"));
        if new.status == RunStatus::Parked && old.status != RunStatus::Parked {
            findings.add(id, format!("it is parked: {:?}", new.error));
        }
    }
}
