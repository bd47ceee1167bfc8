//! What an observer is told.

use std::sync::{Arc, Mutex};

use refluxo::{observer::Reached, prelude::*};

#[step]
async fn double(n: u32) -> u32 {
    n * 2
}

#[workflow]
async fn quadruple(n: u32) -> Result<u32, String> {
    let twice = double(n).await;
    let answer = double(twice).await;
    if answer > 100 { Err("too much".into()) } else { Ok(answer) }
}

/// What is told of a run from its start to its end.
async fn told_of(n: u32) -> Vec<String> {
    let told = Arc::new(Mutex::new(Vec::new()));
    let writer = told.clone();
    let engine = Engine::builder(MemoryStore::new())
        .register::<Quadruple>()
        .observe(move |reached: &Reached<'_>| {
            let Reached { run, workflow, at, status, revision, .. } = reached;
            writer.lock().unwrap().push(format!("{run} {workflow} {at} {status} {revision}"));
        })
        .build()
        .await
        .unwrap();
    let _ = engine.start("run-1", quadruple(n)).await.unwrap().result().await.unwrap();
    engine.shutdown().await;
    std::mem::take(&mut told.lock().unwrap())
}

#[tokio::test]
async fn an_observer_is_told_each_state_once_in_order() {
    let expected = [
        "run-1 quadruple Double ready 1",
        "run-1 quadruple Double2 ready 2",
        "run-1 quadruple Double2 completed 3",
    ];
    assert_eq!(told_of(1).await, expected);
}

#[tokio::test]
async fn an_observer_is_told_of_a_failure() {
    assert_eq!(told_of(50).await.last().unwrap(), "run-1 quadruple Double2 failed 3");
}
