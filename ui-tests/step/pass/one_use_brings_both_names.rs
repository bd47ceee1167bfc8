mod bank {
    use refluxo::prelude::*;

    #[step]
    pub async fn charge(order: u32) -> u32 {
        order
    }
}

use bank::charge;

fn main() {
    let call: charge = charge(1);
    let charge { order } = call;
    assert_eq!(order, 1);
}
