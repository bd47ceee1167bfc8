use refluxo::prelude::*;
use refluxo::machine::Machine;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[workflow]
async fn report(id: u32) -> String {
    #[state(First)]
    let first = load(id).await;
    #[state(Second)]
    let second = load(id + 1).await;
    first + &second
}

fn main() {
    let _ = report(1);
    let names = Report::GRAPH.states.iter().map(|state| state.name);
    assert!(names.eq(["Start", "First", "Second"]));
}
