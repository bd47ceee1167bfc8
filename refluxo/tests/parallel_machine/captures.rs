//! What a block takes from around it.

use std::collections::BTreeMap;

use refluxo::prelude::*;

use crate::{
    driver::{run, run_with},
    steps::{Item, Order, check, double, note, order},
};

/// A macro that tells nothing of its arguments.
macro_rules! foreign {
    ($($tokens:tt)*) => {
        format!($($tokens)*)
    };
}

#[workflow]
pub(crate) async fn inferred(n: u32) -> Vec<u32> {
    let mut held = Vec::new();
    let (held, other) = join!(
        async move {
            held.push(double(n).await);
            held.push(double(n + 1).await);
            held
        },
        double(n),
    );
    let mut held = held;
    held.push(other);
    held
}

#[test]
fn a_local_whose_type_is_known_in_the_block_alone_is_captured() {
    assert_eq!(run(inferred(5)), "[10,12,10]");
}

#[workflow]
pub(crate) async fn parts(order: Order) -> (String, Vec<String>, String) {
    let ((a, b), c) = join!(
        async move {
            let noted = note(order.customer).await;
            let again = note(noted.clone()).await;
            (noted, again)
        },
        async move {
            let mut all = Vec::new();
            for item in order.items {
                all.push(note(item.sku).await);
            }
            all
        },
    );
    (a + &b, c, order.id)
}

