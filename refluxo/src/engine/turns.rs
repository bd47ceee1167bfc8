//! Whose turn it is: no workflow is starved by the runs of another.

use super::{Registry, registry::Kind};
use crate::store::Want;

/// The workflows that a worker serves, those first that have waited longest for their turn.
pub(crate) struct Turns {
    line: Vec<Want>,
}

impl Turns {
    pub(crate) fn of(registry: &Registry) -> Self {
        let served = registry.kinds().filter(|(_, kind)| kind.served);
        let want = |(queue, kind): (&str, &Kind)| Want {
            queue: queue.to_owned(),
            version: kind.version,
            slots: 0,
            gate: kind.gate,
        };
        Self { line: served.map(want).collect() }
    }

    /// What is to be claimed for so many slots. Each workflow has its share of them before any has more than that.
    pub(crate) fn wants(&self, slots: u32) -> Vec<Want> {
        let share = slots.div_ceil(u32::try_from(self.line.len()).unwrap_or(u32::MAX).max(1));
        let each = |slots| self.line.iter().map(move |want| Want { slots, ..want.clone() });
        // Of one slot everybody's share is all.
        if share == slots { each(slots).collect() } else { each(share).chain(each(slots)).collect() }
    }

    /// Runs of this workflow were taken, so the others come first next time.
    pub(crate) fn had(&mut self, queue: &str) {
        if let Some(place) = self.line.iter().position(|want| want.queue == queue) {
            let served = self.line.remove(place);
            self.line.push(served);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Gate;

    fn turns(queues: &[&str]) -> Turns {
        let want =
            |queue: &&str| Want { queue: (*queue).to_owned(), version: 1, slots: 0, gate: Gate::default() };
        Turns { line: queues.iter().map(want).collect() }
    }

    fn told(wants: &[Want]) -> String {
        let told: Vec<String> = wants.iter().map(|want| format!("{}{}", want.queue, want.slots)).collect();
        told.join(" ")
    }

    #[test]
    fn each_has_its_share_before_any_has_more() {
        assert_eq!(told(&turns(&["a", "b", "c"]).wants(4)), "a2 b2 c2 a4 b4 c4");
        assert_eq!(told(&turns(&["a", "b"]).wants(1)), "a1 b1");
        assert_eq!(told(&turns(&["a"]).wants(64)), "a64");
        assert_eq!(told(&turns(&[]).wants(64)), "");
    }

    #[test]
    fn who_had_a_turn_goes_to_the_end_of_the_line_and_who_had_nothing_stays() {
        let mut turns = turns(&["a", "b", "c"]);
        turns.had("a");
        assert_eq!(told(&turns.wants(1)), "b1 c1 a1");
        turns.had("c");
        assert_eq!(told(&turns.wants(1)), "b1 a1 c1");
        turns.had("unknown");
        assert_eq!(told(&turns.wants(1)), "b1 a1 c1");
    }
}
