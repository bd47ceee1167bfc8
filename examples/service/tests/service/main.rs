//! Two instances on one database, as real processes that are asked over HTTP, stopped and killed.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::doc_markdown,
    reason = "the server is shared with the library's tests"
)]

mod instance;
#[path = "../../../../refluxo/tests/support/postgres.rs"]
mod postgres;

use std::{
    sync::mpsc::Receiver,
    thread,
    time::{Duration, Instant},
};

use instance::{Instance, next};
use serde_json::{Value, json};

/// The address of a database of the test's own, if there is a server.
fn database(name: &'static str) -> Option<String> {
    let url = postgres::url()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        // A pool waits for a server that is starting.
        let pool = sqlx::PgPool::connect(url).await.expect("a connection");
        let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
        sqlx::raw_sql(create).execute(&pool).await.expect("a database");
    });
    let server = url.strip_suffix("postgres").expect("the address ends with the database");
    Some(format!("{server}{name}"))
}

fn order(id: &str, item: &str, total: u32) -> Value {
    json!({ "id": id, "customer": "Ada", "item": item, "total": total })
}

/// Waits until a stream tells that its order is at this state.
fn wait_for_state(seen: &Receiver<Value>, at: &str) -> Value {
    std::iter::from_fn(|| next(seen)).find(|view| view["at"] == at).expect("it comes to the state")
}

