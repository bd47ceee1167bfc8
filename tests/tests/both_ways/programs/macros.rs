//! Awaits in the arguments of the standard library's macros.

use std::fmt::Write;

use super::prelude::*;

#[workflow]
async fn in_format(n: u64) -> String {
    format!("{} and {}", number(n).await, upper("two").await)
}

#[workflow]
async fn in_format_beside_locals(n: u64) -> String {
    let name = upper("x").await;
    let width = 6;
    tick().await;
    format!("{name}:{:>width$}:{0:02}:{last}", number(n).await, last = double(n).await)
}

#[workflow]
async fn captured_in_a_format_string(n: u64) -> String {
    let a = number(n).await;
    let b = double(n).await;
    tick().await;
    format!("{a}-{b:?}-{n}")
}

#[workflow]
async fn in_println(n: u64) -> u64 {
    println!("plain line");
    println!("{} of {n}", number(n).await);
    print!("{}", "");
    eprintln!("{:?}", pair(n).await);
    n
}

#[workflow]
async fn in_vec(n: u64) -> Vec<u64> {
    let mut all = vec![number(n).await, n, double(n).await];
    all.extend(vec![number(7).await; 2]);
    all
}

#[workflow]
async fn bindings_in_a_later_argument(n: u64, limit: u64) -> Vec<u64> {
    let all = vec![
        number(n).await,
        match n {
            0 => limit,
            k if k < limit => k,
            _ => 7,
        },
    ];
    vec![double(all[1]).await, {
        let twice = all[0] * 2;
        twice + 1
    }]
}

#[workflow]
async fn in_assert(n: u64) -> u64 {
    assert!(is_even(n).await);
    assert!(is_even(n).await, "{n} is odd, says {}", upper("the step").await);
    debug_assert!(number(n).await < 100);
    n
}

#[workflow]
async fn in_assert_eq(n: u64) -> u64 {
    assert_eq!(double(n).await, n * 2);
    assert_eq!(number(n).await, n, "they differ for {}", n);
    assert_ne!(number(n).await, double(n + 1).await);
    n
}

#[workflow]
async fn assert_that_fails(n: u64) -> u64 {
    tick().await;
    assert_eq!(double(n).await, number(n).await, "zero only");
    tick().await;
    n
}

#[workflow]
async fn in_matches(n: u64) -> (bool, bool) {
    let odd = matches!(find(n).await, Some(_));
    let small = matches!(number(n).await, 0..=3 | 5);
    (odd, small)
}

#[workflow]
async fn matches_as_a_condition(n: u64) -> u64 {
    if matches!(divide(n, 2).await, Ok(half) if half > 2) {
        return number(1).await;
    }
    0
}

#[workflow]
async fn in_write(n: u64) -> String {
    let mut out = String::new();
    write!(out, "{};", number(n).await).unwrap();
    writeln!(out, "{}", upper("line").await).unwrap();
    write!(&mut out, "{n}").unwrap();
    out
}

#[workflow]
async fn write_in_a_loop(n: u64) -> Result<String, String> {
    let mut out = String::new();
    for i in 0..n {
        if i > 0 {
            write!(out, ", ").map_err(|error| error.to_string())?;
        }
        write!(out, "{}", double(i).await).map_err(|error| error.to_string())?;
    }
    Ok(out)
}

#[workflow]
async fn in_dbg(n: u64) -> u64 {
    let doubled = dbg!(double(n).await);
    doubled + 1
}

#[workflow]
async fn in_panic(n: u64) -> u64 {
    if n > 3 {
        panic!("too many: {}", number(n).await);
    }
    double(n).await
}

#[workflow]
async fn unreachable_after_an_await(n: u64) -> u64 {
    match number(n).await % 2 {
        0 => double(n).await,
        1 => n,
        _ => unreachable!("a number is even or odd"),
    }
}

#[workflow]
async fn macros_without_an_await(n: u64) -> usize {
    let text = format!("{n}");
    let numbers = vec![n; 3];
    tick().await;
    assert!(!text.is_empty(), "{text}");
    let line = concat!("a", "b");
    length(line).await + numbers.len()
}

cases! {
    in_format(3);
    in_format_beside_locals(3);
    captured_in_a_format_string(3);
    in_println(3);
    in_vec(3);
    bindings_in_a_later_argument(3, 5);
    bindings_in_a_later_argument(8, 5);
    in_assert(4);
    in_assert(3);
    in_assert_eq(4);
    in_assert_eq(0);
    assert_that_fails(0);
    assert_that_fails(1);
    in_matches(5);
    in_matches(4);
    matches_as_a_condition(8);
    matches_as_a_condition(3);
    in_write(3);
    write_in_a_loop(3);
    in_dbg(3);
    in_panic(3);
    in_panic(4);
    unreachable_after_an_await(3);
    unreachable_after_an_await(4);
    macros_without_an_await(3);
}
