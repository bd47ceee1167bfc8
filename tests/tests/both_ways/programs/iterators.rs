//! `for` over iterators that own what they yield.

use std::collections::{BTreeMap, VecDeque};

use super::prelude::*;

#[workflow]
async fn over_an_owned_vec(order: Order) -> Vec<String> {
    let mut packed = Vec::new();
    for item in order.items {
        packed.push(pack(item).await);
    }
    packed.push(order.id);
    packed
}

#[workflow]
async fn over_into_iter(names: Vec<String>) -> String {
    let mut out = String::new();
    for name in names.into_iter() {
        out = join(&out, &name).await;
    }
    out
}

#[workflow]
async fn over_what_a_step_returns(text: String) -> usize {
    let mut total = 0;
    for word in split(&text).await {
        total += length(&word).await;
    }
    total
}

#[workflow]
async fn over_an_owned_map() -> Vec<String> {
    let mut out = Vec::new();
    for (name, n) in stock().await {
        let n = double(n).await;
        out.push(format!("{name}{n}"));
    }
    out
}

#[workflow]
async fn over_map_into_iter_reversed() -> Vec<String> {
    let shelves = stock().await;
    let mut out = Vec::new();
    for (name, n) in shelves.into_iter().rev() {
        out.push(say(format!("{n} {name}")).await);
    }
    out
}

#[workflow]
async fn over_a_sorted_hash_map() -> u64 {
    let shelves = stock_unordered().await;
    let mut names = shelves.keys().cloned().collect::<Vec<_>>();
    names.sort();
    let mut total = 0;
    for name in names {
        total = total * 100 + number(shelves[&name]).await;
    }
    total
}

#[workflow]
async fn over_a_mapped_iterator(numbers: Vec<u64>) -> u64 {
    let mut total = 0;
    for n in numbers.iter().map(|n| n * n) {
        total = add(total, n).await;
    }
    total + numbers.len() as u64
}

#[workflow]
async fn over_a_collected_vec(order: Order) -> Vec<String> {
    let mut out = Vec::new();
    for sku in order.items.iter().map(|item| item.sku.clone()).collect::<Vec<_>>() {
        out.push(upper(&sku).await);
    }
    out
}

#[workflow]
async fn over_a_filtered_iterator(order: Order) -> u64 {
    let mut total = 0;
    for item in order.items.into_iter().filter(|item| item.qty != 2) {
        total += price(&item).await;
    }
    total
}

#[workflow]
async fn over_a_drain(mut numbers: Vec<u64>) -> (u64, Vec<u64>) {
    let mut total = 0;
    for n in numbers.drain(1..) {
        total = add(total, n).await;
    }
    numbers.push(total);
    (total, numbers)
}

#[workflow]
async fn over_a_split_text(text: String) -> u64 {
    let mut total = 0;
    for word in text.split(',').map(String::from) {
        total += parse(&word).await.unwrap_or(100);
    }
    total
}

#[workflow]
async fn over_an_array_of_literals() -> Vec<String> {
    let mut out = Vec::new();
    for name in ["red", "green"] {
        out.push(upper(name).await);
    }
    out
}

#[workflow]
async fn over_an_owned_array() -> Vec<String> {
    let mut out = Vec::new();
    for (n, light) in [(1, Light::Red), (2, Light::Green)] {
        tick().await;
        out.push(format!("{n}{:?}", switch(light).await));
    }
    out
}

#[workflow]
async fn over_an_option(maybe: Option<u64>) -> u64 {
    let mut total = 1;
    for n in maybe.into_iter().chain([9]) {
        total += number(n).await;
    }
    total
}

#[workflow]
async fn over_chained_iterators(a: Vec<u64>, b: Vec<u64>) -> Vec<u64> {
    let mut out = Vec::new();
    for n in a.into_iter().chain(b).chain([7]) {
        out.push(double(n).await);
    }
    out
}

#[workflow]
async fn over_an_owned_enumeration(names: Vec<String>) -> Vec<String> {
    let mut out = Vec::new();
    for (i, name) in names.into_iter().enumerate() {
        let i = index(i).await;
        out.push(format!("{name}{i}"));
    }
    out
}

#[workflow]
async fn over_a_vec_deque_by_value(n: u64) -> u64 {
    let mut queue: VecDeque<_> = below(n).await.into();
    queue.rotate_left(1);
    let mut total = 0;
    for n in queue {
        total = total * 10 + number(n).await;
    }
    total
}

#[workflow]
async fn owned_chunks(numbers: Vec<u64>) -> Vec<u64> {
    let mut sums = Vec::new();
    for chunk in numbers.chunks(2).map(<[u64]>::to_vec) {
        sums.push(sum(&chunk).await);
    }
    sums
}

#[workflow]
async fn nested_owned_loops(texts: Vec<String>) -> BTreeMap<String, usize> {
    let mut lengths = BTreeMap::new();
    for text in texts {
        for word in split(&text).await {
            let n = length(&word).await;
            lengths.insert(word, n + text.len());
        }
    }
    lengths
}

#[workflow]
async fn owned_loop_in_a_borrowed_one(order: Order) -> Vec<String> {
    let mut out = Vec::new();
    for item in &order.items {
        for n in (0..item.qty).map(u64::from) {
            let name = pair(n).await.1;
            out.push(format!("{}{name}", item.sku));
        }
    }
    out
}

#[workflow]
async fn values_moved_into_a_step(n: u64) -> u64 {
    let mut tickets = Vec::new();
    for i in 0..n {
        tickets.push(issue(i).await);
    }
    let mut total = 0;
    for ticket in tickets {
        let better = upgrade(ticket).await;
        total += redeem(better).await;
    }
    total
}

#[workflow]
async fn pattern_over_owned_values(orders: Vec<Order>) -> Vec<String> {
    let mut names = Vec::new();
    for Order { id, customer: Customer { name, .. }, .. } in orders {
        log(&id).await;
        names.push(name);
    }
    names
}

#[workflow]
async fn iterator_advanced_by_hand(n: u64) -> u64 {
    let mut rest = below(n).await.into_iter();
    let mut total = 0;
    while let Some(n) = rest.next() {
        total += n;
    }
    add(total, rest.len() as u64).await
}

cases! {
    over_an_owned_vec(order("o1", 3));
    over_into_iter(words("a b c"));
    over_what_a_step_returns("to be or not".to_string());
    over_an_owned_map();
    over_map_into_iter_reversed();
    over_a_sorted_hash_map();
    over_a_mapped_iterator(vec![1, 2, 3]);
    over_a_collected_vec(order("o2", 2));
    over_a_filtered_iterator(order("o3", 4));
    over_a_drain(vec![1, 2, 3]);
    over_a_split_text("1,x,20".to_string());
    over_an_array_of_literals();
    over_an_owned_array();
    over_an_option(Some(3));
    over_an_option(None);
    over_chained_iterators(vec![1], vec![2, 3]);
    over_an_owned_enumeration(words("a b"));
    over_a_vec_deque_by_value(4);
    owned_chunks(vec![1, 2, 3, 4, 5]);
    nested_owned_loops(vec!["a bc".to_string(), "d".to_string()]);
    owned_loop_in_a_borrowed_one(order("o4", 3));
    values_moved_into_a_step(3);
    pattern_over_owned_values(vec![order("a", 1), order("b", 1)]);
    iterator_advanced_by_hand(4);
}
