//! One batch of items: one statement, and the answers to each.

use sqlx::{AssertSqlSafe, Error, PgConnection, Row as _, postgres::PgRow};

use super::{
    Shared,
    arrays::{Belongings, Birth, Commits, Messages, NewRuns, Statement, place},
    item::{Answer, Item},
    listen::parse_rings,
    rows::{bits, int, list, micros, read_owed, time, token},
};
use crate::{
    store::{Committed, Created, Delivered, Effect, Lease, Message, NewRun, Owed, Revision, Seq, Uid, Wake},
    time::Timestamp,
};

/// What a batch has come to.
pub(super) struct Written {
    pub(super) now: Timestamp,
    /// In the order of the items.
    pub(super) answers: Vec<Answer>,
    /// What listeners of this process are to be told.
    pub(super) wakes: Vec<Wake>,
}

/// Items in the order of the arrays, and which item each of them is.
struct Batch<'a> {
    commits: Commits<'a>,
    new_runs: NewRuns<'a>,
    messages: Messages<'a>,
    belongings: Belongings<'a>,
    /// The item of each commit, of each new run and of each message; none for effects.
    commit_items: Vec<usize>,
    new_run_items: Vec<Option<usize>>,
    message_items: Vec<Option<usize>>,
}

/// A message and whose it is.
struct Letter<'a> {
    owner: i32,
    item: Option<usize>,
    message: &'a Message,
}

/// Writes items, of which no two are commits of one run, in the name of the sender: whoever bears it hears nothing of them but the
/// answer.
pub(super) async fn write(
    connection: &mut PgConnection,
    shared: &Shared,
    sender: &str,
    items: &[&Item],
) -> Result<Written, Error> {
    let batch = Batch::of(items)?;
    let row = batch.bind(shared, sender).fetch_one(connection).await?;
    batch.read(items, &row)
}

