use refluxo::prelude::*;

#[derive(Serialize, Deserialize, Signal)]
struct Changed<T> {
    to: T,
}

fn main() {
    let _ = Changed { to: 1 };
}
