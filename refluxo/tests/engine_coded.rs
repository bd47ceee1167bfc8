//! Runs on a store behind a codec whose keys come and go.

mod support;

use bytes::Bytes;
use refluxo::{
    Engine, MemoryStore,
    engine::{EngineBuilder, ReadError, ResultError, StartError},
    prelude::*,
    snapshot::{LoadError, ParkReason},
    store::{Codec, CodecError, Coded, Depth, NotEncoded, Page, Place, Record, RunId, Status, Store},
};
use support::soon;

/// What nobody is to read in the store.
const SECRET: &str = "a rather secret word";

/// Turns the bits around under the first of its keys, and reads under all of them.
struct Keyed(Vec<u8>);

impl Codec for Keyed {
    fn encode(&self, place: &Place<'_>, plain: Bytes) -> Result<Bytes, CodecError> {
        let key = *self.0.first().ok_or_else(|| CodecError::failed("there is no key to write under"))?;
        let mark = blake3::hash(&[&[key][..], &place.associated_data()].concat());
        let turned = plain.iter().map(|byte| byte ^ key);
        Ok([key].into_iter().chain(mark.as_bytes()[..4].iter().copied()).chain(turned).collect())
    }

    fn decode(&self, place: &Place<'_>, coded: Bytes) -> Result<Bytes, CodecError> {
        let (&key, rest) = coded.split_first().ok_or_else(|| CodecError::failed("there is nothing"))?;
        if !self.0.contains(&key) {
            return Err(CodecError::UnknownKey { key: key.to_string() });
        }
        let mark = blake3::hash(&[&[key][..], &place.associated_data()].concat());
        match rest.strip_prefix(&mark.as_bytes()[..4]) {
            Some(turned) => Ok(turned.iter().map(|byte| byte ^ key).collect()),
            None => Err(CodecError::NotAuthentic { key: key.to_string() }),
        }
    }
}

#[derive(Debug, Serialize, Deserialize, Signal)]
struct Word(String);

#[step]
async fn join_up(words: &[String]) -> String {
    words.join(" ")
}

/// Hears words, and joins them up.
#[workflow]
async fn listen(first: String, count: usize) -> String {
    let mut words = vec![first];
    for _ in 0..count {
        let Word(word) = signal::<Word>().await;
        words.push(word);
    }
    join_up(&words).await
}

fn builder(store: &MemoryStore, keys: &[u8]) -> EngineBuilder {
    Engine::builder(Coded::new(store.clone(), Keyed(keys.to_vec()))).register::<Listen>()
}

async fn engine(store: &MemoryStore, keys: &[u8]) -> Engine {
    builder(store, keys).build().await.unwrap()
}

/// A run as the store behind the codec keeps it.
async fn kept(store: &MemoryStore, id: &str) -> Record {
    store.load(&RunId::new(id).unwrap(), Depth::All).await.unwrap().value.expect("it is there")
}

