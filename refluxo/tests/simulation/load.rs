//! What the simulated runs do: scripts with all that can be awaited.

use refluxo::testing::Chance;

use crate::support::script::Line;

/// What a script's first step says before its seed.
const SEED: &str = "seed ";

/// A script with all that there is.
pub(crate) fn script(chance: &Chance) -> Vec<Line> {
    Writer { chance: chance.clone(), number: 0, is_plain: false }.lines(6, 0)
}

/// A script of which it is known beforehand what comes of it. Its first step tells its seed.
pub(crate) fn plain_script(chance: &Chance) -> Vec<Line> {
    of_seed(chance.number(..))
}

/// The plain script whose first step says this.
pub(crate) fn of_first_step(text: &str) -> Option<Vec<Line>> {
    text.strip_prefix(SEED).and_then(|seed| seed.parse().ok()).map(of_seed)
}

fn of_seed(seed: u64) -> Vec<Line> {
    let mut writer = Writer { chance: Chance::of_seed(seed), number: 0, is_plain: true };
    let mut lines = vec![Line::Step(format!("{SEED}{seed}"))];
    lines.extend(writer.lines(6, 0));
    lines
}

/// Writes scripts whose steps have names of their own.
struct Writer {
    chance: Chance,
    number: u32,
    /// Whether it writes nothing that depends on who is faster, or on what comes from outside.
    is_plain: bool,
}

impl Writer {
    fn lines(&mut self, longest: u64, depth: u32) -> Vec<Line> {
        (0..=self.chance.number(..longest)).map(|_| self.line(depth)).collect()
    }

    fn line(&mut self, depth: u32) -> Line {
        let line = self.any_line(depth);
        let is_open = matches!(
            line,
            Line::Listen | Line::Race(_) | Line::Within(..) | Line::Spawn(_) | Line::Flaky(_, 3)
        );
        let may_fail = matches!(line, Line::Fail(_)) && depth > 0;
        if self.is_plain && (is_open || may_fail) { Line::Step(self.name("step")) } else { line }
    }

    fn any_line(&mut self, depth: u32) -> Line {
        match self.chance.number(..if depth < 2 { 24 } else { 12 }) {
            0..=2 => Line::Step(self.name("step")),
            3 => Line::Step(self.name("slow")),
            4 => Line::Flaky(self.name("flaky"), u32::try_from(self.chance.number(..3)).expect("small")),
            5 => Line::Sleep(self.chance.number(..20)),
            6 => Line::Listen,
            7 | 8 => Line::Undo(self.name("undo")),
            9 => Line::UndoFlaky(self.name("undo"), u32::try_from(self.chance.number(..3)).expect("small")),
            10 => Line::UndoChild(vec![Line::Step(self.name("undo"))]),
            11 => self.end(),
            12 | 13 => Line::Child(self.lines(3, depth + 1)),
            14 => Line::Spawn(self.lines(3, depth + 1)),
            15 => Line::All(self.branches(depth)),
            16 => Line::Some(2, self.branches(depth)),
            17 => Line::Try(self.branches(depth)),
            18 => Line::Race(self.branches(depth)),
            _ => self.within(depth),
        }
    }

    /// Sometimes a failure, which ends the script and undoes what it did.
    fn end(&mut self) -> Line {
        match self.chance.number(..4) {
            0 => Line::Fail(self.name("failure")),
            1 => Line::Flaky(self.name("flaky"), 3),
            _ => Line::Sleep(1),
        }
    }

    fn within(&mut self, depth: u32) -> Line {
        let limit = *self.chance.one_of(&[0, 1, 4, 60]);
        let line = match self.chance.number(..6) {
            0 => Line::Step(self.name("slow")),
            1 => Line::Sleep(self.chance.number(..8)),
            2 | 3 => Line::Listen,
            4 => Line::Child(self.lines(3, depth + 1)),
            _ => Line::Race(self.branches(depth)),
        };
        Line::Within(limit, Box::new(line))
    }

    fn branches(&mut self, depth: u32) -> Vec<Vec<Line>> {
        (0..=self.chance.number(..3)).map(|_| self.lines(3, depth + 1)).collect()
    }

    fn name(&mut self, kind: &str) -> String {
        self.number += 1;
        format!("{kind} {}", self.number)
    }
}