#[test]
fn blocks_take_fields_alone() {
    let (output, driver) = run_with(parts(order()), 0);
    assert_eq!(output, r#"["<eve><<eve>>",["<ink>","<pen>"],"o1"]"#);
    assert!(driver.states.contains(&r#"JoinBranch1 {"order_customer":"eve"}"#.to_owned()));
}

#[workflow]
pub(crate) async fn whole_and_parts(order: Order, label: &str) -> String {
    let n = order.items.len();
    let (text, m) = join!(
        async move {
            let n = n + 1;
            let id = note(order.id.clone()).await;
            let customer = order.customer;
            let noted = note(customer).await;
            println!("{n} {id} {noted}");
            let len = order.items.len();
            foreign!("{n} {id} {noted} {label} {}", len)
        },
        async move {
            let mut n = double(u32::try_from(n).unwrap_or(0)).await;
            {
                let n2 = n;
                let n = double(n2).await;
                println!("{n}");
            }
            n += 1;
            n
        }
    );
    let shout = |text: &str| text.to_uppercase();
    shout(&format!("{text} {m} {n} {label}"))
}

#[test]
fn what_is_shadowed_or_in_a_string_is_what_rust_means() {
    assert_eq!(run(whole_and_parts(order(), "lab")), r#""3 <O1> <EVE> LAB 2 5 2 LAB""#);
}

#[workflow]
pub(crate) async fn indexed(order: Order) -> Vec<String> {
    let mut all = Vec::new();
    for (index, item) in order.items.iter().enumerate() {
        let (left, right) =
            join!(async move { format!("{index}{}", note(item.sku.clone()).await) }, async move {
                let mut left = item.count;
                while left > 0 {
                    left -= 1;
                    if double(left).await == 2 {
                        break;
                    }
                }
                left + u32::try_from(index).unwrap_or(0)
            },);
        if right > 5 {
            continue;
        }
        all.push(format!("{left}{right}"));
    }
    let counted = join_all!(for (index, item) in order.items.iter().enumerate() => async move {
        let doubled = double(item.count).await;
        (index, doubled, item.sku.clone())
    });
    for (index, doubled, sku) in counted {
        all.push(format!("{index}{doubled}{sku}"));
    }
    let owned = join_all!(for item in order.items => async move {
        let doubled = double(item.count).await;
        (doubled, item.sku)
    });
    all.push(format!("{}", owned.len()));
    all
}

#[test]
fn references_are_copied_and_numbers_and_owned_items_are_themselves() {
    assert_eq!(run(indexed(order())), r#"["0<ink>1","1<pen>2","04ink","16pen","2"]"#);
}

/// An order of which one item is known by name.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Pair {
    items: Vec<Item>,
    second: Option<Item>,
}

#[workflow]
pub(crate) async fn optional(order: Pair) -> Option<String> {
    let first = order.items.first().map(|item| item.count)?;
    let Some(Item { sku, count }) = &order.second else { return None };
    let (a, b) = join!(
        async move {
            let next = Some(double(first).await).filter(|n| *n > 3)?;
            let again = check(next).await.ok()?;
            Some(again)
        },
        async move { note(format!("{sku}{count}")).await },
    );
    let a = a?;
    Some(format!("{a}{b}"))
}

#[test]
fn a_question_mark_on_an_option_ends_the_block() {
    assert_eq!(run(optional(Pair { items: order().items, second: order().items.pop() })), r#""4<pen3>""#);
}

#[workflow]
pub(crate) async fn captured_twice(n: u32, text: String) -> (String, String, Vec<u32>) {
    let copy = text.clone();
    let list = vec![1, 2, n];
    let mut found = None;
    let (a, b) = join!(
        async move {
            let (inner, c) = join!(async move { note(text).await }, async move {
                let sum: u32 = list.iter().sum();
                let twice = double(sum).await;
                list.into_iter().map(|x| x + twice).collect::<Vec<_>>()
            },);
            (inner, c)
        },
        async move {
            if found.is_none() {
                found = Some(double(n).await);
            }
            let got = found.unwrap_or(0);
            note(format!("{copy}{got}")).await
        },
    );
    (a.0, b, a.1)
}

#[test]
fn a_block_in_a_block_takes_from_both_around_it() {
    assert_eq!(run(captured_twice(4, "t".into())), r#"["<t>","<t8>",[15,16,18]]"#);
}

/// What can be borrowed in many ways.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Shelf {
    kind: Kind,
    label: Option<String>,
    text: String,
    counts: Vec<u32>,
    prices: BTreeMap<String, u32>,
    pair: Box<(String, String)>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Kind {
    Named { name: String },
    Numbered(u32),
}

#[workflow]
pub(crate) async fn views(shelf: Shelf, tag: &str) -> Vec<String> {
    let mut all = Vec::new();
    match &shelf.kind {
        Kind::Named { name } => {
            let (a, b) =
                join!(async move { note(name.clone()).await }, async move { note(tag.to_owned()).await });
            all.push(a + &b);
        }
        Kind::Numbered(n) => {
            let (a, b) = join!(async move { double(*n).await }, async move { note(tag.to_owned()).await });
            all.push(format!("{a}{b}"));
        }
    }
    if let Some(label) = &shelf.label {
        let (a, ()) = join!(async move { note(label.to_owned()).await }, async move {});
        all.push(a);
    }
    for pair in shelf.counts.windows(2) {
        let (sum,) = join!(async move { double(pair[0] + pair[1]).await });
        all.push(sum.to_string());
    }
    for line in shelf.text.lines() {
        let (a,) = join!(async move { note(line.trim().to_owned()).await });
        all.push(a);
    }
    for (name, price) in &shelf.prices {
        let (a, b) = join!(async move { note(name.clone()).await }, async move { double(*price).await });
        all.push(format!("{a}{b}"));
    }
    let (left, right) = *shelf.pair;
    let (left, right) = join!(async move { note(left).await }, async move { note(right).await });
    all.push(left + &right);
    all
}

#[test]
fn what_a_block_borrows_is_borrowed_inside() {
    let mut shelf = Shelf {
        kind: Kind::Named { name: "n".into() },
        label: Some("l".into()),
        text: " a \nb".into(),
        counts: vec![1, 2, 3],
        prices: BTreeMap::from([("p".into(), 5)]),
        pair: Box::new(("x".into(), "y".into())),
    };
    let rest = r#""<l>","6","10","<a>","<b>","<p>10","<x><y>"]"#;
    assert_eq!(run(views(shelf.clone(), "t")), format!(r#"["<n><t>",{rest}"#));
    shelf.kind = Kind::Numbered(4);
    assert_eq!(run(views(shelf, "t")), format!(r#"["8<t>",{rest}"#));
}

#[workflow]
pub(crate) async fn popped(mut stack: Vec<u32>) -> (u32, u32) {
    let mut total = 0;
    while let Some(n) = stack.pop() {
        let (a, b) = join!(async move { double(n).await }, async move { double(n + total).await });
        total += a + b;
    }
    let last = if total > 3 { double(total).await } else { 2 };
    let (more, same) = join!(async move { double(last).await + last }, async move { last });
    (total, more + same + last)
}

#[test]
fn a_copy_is_taken_by_both_and_stays() {
    assert_eq!(run(popped(vec![])), "[0,10]");
    assert_eq!(run(popped(vec![1, 2])), "[28,280]");
}
