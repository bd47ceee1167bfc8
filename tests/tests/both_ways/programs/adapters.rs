//! Loops over what standard adapters make of a collection or a text.

use std::collections::{BTreeSet, VecDeque};

use super::prelude::*;

#[workflow]
async fn words_of_a_text(text: String) -> usize {
    let mut total = 0;
    for word in text.split(' ') {
        total += length(word).await;
    }
    total
}

#[workflow]
async fn lines_of_a_text(text: String) -> Vec<String> {
    let mut loud = Vec::new();
    for (n, line) in text.lines().enumerate() {
        let line = upper(line).await;
        loud.push(format!("{n}: {line}"));
    }
    loud
}

#[workflow]
async fn chars_with_their_places(text: String) -> Vec<(usize, char)> {
    let mut found = Vec::new();
    for (at, c) in text.char_indices() {
        if index(at).await % 2 == 0 {
            found.push((at, c));
        }
    }
    found
}

#[workflow]
async fn chars_backwards(text: String) -> String {
    let mut out = String::new();
    for (n, c) in text.chars().rev().enumerate() {
        tick().await;
        out += &format!("{n}{c}");
    }
    out
}

#[workflow]
async fn bytes_of_a_text(text: String) -> u64 {
    let mut total = 0;
    for b in text.bytes() {
        total += u64::from(byte(b).await);
    }
    total
}

#[workflow]
async fn borrowed_chunks(numbers: Vec<u64>) -> Vec<u64> {
    let mut sums = Vec::new();
    for chunk in numbers.chunks(2) {
        sums.push(sum(chunk).await + chunk.len() as u64);
    }
    sums
}

#[workflow]
async fn windows_of_two(numbers: Vec<u64>) -> u64 {
    let mut total = 0;
    for pair in numbers.windows(2) {
        total = total * 100 + add(pair[0], pair[1]).await;
    }
    total
}

#[workflow]
async fn copied_and_cloned(numbers: Vec<u64>, names: Vec<String>) -> String {
    let mut out = String::new();
    for n in numbers.iter().copied() {
        out += &format!("{}", number(n).await);
    }
    for name in names.iter().cloned() {
        out += &say(name).await;
    }
    format!("{out} {} {}", numbers.len(), names.len())
}

#[workflow]
async fn keys_and_values() -> u64 {
    let shelves = stock().await;
    let mut total = 0;
    for name in shelves.keys() {
        total += length(name).await as u64;
    }
    for n in shelves.values() {
        total = add(total, *n).await;
    }
    for (name, n) in shelves.iter() {
        total += n * length(name).await as u64;
    }
    total
}

#[workflow]
async fn entries_changed_in_place() -> u64 {
    let mut shelves = stock().await;
    for (_, n) in shelves.iter_mut() {
        *n += number(1).await;
    }
    *shelves.entry("fig".to_string()).or_insert(0) += number(4).await;
    shelves.values().sum()
}

#[workflow]
async fn a_map_emptied_from_the_front() -> Vec<String> {
    let mut shelves = stock().await;
    let mut out = Vec::new();
    while let Some((name, n)) = shelves.pop_first() {
        out.push(format!("{}{n}", upper(&name).await));
    }
    out
}

#[workflow]
async fn a_set_and_a_queue(numbers: Vec<u64>) -> Vec<u64> {
    let sorted: BTreeSet<_> = numbers.iter().copied().collect();
    let queue: VecDeque<_> = numbers.into();
    let mut out = Vec::new();
    for n in sorted.iter() {
        out.push(number(*n).await);
    }
    for n in queue.iter().rev() {
        out.push(double(*n).await);
    }
    out
}

#[workflow]
async fn computed_ranges(n: u64) -> Vec<u64> {
    let mut out = Vec::new();
    for i in (0..n).map(|i| i * i) {
        out.push(number(i).await);
    }
    for i in (0..n).filter(|i| i % 2 == 1) {
        out.push(double(i).await);
    }
    out
}

#[workflow]
async fn every_second_element(numbers: Vec<u64>) -> u64 {
    let mut total = 0;
    for n in numbers.iter().step_by(2) {
        total = add(total, *n).await;
    }
    total
}

#[workflow]
async fn a_table_by_its_cells(table: Vec<Vec<u64>>) -> u64 {
    let mut total = 0;
    for row in &table {
        for cell in row.iter() {
            total = add(total, *cell).await;
        }
    }
    total
}

#[workflow]
async fn a_table_changed_in_place(mut table: Vec<Vec<u64>>) -> Vec<Vec<u64>> {
    for row in &mut table {
        for cell in row.iter_mut() {
            *cell = double(*cell).await;
        }
        row.push(number(0).await);
    }
    table
}

#[workflow]
async fn elements_assigned_by_index(mut order: Order) -> Order {
    order.items[0].price = number(3).await;
    order.items[1].price += number(4).await;
    order.items.swap(0, index(1).await);
    order
}

#[workflow]
async fn an_array_filled_in_place(n: u64) -> [u64; 4] {
    let mut squares = [0; 4];
    for (i, slot) in squares.iter_mut().enumerate() {
        *slot = number(n * i as u64).await;
    }
    squares
}

cases! {
    words_of_a_text("to be or not".to_string());
    lines_of_a_text("one\ntwo\n".to_string());
    chars_with_their_places("aéb".to_string());
    chars_backwards("abc".to_string());
    bytes_of_a_text("hé".to_string());
    borrowed_chunks(vec![1, 2, 3]);
    windows_of_two(vec![1, 2, 3]);
    copied_and_cloned(vec![1, 2], words("a b"));
    keys_and_values();
    entries_changed_in_place();
    a_map_emptied_from_the_front();
    a_set_and_a_queue(vec![3, 1, 2, 3]);
    computed_ranges(4);
    every_second_element(vec![1, 2, 3, 4, 5]);
    a_table_by_its_cells(vec![vec![1, 2], vec![], vec![3]]);
    a_table_changed_in_place(vec![vec![1, 2], vec![], vec![3]]);
    elements_assigned_by_index(order("o", 2));
    an_array_filled_in_place(3);
}
