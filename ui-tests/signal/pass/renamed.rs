use refluxo::prelude::*;

#[derive(Serialize, Deserialize, Signal)]
#[signal(name = "approved")]
pub struct Approval(pub bool);

fn main() {
    assert_eq!(Approval::NAME, "approved");
}
