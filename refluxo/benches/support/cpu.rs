//! Time that passed, and time of the CPU.

use std::time::Instant;

/// Whose time of the CPU is meant.
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "each bench needs one of them")]
pub(crate) enum Who {
    /// This process, all threads.
    Process,
    /// The processes that it started and waited for.
    Children,
}

/// What something took, in seconds.
#[derive(Clone, Copy)]
pub(crate) struct Spent {
    /// The time that passed.
    pub(crate) wall: f64,
    #[allow(dead_code, reason = "not each bench tells it")]
    /// The time of the CPU; zero where that can't be told this way.
    pub(crate) cpu: f64,
}

impl Spent {
    /// What this takes.
    fn of(who: Who, work: impl FnOnce()) -> Self {
        let (start, cpu) = (Instant::now(), cpu_time(who));
        work();
        Self { wall: start.elapsed().as_secs_f64(), cpu: cpu_time(who) - cpu }
    }
}

/// The medians of several things, each done so often, in turns, so that what else the machine does falls on all.
pub(crate) fn in_turns<const N: usize>(
    who: Who,
    rounds: usize,
    mut works: [&mut dyn FnMut(); N],
) -> [Spent; N] {
    let mut spent = [const { Vec::new() }; N];
    for _ in 0..rounds {
        for (spent, work) in spent.iter_mut().zip(&mut works) {
            spent.push(Spent::of(who, work));
        }
    }
    spent.map(median)
}

/// The median of the times that passed, and that of the CPU's.
fn median(mut rounds: Vec<Spent>) -> Spent {
    let middle = rounds.len() / 2;
    rounds.sort_by(|a, b| a.cpu.total_cmp(&b.cpu));
    let cpu = rounds[middle].cpu;
    rounds.sort_by(|a, b| a.wall.total_cmp(&b.wall));
    Spent { wall: rounds[middle].wall, cpu }
}

/// What was used of the CPU, in seconds.
fn cpu_time(who: Who) -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // After the program's name in parentheses, utime and stime are the 12th and 13th, those of the children the 14th and 15th,
    // in hundredths of a second.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let skip = match who {
        Who::Process => 11,
        Who::Children => 13,
    };
    fields.skip(skip).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}
