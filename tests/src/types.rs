//! The data that the programs work on: one definition for both ways.

#![expect(missing_docs, reason = "a field of a sample order says what it is by its name")]

use std::{collections::BTreeMap, num::ParseIntError};

use refluxo::prelude::{Deserialize, Serialize, Signal};

use crate::trace::record;

/// What a customer wants to buy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Order {
    pub id: String,
    pub customer: Customer,
    pub items: Vec<Item>,
    pub kind: Kind,
    pub coupon: Option<Coupon>,
    pub notes: BTreeMap<String, String>,
    pub total: u64,
}

/// Who buys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Customer {
    pub name: String,
    pub email: Option<String>,
    pub address: Address,
    pub vip: bool,
}

/// Where a parcel goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Address {
    pub street: String,
    pub city: String,
}

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item {
    pub sku: String,
    pub qty: u32,
    pub price: u64,
}

/// How an order is handled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Kind {
    Standard,
    Gift { message: String, wrap: bool },
    Bulk(u32, Vec<String>),
}

/// A discount.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Coupon {
    pub code: String,
    pub percent: u64,
}

/// A person with an account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct User {
    pub id: u64,
    pub name: String,
    pub age: u32,
}

/// A part of a long list.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Page {
    pub rows: Vec<String>,
    pub next: Option<u64>,
}

/// Items held back in the warehouse.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reservation {
    pub id: String,
    pub sku: String,
    pub qty: u32,
}

/// Proof of a payment. Not `Clone`: nothing in a workflow may need that.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    pub order: String,
    pub amount: u64,
}

/// Admission for one. Not `Clone` either.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Ticket(pub u64);

/// A colour and a point in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Light {
    Red,
    Green,
    Yellow { blinking: bool },
}

/// What goes wrong in the shop.
#[derive(Clone, Debug, PartialEq, thiserror::Error, Serialize, Deserialize)]
pub enum ShopError {
    #[error("{sku} is out of stock")]
    OutOfStock { sku: String },
    #[error("refused by {0}")]
    Refused(String),
    #[error("nothing to sell")]
    Empty,
    #[error(transparent)]
    Bank(#[from] BankError),
    #[error("not a number: {0}")]
    Number(String),
}

/// What goes wrong at the bank.
#[derive(Clone, Debug, PartialEq, thiserror::Error, Serialize, Deserialize)]
#[error("the bank answered {code}")]
pub struct BankError {
    pub code: u32,
}

impl From<ParseIntError> for ShopError {
    fn from(error: ParseIntError) -> Self {
        Self::Number(error.to_string())
    }
}

/// Somebody's decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Signal)]
pub struct Approval {
    pub by: String,
    pub granted: bool,
}

/// Money that came in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Signal)]
pub struct Payment {
    pub amount: u64,
}

/// What a person typed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Signal)]
pub enum Command {
    Add(u64),
    Say { text: String },
    Stop,
}

/// A resource that steps have injected.
#[derive(Debug, Default)]
pub struct Ledger;

impl Ledger {
    /// Books an amount and returns the fee.
    #[must_use]
    pub fn book(&self, account: &str, amount: u64) -> u64 {
        record("book", (account, amount));
        amount / 10
    }
}

/// An order of `count` items, the same for the same arguments.
#[must_use]
pub fn order(id: &str, count: u32) -> Order {
    let items: Vec<_> = (1..=count).map(|n| item(&format!("sku-{n}"), n, u64::from(n) * 7)).collect();
    Order {
        id: id.to_owned(),
        customer: customer("Ada"),
        total: items.iter().map(|item| item.price).sum(),
        items,
        kind: Kind::Standard,
        coupon: None,
        notes: [("door", "blue"), ("time", "noon")].map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
    }
}

/// One line of an order.
#[must_use]
pub fn item(sku: &str, qty: u32, price: u64) -> Item {
    Item { sku: sku.to_owned(), qty, price }
}

/// A customer of that name.
#[must_use]
pub fn customer(name: &str) -> Customer {
    Customer {
        name: name.to_owned(),
        email: Some(format!("{name}@example.org")),
        address: Address { street: "1 Long Road".to_owned(), city: "Delft".to_owned() },
        vip: name.starts_with('A'),
    }
}

/// Several words at once.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(String::from).collect()
}

impl Order {
    /// The same order, of another kind.
    #[must_use]
    pub fn with_kind(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }

    /// The same order, at a discount.
    #[must_use]
    pub fn with_coupon(self, code: &str, percent: u64) -> Self {
        Self { coupon: Some(Coupon { code: code.to_owned(), percent }), ..self }
    }
}
