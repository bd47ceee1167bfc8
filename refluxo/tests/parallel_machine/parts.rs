//! Fields that blocks take, of locals around them and of their own.

use std::sync::Arc;

use refluxo::prelude::*;

use crate::{
    driver::{run, run_with},
    steps::{Item, Order, double, note, order},
};

#[step]
async fn fetch(n: u32) -> Order {
    Order { id: format!("o{n}"), ..order() }
}

#[step]
async fn ship(items: Vec<Item>) -> usize {
    items.len()
}

/// Many runs may read one.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Catalog {
    name: String,
    label: String,
}

#[step]
async fn load(name: String) -> Arc<Catalog> {
    Arc::new(Catalog { label: format!("label of {name}"), name })
}

#[workflow]
pub(crate) async fn each_by_parts(orders: Vec<Order>) -> Vec<(usize, String)> {
    join_all!(for order in orders => async move {
        let shipped = ship(order.items).await;
        (shipped, note(order.customer).await)
    })
}

#[test]
fn what_a_loop_binds_is_moved_by_parts() {
    let (output, driver) = run_with(each_by_parts(vec![order()]), 0);
    assert_eq!(output, r#"[[2,"<eve>"]]"#);
    assert!(driver.states.iter().all(|state| !state.contains(r#""order":"#)));
}

#[workflow]
pub(crate) async fn made_by_parts(customer: String) -> (usize, String, u32) {
    let order = Order { id: String::new(), customer, items: Vec::new() };
    let ((shipped, noted), doubled) = join!(
        async move {
            let shipped = ship(order.items).await;
            (shipped, note(order.customer).await)
        },
        double(2),
    );
    (shipped, noted, doubled)
}

#[test]
fn what_is_made_before_a_form_is_moved_by_parts() {
    assert_eq!(run(made_by_parts("eve".into())), r#"[0,"<eve>",4]"#);
}

#[workflow]
pub(crate) async fn own_by_parts(n: u32) -> (usize, String, u32) {
    let ((shipped, noted), doubled) = join!(
        async move {
            let order = fetch(n).await;
            let shipped = ship(order.items).await;
            (shipped, note(order.customer).await)
        },
        double(n),
    );
    (shipped, noted, doubled)
}

#[test]
fn what_a_block_binds_is_moved_by_parts() {
    assert_eq!(run(own_by_parts(3)), r#"[2,"<eve>",6]"#);
}

#[workflow]
pub(crate) async fn own_of_the_outer_block(n: u32) -> (usize, String, u32) {
    let (pair, doubled) = join!(
        async move {
            let order = fetch(n).await;
            let noted = note(order.id.clone()).await;
            let ((shipped, customer), _) = join!(
                async move {
                    let shipped = ship(order.items).await;
                    (shipped, note(order.customer).await)
                },
                double(n),
            );
            (shipped, noted + &customer)
        },
        double(n),
    );
    (pair.0, pair.1, doubled)
}

#[test]
fn what_a_block_binds_is_taken_by_parts_into_a_block_in_it() {
    assert_eq!(run(own_of_the_outer_block(3)), r#"[2,"<o3><eve>",6]"#);
}

#[workflow]
pub(crate) async fn read_alone(name: String) -> (String, u32) {
    let catalog = load(name).await;
    let before = note(catalog.name.clone()).await;
    let (noted, doubled) = join!(
        async move {
            let name = note(catalog.name.clone()).await;
            name + &note(catalog.label.clone()).await
        },
        double(2),
    );
    (before + &noted, doubled)
}

#[test]
fn what_is_read_alone_is_taken_whole() {
    assert_eq!(run(read_alone("n".into())), r#"["<n><n><label of n>",4]"#);
}

#[workflow]
pub(crate) async fn read_in_a_macro(n: u32) -> (String, String) {
    let order = fetch(n).await;
    join!(async move { note(order.customer.clone()).await }, note(format!("no {}", order.id)))
}

#[test]
fn what_a_macro_beside_a_block_shows_is_not_taken_with_it() {
    assert_eq!(run(read_in_a_macro(3)), r#"["<eve>","<no o3>"]"#);
}

#[workflow]
pub(crate) async fn read_twice(n: u32) -> (String, u32, String) {
    let order = fetch(n).await;
    let item = Item { sku: "ink".into(), count: n };
    let label = order.id.as_str();
    let (noted, count) =
        join!(async move { note(order.customer.clone()).await }, async move { double(item.count).await },);
    let counts = join_all!(for extra in 0..2_u32 => async move { double(extra + item.count).await });
    let label = note(label.to_owned()).await;
    (noted, count + counts.iter().sum::<u32>() + item.count, label)
}

#[test]
fn what_others_need_a_field_of_is_not_taken_whole() {
    assert_eq!(run(read_twice(3)), r#"["<eve>",23,"<o3>"]"#);
}