async fn until_waiting(store: &MemoryStore, id: &str, revision: u64) {
    while kept(store, id).await.row.revision.0 < revision {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
}

/// What a run gives in the end that may still be parked when it is first asked.
async fn end_of(run: &Run<Listen>) -> String {
    soon(async {
        loop {
            match run.result().await {
                Ok(output) => return output,
                Err(ResultError::Parked { .. }) => {
                    tokio::time::sleep(std::time::Duration::from_millis(1)).await;
                }
                Err(error) => panic!("{error}"),
            }
        }
    })
    .await
}

#[tokio::test]
async fn nothing_that_a_program_made_is_readable_in_the_store() {
    let store = MemoryStore::new();
    let engine = engine(&store, &[7]).await;
    let run = engine.start("a", listen(SECRET.into(), 1)).await.unwrap();
    until_waiting(&store, "a", 1).await;
    let waiting = kept(&store, "a").await;
    run.signal(Word(SECRET.into())).await.unwrap();
    assert_eq!(soon(run.result()).await.unwrap(), format!("{SECRET} {SECRET}"));
    let history = store.history(&waiting.row.id, Page { before: None, limit: 9 }).await.unwrap().value;
    let all = format!("{waiting:?} {:?} {history:?}", kept(&store, "a").await);
    assert!(!all.contains("secret word") && !all.contains("waitingFor"), "{all}");
    assert!(history.len() >= 2);
}

#[tokio::test]
async fn a_run_under_a_key_that_is_not_there_is_parked_and_its_bytes_stay() {
    let store = MemoryStore::new();
    let first = engine(&store, &[7]).await;
    let sent = first.start("b", listen(SECRET.into(), 2)).await.unwrap();
    until_waiting(&store, "b", 1).await;
    soon(first.shutdown()).await;
    drop(first);
    // It is heard by nobody who has the key.
    sent.signal(Word("sent".into())).await.unwrap();
    drop(sent);
    let before = kept(&store, "b").await;

    let second = engine(&store, &[8]).await;
    let run = second.run::<Listen>("b").await.unwrap();
    let parked = match soon(run.result()).await {
        Err(ResultError::Parked { id, reason: ParkReason::Unreadable { message } }) => {
            format!("{id}: {message}")
        }
        other => panic!("it is not parked: {other:?}"),
    };
    assert!(parked.contains("of the run b can't be decoded") && parked.contains("the key `7`"), "{parked}");
    match run.state().await.map(drop) {
        Err(ReadError::Unreadable { cause: LoadError::Coded { run, cause, .. }, .. }) => {
            assert_eq!((run.as_str(), cause), ("b", CodecError::UnknownKey { key: "7".into() }));
        }
        other => panic!("it was read: {other:?}"),
    }
    let after = kept(&store, "b").await;
    assert_eq!(after.row.head.status, Status::Parked);
    assert_eq!(after.row.head.body, before.row.head.body, "the envelope");
    assert_eq!((after.state, after.parts, after.inbox), (before.state, before.parts, before.inbox));

    // Other runs go on, under the key that is there.
    let other = second.start("c", listen("one".into(), 0)).await.unwrap();
    assert_eq!(soon(other.result()).await.unwrap(), "one");
    soon(second.shutdown()).await;
    drop((second, run, other));

    // The key is back, beside the new one, under which the runs are written from now on.
    let third = engine(&store, &[8, 7]).await;
    let run = third.run::<Listen>("b").await.unwrap();
    run.retry().await.unwrap();
    run.signal(Word("twice".into())).await.unwrap();
    assert_eq!(end_of(&run).await, format!("{SECRET} sent twice"));
    assert_eq!(kept(&store, "b").await.state[0], 8);
}

#[tokio::test]
async fn a_state_that_is_under_a_lost_key_is_told_though_the_envelope_is_under_another() {
    let store = MemoryStore::new();
    let first = engine(&store, &[7]).await;
    first.start("a", listen(SECRET.into(), 1)).await.unwrap();
    until_waiting(&store, "a", 1).await;
    soon(first.shutdown()).await;
    drop(first);
    // It writes the envelope alone: a pause leaves the state as it is.
    let second = engine(&store, &[8, 7]).await;
    second.pause("a").await.unwrap();
    until_waiting(&store, "a", 2).await;
    second.resume("a").await.unwrap();
    until_waiting(&store, "a", 3).await;
    soon(second.shutdown()).await;
    drop(second);
    let before = kept(&store, "a").await;
    assert_eq!((before.row.head.body[0], before.state[0]), (8, 7));

    let third = engine(&store, &[8]).await;
    let run = third.run::<Listen>("a").await.unwrap();
    run.signal(Word("heard".into())).await.unwrap();
    let message = soon(async {
        loop {
            match tokio::time::timeout(std::time::Duration::from_millis(50), run.result()).await {
                Ok(Err(ResultError::Parked { reason: ParkReason::Unreadable { message }, .. })) => {
                    break message;
                }
                Ok(other) => panic!("it is not parked: {other:?}"),
                Err(_) => {}
            }
        }
    })
    .await;
    assert!(
        message.contains("the state of the run a can't be decoded") && message.contains("`7`"),
        "{message}"
    );
    let after = kept(&store, "a").await;
    assert_eq!((after.state, after.parts), (before.state, before.parts));
}

#[tokio::test]
async fn an_output_under_a_lost_key_is_told() {
    let store = MemoryStore::new();
    let first = engine(&store, &[7]).await;
    soon(first.start("a", listen(SECRET.into(), 0)).await.unwrap().result()).await.unwrap();
    let second = engine(&store, &[8]).await;
    let error = second.run::<Listen>("a").await.unwrap().result().await.unwrap_err();
    assert!(
        matches!(error, ResultError::Read(ReadError::Unreadable { cause: LoadError::Coded { .. }, .. })),
        "{error}"
    );
    let error = second.snapshot("a").await.unwrap_err();
    assert!(matches!(error, ReadError::Unreadable { cause: LoadError::Coded { .. }, .. }), "{error}");
}

#[tokio::test]
async fn what_can_not_be_encoded_is_refused() {
    let engine = engine(&MemoryStore::new(), &[]).await;
    match engine.start("a", listen(SECRET.into(), 0)).await {
        Err(StartError::Store { cause, .. }) => {
            let cause = &cause.failure().cause;
            let cause = cause.downcast_ref::<NotEncoded>().expect("it says what");
            assert_eq!(
                cause.to_string(),
                "the envelope of the run a can't be encoded: there is no key to write under"
            );
        }
        other => panic!("it was started: {other:?}"),
    }
}

/// A step that writes beside what the codec makes of its run.
#[cfg(feature = "sqlite")]
mod in_a_transaction {
    use refluxo::snapshot::RunStatus;

    use super::*;

    #[step(transaction)]
    fn learn(tx: &mut SqliteTransaction, word: String) -> Result<String, String> {
        tx.execute("INSERT INTO learnt (word) VALUES (?1)", [&word]).map_err(|error| error.to_string())?;
        Ok(format!("{word}, which was learnt"))
    }

    #[workflow]
    async fn recall() -> String {
        let learnt = learn(SECRET.to_lowercase()).await.unwrap();
        let Word(word) = signal::<Word>().await;
        format!("{learnt} {word}")
    }

    /// Keeps what it is given, but for what comes of the step.
    struct Prudish;

    impl Codec for Prudish {
        fn encode(&self, _: &Place<'_>, plain: Bytes) -> Result<Bytes, CodecError> {
            if String::from_utf8_lossy(&plain).contains("which was learnt") {
                return Err(CodecError::failed("nobody is to know that"));
            }
            Ok(plain)
        }

        fn decode(&self, _: &Place<'_>, coded: Bytes) -> Result<Bytes, CodecError> {
            Ok(coded)
        }
    }

    /// A store with a table of the program's own.
    async fn open() -> (tempfile::TempDir, SqliteStore, rusqlite::Connection) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("runs.db");
        let store = SqliteStore::open(&file).await.unwrap();
        let db = rusqlite::Connection::open(&file).unwrap();
        db.execute_batch("CREATE TABLE learnt (word TEXT)").unwrap();
        (folder, store, db)
    }

    fn learnt(db: &rusqlite::Connection) -> u32 {
        db.query_row("SELECT count(*) FROM learnt", [], |row| row.get(0)).unwrap()
    }

    #[tokio::test]
    async fn what_a_step_gave_is_encoded_as_ever() {
        let (_folder, store, db) = open().await;
        let coded = Coded::new(store.clone(), Keyed(vec![7]));
        let engine = Engine::builder(coded).register::<Recall>().build().await.unwrap();
        let run = engine.start("a", recall()).await.unwrap();
        support::until(async || run.snapshot().await.unwrap().status == RunStatus::Waiting).await;
        let id = RunId::new("a").unwrap();
        let kept = store.load(&id, Depth::All).await.unwrap().value.unwrap();
        let entries = store.history(&id, Page { before: None, limit: 9 }).await.unwrap().value;
        let places = entries.iter().map(|entry| &entry.body).chain([&kept.state, &kept.row.head.body]);
        for bytes in places {
            assert_eq!(bytes[0], 7, "it is under the key");
            assert!(!String::from_utf8_lossy(bytes).contains("learnt"));
        }
        assert_eq!(learnt(&db), 1);
        run.signal(Word("too".into())).await.unwrap();
        assert!(soon(run.result()).await.unwrap().ends_with("which was learnt too"));
    }

    #[tokio::test]
    async fn a_state_that_can_not_be_encoded_rolls_back_what_the_step_wrote() {
        let (_folder, store, db) = open().await;
        let engine = Engine::builder(Coded::new(store, Prudish)).register::<Recall>().build().await.unwrap();
        let run = engine.start("a", recall()).await.unwrap();
        match soon(run.result()).await {
            Err(ResultError::Parked { reason: ParkReason::Unsaved { message }, .. }) => {
                assert!(message.contains("nobody is to know that"), "{message}");
            }
            other => panic!("it is not parked: {other:?}"),
        }
        assert_eq!(learnt(&db), 0);
    }
}
