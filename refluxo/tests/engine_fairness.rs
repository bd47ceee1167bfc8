//! Which of many runs that are due comes first.

mod support;

use std::time::Duration;

use refluxo::{Engine, engine::EngineBuilder, prelude::*};
use support::{
    Place, build,
    script::{Line, script},
    soon, step,
    world::World,
};

/// Another workflow than the scripts.
#[workflow]
async fn other(text: String) {
    pass(text).await;
}

#[step]
async fn pass(text: String, #[inject] world: &World, #[inject] context: &StepContext) {
    world.note(context, text).await;
}

everywhere! {
    what_is_urgent_comes_first,
    a_child_is_as_urgent_as_its_parent,
    a_copy_is_as_urgent_as_its_original,
    a_flood_of_one_workflow_leaves_another_its_turn,
    each_workflow_has_its_share_of_a_worker_that_comes,
}

fn builder(place: &Place, store: impl refluxo::store::Store) -> EngineBuilder {
    place.builder(store).register::<Other>()
}

/// An engine that only starts runs.
async fn office(place: &Place) -> Engine {
    build(builder(place, place.store().await).serves([""; 0])).await
}

/// An engine that works on so many runs at once.
async fn worker(place: &Place, concurrency: u32) -> Engine {
    build(builder(place, place.store().await).concurrency(concurrency)).await
}

async fn what_is_urgent_comes_first(place: Place) {
    let office = office(&place).await;
    let mut runs = Vec::new();
    for (text, priority) in [("later", -1), ("usual", 0), ("urgent", 100), ("soon", 1)] {
        let run = office.start(text, script([step(text)])).priority(priority).await.unwrap();
        runs.push(run);
    }
    let _worker = worker(&place, 1).await;
    for run in runs {
        soon(run.result()).await.unwrap().unwrap();
    }
    assert_eq!(place.world.texts(), ["urgent", "soon", "usual", "later"]);
}

async fn a_child_is_as_urgent_as_its_parent(place: Place) {
    let office = office(&place).await;
    for number in 0..5 {
        office.start(format!("flood-{number}"), script([step("flood")])).await.unwrap();
    }
    let family = [Line::Child(vec![step("child")]), Line::Spawn(vec![step("spawned")]), step("parent")];
    let parent = office.start("parent", script(family)).priority(7).await.unwrap();
    let _worker = worker(&place, 1).await;
    soon(parent.result()).await.unwrap().unwrap();
    support::until(async || place.world.texts().len() == 8).await;
    let texts = place.world.texts();
    assert_eq!((texts[0].as_str(), texts[1].as_str(), texts[2].as_str()), ("child", "parent", "spawned"));
}

async fn a_copy_is_as_urgent_as_its_original(place: Place) {
    let office = office(&place).await;
    office.start("flood", script([step("flood")])).await.unwrap();
    let run = office.start("first", script([step("first")])).priority(1).after(Duration::from_hours(1)).await;
    let copy = run.unwrap().fork("copy").await.unwrap();
    let _worker = worker(&place, 1).await;
    soon(copy.result()).await.unwrap().unwrap();
    support::until(async || place.world.texts().len() == 2).await;
    assert_eq!(place.world.texts(), ["first", "flood"]);
}

async fn a_flood_of_one_workflow_leaves_another_its_turn(place: Place) {
    let office = office(&place).await;
    for number in 0..30 {
        office.start(format!("flood-{number}"), script([step("gate")])).priority(9).await.unwrap();
    }
    let _worker = worker(&place, 3).await;
    for _ in 0..3 {
        soon(place.world.somebody_at_the_gate()).await;
    }
    let other = office.start("other", other("other".to_owned())).await.unwrap();
    // The first slot that becomes free is the other workflow's.
    place.world.open_gate();
    soon(other.result()).await.unwrap();
    assert!(place.world.texts().len() <= 5, "{:?}", place.world.texts());
    for _ in 0..30 {
        place.world.open_gate();
    }
}

async fn each_workflow_has_its_share_of_a_worker_that_comes(place: Place) {
    let office = office(&place).await;
    for number in 0..9 {
        office.start(format!("script-{number}"), script([step("gate of a script")])).await.unwrap();
    }
    for number in 0..9 {
        office.start(format!("other-{number}"), other("gate of another".to_owned())).await.unwrap();
    }
    // An engine with schedules has a third workflow.
    let _worker = worker(&place, 6).await;
    for _ in 0..6 {
        soon(place.world.somebody_at_the_gate()).await;
    }
    let scripts = place.world.texts().iter().filter(|text| text.ends_with("script")).count();
    assert!((2..=4).contains(&scripts), "{:?}", place.world.texts());
}
