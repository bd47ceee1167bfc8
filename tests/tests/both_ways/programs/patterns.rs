//! Patterns wherever they may stand, around awaits.

use super::prelude::*;

#[workflow]
async fn tuple_from_a_step(n: u64) -> String {
    let (value, name) = pair(n).await;
    tick().await;
    format!("{name}={value}")
}

#[workflow]
async fn struct_from_a_step(url: String) -> String {
    let User { name, age, .. } = fetch::<User>(&url).await;
    let older = next(age).await;
    format!("{name} will be {older}")
}

#[workflow]
async fn nested_pattern(order: Order) -> String {
    let Order { id, customer: Customer { name, address: Address { city, .. }, .. }, .. } = order;
    log(&id).await;
    let line = join(&name, " of ").await;
    join(&line, &city).await
}

#[workflow]
async fn let_else(n: u64) -> u64 {
    let Some(found) = find(n).await else {
        return number(0).await;
    };
    tick().await;
    found
}

#[workflow]
async fn let_else_in_a_loop(ids: Vec<u64>) -> Vec<String> {
    let mut names = Vec::new();
    for id in ids {
        let Some(User { name, .. }) = user(id).await else {
            log("unknown").await;
            continue;
        };
        names.push(upper(&name).await);
    }
    names
}

#[workflow]
async fn let_else_that_breaks(numbers: Vec<u64>) -> u64 {
    let mut total = 0;
    for n in &numbers {
        let Some(found) = find(*n).await else { break };
        total = add(total, found).await;
    }
    total
}

#[workflow]
async fn or_patterns(light: Light) -> u64 {
    let n = match light {
        Light::Red | Light::Yellow { blinking: true } => number(1).await,
        Light::Green | Light::Yellow { .. } => number(2).await,
    };
    match double(n).await {
        2 | 6 if n == 1 => n * 10,
        2 | 4 => n,
        _ => 0,
    }
}

#[workflow]
async fn binding_at(n: u64) -> String {
    match double(n).await {
        small @ 0..=9 => say(format!("small {small}")).await,
        even @ (10 | 20) => {
            let half = number(even / 2).await;
            format!("{even} is twice {half}")
        }
        other => format!("{other}"),
    }
}

#[workflow]
async fn binding_at_with_inner_bindings(id: u64) -> String {
    let found = user(id).await;
    if let Some(whole @ User { age: 17..=19, .. }) = found {
        let older = birthday(whole).await;
        return format!("{} is {}", older.name, older.age);
    }
    tick().await;
    "nobody".to_string()
}

#[workflow]
async fn slice_patterns(numbers: Vec<u64>) -> u64 {
    match numbers.as_slice() {
        [] => 0,
        [only] => double(*only).await,
        [first, .., last] => add(*first, *last).await,
    }
}

#[workflow]
async fn slice_pattern_with_rest(text: String) -> usize {
    let words = split(&text).await;
    if let [first, rest @ ..] = &words[..] {
        return first.len() + rest.len();
    }
    index(0).await
}

#[workflow]
async fn array_destructured(n: u64) -> u64 {
    let [a, b, c] = [number(n).await, double(n).await, n * n];
    tick().await;
    a * 100 + b * 10 + c
}

#[workflow]
async fn match_moves_out_of_its_scrutinee(order: Order) -> String {
    match order.kind {
        Kind::Gift { message, wrap: true } => say(message).await,
        Kind::Gift { message, .. } => upper(&message).await,
        Kind::Bulk(n, names) => {
            let first = names.into_iter().next().unwrap_or_default();
            let n = next(n).await;
            format!("{n}{first}")
        }
        Kind::Standard => order.id,
    }
}

#[workflow]
async fn match_on_a_tuple(a: u64, b: u64) -> String {
    match (find(a).await, find(b).await) {
        (Some(x), Some(y)) => say(format!("{x} {y}")).await,
        (Some(x), None) | (None, Some(x)) => format!("one {}", number(x).await),
        (None, None) => "none".to_string(),
    }
}

#[workflow]
async fn match_on_a_result(a: u64, b: u64) -> u64 {
    match divide(a, b).await {
        Ok(0) => number(1).await,
        Ok(n) => n,
        Err(BankError { code: 0 }) => number(99).await,
        Err(error) => u64::from(error.code),
    }
}

