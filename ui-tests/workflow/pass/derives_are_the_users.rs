use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

/// Loads.
#[workflow]
#[derive(Clone, Debug)]
async fn report(id: u32) -> String {
    load(id).await
}

fn main() {
    println!("{:?}", report(1).clone());
}
