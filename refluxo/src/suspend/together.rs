//! Waiting for several calls at once.

use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use super::{
    AnyGroup, Begin, Group, Outcomes, Pending, ReadOutcome, Rule, Suspend,
    branch::{Branch, First, Keep, Try},
};
use crate::{engine::AnyMachine, local::Saved, machine::Description};

/// The branches of a group: a tuple or a `Vec`.
pub trait Branches: Saved {
    /// How many there are.
    fn count(&self) -> usize;

    /// The first state of the branch of this number.
    fn get(&self, number: usize) -> &dyn AnyMachine;

    /// Hands all first states over.
    fn into_machines(self) -> Vec<Box<dyn AnyMachine>>;

    /// What reads the output of each; one for all, if they are of one type.
    fn read() -> Vec<ReadOutcome>;

    /// Adds what they need to the workflow's description.
    fn describe(description: &mut Description);
}

impl<B: Branch> Branches for Vec<B> {
    fn count(&self) -> usize {
        self.len()
    }

    fn get(&self, number: usize) -> &dyn AnyMachine {
        self[number].machine()
    }

    fn into_machines(self) -> Vec<Box<dyn AnyMachine>> {
        self.into_iter().map(Branch::into_machine).collect()
    }

    fn read() -> Vec<ReadOutcome> {
        vec![B::READ]
    }

    fn describe(description: &mut Description) {
        B::describe(description);
    }
}

/// Implements [`Branches`] for the tuples of these lengths.
macro_rules! tuples {
    ($($length:literal: $($branch:ident $number:tt),*;)*) => {$(
        impl<$($branch: Branch),*> Branches for ($($branch,)*) {
            fn count(&self) -> usize {
                $length
            }

            fn get(&self, number: usize) -> &dyn AnyMachine {
                let machines: [&dyn AnyMachine; $length] = [$(self.$number.machine()),*];
                machines[number]
            }

            fn into_machines(self) -> Vec<Box<dyn AnyMachine>> {
                vec![$(self.$number.into_machine()),*]
            }

            fn read() -> Vec<ReadOutcome> {
                vec![$($branch::READ),*]
            }

            fn describe(description: &mut Description) {
                $($branch::describe(description);)*
            }
        }
    )*};
}

tuples! {
    1: A 0;
    2: A 0, B 1;
    3: A 0, B 1, C 2;
    4: A 0, B 1, C 2, D 3;
    5: A 0, B 1, C 2, D 3, E 4;
    6: A 0, B 1, C 2, D 3, E 4, F 5;
    7: A 0, B 1, C 2, D 3, E 4, F 5, G 6;
    8: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7;
    9: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8;
    10: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9;
    11: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10;
    12: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11;
    13: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12;
    14: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12, N 13;
    15: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12, N 13, O 14;
    16: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12, N 13, O 14, P 15;
}

/// Branches that are awaited together. `R` says when they are over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Together<B, R> {
    /// The branches at their first states.
    pub branches: B,
    #[serde(skip)]
    rule: PhantomData<fn() -> R>,
}

/// What `join!` awaits.
pub type Join<B> = Together<B, Keep>;

/// What `try_join!` awaits.
pub type TryJoin<B> = Together<B, Try>;

/// What `select!` awaits.
pub type Select<B> = Together<B, First>;

/// When branches are over.
#[doc(hidden)]
pub trait Ruled: 'static {
    /// The rule.
    const RULE: Rule;
}

impl Ruled for Keep {
    const RULE: Rule = Rule::All;
}

impl Ruled for Try {
    const RULE: Rule = Rule::Try;
}

impl Ruled for First {
    const RULE: Rule = Rule::Any;
}

impl<B, R> Together<B, R> {
    /// These branches.
    pub fn new(branches: B) -> Self {
        Self { branches, rule: PhantomData }
    }
}