/// Starts orders here until this instance charges one, and gives its id: a busy instance leaves what it starts to others.
fn charging_at(instance: &Instance) -> String {
    for number in 0..20 {
        let id = number.to_string();
        assert_eq!(instance.post("/orders", &order(&id, "lamp", 90)).status, 201);
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(500) {
            if instance.logged(&format!("charging run=\"{id}\"")) == 1 {
                return id;
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
    panic!("it leaves all to the other");
}

#[test]
fn an_order_is_started_here_approved_there_and_watched_here() {
    let Some(database) = database("watched") else { return };
    let (a, b) = (Instance::start(&database), Instance::start(&database));
    let started = a.post("/orders", &order("42", "lamp", 2_800));
    assert_eq!((started.status, started.location.as_deref()), (201, Some("/orders/42")));
    let seen = a.watch("42");
    let waiting = wait_for_state(&seen, "Approval");

    // The same again is the same order, another one is not; whichever instance is asked.
    assert_eq!(b.post("/orders", &order("42", "lamp", 2_800)).status, 200);
    let other = b.post("/orders", &order("42", "lamp", 2_900));
    assert_eq!((other.status, &other.body["error"]), (409, &json!("otherArguments")));

    let page = b.get("/orders?status=waiting&at=Approval&customer=Ada").body;
    assert_eq!(page["runs"][0]["id"], "42");
    assert_eq!(b.get("/orders?customer=Bob").body["runs"], json!([]));

    // Both are the same decision.
    assert_eq!(b.approve("42", "eve-1", true).status, 202);
    assert_eq!(b.approve("42", "eve-1", true).status, 202);
    let last = std::iter::from_fn(|| next(&seen)).last().expect("it goes on");
    let amount = &last["receipt"]["payment"]["amount"];
    assert_eq!((&last["status"], amount), (&json!("completed"), &json!(2_800)));
    assert_eq!(b.come_back("42", &last).status, 204);
    assert_eq!(b.come_back("42", &waiting).status, 200);
    assert_eq!(a.logged("shipping run=\"42\"") + b.logged("shipping run=\"42\""), 1);
}

#[test]
fn an_instance_that_is_stopped_ends_its_step_and_leaves_the_rest_to_another() {
    let Some(database) = database("stopped") else { return };
    let (mut a, b) = (Instance::start(&database), Instance::start(&database));
    let id = charging_at(&a);
    let seen = a.watch(&id);
    let told = Instant::now();
    a.terminate();
    assert!(a.end().success());
    assert!(told.elapsed() < Duration::from_secs(10), "{:?}", told.elapsed());
    // Its streams have ended, and what they had told last was that the order is under way.
    assert!(std::iter::from_fn(|| next(&seen)).all(|view| view["status"] != "completed"));
    b.wait_for(&id, "completed");
    let (charging, shipping) = (format!("charging run=\"{id}\""), format!("shipping run=\"{id}\""));
    assert_eq!((a.logged(&charging), b.logged(&charging)), (1, 0));
    assert_eq!((a.logged(&shipping), b.logged(&shipping)), (0, 1));
}

#[test]
fn what_a_killed_instance_was_at_is_done_again_under_the_same_key() {
    let Some(database) = database("killed") else { return };
    let (mut a, b) = (Instance::start(&database), Instance::start(&database));
    let id = charging_at(&a);
    let key = a.get(&format!("/orders/{id}")).body["calls"][0]["key"].clone();
    a.kill();
    let sold = b.wait_for(&id, "completed");
    assert_eq!(sold["receipt"]["payment"]["number"], key.as_str().unwrap()[..8]);
    let charging = format!("charging run=\"{id}\"");
    assert_eq!((a.logged(&charging), b.logged(&charging)), (1, 1));
}

#[test]
fn an_order_is_refunded_if_it_is_cancelled_or_refused_or_sold_out() {
    let Some(database) = database("refunded") else { return };
    let a = Instance::start(&database);
    for id in ["cancelled", "refused"] {
        assert_eq!(a.post("/orders", &order(id, "lamp", 2_800)).status, 201);
        a.wait_for(id, "waiting");
    }
    let wish = json!({ "by": "eve", "reason": "ordered twice" });
    assert_eq!(a.post("/orders/cancelled/cancel", &wish).status, 202);
    assert_eq!(a.approve("refused", "eve-1", false).status, 202);
    assert_eq!(a.post("/orders", &order("sold-out", "unicorn", 90)).status, 201);
    a.wait_for("cancelled", "cancelled");
    assert_eq!(a.wait_for("refused", "failed")["failure"], "eve refused the order");
    assert_eq!(a.wait_for("sold-out", "failed")["failure"], "there is no unicorn left");
    assert_eq!(a.logged("refunding"), 3);
    let again = a.post("/orders/cancelled/cancel", &wish);
    assert_eq!((again.status, &again.body["error"]), (409, &json!("ended")));
    assert_eq!(a.approve("refused", "eve-2", true).status, 409);
}

#[test]
fn lists_come_page_by_page() {
    let Some(database) = database("listed") else { return };
    let a = Instance::start(&database);
    for id in ["1", "2", "3"] {
        assert_eq!(a.post("/orders", &order(id, "lamp", 90)).status, 201);
    }
    let ids = |page: &Value| -> Vec<String> {
        page["runs"].as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap().to_owned()).collect()
    };
    let first = a.get("/orders?limit=2").body;
    assert_eq!(ids(&first), ["3", "2"]);
    let second = a.get(&format!("/orders?limit=2&after={}", first["next"].as_str().unwrap())).body;
    assert_eq!(ids(&second), ["1"]);
}

#[test]
fn what_is_wrong_is_told_in_json() {
    let Some(database) = database("wrong") else { return };
    let a = Instance::start(&database);
    let approval = json!({ "by": "eve", "granted": true });
    let wish = json!({ "by": "eve", "reason": "a test" });
    let long = "x".repeat(300);
    let cases = [
        (a.get("/orders/none"), 404, "unknown"),
        (a.get("/orders/none/live"), 404, "unknown"),
        (a.approve("none", "eve-1", true), 404, "unknown"),
        (a.post("/orders/none/cancel", &wish), 404, "unknown"),
        (a.post("/orders/none/approval", &approval), 400, "noKey"),
        (a.post("/orders", &json!({ "id": "42" })), 422, "body"),
        (a.post("/orders", &order("", "lamp", 90)), 400, "invalidId"),
        (a.post("/orders", &order(&long, "lamp", 90)), 400, "invalidId"),
        (a.get("/orders?status=asleep"), 400, "query"),
        (a.get("/orders?after=somewhere"), 400, "query"),
        (a.get("/nowhere"), 404, "noRoute"),
        (a.get("/orders/none/cancel"), 405, "method"),
    ];
    for (answer, status, code) in cases {
        assert_eq!((answer.status, &answer.body["error"]), (status, &json!(code)), "{answer:?}");
        assert!(answer.body["message"].is_string(), "{answer:?}");
    }
    assert_eq!(a.get("/healthz").status, 200);
    assert!(a.get("/metrics").body.as_str().unwrap().contains("refluxo_claims_total"));
}

#[test]
fn the_metrics_that_the_readme_names_are_there() {
    let table = include_str!("../../../../refluxo/src/observer/metrics.rs");
    let readme = include_str!("../../README.md");
    let words = readme.split(|c: char| !c.is_ascii_lowercase() && c != '_');
    let names: Vec<_> = words.filter(|word| word.starts_with("refluxo_")).collect();
    assert!(names.len() > 5, "{names:?}");
    for name in names {
        let name = name.trim_end_matches("_bucket");
        assert!(table.contains(&format!("//! | `{name}` |")), "there is no metric {name}");
    }
}

/// Prometheus' `increase` tells nothing of a counter that begins with its first event.
#[test]
fn what_the_readme_alerts_on_is_counted_before_it_happens() {
    let Some(database) = database("alerts") else { return };
    let readme = include_str!("../../README.md");
    let alerts =
        readme.lines().filter(|line| line.starts_with("| `increase(") || line.starts_with("| `rate("));
    let names = alerts.filter_map(|alert| alert.split(['(', '[', '{']).nth(1));
    // Which steps there are shows when they run.
    let names: Vec<_> = names.filter(|name| !name.contains("_step_")).collect();
    assert!(names.len() > 3, "{names:?}");
    let a = Instance::start(&database);
    let is_there = |name: &&str| {
        let metrics = a.get("/metrics").body;
        let mut lines = metrics.as_str().expect("text").lines().map(str::to_owned);
        lines.any(|line| line.starts_with(&format!("{name}{{")) || line == format!("{name} 0"))
    };
    let begun = Instant::now();
    while !names.iter().all(is_there) {
        let missing: Vec<_> = names.iter().filter(|name| !is_there(name)).collect();
        assert!(begun.elapsed() < Duration::from_secs(10), "there is no {missing:?}");
        thread::sleep(Duration::from_millis(20));
    }
}
