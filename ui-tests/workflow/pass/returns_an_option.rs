use refluxo::prelude::*;

#[step]
async fn find(id: u32) -> Option<u32> {
    id.checked_sub(1)
}

#[workflow]
async fn twice(id: u32) -> Option<u32> {
    let first = find(id).await?;
    find(first).await
}

fn main() {
    let _ = twice(2);
}
