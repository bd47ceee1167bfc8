use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[workflow]
async fn report(id: u32) -> usize {
    let cell = std::rc::Rc::new(std::cell::Cell::new(id));
    let add = |n: u32| cell.set(cell.get() + n);
    [1, 2, 3].into_iter().for_each(add);
    let sum = cell.get();
    drop(cell);
    load(sum).await.len()
}

fn main() {
    let _ = report(1);
}
