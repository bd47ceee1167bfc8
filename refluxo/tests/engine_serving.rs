//! Workers that take runs of some workflows only.

mod support;

use refluxo::{Engine, MemoryStore, engine::BuildError, prelude::*, snapshot::RunStatus};
use support::{
    Place, build,
    script::{Script, script},
    soon, step,
};

/// What only some machines have.
#[derive(Clone)]
struct Card(&'static str);

#[step]
async fn draw(#[inject] card: &Card) -> String {
    card.0.to_owned()
}

#[workflow]
async fn render() -> String {
    draw().await
}

#[workflow]
async fn film() -> String {
    format!("film by {}", render().await)
}

everywhere! {
    a_worker_takes_runs_of_the_workflows_that_it_serves_only,
    a_child_is_run_by_those_who_serve_it,
    an_engine_that_serves_nothing_starts_and_reads_runs,
}

/// One that has a card, and one that does all else.
async fn two_machines(place: &Place) -> (Engine, Engine) {
    let builder = |store| place.builder(store).register::<Film>();
    let one = builder(place.store().await).provide(Card("a card")).serves_of::<Render>();
    let other = builder(place.store().await).serves(["film", "script"]);
    (build(one).await, build(other).await)
}

async fn a_worker_takes_runs_of_the_workflows_that_it_serves_only(place: Place) {
    let (_card, other) = two_machines(&place).await;
    // The one that starts it has neither a card nor a way to run it, and has room for it.
    let run = other.start("picture", render()).await.unwrap();
    assert_eq!(soon(run.result()).await.unwrap(), "a card");
}

async fn a_child_is_run_by_those_who_serve_it(place: Place) {
    let (card, _other) = two_machines(&place).await;
    let run = card.start("film", film()).await.unwrap();
    assert_eq!(soon(run.result()).await.unwrap(), "film by a card");
}

async fn an_engine_that_serves_nothing_starts_and_reads_runs(place: Place) {
    let office = Engine::builder(place.store().await).register::<Script>().register::<Film>();
    let office = build(office.serves([""; 0])).await;
    let run = office.start("a", script([step("one")])).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    let before = run.snapshot().await.unwrap();
    assert_eq!((before.status, before.revision.0), (RunStatus::Ready, 0));
    assert!(place.world.texts().is_empty());

    let _worker = place.engine().await;
    assert_eq!(soon(run.result()).await.unwrap().unwrap(), ["one"]);
}

#[tokio::test]
async fn a_workflow_that_is_not_registered_fails_the_build() {
    let builder = Engine::builder(MemoryStore::new()).register::<Render>().provide(Card("a card"));
    let error = builder.serves(["render", "rendr", "film"]).build().await.unwrap_err();
    let BuildError::NotRegistered { workflows, .. } = &error else { panic!("{error}") };
    assert_eq!(workflows, &["film", "rendr"]);
    assert_eq!(
        error.to_string(),
        "no workflow `film`, `rendr` is registered, which the engine is to serve or to limit; there is `render`: correct the name, or add \
         `.register::<…>()` to the engine's builder"
    );
}

#[tokio::test]
async fn only_what_is_served_needs_its_resources() {
    let builder = || Engine::builder(MemoryStore::new()).register::<Film>();
    builder().serves_of::<Film>().build().await.unwrap();
    let error = builder().serves_of::<Film>().serves_of::<Render>().build().await.unwrap_err();
    assert!(matches!(error, BuildError::MissingResources { .. }), "{error}");
}
