//! What a block takes from around it.

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
