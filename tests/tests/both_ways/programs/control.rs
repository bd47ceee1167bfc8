//! Branches, loops with labels and values, blocks.

use super::prelude::*;

#[workflow]
async fn if_else_if_else(n: u64) -> String {
    if n < 10 {
        upper("small").await
    } else if is_even(n).await {
        let half = number(n / 2).await;
        format!("twice {half}")
    } else {
        say("odd".to_string()).await
    }
}

#[workflow]
async fn if_without_else(n: u64) -> u64 {
    let mut total = n;
    if n > 3 {
        total += number(10).await;
    }
    if total > 13 {
        tick().await;
        total *= 2;
    }
    total
}

#[workflow]
async fn if_as_a_value(n: u64) -> u64 {
    let start = if n == 0 { number(1).await } else { n };
    let sign = if is_even(start).await { "even" } else { "odd" };
    length(sign).await as u64 + start
}

#[workflow]
async fn if_let_else(n: u64) -> u64 {
    if let Some(found) = find(n).await {
        add(found, 1).await
    } else if let Some(other) = find(n + 1).await {
        add(other, 2).await
    } else {
        0
    }
}

#[workflow]
async fn if_let_chain(n: u64, limit: Option<u64>) -> u64 {
    if let Some(limit) = limit
        && n < limit
        && let Some(found) = find(n).await
        && is_even(found).await
    {
        return add(found, limit).await;
    }
    number(n).await
}

#[workflow]
async fn match_with_guards(n: u64) -> String {
    let size = match n {
        0 => "none".to_string(),
        1 | 2 => upper("few").await,
        3..=9 if n % 3 == 0 => say(format!("{n} is three-ish")).await,
        m if m > 100 => format!("{}", double(m).await),
        _ => "some".to_string(),
    };
    join(&size, "!").await
}

#[workflow]
async fn match_inside_match(light: Light) -> u64 {
    match switch(light).await {
        Light::Green => 1,
        Light::Yellow { blinking } => match switch(Light::Yellow { blinking }).await {
            Light::Red => number(2).await,
            _ => number(3).await,
        },
        Light::Red => 4,
    }
}

#[workflow]
async fn loop_with_a_break_value(limit: u64) -> u64 {
    let mut n = 1;
    let over = loop {
        n = double(n).await;
        if n > limit {
            break n - limit;
        }
    };
    add(n, over).await
}

#[workflow]
async fn while_with_an_awaited_condition(start: u64) -> u64 {
    let mut n = start;
    let mut rounds = 0;
    while is_even(n).await {
        n /= 2;
        rounds += 1;
    }
    add(n, rounds).await
}

#[workflow]
async fn while_let_with_an_awaited_scrutinee() -> Vec<u64> {
    let mut id = 7;
    let mut ages = Vec::new();
    while let Some(found) = user(id).await {
        ages.push(u64::from(found.age));
        id += 1;
    }
    ages
}

#[workflow]
async fn while_let_pop(mut stack: Vec<u64>) -> u64 {
    let mut total = 0;
    while let Some(top) = stack.pop() {
        if top > 2 {
            stack.push(top - 2);
        }
        total += number(top).await;
    }
    total
}

#[workflow]
async fn while_let_chain(mut stack: Vec<u64>) -> Vec<u64> {
    while let Some(top) = stack.last().copied()
        && is_even(top).await
    {
        stack.pop();
        tick().await;
    }
    stack
}

#[workflow]
async fn continue_to_an_outer_label(rows: u64) -> u64 {
    let mut kept = 0;
    'rows: for row in 0..rows {
        for column in 0..rows {
            if is_even(row + column).await {
                continue 'rows;
            }
            if number(column).await == 2 {
                break 'rows;
            }
        }
        kept += 1;
    }
    kept
}

#[workflow]
async fn break_a_value_through_two_loops(limit: u64) -> (u64, u64) {
    let mut a = 0;
    'outer: loop {
        let mut b = 0;
        loop {
            if add(a, b).await >= limit {
                break 'outer (a, b);
            }
            if b == 2 {
                break;
            }
            b += 1;
        }
        a += 1;
    }
}

#[workflow]
async fn labelled_block_with_a_value(n: u64) -> u64 {
    let value = 'search: {
        if let Some(found) = find(n).await {
            break 'search found;
        }
        tick().await;
        if n > 5 {
            break 'search number(n).await;
        }
        0
    };
    value + 1
}

#[workflow]
async fn blocks_with_values(n: u64) -> u64 {
    let sum = {
        let a = number(n).await;
        let b = { double(a).await + 1 };
        a * b
    };
    let rest = { sum % 7 };
    add(sum, rest).await
}

#[workflow]
async fn loop_that_only_return_leaves(n: u64) -> String {
    let mut tries = n;
    loop {
        tries += 1;
        if is_even(tries).await {
            return format!("left at {tries}");
        }
    }
}

#[workflow]
async fn break_out_of_a_match_in_a_loop() -> Vec<Light> {
    let mut seen = Vec::new();
    let mut light = Light::Red;
    loop {
        light = switch(light).await;
        match light {
            Light::Yellow { blinking: true } => break,
            Light::Green => continue,
            Light::Yellow { .. } | Light::Red => {}
        }
        seen.push(light);
    }
    seen
}

#[workflow]
async fn value_of_a_match_with_diverging_arms(numbers: Vec<u64>) -> u64 {
    let mut total = 0;
    for n in numbers {
        let found = match find(n).await {
            Some(found) if found > 500 => break,
            Some(found) => found,
            None if n == 0 => return total,
            None => continue,
        };
        total = add(total, found).await;
    }
    total
}

#[workflow]
async fn nothing_is_awaited(a: u64, b: u64) -> u64 {
    let mut a = a;
    while a > b {
        a -= b;
    }
    a
}

#[workflow]
async fn same_label_twice(n: u64) -> u64 {
    let mut total = 0;
    'again: for i in 0..n {
        if is_even(i).await {
            continue 'again;
        }
        total += i;
    }
    'again: loop {
        total = double(total).await;
        if total > 10 {
            break 'again;
        }
        total += 1;
    }
    total
}

cases! {
    if_else_if_else(3);
    if_else_if_else(14);
    if_else_if_else(15);
    if_without_else(2);
    if_without_else(4);
    if_as_a_value(0);
    if_as_a_value(6);
    if_let_else(3);
    if_let_else(4);
    if_let_chain(3, Some(5));
    if_let_chain(4, Some(5));
    if_let_chain(9, None);
    match_with_guards(0);
    match_with_guards(2);
    match_with_guards(6);
    match_with_guards(7);
    match_with_guards(500);
    match_inside_match(Light::Red);
    match_inside_match(Light::Green);
    match_inside_match(Light::Yellow { blinking: false });
    loop_with_a_break_value(20);
    while_with_an_awaited_condition(24);
    while_let_with_an_awaited_scrutinee();
    while_let_pop(vec![1, 5, 2]);
    while_let_chain(vec![4, 3, 2, 8]);
    continue_to_an_outer_label(4);
    break_a_value_through_two_loops(4);
    labelled_block_with_a_value(3);
    labelled_block_with_a_value(4);
    labelled_block_with_a_value(8);
    blocks_with_values(4);
    loop_that_only_return_leaves(2);
    break_out_of_a_match_in_a_loop();
    value_of_a_match_with_diverging_arms(vec![1, 2, 3, 7, 1]);
    value_of_a_match_with_diverging_arms(vec![1, 0, 3]);
    nothing_is_awaited(17, 5);
    same_label_twice(5);
}
