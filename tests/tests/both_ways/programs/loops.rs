//! `for` over ranges, and loops in loops.

use super::prelude::*;

#[workflow]
async fn exclusive_range(n: u64) -> u64 {
    let mut total = 0;
    for i in 0..n {
        total = add(total, i).await;
    }
    total
}

#[workflow]
async fn inclusive_range(from: u64, to: u64) -> Vec<u64> {
    let mut all = vec![];
    for i in from..=to {
        all.push(number(i).await);
    }
    all
}

#[workflow]
async fn inclusive_range_to_the_last_byte() -> u64 {
    let mut seen = 0;
    for b in 250..=255u8 {
        seen += u64::from(byte(b).await);
    }
    seen
}

#[workflow]
async fn inclusive_range_of_one() -> u8 {
    let mut last = 0;
    for b in u8::MAX..=u8::MAX {
        last = byte(b).await;
    }
    last
}

#[workflow]
async fn endless_range() -> u64 {
    let mut total = 0;
    for n in 1.. {
        if add(total, n).await > 12 {
            break;
        }
        total += n;
    }
    total
}

#[workflow]
async fn reversed_ranges(n: u64) -> Vec<u64> {
    let mut order = Vec::new();
    for i in (0..n).rev() {
        order.push(number(i).await);
    }
    for i in (1..=n).rev() {
        order.push(double(i).await);
    }
    order
}

#[workflow]
async fn range_in_steps(n: u64) -> Vec<u64> {
    let mut order = Vec::new();
    for i in (0..n).step_by(3) {
        order.push(number(i).await);
    }
    for i in (0..=n).rev().step_by(4) {
        order.push(number(i).await);
    }
    order
}

#[workflow]
async fn range_with_awaited_ends(a: u64, b: u64) -> u64 {
    let mut count = 0;
    for i in number(a).await..double(b).await {
        count += number(i).await;
    }
    count
}

#[workflow]
async fn range_of_chars_and_signed() -> String {
    let mut out = String::new();
    for c in 'a'..='e' {
        tick().await;
        out.push(c);
    }
    for n in -2i64..2 {
        out += &format!("{}", signed(n).await);
    }
    out
}

#[workflow]
async fn range_over_the_length(names: Vec<String>) -> Vec<String> {
    let mut names = names;
    for i in 0..names.len() {
        names[i] = upper(&names[i]).await;
    }
    names
}

#[workflow]
async fn range_kept_in_a_local(n: u64) -> u64 {
    let range = 1..n;
    tick().await;
    let mut product = 1;
    for i in range {
        product *= number(i).await;
    }
    product
}

#[workflow]
async fn for_that_breaks_and_continues(n: u64) -> Vec<u64> {
    let mut kept = Vec::new();
    for i in 0..n {
        if i == 1 {
            continue;
        }
        let value = number(i).await;
        if value == 5 {
            break;
        }
        if is_even(value).await {
            continue;
        }
        kept.push(value);
    }
    kept
}

#[workflow]
async fn three_loops_deep(n: u64) -> u64 {
    let mut total = 0;
    for a in 0..n {
        for b in a..n {
            let mut c = 0;
            while c < b {
                total += add(a, b * c).await;
                c += 1;
            }
            tick().await;
        }
        total = number(total).await;
    }
    total
}

#[workflow]
async fn for_around_loop_around_while(n: u64) -> Vec<u64> {
    let mut trace = Vec::new();
    for i in 1..=n {
        let mut left = i;
        loop {
            let mut halvings = 0;
            while is_even(left).await && left > 0 {
                left /= 2;
                halvings += 1;
            }
            trace.push(number(halvings).await);
            if left <= 1 {
                break;
            }
            left -= 1;
        }
    }
    trace
}

#[workflow]
async fn await_only_after_the_inner_loop(n: u64) -> u64 {
    let mut total = 0;
    for i in 0..n {
        let mut inner = 0;
        for j in 0..i {
            if j == 3 {
                break;
            }
            inner += j;
        }
        total = add(total, inner).await;
    }
    total
}

#[workflow]
async fn await_only_in_the_inner_loop(n: u64) -> u64 {
    let mut total = 0;
    for i in 0..n {
        let base = i * 10;
        for j in 0..2 {
            total += add(base, j).await;
        }
    }
    total
}

#[workflow]
async fn loop_variable_is_mutable(n: u64) -> Vec<u64> {
    let mut out = Vec::new();
    for mut i in 0..n {
        i *= 3;
        i = number(i).await;
        i += 1;
        out.push(i);
    }
    out
}

#[workflow]
async fn unused_loop_variable(n: u32) -> u32 {
    let mut count = 0;
    for _ in 0..n {
        count = next(count).await;
    }
    for _round in 0..2 {
        count = next(count).await;
    }
    count
}

#[workflow]
async fn two_loops_of_one_variable(n: u64) -> u64 {
    let mut total = 0;
    for i in 0..n {
        total += number(i).await;
    }
    for i in 10..10 + n {
        total += number(i).await;
    }
    total
}

#[workflow]
async fn return_from_a_nested_loop(n: u64) -> Option<(u64, u64)> {
    for a in 1..n {
        for b in a..n {
            if add(a, b).await == n {
                return Some((a, b));
            }
        }
    }
    None
}

cases! {
    exclusive_range(4);
    exclusive_range(0);
    inclusive_range(2, 5);
    inclusive_range(3, 2);
    inclusive_range_to_the_last_byte();
    inclusive_range_of_one();
    endless_range();
    reversed_ranges(3);
    range_in_steps(8);
    range_with_awaited_ends(2, 3);
    range_of_chars_and_signed();
    range_over_the_length(words("one two three"));
    range_kept_in_a_local(5);
    for_that_breaks_and_continues(9);
    three_loops_deep(3);
    for_around_loop_around_while(4);
    await_only_after_the_inner_loop(6);
    await_only_in_the_inner_loop(3);
    loop_variable_is_mutable(3);
    unused_loop_variable(3);
    two_loops_of_one_variable(3);
    return_from_a_nested_loop(5);
    return_from_a_nested_loop(1);
}
