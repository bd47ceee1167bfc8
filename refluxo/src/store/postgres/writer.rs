//! Gathers what is to be written into batches.
//!
//! The basic idea is as follows: while a batch is under way, what others want to write queues up, and the next batch takes all of
//! it. So throughput grows with concurrency, and each write is as durable as if alone. A few batches are under way at once, each
//! on a connection of its own; the server waits for the disk once for all that commit together.

use std::{
    collections::VecDeque,
    mem,
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use sqlx::{Error, PgConnection};
use tokio::{
    sync::{Notify, oneshot},
    time::timeout,
};

use super::{
    Shared,
    batch::{self, Written},
    item::{Answer, Item},
};
use crate::{
    store::{
        Stamped, StoreError, Wake,
        nature::{Nature, store_error},
    },
    time::Timestamp,
};

/// How many batches are under way at most.
const MOST_UNDER_WAY: usize = 3;

/// How many items share a batch at most, and about how many bytes: it bounds how long the first of them waits for the last.
const MOST_TOGETHER: usize = 256;
const MOST_BYTES: usize = 4 << 20;

/// How long a connection is kept for the next batch. To take one from the pool and give it back costs a round trip.
const LINGER: Duration = Duration::from_millis(20);

/// What comes back to those who wait for a request.
pub(super) type Reply = Result<Stamped<Vec<Answer>>, StoreError>;

/// Items that came together.
struct Request {
    items: Vec<Item>,
    reply: oneshot::Sender<Reply>,
}

/// The queue, and those who work on it.
#[derive(Default)]
pub(super) struct Writer {
    queue: Mutex<Queue>,
    more: Notify,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Request>,
    /// How many tasks write.
    tasks: usize,
    /// How many of them wait for more.
    idle: usize,
}

/// One task that writes. Dropping it, as by a panic or with its runtime, makes room for another.
struct Place {
    shared: Arc<Shared>,
    /// Whether it waits for more.
    idle: bool,
    left: bool,
}

impl Place {
    fn new(shared: &Arc<Shared>) -> Self {
        Self { shared: shared.clone(), idle: false, left: false }
    }

    /// Takes what is queued. If that is nothing the task leaves its place, under the same lock, so that nobody waits for it.
    fn take_or_leave(&mut self) -> Option<Vec<Request>> {
        let mut queue = self.shared.writer.lock();
        let taken = queue.take();
        if !taken.is_empty() {
            return Some(taken);
        }
        queue.tasks -= 1;
        self.left = true;
        None
    }

    /// Takes what is queued; waits a while if that is nothing.
    async fn take_or_wait(&mut self) -> Option<Vec<Request>> {
        let writer = &self.shared.writer;
        {
            let mut queue = writer.lock();
            let taken = queue.take();
            if !taken.is_empty() {
                return Some(taken);
            }
            queue.idle += 1;
            self.idle = true;
        }
        let _ = timeout(LINGER, writer.more.notified()).await;
        let mut queue = writer.lock();
        queue.idle -= 1;
        self.idle = false;
        let taken = queue.take();
        (!taken.is_empty()).then_some(taken)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.left {
            return;
        }
        let mut queue = self.shared.writer.lock();
        queue.tasks -= 1;
        queue.idle -= usize::from(self.idle);
        if queue.tasks == 0 {
            // Nobody may come any more, if it went with its runtime: those who wait hear that their requests are dropped.
            let orphans = mem::take(&mut queue.waiting);
            drop(queue);
            drop(orphans);
        }
    }
}

/// Queues items; what comes of them comes by the channel.
pub(super) fn submit(shared: &Arc<Shared>, items: Vec<Item>) -> oneshot::Receiver<Reply> {
    let (reply, answer) = oneshot::channel();
    if shared.writer.queue(Request { items, reply }) {
        // Not under the lock: a runtime that ends drops the task at once, and that locks it.
        shared.runtime.spawn(work(Place::new(shared)));
    }
    answer
}

/// Writes until nothing has come for a while.
async fn work(mut place: Place) {
    let shared = &*place.shared.clone();
    while let Some(requests) = place.take_or_leave() {
        let mut connection = match shared.acquire().await {
            Ok(connection) => connection,
            Err(error) => {
                let cause = Arc::new(error);
                for request in requests {
                    fail(shared, request, Nature::of_connecting(&cause), &cause);
                }
                continue;
            }
        };
        let mut next = Some(requests);
        while let Some(requests) = next {
            if !write(shared, &mut connection, requests).await {
                // The connection is lost. The next batch gets another one.
                drop(connection.detach());
                break;
            }
            next = place.take_or_wait().await;
        }
    }
}

impl Writer {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a request; tells whether it needs one more task.
    fn queue(&self, request: Request) -> bool {
        let mut queue = self.lock();
        queue.waiting.push_back(request);
        if queue.idle > 0 {
            self.more.notify_one();
            return false;
        }
        let has_room = queue.tasks < MOST_UNDER_WAY;
        queue.tasks += usize::from(has_room);
        has_room
    }
}

impl Queue {
    fn take(&mut self) -> Vec<Request> {
        let (mut taken, mut items, mut bytes) = (Vec::new(), 0, 0);
        while items < MOST_TOGETHER && bytes < MOST_BYTES {
            let Some(request) = self.waiting.pop_front() else { break };
            items += request.items.len();
            bytes += request.items.iter().map(Item::size).sum::<usize>();
            taken.push(request);
        }
        taken
    }
}

/// How far the items of a batch have come.
struct Progress {
    answers: Vec<Option<Answer>>,
    now: Timestamp,
    wakes: Vec<Wake>,
    /// The error that ended it, its nature, and the items that were sent when it came.
    failed: Option<(Nature, Arc<Error>, Range<usize>)>,
}

/// Writes what came together and answers it; tells whether the connection is good.
async fn write(shared: &Shared, connection: &mut PgConnection, requests: Vec<Request>) -> bool {
    let items: Vec<&Item> = requests.iter().flat_map(|request| &request.items).collect();
    let mut progress = write_items(shared, connection, &items).await;
    let good = !matches!(progress.failed, Some((Nature::Unknown, ..)));
    if !good {
        // It may have been written, and nobody has told of it.
        progress.wakes.push(Wake::Any);
    }
    let mut start = 0;
    for Request { items, reply } in requests {
        let answers: Vec<_> = progress.answers.drain(..items.len()).collect();
        let range = start..start + items.len();
        start = range.end;
        // Nobody may be waiting any more.
        let _ = reply.send(progress.reply(shared, &items, answers, &range));
    }
    shared.bells.ring(progress.wakes);
    good
}

impl Progress {
    /// The answer to one request: those of its items, or an error that speaks of all of them.
    fn reply(
        &self,
        shared: &Shared,
        items: &[Item],
        answers: Vec<Option<Answer>>,
        range: &Range<usize>,
    ) -> Reply {
        let some_written = answers.iter().any(Option::is_some);
        let (Some((nature, cause, sent)), Some(first)) = (&self.failed, items.first()) else {
            return Ok(Stamped { now: self.now, value: answers.into_iter().flatten().collect() });
        };
        if answers.iter().all(Option::is_some) {
            return Ok(Stamped { now: self.now, value: answers.into_iter().flatten().collect() });
        }
        let was_sent = sent.start < range.end && range.start < sent.end;
        let nature = match nature {
            _ if some_written => Nature::Unknown,
            Nature::Unknown if !was_sent => Nature::Retry,
            nature => *nature,
        };
        Err(store_error(&shared.name, first.operation(), nature, cause.clone()))
    }
}

/// Writes items, batch after batch. An item that fails by itself is found by halves, and is answered alone.
async fn write_items(shared: &Shared, connection: &mut PgConnection, items: &[&Item]) -> Progress {
    let answers = items.iter().map(|_| None).collect();
    let mut progress = Progress { answers, now: Timestamp::EPOCH, wakes: Vec::new(), failed: None };
    let mut done = 0;
    let mut size = items.len();
    while done < items.len() {
        let left = &items[done..];
        let together = &left[..size.min(batch::end_of_round(left))];
        let range = done..done + together.len();
        match batch::write(connection, shared, &shared.sender, together).await {
            Ok(Written { now, answers, wakes }) => {
                progress.now = now;
                progress.wakes.extend(wakes);
                for (place, answer) in progress.answers[range.clone()].iter_mut().zip(answers) {
                    *place = Some(answer);
                }
            }
            Err(error) if is_of_an_item(&error) && together.len() > 1 => {
                size = together.len() / 2;
                continue;
            }
            Err(error) if is_of_an_item(&error) => {
                let error = store_error(&shared.name, left[0].operation(), Nature::Fatal, Arc::new(error));
                progress.answers[done] = Some(left[0].reject(error));
                // The others are as good as they were.
                size = items.len();
            }
            Err(error) => {
                progress.failed = Some((Nature::from(&error), Arc::new(error), range));
                return progress;
            }
        }
        done = range.end;
    }
    progress
}

/// Whether an error comes from one item's values: what PostgreSQL can't store, and what is too much for it.
fn is_of_an_item(error: &Error) -> bool {
    match error {
        Error::Database(error) => {
            error.code().is_some_and(|code| ["22", "23", "54"].contains(&&code[..code.len().min(2)]))
        }
        Error::Encode(_) | Error::InvalidArgument(_) => true,
        _ => false,
    }
}

/// Tells that nothing of a request was written.
fn fail(shared: &Shared, request: Request, nature: Nature, cause: &Arc<Error>) {
    let Request { items, reply } = request;
    let answer = match items.first() {
        Some(first) => Err(store_error(&shared.name, first.operation(), nature, cause.clone())),
        None => Ok(Stamped { now: Timestamp::EPOCH, value: Vec::new() }),
    };
    // Nobody may be waiting any more.
    let _ = reply.send(answer);
}
