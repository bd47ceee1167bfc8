use refluxo::prelude::*;

trait Bank: Send + Sync {
    fn fee(&self) -> u32;
}

#[step]
async fn charge(#[inject] bank: &dyn Bank, order: u32) -> u32 {
    order + bank.fee()
}

fn main() {
    let _ = charge(1);
}
