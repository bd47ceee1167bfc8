//! Locals whose types nobody writes: rustc infers them from what happens later.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use super::prelude::*;

#[workflow]
async fn vec_filled_later(n: u64) -> Vec<u64> {
    let mut found = Vec::new();
    for i in 0..n {
        found.push(double(i).await);
    }
    found
}

#[workflow]
async fn option_filled_later(numbers: Vec<u64>) -> Option<u64> {
    let mut best = None;
    for n in numbers {
        let value = find(n).await;
        if value > best {
            best = value;
        }
    }
    best
}

#[workflow]
async fn hash_map_filled_later(text: String) -> u64 {
    let mut counts = HashMap::new();
    for word in split(&text).await {
        let n = number(1).await;
        *counts.entry(word).or_insert(0) += n;
    }
    let most = counts.values().copied().max().unwrap_or_default();
    add(most, counts.len() as u64).await
}

#[workflow]
async fn sets_and_queues_filled_later() -> (usize, Vec<u64>) {
    let mut seen = HashSet::new();
    let mut sorted = BTreeSet::new();
    let mut queue = VecDeque::new();
    queue.push_back(5);
    while let Some(n) = queue.pop_front() {
        if !seen.insert(n) {
            continue;
        }
        sorted.insert(number(n).await);
        if n > 0 {
            queue.push_back(n - 1);
            queue.push_back(n / 2);
        }
    }
    (seen.len(), sorted.into_iter().collect())
}

#[workflow]
async fn parse_with_a_type_that_comes_later(text: String) -> u64 {
    let n = text.parse().unwrap_or(7);
    tick().await;
    add(n, 1).await
}

#[workflow]
async fn collect_into_what_the_function_returns(n: u64) -> BTreeMap<u64, String> {
    let numbers = below(n).await;
    let named = numbers.iter().map(|n| (*n, format!("<{n}>"))).collect();
    tick().await;
    named
}

#[workflow]
async fn collect_with_a_turbofish(text: String) -> usize {
    let lengths = text.split(' ').map(str::len).collect::<Vec<_>>();
    tick().await;
    let longest = lengths.iter().max().copied().unwrap_or(0);
    index(longest).await + lengths.len()
}

#[workflow]
async fn tuples_of_inferred_parts(n: u64) -> (Vec<u64>, u64) {
    let mut state = (Vec::new(), 0);
    for i in 0..n {
        state.0.push(i * 2);
        state.1 += number(i).await;
    }
    state
}

#[workflow]
async fn nested_generics(n: u64) -> usize {
    let mut table = vec![Vec::new(); 3];
    let mut by_name = BTreeMap::new();
    for i in 0..n {
        let (value, name) = pair(i).await;
        table[(i % 3) as usize].push(Some(value));
        by_name.entry(name).or_insert_with(Vec::new).push((i, None));
    }
    by_name.insert("last".to_string(), vec![(0, Some(1u8))]);
    tick().await;
    table.iter().map(Vec::len).sum::<usize>() + by_name.len()
}

#[workflow]
async fn default_of_an_inferred_type() -> Page {
    let mut page = Default::default();
    tick().await;
    if ask("replace?", true).await {
        page = fetch::<Page>("/page").await;
    }
    page
}

#[workflow]
async fn integer_defaults_to_i32(n: u64) -> String {
    let mut steps = 0;
    let mut left = n;
    while left > 1 {
        left = number(left / 2).await;
        steps += 1;
    }
    format!("{steps}")
}

#[workflow]
async fn float_inferred_from_a_step(n: u64) -> f64 {
    let mut mean = 0.0;
    for i in 1..=n {
        let r = ratio(i, n).await;
        mean += r / n as f64;
    }
    mean
}

#[workflow]
async fn into_of_an_inferred_type(name: String) -> String {
    let mut owned = "dear ".into();
    tick().await;
    if name.len() > 3 {
        owned = upper(&name).await;
    }
    owned
}

#[workflow]
async fn arrays_stay_arrays(a: u64) -> u64 {
    let mut window = [0; 3];
    for n in 0..a {
        window = [window[1], window[2], number(n * n).await];
    }
    sum(&window).await
}

#[workflow]
async fn result_kept_as_a_value(a: u64, b: u64) -> Result<u64, BankError> {
    let first = divide(a, b).await;
    tick().await;
    let second = divide(b, a).await;
    first.or(second)
}

#[workflow]
async fn annotated_where_the_user_likes(n: u64) -> u64 {
    let mut squares: Vec<u64> = Vec::new();
    let limit: u64 = number(n).await;
    let names: BTreeMap<_, String> = BTreeMap::from([(1u8, upper("one").await)]);
    for i in 0..limit {
        squares.push(i * i);
    }
    tick().await;
    squares.len() as u64 + names.len() as u64
}

#[workflow]
async fn a_boxed_local(n: u64) -> u64 {
    let mut boxed = Box::new(n);
    tick().await;
    *boxed += 1;
    let again = number(*boxed).await;
    *boxed + again
}

#[workflow]
async fn chars_and_bytes(text: String) -> String {
    let first = text.chars().next().unwrap_or('-');
    let bytes = text.bytes().rev().collect::<Vec<_>>();
    tick().await;
    let mut out = String::new();
    out.push(first);
    for b in bytes {
        out.push(byte(b).await as char);
    }
    out
}

cases! {
    vec_filled_later(4);
    vec_filled_later(0);
    option_filled_later(vec![2, 5, 3]);
    option_filled_later(vec![]);
    hash_map_filled_later("a b a c a".to_string());
    sets_and_queues_filled_later();
    parse_with_a_type_that_comes_later("41".to_string());
    parse_with_a_type_that_comes_later("x".to_string());
    collect_into_what_the_function_returns(3);
    collect_with_a_turbofish("one three five".to_string());
    tuples_of_inferred_parts(4);
    nested_generics(5);
    default_of_an_inferred_type();
    integer_defaults_to_i32(40);
    float_inferred_from_a_step(4);
    into_of_an_inferred_type("Ada".to_string());
    into_of_an_inferred_type("Grace".to_string());
    arrays_stay_arrays(5);
    result_kept_as_a_value(6, 2);
    result_kept_as_a_value(6, 0);
    annotated_where_the_user_likes(4);
    a_boxed_local(4);
    chars_and_bytes("abc".to_string());
}
