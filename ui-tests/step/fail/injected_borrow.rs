use refluxo::prelude::*;

#[step]
async fn charge(#[inject] name: &Option<&str>, order: u32) -> u32 {
    order + u32::from(name.is_some())
}

fn main() {
    let _ = charge(1);
}
