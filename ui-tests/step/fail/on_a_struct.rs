use refluxo::prelude::*;

#[step]
pub struct Charge {
    pub order: u32,
}

fn main() {
    let _ = Charge { order: 1 };
}
