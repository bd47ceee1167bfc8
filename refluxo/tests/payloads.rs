//! How large what a run saves may be, and what is never saved.

mod support;

use refluxo::{
    Engine, MemoryStore,
    engine::{EngineBuilder, ResultError, SignalError, StartError},
    prelude::*,
    snapshot::ParkReason,
    store::{Depth, Page, RunId, Store},
};
use support::soon;

/// A text of this many bytes of JSON.
fn text(bytes: usize) -> String {
    "x".repeat(bytes - 2)
}

#[step]
async fn load(bytes: usize) -> String {
    text(bytes)
}

#[step]
async fn tick() {}

/// Loads something and keeps it for a while.
#[workflow]
async fn keep(bytes: usize) -> usize {
    let loaded = load(bytes).await;
    tick().await;
    loaded.len()
}

#[step]
async fn measure(text: String) -> usize {
    text.len()
}

/// Loads something and passes it on.
#[workflow]
async fn pass(bytes: usize) -> usize {
    let loaded = load(bytes).await;
    measure(loaded).await
}

#[workflow]
async fn give(bytes: usize) -> String {
    load(bytes).await
}

/// Gives so much in each branch; the first takes its time, and keeps it.
#[workflow]
async fn branches(first: usize, second: usize) -> usize {
    let (first, second) = join!(
        async move {
            sleep(std::time::Duration::from_millis(20)).await;
            let text = load(first).await;
            tick().await;
            text
        },
        load(second)
    );
    first.len() + second.len()
}

#[workflow]
async fn child(text: String) -> usize {
    tick().await;
    text.len()
}

#[workflow]
async fn parent(bytes: usize) -> usize {
    let text = load(bytes).await;
    child(text).await
}

#[derive(Debug, Serialize, Deserialize, Signal)]
struct Word(String);

#[workflow]
async fn hear() -> usize {
    let Word(word) = signal::<Word>().await;
    word.len()
}

fn builder(store: &MemoryStore, limit: usize) -> EngineBuilder {
    Engine::builder(store.clone())
        .register::<Keep>()
        .register::<Give>()
        .register::<Pass>()
        .register::<Branches>()
        .register::<Parent>()
        .register::<Hear>()
        .max_payload(limit)
}

/// What a run is parked for that has something too large.
fn too_large<T: std::fmt::Debug>(result: Result<T, ResultError>) -> (String, usize, usize) {
    match result {
        Err(ResultError::Parked { reason: ParkReason::TooLarge { what, bytes, limit }, .. }) => {
            (what, bytes, limit)
        }
        other => panic!("it is not parked for its size: {other:?}"),
    }
}

#[tokio::test]
async fn an_argument_that_is_too_large_is_refused() {
    let engine = builder(&MemoryStore::new(), 2_000).register::<Child>().build().await.unwrap();
    let error = engine.start("a", child(text(2_001))).await.unwrap_err();
    let words = "the run a was not started: the argument `text` of the workflow `child` has 2001 bytes of JSON, and \
                 `EngineBuilder::max_payload` allows 2000; keep what is so large elsewhere and pass where it is, or raise \
                 the limit";
    assert_eq!(error.to_string(), words);
    assert!(
        matches!(error, StartError::TooLarge { cause, .. } if cause.bytes == 2_001 && cause.limit == 2_000)
    );
    let run = engine.start("a", child(text(2_000))).await.unwrap();
    assert_eq!(soon(run.result()).await.unwrap(), 1_998);
}

#[tokio::test]
async fn a_signal_that_is_too_large_is_refused() {
    let engine = builder(&MemoryStore::new(), 100).build().await.unwrap();
    let run = engine.start("a", hear()).await.unwrap();
    let error = run.signal(Word(text(101))).await.unwrap_err();
    assert!(error.to_string().contains("the signal `Word` has 101 bytes of JSON"), "{error}");
    assert!(matches!(error, SignalError::TooLarge { .. }));
    engine.signal_json("a", "Word", &text(101)).await.unwrap_err();
    run.signal(Word(text(100))).await.unwrap();
    assert_eq!(soon(run.result()).await.unwrap(), 98);
}

