use refluxo::prelude::*;

#[step]
async fn trimmed(name: &str) -> &str {
    name.trim()
}

fn main() {
    let _ = trimmed(" eve ");
}