impl<B: Branches, R: Ruled> AnyGroup for Together<B, R> {
    fn rule(&self) -> Rule {
        R::RULE
    }

    fn limit(&self) -> Option<u32> {
        None
    }

    fn len(&self) -> u32 {
        number(self.branches.count())
    }

    fn branch(&self, number: u32) -> &dyn AnyMachine {
        self.branches.get(number as usize)
    }
}

impl<B: Branches, R: Ruled> Suspend for Together<B, R> {
    type Output = Outcomes;

    fn pending(&self) -> Pending<'_> {
        Pending::Group(self)
    }

    fn begin(self) -> Begin {
        Begin::Group(Group { branches: self.branches.into_machines(), read: B::read() })
    }

    fn describe(description: &mut Description) {
        B::describe(description);
    }
}

/// What `join_all!` awaits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JoinAll<B> {
    /// The branches at their first states.
    pub branches: Vec<B>,
    /// How many of them may be at work at once.
    pub limit: Option<u32>,
}

impl<B> JoinAll<B> {
    /// These branches; of a limit of 0 there would be no end, so it counts as 1.
    #[must_use]
    pub fn new(branches: Vec<B>, limit: Option<usize>) -> Self {
        Self { branches, limit: limit.map(|limit| number(limit.max(1))) }
    }
}

impl<B: Branch> AnyGroup for JoinAll<B> {
    fn rule(&self) -> Rule {
        Rule::All
    }

    fn limit(&self) -> Option<u32> {
        self.limit
    }

    fn len(&self) -> u32 {
        number(self.branches.len())
    }

    fn branch(&self, number: u32) -> &dyn AnyMachine {
        self.branches[number as usize].machine()
    }
}

impl<B: Branch> Suspend for JoinAll<B> {
    type Output = Outcomes;

    fn pending(&self) -> Pending<'_> {
        Pending::Group(self)
    }

    fn begin(self) -> Begin {
        Begin::Group(Group { branches: self.branches.into_machines(), read: Vec::<B>::read() })
    }

    fn describe(description: &mut Description) {
        B::describe(description);
    }
}

/// A number of branches. More than fit into a `u32` fit into no memory.
fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Join, JoinAll, Select};
    use crate::suspend::{AnyGroup, Begin, Kept, One, Pending, Rule, Suspend, signal, sleep};

    fn minute() -> crate::suspend::sleep {
        sleep(Duration::from_mins(1))
    }

    #[test]
    fn a_join_is_the_array_of_its_branches() {
        let join = Join::new((Kept::new(minute()), Kept::new(minute())));
        let json = serde_json::to_string(&join).expect("a join has JSON");
        assert_eq!(json, r#"[{"duration":{"secs":60,"nanos":0}},{"duration":{"secs":60,"nanos":0}}]"#);
        let read: Join<(Kept<crate::suspend::sleep>, Kept<crate::suspend::sleep>)> =
            serde_json::from_str(&json).expect("its JSON is readable");
        assert_eq!(read, join);
    }

    #[test]
    fn shows_its_branches_in_their_order_and_hands_them_over() {
        let select = Select::new((One::new(signal::<crate::machine::Nothing>()), One::new(minute())));
        assert_eq!((select.rule(), select.len(), AnyGroup::limit(&select)), (Rule::Any, 2, None));
        assert!(matches!(select.branch(0).pending(), Pending::Signal { .. }));
        assert!(matches!(select.branch(1).pending(), Pending::Timer(_)));
        let Begin::Group(group) = select.begin() else { panic!("no group") };
        assert_eq!((group.branches.len(), group.read.len()), (2, 2));
    }

    #[test]
    fn a_join_of_many_has_a_limit_of_one_or_more() {
        let limit = |limit| JoinAll::new(vec![Kept::new(minute())], limit).limit;
        assert_eq!([limit(None), limit(Some(0)), limit(Some(8))], [None, Some(1), Some(8)]);
    }
}
