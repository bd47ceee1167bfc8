use refluxo::prelude::*;

#[derive(Serialize, Deserialize, Signal)]
enum Answer {
    Yes,
    No { why: String },
}

fn main() {
    let _ = (Answer::Yes, Answer::No { why: String::new() });
    assert_eq!(Answer::NAME, "Answer");
}
