//! The steps: deterministic functions of their arguments, each of which notes its call first.
//!
//! Mounted twice, like the programs: as `#[step]`s and as ordinary async functions.

#![allow(
    clippy::unused_async,
    clippy::missing_errors_doc,
    clippy::wildcard_imports,
    reason = "small stand-ins: what they do is said in one line, and nothing in them is awaited"
)]

use std::collections::{BTreeMap, HashMap};

use serde::de::DeserializeOwned;
use serde_json::json;

use super::step_prelude::step;
use crate::{trace::record, types::*};

/// Gives a number back: the smallest thing to await.
#[step]
pub async fn number(n: u64) -> u64 {
    record("number", n);
    n
}

/// Adds.
#[step]
pub async fn add(a: u64, b: u64) -> u64 {
    record("add", (a, b));
    a.wrapping_add(b)
}

/// Doubles.
#[step]
pub async fn double(n: u64) -> u64 {
    record("double", n);
    n.wrapping_mul(2)
}

/// Counts one up.
#[step]
pub async fn next(n: u32) -> u32 {
    record("next", n);
    n.wrapping_add(1)
}

/// A signed number, for negation.
#[step]
pub async fn signed(n: i64) -> i64 {
    record("signed", n);
    n
}

/// A fraction, for casts.
#[step]
pub async fn ratio(a: u64, b: u64) -> f64 {
    record("ratio", (a, b));
    f64::from(u32::try_from(a).unwrap_or(0)) / f64::from(u32::try_from(b).unwrap_or(1))
}

/// An index.
#[step]
pub async fn index(n: usize) -> usize {
    record("index", n);
    n
}

/// A byte.
#[step]
pub async fn byte(n: u8) -> u8 {
    record("byte", n);
    n
}

/// Says whether a number is even.
#[step]
pub async fn is_even(n: u64) -> bool {
    record("is_even", n);
    n.is_multiple_of(2)
}

/// Answers as it is told.
#[step]
pub async fn ask(question: &str, answer: bool) -> bool {
    record("ask", (question, answer));
    answer
}

/// Does nothing but be noticed.
#[step]
pub async fn tick() {
    record("tick", ());
}

/// Notes a line.
#[step]
pub async fn log(line: &str) {
    record("log", line);
}

/// Notes a line that it owns, and gives it back.
#[step]
pub async fn say(line: String) -> String {
    record("say", &line);
    line
}

/// Shouts.
#[step]
pub async fn upper(text: &str) -> String {
    record("upper", text);
    text.to_uppercase()
}

/// How long a text is.
#[step]
pub async fn length(text: &str) -> usize {
    record("length", text);
    text.len()
}

/// Joins two texts.
#[step]
pub async fn join(a: &str, b: &str) -> String {
    record("join", (a, b));
    format!("{a}{b}")
}

/// Cuts a text into words.
#[step]
pub async fn split(text: &str) -> Vec<String> {
    record("split", text);
    words(text)
}

/// A number and its name.
#[step]
pub async fn pair(n: u64) -> (u64, String) {
    record("pair", n);
    (n * 10, format!("n{n}"))
}

/// The numbers below a limit.
#[step]
pub async fn below(n: u64) -> Vec<u64> {
    record("below", n);
    (0..n).collect()
}

/// Adds up a slice.
#[step]
pub async fn sum(numbers: &[u64]) -> u64 {
    record("sum", numbers);
    numbers.iter().copied().fold(0, u64::wrapping_add)
}

/// A number that may not be there: even ones are not.
#[step]
pub async fn find(n: u64) -> Option<u64> {
    record("find", n);
    (n % 2 == 1).then_some(n * 100)
}

/// Divides, if that can be done.
#[step]
pub async fn divide(a: u64, b: u64) -> Result<u64, BankError> {
    record("divide", (a, b));
    a.checked_div(b).ok_or(BankError { code: 0 })
}

/// Reads a number.
#[step]
pub async fn parse(text: &str) -> Result<u64, ShopError> {
    record("parse", text);
    Ok(text.parse()?)
}

/// Succeeds from the third attempt on.
#[step]
pub async fn flaky(attempt: u32) -> Result<String, BankError> {
    record("flaky", attempt);
    if attempt < 3 { Err(BankError { code: 500 + attempt }) } else { Ok(format!("attempt {attempt}")) }
}

/// Reserves an item; there is nothing that starts with `x`.
#[step]
pub async fn reserve(sku: &str, qty: u32) -> Result<Reservation, ShopError> {
    record("reserve", (sku, qty));
    if sku.starts_with('x') {
        return Err(ShopError::OutOfStock { sku: sku.to_owned() });
    }
    Ok(Reservation { id: format!("r-{sku}"), sku: sku.to_owned(), qty })
}

