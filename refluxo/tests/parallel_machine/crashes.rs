//! The same workflows in the engine, with a crash before and after each commit.

use refluxo::{
    machine::Machine,
    testing::{TestEngine, crash_everywhere},
};

use crate::{blocks, captures, forms, steps::order};

/// Runs a workflow undisturbed, and with a crash everywhere.
async fn gives<M: Machine>(workflow: fn() -> M, json: &str) {
    let engine = TestEngine::builder().register::<M>().build().await;
    let run = engine.start("alone", workflow()).await.unwrap();
    let output = engine.end_of(&run).await.unwrap();
    assert_eq!(serde_json::to_string(&output).unwrap(), json);
    crash_everywhere(workflow).await;
}

#[tokio::test(start_paused = true)]
async fn blocks_survive_crashes() {
    gives(|| blocks::blocks(order()), r#"[11,["before","<eve>","<o1>"]]"#).await;
    gives(|| blocks::tried(2), r#"{"Ok":"100 Some(6)"}"#).await;
    gives(|| blocks::tried(3), r#"{"Err":"150 is too much"}"#).await;
    gives(|| blocks::nested(order()), r#"{"Ok":"<ink>244<pen>366"}"#).await;
    gives(|| blocks::unit_blocks(2), "5").await;
    gives(|| blocks::tries(3), r#"{"Ok":13}"#).await;
    gives(|| blocks::tries(11), r#"{"Err":"101 is too much"}"#).await;
}

#[tokio::test(start_paused = true)]
async fn forms_survive_crashes() {
    gives(|| forms::two_calls(4), r#"[8,"<4>"]"#).await;
    gives(|| forms::many(order()), r#"["o1<ink>4","o1<pen>6"]"#).await;
    gives(|| forms::limited(2), r#"{"Ok":[8,4]}"#).await;
}

#[tokio::test(start_paused = true)]
async fn captures_survive_crashes() {
    gives(|| captures::inferred(5), "[10,12,10]").await;
    gives(|| captures::parts(order()), r#"["<eve><<eve>>",["<ink>","<pen>"],"o1"]"#).await;
    gives(|| captures::indexed(order()), r#"["0<ink>1","1<pen>2","04ink","16pen","2"]"#).await;
    gives(|| captures::captured_twice(4, "t".into()), r#"["<t>","<t8>",[15,16,18]]"#).await;
    gives(|| captures::whole_and_parts(order(), "lab"), r#""3 <O1> <EVE> LAB 2 5 2 LAB""#).await;
}
