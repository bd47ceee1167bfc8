//! What `#[step]` makes of a function: a call that can be built, stored, read back and run.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use refluxo::{
    machine::Description,
    prelude::*,
    suspend::{Begin, Pending, Resources, Step, Suspend},
};
use serde::de::DeserializeOwned;

/// A shop's order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Order {
    id: String,
    total: u32,
}

/// Neither `Clone` nor `Debug`.
#[derive(Serialize, Deserialize)]
struct Plain(u32);

/// A resource.
struct Bank {
    fee: u32,
}

/// Adds the bank's fee.
#[step]
async fn charge(#[inject] bank: &Bank, #[inject] cx: &StepContext, order: Order, tip: Option<u32>) -> String {
    format!("{} {} {}", order.id, order.total + tip.unwrap_or(0) + bank.fee, cx.idempotency_key())
}

#[step]
async fn list(words: &[String], by: &str, at: &Path, order: &Order, mut turns: u32) -> String {
    turns += 1;
    format!("{} {} {} {turns}", words.join(by), at.display(), order.id)
}

#[step(name = "parse-json")]
async fn parse<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

#[step]
async fn largest<T, const N: usize>(of: Vec<T>) -> Option<T>
where
    T: Ord + Serialize + DeserializeOwned,
{
    of.into_iter().take(N).max()
}

#[step]
async fn wrap(plain: Plain) -> u32 {
    tokio::task::yield_now().await;
    plain.0
}

#[step]
async fn tick() {}

fn order() -> Order {
    Order { id: "o-1".into(), total: 20 }
}

/// Runs a call as the engine does.
async fn perform<C: Suspend>(call: C, resources: Resources) -> C::Output {
    let Begin::Step(task) = call.begin() else { panic!("not a step") };
    let context = StepContext::new("run-1".into(), task.name(), 1, "key-1".into());
    task.run(context, Arc::new(resources)).await.take()
}

#[test]
fn a_call_is_a_struct_of_the_arguments_stored_owned() {
    let call: list = list(&["a".into()], ", ", Path::new("/tmp"), &order(), 3);
    let list { words, by, at, order: stored, turns } = call;
    let at: PathBuf = at;
    assert_eq!(words, ["a"]);
    assert_eq!((by, at, stored, turns), (", ".into(), "/tmp".into(), order(), 3));
}

#[test]
fn a_call_comes_back_from_json_as_it_was() {
    let call = list(&["a".into()], ", ", Path::new("/tmp"), &order(), 3);
    let json = serde_json::to_string(&call).unwrap();
    assert_eq!(json, r#"{"words":["a"],"by":", ","at":"/tmp","order":{"id":"o-1","total":20},"turns":3}"#);
    let back: list = serde_json::from_str(&json).unwrap();
    assert_eq!(serde_json::to_string(&back).unwrap(), json);
}

#[test]
fn a_call_without_arguments_is_an_empty_object() {
    let json = serde_json::to_string(&tick()).unwrap();
    assert_eq!(json, "{}");
    assert!(serde_json::from_str::<tick>(&json).is_ok());
}

/// The error of reading this JSON as a call of `charge`.
fn refusal(json: &str) -> String {
    serde_json::from_str::<charge>(json).unwrap_err().to_string()
}

#[test]
fn a_foreign_missing_or_repeated_argument_is_refused() {
    assert!(refusal(r#"{"order":{"id":"o","total":1},"tip":1,"by":2}"#).contains("unknown field `by`"));
    assert!(refusal(r#"{"tip":1}"#).contains("missing field `order`"));
    assert!(refusal(r#"{"order":{"id":"o","total":1}}"#).contains("missing field `tip`"));
    assert!(refusal(r#"{"tip":1,"tip":1}"#).contains("duplicate field `tip`"));
    assert!(refusal("[]").contains("the arguments of the step `charge`"));
}

#[test]
fn a_call_shows_its_arguments_as_json_and_is_cloned_where_they_can_be() {
    let call = charge(order(), None);
    assert_eq!(format!("{:?}", call.clone()), r#"charge {"order":{"id":"o-1","total":20},"tip":null}"#);
    assert_eq!(format!("{:?}", wrap(Plain(1))), r#"wrap {"plain":1}"#);
}

#[test]
fn a_step_is_known_by_its_function_or_by_the_name_it_is_given() {
    assert_eq!(<charge as Step>::NAME, "charge");
    assert_eq!(<parse<u32> as Step>::NAME, "parse-json");
    assert!(matches!(parse::<u32>("1").pending(), Pending::Step { name: "parse-json" }));
}

#[tokio::test]
async fn outside_a_workflow_a_step_without_resources_simply_runs() {
    let words = ["a".to_owned(), "b".to_owned()];
    assert_eq!(list(&words, "-", Path::new("/x"), &order(), 1).await, "a-b /x o-1 2");
    assert_eq!(parse::<u32>("17").await, Ok(17));
    assert_eq!(largest::<_, 2>(vec![1, 2, 3]).await, Some(2));
    assert_eq!(wrap(Plain(5)).await, 5);
    tick().await;
}

#[tokio::test]
async fn the_engine_lends_the_resources_and_the_context() {
    let mut resources = Resources::default();
    resources.insert(Bank { fee: 2 });
    assert_eq!(perform(charge(order(), Some(1)), resources).await, "o-1 23 key-1");
}

#[test]
fn a_step_says_which_resources_it_needs() {
    let mut description = Description::default();
    description.call::<charge>();
    let [requirement] = description.requirements() else { panic!("one resource, not the context") };
    assert_eq!(requirement.step, "charge");
    assert!(requirement.resource_name.ends_with("Bank"));
}
