//! Every way to call a step.

use super::prelude::*;

#[workflow]
async fn by_path(sku: String) -> u32 {
    let n = steps::inventory::count(&sku).await;
    steps::inventory::take(sku, n / 2).await
}

#[workflow]
async fn by_an_imported_module(sku: String) -> u32 {
    use steps::inventory;
    let n = inventory::count(&sku).await;
    tick().await;
    inventory::take(sku.clone(), n).await + inventory::count(&sku).await
}

#[workflow]
async fn renamed_step(amount: u64) -> Result<u64, BankError> {
    let moved = transfer("a", "b", amount).await?;
    let again = transfer("a", "a", moved).await?;
    Ok(again)
}

#[workflow]
async fn generic_step() -> String {
    let user = fetch::<User>("/user").await;
    let page = fetch::<Page>("/page").await;
    let n: u64 = fetch::<u64>("/number").await;
    format!("{} {} {n}", user.name, page.rows.len())
}

#[workflow]
async fn generic_step_by_path(url: String) -> u32 {
    steps::fetch::<User>(&url).await.age
}

#[workflow]
async fn injected_resource(account: String) -> u64 {
    let fee = book(&account, 250).await;
    tick().await;
    fee + book("fees", fee).await
}

#[workflow]
async fn injected_context(name: String) -> String {
    let greeting = who_am_i(name).await;
    upper(&greeting).await
}

#[workflow]
async fn borrowed_text_from_everywhere(name: String) -> usize {
    let owned = String::from("owned");
    let boxed: Box<str> = "boxed".into();
    let mut total = length(&name).await;
    total += length(&owned).await;
    total += length(&boxed).await;
    total += length("literal").await;
    total += length(name.trim_start_matches('A')).await;
    total += length(&format!("{name}{owned}")).await;
    total
}

#[workflow]
async fn borrowed_struct(order: Order) -> u64 {
    let mut total = price(&order.items[0]).await;
    total += price(&Item { sku: "new".to_string(), qty: 2, price: 3 }).await;
    if let Some(last) = order.items.last() {
        total += price(last).await;
    }
    total
}

#[workflow]
async fn borrowed_slice(n: u64) -> u64 {
    let numbers = below(n).await;
    let fixed = [4, 5, 6];
    let mut total = sum(&numbers).await;
    total += sum(&fixed).await;
    total += sum(&fixed[1..]).await;
    total += sum(&[]).await;
    total += sum(&[n, n]).await;
    total + sum(&vec![1; 2]).await
}

#[workflow]
async fn owned_and_cloned(order: Order) -> String {
    let first = pack(order.items[0].clone()).await;
    let address = order.customer.address.clone();
    let held = reserve(&order.items[0].sku, 1).await;
    let shipped = ship(&address, held.into_iter().collect()).await;
    format!("{first} {}", shipped.unwrap_or_default())
}

#[workflow]
async fn arguments_that_are_expressions(n: u64, names: Vec<String>) -> u64 {
    let a = add(n * 2 + 1, if n > 2 { n } else { 0 }).await;
    let b = add(names.len() as u64, names.iter().map(|name| name.len() as u64).sum()).await;
    let c = add(u64::from(n > 1), {
        let x = n;
        x * x
    })
    .await;
    a + b + c
}

#[workflow]
async fn result_not_used(n: u64) -> u64 {
    number(n).await;
    let _ = divide(n, 0).await;
    tick().await;
    n
}

#[workflow]
async fn same_step_many_times() -> u64 {
    let a = number(1).await;
    let b = number(2).await;
    let c = number(3).await;
    let d = number(4).await;
    a + b * 10 + c * 100 + d * 1000
}

#[workflow]
async fn named_states(n: u64) -> u64 {
    #[state(First)]
    let a = number(n).await;
    #[state(Second)]
    let b = number(a + 1).await;
    a + b
}

#[workflow(name = "calls.renamed", version = 3, enum = RenamedMachine)]
async fn renamed_workflow(n: u64) -> u64 {
    number(n).await
}

cases! {
    by_path("apple".to_string());
    by_an_imported_module("apple".to_string());
    renamed_step(4);
    generic_step();
    generic_step_by_path("/user".to_string());
    injected_resource("eve".to_string());
    injected_context("eve".to_string());
    borrowed_text_from_everywhere("Ada".to_string());
    borrowed_struct(order("o", 3));
    borrowed_slice(3);
    owned_and_cloned(order("o", 2));
    arguments_that_are_expressions(3, words("a bc"));
    result_not_used(3);
    same_step_many_times();
    named_states(3);
    renamed_workflow(3);
}