/// Gives a reservation back.
#[step]
pub async fn release(reservation: Reservation) {
    record("release", reservation);
}

/// Charges an order; the bank has no more than a thousand.
#[step]
pub async fn charge(order: &str, amount: u64) -> Result<Receipt, BankError> {
    record("charge", (order, amount));
    if amount > 1000 {
        return Err(BankError { code: 402 });
    }
    Ok(Receipt { order: order.to_owned(), amount })
}

/// Sends goods.
#[step]
pub async fn ship(address: &Address, parcels: Vec<Reservation>) -> Result<String, ShopError> {
    record("ship", (address, &parcels));
    if parcels.is_empty() { Err(ShopError::Empty) } else { Ok(format!("{} parcels", parcels.len())) }
}

/// Prices one line.
#[step]
pub async fn price(item: &Item) -> u64 {
    record("price", item);
    item.price * u64::from(item.qty)
}

/// Takes a line away.
#[step]
pub async fn pack(item: Item) -> String {
    record("pack", &item);
    format!("{}×{}", item.sku, item.qty)
}

/// Looks a user up; there are nine.
#[step]
pub async fn user(id: u64) -> Option<User> {
    record("user", id);
    (1..10).contains(&id).then(|| User {
        id,
        name: format!("user{id}"),
        age: 15 + u32::try_from(id).unwrap_or(0),
    })
}

/// Changes a user.
#[step]
pub async fn birthday(user: User) -> User {
    record("birthday", &user);
    User { age: user.age + 1, ..user }
}

/// A page of a list of `pages` pages.
#[step]
pub async fn page(cursor: Option<u64>, pages: u64) -> Page {
    record("page", (cursor, pages));
    let n = cursor.unwrap_or(0);
    Page { rows: vec![format!("row {n}a"), format!("row {n}b")], next: (n + 1 < pages).then_some(n + 1) }
}

/// Gets anything from the web.
#[step]
pub async fn fetch<T: DeserializeOwned + Default + Send + 'static>(url: &str) -> T {
    record("fetch", url);
    let found = match url {
        "/user" => json!({ "id": 4, "name": "Eve", "age": 30 }),
        "/page" => json!({ "rows": ["a", "b", "c"], "next": null }),
        _ => json!(url.len()),
    };
    serde_json::from_value(found).unwrap_or_default()
}

/// The pages that a page points to.
#[step]
pub async fn links(url: &str) -> Vec<String> {
    record("links", url);
    if url.len() > 3 { Vec::new() } else { vec![format!("{url}a"), format!("{url}b"), "/".to_owned()] }
}

/// How much there is of each thing.
#[step]
pub async fn stock() -> BTreeMap<String, u64> {
    record("stock", ());
    [("apple", 3), ("pear", 0), ("plum", 12)].map(|(name, n)| (name.to_owned(), n)).into()
}

/// The same, in no order.
#[step]
pub async fn stock_unordered() -> HashMap<String, u64> {
    record("stock_unordered", ());
    [("apple", 3), ("pear", 0), ("plum", 12)].map(|(name, n)| (name.to_owned(), n)).into()
}

/// Admits one.
#[step]
pub async fn issue(n: u64) -> Ticket {
    record("issue", n);
    Ticket(n)
}

/// Uses a ticket up.
#[step]
pub async fn redeem(ticket: Ticket) -> u64 {
    record("redeem", &ticket);
    ticket.0
}

/// Exchanges a ticket.
#[step]
pub async fn upgrade(ticket: Ticket) -> Ticket {
    record("upgrade", &ticket);
    Ticket(ticket.0 + 100)
}

/// The light that follows.
#[step]
pub async fn switch(light: Light) -> Light {
    record("switch", light);
    match light {
        Light::Red => Light::Green,
        Light::Green => Light::Yellow { blinking: false },
        Light::Yellow { blinking: false } => Light::Yellow { blinking: true },
        Light::Yellow { blinking: true } => Light::Red,
    }
}

/// Moves money.
#[step(name = "bank.transfer")]
pub async fn transfer(from: &str, to: &str, amount: u64) -> Result<u64, BankError> {
    record("transfer", (from, to, amount));
    if from == to { Err(BankError { code: 409 }) } else { Ok(amount) }
}

/// A module of steps, called by path.
pub mod inventory {
    use super::{record, step};

    /// How many there are.
    #[step(name = "inventory.count")]
    pub async fn count(sku: &str) -> u32 {
        record("inventory::count", sku);
        u32::try_from(sku.len()).unwrap_or(0)
    }

    /// Takes some away and says what is left.
    #[step(name = "inventory.take")]
    pub async fn take(sku: String, qty: u32) -> u32 {
        record("inventory::take", (&sku, qty));
        u32::try_from(sku.len()).unwrap_or(0).saturating_sub(qty)
    }
}