#[tokio::test]
async fn a_state_that_is_too_large_parks_the_run_at_the_last_one() {
    for bytes in [700, 3_000] {
        let store = MemoryStore::new();
        // A large field is saved apart, a small one is not.
        let limit = bytes - 1;
        let engine = builder(&store, limit).build().await.unwrap();
        let run = engine.start("a", keep(bytes)).await.unwrap();
        let (what, told, allowed) = too_large(soon(run.result()).await);
        assert_eq!((what.as_str(), told, allowed), ("the field `loaded` of the state `Tick`", bytes, limit));
        let error = run.result().await.unwrap_err().to_string();
        assert!(error.contains("raise `EngineBuilder::max_payload`; then retry the run"), "{error}");
        assert!(matches!(run.state().await.unwrap(), Keep::Load { .. }), "it is where it was");
        engine.shutdown().await;

        let engine = builder(&store, 10 * bytes).build().await.unwrap();
        let run = engine.run::<Keep>("a").await.unwrap();
        run.retry().await.unwrap();
        let length = loop {
            match soon(run.result()).await {
                Ok(length) => break length,
                // It has not heard of it yet.
                Err(ResultError::Parked { .. }) => tokio::task::yield_now().await,
                Err(error) => panic!("{error}"),
            }
        };
        assert_eq!(length, bytes - 2);
    }
}

#[tokio::test]
async fn an_output_that_is_too_large_parks_the_run() {
    let engine = builder(&MemoryStore::new(), 500).build().await.unwrap();
    let run = engine.start("a", give(501)).await.unwrap();
    let what = too_large(soon(run.result()).await);
    assert_eq!(what, ("the output of the workflow `give`".to_owned(), 501, 500));
    let run = engine.start("b", give(500)).await.unwrap();
    assert_eq!(soon(run.result()).await.unwrap().len(), 498);
}

#[tokio::test]
async fn an_output_of_a_branch_that_is_too_large_parks_the_run() {
    let engine = builder(&MemoryStore::new(), 500).build().await.unwrap();
    let run = engine.start("a", branches(300, 501)).await.unwrap();
    assert_eq!(too_large(soon(run.result()).await), ("the output of the branch 1".to_owned(), 501, 500));
    let run = engine.start("b", branches(600, 400)).await.unwrap();
    let (what, bytes, _) = too_large(soon(run.result()).await);
    assert!(what.starts_with("the field `text` of the state `"), "{what}");
    assert_eq!(bytes, 600);
    let snapshot = run.snapshot().await.unwrap();
    assert!(
        snapshot.branches.contains_key("o:1"),
        "what the other branch gave is kept: {:?}",
        snapshot.branches
    );
}

#[tokio::test]
async fn arguments_of_a_call_that_are_too_large_park_the_run_before_it_is_made() {
    let engine = builder(&MemoryStore::new(), 500).build().await.unwrap();
    let run = engine.start("a", pass(482)).await.unwrap();
    assert_eq!(soon(run.result()).await.unwrap(), 480);
    let run = engine.start("b", pass(492)).await.unwrap();
    // `{"text":…}`; what fits stands in `{"call":…}` besides.
    let expected = ("what the call at the state `Measure` takes".to_owned(), 501, 500);
    assert_eq!(too_large(soon(run.result()).await), expected);
    let run = engine.start("c", parent(501)).await.unwrap();
    let (what, bytes, _) = too_large(soon(run.result()).await);
    assert_eq!(what, "what the call at the state `Child` takes");
    assert!(bytes > 501, "{bytes}");
}

/// What opens the vault. It can't be saved, and need not be.
struct Password(String);

#[step]
async fn open_vault(#[inject] password: &Password, number: u32) -> Result<usize, String> {
    if number == 1 { Err(format!("no vault {number}")) } else { Ok(password.0.len()) }
}

#[workflow]
async fn visit(number: u32) -> Result<usize, String> {
    let first = open_vault(number).await?;
    let second = open_vault(number).await?;
    Ok(first + second)
}

#[tokio::test]
async fn resources_and_the_secrets_in_them_are_never_saved() {
    const SECRET: &str = "correct horse battery staple";
    let store = MemoryStore::new();
    let engine = Engine::builder(store.clone())
        .register::<Visit>()
        .provide(Password(SECRET.into()))
        .keep_states(16)
        .build()
        .await
        .unwrap();
    for (id, number) in [("good", 2), ("bad", 1)] {
        let _ = soon(engine.start(id, visit(number)).await.unwrap().result()).await.unwrap();
        let id = RunId::new(id).unwrap();
        let record = store.load(&id, Depth::All).await.unwrap().value.unwrap();
        let history = store.history(&id, Page { before: None, limit: 100 }).await.unwrap().value;
        assert!(history.len() >= 2);
        let kept = format!("{record:?} {history:?}");
        assert!(kept.contains("open_vault"), "this is where it would stand: {kept}");
        assert!(!kept.contains(SECRET), "{kept}");
    }
}
