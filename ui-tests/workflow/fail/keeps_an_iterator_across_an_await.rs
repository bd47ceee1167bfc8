use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> u32 {
    id
}

#[workflow]
async fn report(numbers: Vec<u32>) -> Option<u32> {
    let mut rest = numbers.iter();
    load(1).await;
    rest.next().copied()
}

fn main() {}
