//! The steps that take their time. Mounted twice, like the programs.

#![allow(clippy::missing_errors_doc, reason = "what each does is said in one line")]

use std::time::Duration;

use super::step_prelude::step;
use crate::{
    trace::record,
    types::{BankError, ShopError},
};

/// Gives a number back after so many milliseconds.
#[step]
pub async fn slow(n: u64, ms: u64) -> u64 {
    record("slow", (n, ms));
    tokio::time::sleep(Duration::from_millis(ms)).await;
    n
}

/// Gives a text back after so many milliseconds.
#[step]
pub async fn slow_text(text: &str, ms: u64) -> String {
    record("slow_text", (text, ms));
    tokio::time::sleep(Duration::from_millis(ms)).await;
    text.to_uppercase()
}

/// Refuses odd numbers after so many milliseconds.
#[step]
pub async fn slow_even(n: u64, ms: u64) -> Result<u64, String> {
    record("slow_even", (n, ms));
    tokio::time::sleep(Duration::from_millis(ms)).await;
    if n.is_multiple_of(2) { Ok(n) } else { Err(format!("{n} is odd")) }
}

/// Divides, if that can be done, after so many milliseconds.
#[step]
pub async fn slow_divide(a: u64, b: u64, ms: u64) -> Result<u64, ShopError> {
    record("slow_divide", (a, b, ms));
    tokio::time::sleep(Duration::from_millis(ms)).await;
    Ok(a.checked_div(b).ok_or(BankError { code: 0 })?)
}

/// Takes something back.
#[step]
pub async fn take_back(what: String) {
    record("take_back", &what);
    tokio::time::sleep(Duration::from_millis(1)).await;
}
