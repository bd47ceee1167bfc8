//! `for` over places: the collection stays where it is and only a cursor is saved.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::prelude::*;

#[workflow]
async fn over_a_borrowed_field(order: Order) -> u64 {
    let mut total = 0;
    for item in &order.items {
        total += price(item).await;
    }
    total + order.total
}

#[workflow]
async fn over_a_borrowed_parameter(numbers: Vec<u64>) -> (u64, usize) {
    let mut total = 0;
    for n in &numbers {
        total = add(total, *n).await;
    }
    (total, numbers.len())
}

#[workflow]
async fn over_a_mutably_borrowed_field(mut order: Order) -> Vec<Item> {
    for item in &mut order.items {
        item.price = double(item.price).await;
        item.qty += 1;
    }
    tick().await;
    order.items
}

#[workflow]
async fn over_iter(names: Vec<String>) -> String {
    let mut all = String::new();
    for name in names.iter() {
        all = join(&all, name).await;
    }
    all
}

#[workflow]
async fn over_iter_mut(n: u64) -> Vec<u64> {
    let mut numbers = below(n).await;
    for number in numbers.iter_mut() {
        *number = add(*number, 100).await;
    }
    numbers
}

#[workflow]
async fn enumerated(names: Vec<String>) -> Vec<String> {
    let mut out = vec![];
    for (i, name) in names.iter().enumerate() {
        let position = index(i).await;
        out.push(format!("{position}: {name}"));
    }
    out
}

#[workflow]
async fn reversed(order: Order) -> Vec<String> {
    let mut skus = Vec::new();
    for item in order.items.iter().rev() {
        tick().await;
        skus.push(item.sku.clone());
    }
    skus
}

#[workflow]
async fn zipped(names: Vec<String>, numbers: Vec<u64>) -> Vec<String> {
    let mut out = Vec::new();
    for (name, n) in names.iter().zip(&numbers) {
        let doubled = double(*n).await;
        out.push(format!("{name}={doubled}"));
    }
    out
}

#[workflow]
async fn zipped_both_by_iter(a: Vec<u64>, b: Vec<u64>) -> u64 {
    let mut dot = 0;
    for (x, y) in a.iter().zip(b.iter()) {
        dot += number(x * y).await;
    }
    dot
}

#[workflow]
async fn skipped_and_taken(numbers: Vec<u64>) -> u64 {
    let mut total = 0;
    for n in numbers.iter().skip(1).take(3) {
        total = add(total, *n).await;
    }
    for (i, n) in numbers.iter().enumerate().skip(2) {
        total = add(total, *n * i as u64).await;
    }
    total
}

#[workflow]
async fn enumerated_in_reverse(numbers: Vec<u64>) -> Vec<(usize, u64)> {
    let mut out = Vec::new();
    for (i, n) in numbers.iter().enumerate().rev() {
        out.push((i, number(*n).await));
    }
    out
}

#[workflow]
async fn enumerated_mutably(mut names: Vec<String>) -> Vec<String> {
    for (i, name) in names.iter_mut().enumerate() {
        let loud = upper(name).await;
        *name = format!("{i}{loud}");
    }
    names
}

#[workflow]
async fn over_chars(text: String) -> String {
    let mut out = String::new();
    for c in text.chars() {
        tick().await;
        out.insert(0, c);
    }
    out
}

#[workflow]
async fn over_a_btree_map() -> Vec<String> {
    let shelves = stock().await;
    let mut empty = Vec::new();
    for (name, n) in &shelves {
        if number(*n).await == 0 {
            empty.push(name.clone());
        }
    }
    empty
}

#[workflow]
async fn over_a_btree_map_mutably() -> BTreeMap<String, u64> {
    let mut shelves = stock().await;
    for (name, n) in &mut shelves {
        *n += length(name).await as u64;
    }
    shelves
}

#[workflow]
async fn over_the_values_of_a_btree_map() -> BTreeMap<String, u64> {
    let mut shelves = stock().await;
    for n in shelves.values_mut() {
        *n = double(*n).await;
    }
    shelves
}

#[workflow]
async fn over_a_btree_set(numbers: Vec<u64>) -> u64 {
    let set: BTreeSet<u64> = numbers.into_iter().collect();
    let mut total = 0;
    for n in &set {
        total = total * 10 + number(*n).await;
    }
    total
}

