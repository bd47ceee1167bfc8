//! What the runs must give, by plain functions.

use serde_json::{Value, json};

/// A kind of run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Order,
    Talk,
    Family,
    Crowd,
    Race,
    Trip,
    Vigil,
    Book,
}

impl Kind {
    const ALL: [Self; 8] =
        [Self::Order, Self::Talk, Self::Family, Self::Crowd, Self::Race, Self::Trip, Self::Vigil, Self::Book];

    /// The kind of the run of a number.
    pub fn of(n: u64) -> Self {
        Self::ALL[usize::try_from(n % 8).expect("less than 8")]
    }
}

/// What doing the thing at a place gives.
pub fn worth(place: &str) -> u64 {
    place.bytes().fold(7, |sum, byte| (sum * 31 + u64::from(byte)) % 1_000_003)
}

/// The numbers of the notes that a run is told.
pub fn notes(n: u64) -> Vec<u64> {
    let count = match Kind::of(n) {
        Kind::Talk => 1 + n % 4,
        Kind::Crowd => 1,
        _ => 0,
    };
    (0..count).map(|i| 10 * n + i).collect()
}

/// What a run writes into the ledger.
pub fn lines(n: u64) -> [String; 3] {
    [1, 2, 3].map(|i| format!("line {i} of book {n}"))
}

/// What a member of a family gives.
pub fn member(n: u64) -> u64 {
    worth(&format!("member {n} wakes")) + worth(&format!("member {n} sleeps"))
}

/// What may have come of a run: what it gives, or that it was cancelled. A family does not know the name of its stray.
pub fn is_expected(n: u64, output: &Value) -> bool {
    match Kind::of(n) {
        Kind::Order => {
            *output == json!((0..3 + n % 4).map(|i| worth(&format!("order {n} item {i}"))).sum::<u64>())
        }
        Kind::Talk => *output == json!(notes(n)),
        Kind::Family => {
            let members = [member(10 * n), member(10 * n + 1), member(10 * n + 2)];
            output.as_array().is_some_and(|told| {
                told.len() == 4 && told[..3] == json!(members).as_array().expect("a list")[..]
            })
        }
        Kind::Crowd => {
            let right = worth(&format!("crowd {n} right")) + worth(&format!("crowd {n} far right"));
            let all: Vec<_> = (0..4 + n % 3).map(|i| worth(&format!("crowd {n} number {i}"))).collect();
            *output == json!([worth(&format!("crowd {n} left")), right, 10 * n, all])
        }
        Kind::Race => {
            let over = worth(&format!("race {n} is over"));
            [json!([true, over]), json!([false, over])].contains(output)
        }
        Kind::Trip if n.is_multiple_of(2) => *output == json!({ "Err": format!("nobody is at home at {n}") }),
        Kind::Trip => {
            *output
                == json!({ "Ok": (0..2 + n % 3).map(|i| worth(&format!("trip {n} to {i}"))).sum::<u64>() })
        }
        Kind::Vigil => *output == json!("cancelled"),
        Kind::Book => *output == json!(lines(n).iter().map(|line| worth(line)).sum::<u64>()),
    }
}

/// What a run pushes on its undo stack: each place where something is undone, with the one where it was done.
fn pushed(n: u64) -> Vec<(String, String)> {
    match Kind::of(n) {
        Kind::Trip => {
            (0..2 + n % 3).map(|i| (format!("trip {n} back from {i}"), format!("trip {n} to {i}"))).collect()
        }
        Kind::Vigil => {
            (0..3).map(|i| (format!("vigil {n} out {i}"), format!("vigil {n} candle {i}"))).collect()
        }
        _ => Vec::new(),
    }
}

/// Whether a run may have undone these things, in this order, after it had begun those at these places. One that is cancelled
/// may not have come far.
pub fn may_undo(n: u64, undone: &[&str], has_begun: impl Fn(&str) -> bool) -> bool {
    let pushed = pushed(n);
    let count = match Kind::of(n) {
        Kind::Trip if n.is_multiple_of(2) => pushed.len(),
        Kind::Vigil => undone.len(),
        _ => 0,
    };
    let last_first = pushed.iter().take(count).rev().map(|(undo, _)| undo.as_str());
    let left = pushed.iter().skip(count);
    undone.iter().copied().eq(last_first) && (count == 0 || !left.clone().any(|(_, act)| has_begun(act)))
}
