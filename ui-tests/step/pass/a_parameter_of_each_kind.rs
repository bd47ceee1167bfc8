use refluxo::prelude::*;
use std::path::Path;

struct Bank(u32);

#[derive(Clone, Serialize, Deserialize)]
struct Order(u32);

#[step]
async fn charge(#[inject] bank: &Bank, #[inject] cx: &StepContext, id: &str, list: &[u8], at: &Path, order: &Order) -> u32 {
    assert!(cx.attempt() > 0 && id.len() > list.len() && at.is_absolute());
    bank.0 + order.0
}

fn main() {
    let call: charge = charge("o-1", &[1], Path::new("/"), &Order(2));
    let charge { id, list, at, order } = call;
    let _: (String, Vec<u8>, std::path::PathBuf, Order) = (id, list, at, order);
}
