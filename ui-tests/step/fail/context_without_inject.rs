use refluxo::prelude::*;

#[step]
async fn charge(cx: &StepContext, order: u32) -> String {
    format!("{} {order}", cx.run_id())
}

fn main() {}