#[workflow]
async fn match_on_strings(text: String) -> u64 {
    match upper(&text).await.as_str() {
        "ONE" => 1,
        "TWO" => number(2).await,
        other if other.starts_with('T') => other.len() as u64,
        _ => number(0).await,
    }
}

#[workflow]
async fn match_with_constants_and_ranges(n: u64) -> u64 {
    const LIMIT: u64 = 100;
    match number(n).await {
        LIMIT => 1,
        u64::MAX => 2,
        n if n > LIMIT => double(n).await,
        ..10 => 3,
        _ => 4,
    }
}

#[workflow]
async fn ref_and_mut_bindings(pair: (String, u64)) -> String {
    let (ref name, mut n) = pair;
    n += length(name).await as u64;
    n = double(n).await;
    format!("{name}{n}")
}

#[workflow]
async fn reference_patterns(numbers: Vec<u64>) -> Option<u64> {
    let first = numbers.first();
    if let Some(&n) = first {
        let n = number(n).await;
        return Some(n + 1);
    }
    tick().await;
    None
}

#[workflow]
async fn destructuring_assignment(n: u64) -> (u64, u64) {
    let (mut a, mut b) = (0, 1);
    for _ in 0..n {
        (a, b) = (b, add(a, b).await);
    }
    [a, _] = [b, number(7).await];
    (a, b)
}

#[workflow]
async fn let_underscore(n: u64) -> u64 {
    let _ = number(n).await;
    let _unused = double(n).await;
    let (_, name) = pair(n).await;
    tick().await;
    name.len() as u64
}

#[workflow]
async fn if_let_with_a_nested_enum(order: Order) -> String {
    if let Order { kind: Kind::Bulk(_, names), coupon: None, .. } = order {
        let mut out = String::new();
        for name in names {
            out = join(&out, &name).await;
        }
        return out;
    }
    say("retail".to_string()).await
}

cases! {
    tuple_from_a_step(3);
    struct_from_a_step("/user".to_string());
    nested_pattern(order("o1", 0));
    let_else(3);
    let_else(4);
    let_else_in_a_loop(vec![1, 20, 3]);
    let_else_that_breaks(vec![1, 3, 4, 5]);
    or_patterns(Light::Red);
    or_patterns(Light::Yellow { blinking: false });
    binding_at(2);
    binding_at(10);
    binding_at(50);
    binding_at_with_inner_bindings(3);
    binding_at_with_inner_bindings(9);
    slice_patterns(vec![]);
    slice_patterns(vec![4]);
    slice_patterns(vec![4, 5, 6]);
    slice_pattern_with_rest("a b c".to_string());
    slice_pattern_with_rest(String::new());
    array_destructured(3);
    match_moves_out_of_its_scrutinee(order("o2", 0));
    match_moves_out_of_its_scrutinee(order("o2", 0).with_kind(Kind::Gift { message: "hi".into(), wrap: true }));
    match_moves_out_of_its_scrutinee(order("o2", 0).with_kind(Kind::Gift { message: "hi".into(), wrap: false }));
    match_moves_out_of_its_scrutinee(order("o2", 0).with_kind(Kind::Bulk(4, words("a b"))));
    match_on_a_tuple(1, 3);
    match_on_a_tuple(2, 3);
    match_on_a_tuple(2, 4);
    match_on_a_result(0, 3);
    match_on_a_result(9, 3);
    match_on_a_result(9, 0);
    match_on_strings("two".to_string());
    match_on_strings("three".to_string());
    match_on_strings("x".to_string());
    match_with_constants_and_ranges(100);
    match_with_constants_and_ranges(101);
    match_with_constants_and_ranges(5);
    ref_and_mut_bindings(("ab".to_string(), 3));
    reference_patterns(vec![4]);
    reference_patterns(vec![]);
    destructuring_assignment(6);
    let_underscore(4);
    if_let_with_a_nested_enum(order("o3", 0).with_kind(Kind::Bulk(1, words("x y"))));
    if_let_with_a_nested_enum(order("o3", 0));
}