#[workflow]
async fn over_a_vec_deque(n: u64) -> Vec<u64> {
    let mut queue = VecDeque::new();
    for i in 0..n {
        queue.push_front(number(i).await);
    }
    let mut out = Vec::new();
    for i in &queue {
        out.push(double(*i).await);
    }
    out
}

#[workflow]
async fn over_an_array_by_reference() -> u64 {
    let primes = [2, 3, 5];
    let mut total = 0;
    for p in &primes {
        total = add(total, *p).await;
    }
    for p in primes.iter() {
        total = add(total, *p).await;
    }
    total
}

#[workflow]
async fn pattern_in_the_loop(pairs: Vec<(String, u64)>) -> u64 {
    let mut total = 0;
    for (name, n) in &pairs {
        total += length(name).await as u64 * n;
    }
    for &(_, n) in &pairs {
        total = add(total, n).await;
    }
    total
}

#[workflow]
async fn struct_pattern_in_the_loop(order: Order) -> u64 {
    let mut total = 0;
    for Item { sku, qty, .. } in &order.items {
        let there = inventory_of(sku).await;
        total += there + u64::from(*qty);
    }
    total
}

/// A step of this file's own.
#[step]
async fn inventory_of(sku: &str) -> u64 {
    refluxo_tests::trace::record("inventory_of", sku);
    sku.len() as u64
}

#[workflow]
async fn nested_places(orders: Vec<Order>) -> Vec<String> {
    let mut packed = Vec::new();
    for order in &orders {
        for item in &order.items {
            let cost = price(item).await;
            packed.push(format!("{}/{}: {cost}", order.id, item.sku));
        }
        log(&order.id).await;
    }
    packed
}

#[workflow]
async fn the_same_place_twice(numbers: Vec<u64>) -> u64 {
    let mut equal = 0;
    for a in &numbers {
        for b in &numbers {
            if add(*a, *b).await == 10 {
                equal += 1;
            }
        }
    }
    equal
}

#[workflow]
async fn place_reached_through_a_loop_variable(groups: Vec<Vec<u64>>) -> Vec<u64> {
    let mut sums = Vec::new();
    for group in &groups {
        let mut total = 0;
        for n in group {
            total = add(total, *n).await;
        }
        sums.push(total);
    }
    sums
}

#[workflow]
async fn collection_changed_after_its_loop(mut numbers: Vec<u64>) -> u64 {
    for n in &numbers {
        number(*n).await;
    }
    numbers.push(9);
    numbers.remove(0);
    let mut total = 0;
    for n in &numbers {
        total = add(total, *n).await;
    }
    total
}

#[workflow]
async fn element_used_before_and_after_the_await(order: Order) -> Vec<String> {
    let mut out = Vec::new();
    for item in &order.items {
        if item.qty == 2 {
            continue;
        }
        let there = inventory_of(&item.sku).await;
        out.push(format!("{} of {there}", item.qty));
        tick().await;
        out.push(item.sku.to_uppercase());
    }
    out
}

cases! {
    over_a_borrowed_field(order("o1", 3));
    over_a_borrowed_field(order("o1", 0));
    over_a_borrowed_parameter(vec![4, 5]);
    over_a_mutably_borrowed_field(order("o2", 2));
    over_iter(words("a b c"));
    over_iter_mut(3);
    enumerated(words("zero one"));
    reversed(order("o3", 3));
    zipped(words("a b c"), vec![1, 2]);
    zipped_both_by_iter(vec![1, 2], vec![3, 4, 5]);
    skipped_and_taken(vec![1, 2, 3, 4, 5]);
    enumerated_in_reverse(vec![7, 8, 9]);
    enumerated_mutably(words("a b"));
    over_chars("héllo".to_string());
    over_a_btree_map();
    over_a_btree_map_mutably();
    over_the_values_of_a_btree_map();
    over_a_btree_set(vec![3, 1, 2, 3]);
    over_a_vec_deque(3);
    over_an_array_by_reference();
    pattern_in_the_loop(vec![("ab".to_string(), 3), ("c".to_string(), 4)]);
    struct_pattern_in_the_loop(order("o4", 2));
    nested_places(vec![order("a", 2), order("b", 0), order("c", 1)]);
    the_same_place_twice(vec![5, 3, 7]);
    place_reached_through_a_loop_variable(vec![vec![1, 2], vec![], vec![3]]);
    collection_changed_after_its_loop(vec![1, 2, 3]);
    element_used_before_and_after_the_await(order("o5", 3));
}