impl<'a> Batch<'a> {
    fn of(items: &[&'a Item]) -> Result<Self, Error> {
        let mut batch = Self {
            commits: Commits::default(),
            new_runs: NewRuns::default(),
            messages: Messages::default(),
            belongings: Belongings::default(),
            commit_items: Vec::new(),
            new_run_items: Vec::new(),
            message_items: Vec::new(),
        };
        let (mut births, mut letters) = (Vec::new(), Vec::new());
        for (index, item) in items.iter().enumerate() {
            match item {
                Item::Create(new) => {
                    births.push((Birth { owner: 0, effect_place: 0, effect: None, new }, Some(index)));
                }
                Item::Deliver(message) => letters.push(Letter { owner: 0, item: Some(index), message }),
                Item::Commit(commit) => {
                    batch.commits.add(commit);
                    batch.commit_items.push(index);
                    let owner = place(batch.commits.len());
                    batch.belongings.add_commit(owner, commit);
                    for (effect, effect_place) in commit.effects.iter().zip(0..) {
                        match effect {
                            Effect::Deliver(message) => letters.push(Letter { owner, item: None, message }),
                            Effect::Start(new) => {
                                let owed = Some(as_owed(effect)?);
                                births.push((Birth { owner, effect_place, effect: owed, new }, None));
                            }
                        }
                    }
                }
            }
        }
        batch.add_births(births);
        batch.add_letters(letters);
        Ok(batch)
    }

    /// In the order of the ids, in which other batches take their locks too.
    fn add_births(&mut self, mut births: Vec<(Birth<'a>, Option<usize>)>) {
        births.sort_by(|a, b| a.0.new.id.cmp(&b.0.new.id));
        for (birth, item) in births {
            self.new_run_items.push(item);
            let owner = place(self.commits.len() + self.new_run_items.len());
            self.belongings.add_new_run(owner, birth.new);
            self.new_runs.add(birth);
        }
    }

    /// In the order of the ids, so that all messages to one run stand together.
    fn add_letters(&mut self, mut letters: Vec<Letter<'a>>) {
        letters.sort_by(|a, b| a.message.to.cmp(&b.message.to));
        for Letter { owner, item, message } in letters {
            self.message_items.push(item);
            self.messages.add(owner, message);
        }
    }

    fn bind(&self, shared: &Shared, sender: &str) -> Statement {
        let limits = &shared.limits;
        let statement = sqlx::query(AssertSqlSafe(shared.statements.write.clone()))
            .bind(&*shared.channel)
            .bind(sender.to_owned())
            .bind(int(limits.inbox_messages))
            .bind(int(limits.inbox_bytes))
            .bind(micros(limits.key_memory))
            .bind(int(limits.history_entries));
        self.belongings.bind(self.messages.bind(self.new_runs.bind(self.commits.bind(statement))))
    }

    /// The answers, in the order of the items.
    fn read(&self, items: &[&Item], row: &PgRow) -> Result<Written, Error> {
        let now = time(row.try_get("written_at")?);
        let mut answers: Vec<Option<Answer>> = items.iter().map(|_| None).collect();
        self.read_commits(items, row, &mut answers)?;
        self.read_new_runs(items, row, &mut answers)?;
        self.read_messages(row, &mut answers)?;
        let answers = answers.into_iter().collect::<Option<_>>().ok_or(Error::RowNotFound)?;
        Ok(Written { now, answers, wakes: parse_rings(&list::<String>(row, "rings")?) })
    }

    fn read_commits(
        &self,
        items: &[&Item],
        row: &PgRow,
        answers: &mut [Option<Answer>],
    ) -> Result<(), Error> {
        let (outcomes, more): (Vec<i16>, Vec<bool>) = (list(row, "committed")?, list(row, "more")?);
        let mut owed: Vec<Vec<Owed>> = self.commit_items.iter().map(|_| Vec::new()).collect();
        let owners: Vec<i32> = list(row, "owed_owner")?;
        let effects = read_owed(row, ["owed_revision", "owed_place", "owed_effect"])?;
        for (owner, effect) in owners.into_iter().zip(effects) {
            // Places are counted from 1.
            if let Some(of_commit) = usize::try_from(owner - 1).ok().and_then(|owner| owed.get_mut(owner)) {
                of_commit.push(effect);
            }
        }
        for (((item, outcome), more), owed) in self.commit_items.iter().zip(outcomes).zip(more).zip(owed) {
            let Item::Commit(commit) = items[*item] else { continue };
            let answer = match outcome {
                0 => Committed::Lost,
                _ => Committed::Done { revision: commit.lease.revision.next(), more, owed },
            };
            answers[*item] = Some(Answer::Committed(answer));
        }
        Ok(())
    }

    fn read_new_runs(
        &self,
        items: &[&Item],
        row: &PgRow,
        answers: &mut [Option<Answer>],
    ) -> Result<(), Error> {
        let outcomes: Vec<i16> = list(row, "created")?;
        let uids: Vec<Option<Vec<u8>>> = list(row, "found_uid")?;
        let queues: Vec<Option<String>> = list(row, "found_queue")?;
        let same: Vec<Option<bool>> = list(row, "same_input")?;
        let tokens: Vec<Option<Vec<u8>>> = list(row, "lent_token")?;
        let untils: Vec<Option<i64>> = list(row, "lent_until")?;
        for (place, item) in self.new_run_items.iter().enumerate() {
            let Some(item) = *item else { continue };
            let Item::Create(new) = items[item] else { continue };
            let created = match (outcomes[place], &uids[place], &queues[place], same[place]) {
                (2, Some(uid), Some(queue), Some(same_input)) => {
                    Created::Exists { uid: Uid::from_u128(bits(uid)?), queue: queue.clone(), same_input }
                }
                _ => Created::New { lease: lease(new, tokens[place].as_deref(), untils[place])? },
            };
            answers[item] = Some(Answer::Created(created));
        }
        Ok(())
    }

    fn read_messages(&self, row: &PgRow, answers: &mut [Option<Answer>]) -> Result<(), Error> {
        let (outcomes, seqs): (Vec<i16>, Vec<Option<i64>>) =
            (list(row, "delivered")?, list(row, "delivered_seq")?);
        for ((item, outcome), seq) in self.message_items.iter().zip(outcomes).zip(seqs) {
            let Some(item) = *item else { continue };
            let delivered = match outcome {
                1 => Delivered::Duplicate,
                2 => Delivered::Full,
                3 => Delivered::Finished,
                4 => Delivered::NoRun,
                _ => Delivered::Stored { seq: Seq(super::rows::count(seq.unwrap_or_default())?) },
            };
            answers[item] = Some(Answer::Delivered(delivered));
        }
        Ok(())
    }
}

/// A lease that a new run was lent under.
fn lease(new: &NewRun, bytes: Option<&[u8]>, until: Option<i64>) -> Result<Option<Lease>, Error> {
    let (Some(bytes), Some(until)) = (bytes, until) else { return Ok(None) };
    let run = new.id.clone();
    Ok(Some(Lease { run, token: token(bytes)?, revision: Revision(0), until: time(until) }))
}

/// An effect as it is kept if it can't be applied.
fn as_owed(effect: &Effect) -> Result<Vec<u8>, Error> {
    let lent = matches!(effect, Effect::Start(new) if matches!(new.start, crate::store::Start::Lent { .. }));
    let kept = match effect {
        Effect::Start(new) if lent => {
            &Effect::Start(Box::new(NewRun { start: crate::store::Start::Now, ..(**new).clone() }))
        }
        effect => effect,
    };
    serde_json::to_vec(kept).map_err(|error| Error::Encode(error.into()))
}

/// Where a batch of items must end, since the next is a commit of a run that has one in it.
pub(super) fn end_of_round(items: &[&Item]) -> usize {
    let mut runs = std::collections::HashSet::new();
    items
        .iter()
        .position(|item| matches!(item, Item::Commit(commit) if !runs.insert(&commit.lease.run)))
        .unwrap_or(items.len())
}
