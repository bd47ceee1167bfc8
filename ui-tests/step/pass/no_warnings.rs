#![deny(warnings, missing_docs, unreachable_pub, unused_qualifications, single_use_lifetimes)]
//! No warning comes of it.

/// Money.
pub mod bank {
    use refluxo::prelude::*;

    /// What a step gives back.
    #[derive(Clone, Serialize, Deserialize)]
    pub struct Receipt;

    /// Charges.
    #[step(name = "charge-card")]
    pub async fn charge(#[inject] fee: &u32, order: u32, note: &str) -> Receipt {
        let _ = (fee, order, note);
        Receipt
    }
}

fn main() {
    let _ = bank::charge(1, "");
}
