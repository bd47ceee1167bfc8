//! What the runs do.

use std::time::Duration;

use refluxo::{engine::EngineBuilder, prelude::*};

use super::{journal::Journal, ledger, model::worth, worker::Place};

/// Something that a run is told.
#[derive(Debug, Serialize, Deserialize, Signal)]
pub struct Note {
    pub number: u64,
}

/// What no run is ever told.
#[derive(Debug, Serialize, Deserialize, Signal)]
pub struct Never {}

/// Knows all workflows.
pub fn register(builder: EngineBuilder, place: &Place) -> EngineBuilder {
    ledger::register(builder, place)
        .register::<Order>()
        .register::<Talk>()
        .register::<Family>()
        .register::<Member>()
        .register::<Crowd>()
        .register::<Race>()
        .register::<Trip>()
        .register::<Vigil>()
        .provide(Journal::none())
}

/// Does the thing that belongs to a place, and fails there so many times before.
#[step(retry(attempts = 4, initial = "60ms", max = "500ms"))]
pub async fn act(
    #[inject] journal: &Journal,
    #[inject] cx: &StepContext,
    place: String,
    fails: u64,
) -> Result<u64, String> {
    journal.begun(cx, &place);
    tokio::time::sleep(Duration::from_millis(worth(&place) % 20)).await;
    if u64::from(cx.attempt()) <= fails {
        return Err(format!("{place} does not work yet"));
    }
    Ok(worth(&place))
}

/// The same, one at a time in each worker: others wait for their turn.
#[step(concurrency = 1)]
async fn queue(#[inject] journal: &Journal, #[inject] cx: &StepContext, place: String) -> u64 {
    journal.begun(cx, &place);
    tokio::time::sleep(Duration::from_millis(worth(&place) % 120)).await;
    worth(&place)
}

/// Undoes what was done at a place.
#[step]
async fn undo(#[inject] journal: &Journal, #[inject] cx: &StepContext, place: String) {
    journal.begun(cx, &place);
}

/// Steps, some of which fail at first, with pauses between them.
#[workflow]
pub async fn order(n: u64) -> u64 {
    let mut sum = 0;
    for i in 0..3 + n % 4 {
        sum += act(format!("order {n} item {i}"), (n + i) % 3).await.unwrap_or_default();
        if i % 2 == 1 {
            sleep(Duration::from_millis(10 + n % 400)).await;
        }
    }
    sum
}

/// Hears some notes, does something for each, and then waits a while for what never comes.
#[workflow]
pub async fn talk(n: u64, notes: usize) -> Vec<u64> {
    let mut heard = Vec::new();
    while heard.len() < notes {
        let note = signal::<Note>().await;
        let done = act(format!("talk {n} about {}", note.number), 0).await;
        if done.is_ok() {
            heard.push(note.number);
        }
    }
    if signal::<Never>().timeout(Duration::from_millis(50)).await.is_ok() {
        heard.clear();
    }
    heard
}

/// A member of a family.
#[workflow]
pub async fn member(n: u64) -> u64 {
    let first = act(format!("member {n} wakes"), n % 2).await.unwrap_or_default();
    sleep(Duration::from_millis(5 + n % 150)).await;
    first + act(format!("member {n} sleeps"), 0).await.unwrap_or_default()
}

/// A run that awaits others, one after the other and at once, and starts one that goes its own way.
#[workflow]
pub async fn family(n: u64) -> (u64, u64, u64, RunId) {
    let eldest = member(10 * n).await;
    let (a, b) = join!(member(10 * n + 1), member(10 * n + 2));
    let stray = spawn(member(10 * n + 3)).await;
    (eldest, a, b, stray)
}

/// Much at once: joins of calls and blocks, and a list of calls of which some are at work and others wait.
#[workflow]
pub async fn crowd(n: u64) -> (u64, u64, u64, Vec<u64>) {
    let (a, b, note) = join!(
        act(format!("crowd {n} left"), n % 3),
        async move {
            let first = act(format!("crowd {n} right"), 0).await.unwrap_or_default();
            sleep(Duration::from_millis(30 + n % 200)).await;
            first + queue(format!("crowd {n} far right")).await
        },
        signal::<Note>(),
    );
    let places: Vec<String> = (0..4 + n % 3).map(|i| format!("crowd {n} number {i}")).collect();
    let all = join_all!(for place in &places => queue(place.clone()), limit = 3);
    (a.unwrap_or_default(), b, note.number, all)
}

/// Either of two things comes first, and what lost is not heard of any more.
#[workflow]
pub async fn race(n: u64) -> (bool, u64) {
    let acted = select! {
        _done = act(format!("race {n} runs"), 1) => true,
        () = sleep(Duration::from_millis(5 + n % 60)) => false,
    };
    (acted, act(format!("race {n} is over"), 0).await.unwrap_or_default())
}

/// Does things of which it knows how to undo them, and then fails or not.
#[workflow]
pub async fn trip(n: u64) -> Result<u64, String> {
    let mut sum = 0;
    for i in 0..2 + n % 3 {
        compensate!(undo(format!("trip {n} back from {i}")));
        sum += act(format!("trip {n} to {i}"), i % 2).await?;
        if n.is_multiple_of(5) {
            sleep(Duration::from_millis(n % 200)).await;
        }
    }
    if n.is_multiple_of(2) {
        return Err(format!("nobody is at home at {n}"));
    }
    Ok(sum)
}

/// Waits for what never comes, until somebody cancels it.
#[workflow]
pub async fn vigil(n: u64) -> u64 {
    let mut sum = 0;
    for i in 0..3 {
        compensate!(undo(format!("vigil {n} out {i}")));
        sum += act(format!("vigil {n} candle {i}"), 0).await.unwrap_or_default();
    }
    signal::<Never>().await;
    sum
}
