//! Locals that are initialized late, reassigned, or moved away by parts.

use super::prelude::*;

#[workflow]
async fn initialized_in_both_branches(n: u64) -> u64 {
    let x;
    if is_even(n).await {
        x = number(n).await;
    } else {
        x = 3;
    }
    tick().await;
    add(x, 1).await
}

#[workflow]
async fn initialized_in_match_arms(light: Light) -> String {
    let name;
    match light {
        Light::Red => name = upper("stop").await,
        Light::Green => {
            tick().await;
            name = "go".to_string();
        }
        Light::Yellow { .. } => return String::new(),
    }
    tick().await;
    say(name).await
}

#[workflow]
async fn initialized_in_a_loop() -> u64 {
    let found;
    let mut n = 2;
    loop {
        if let Some(value) = find(n).await {
            found = value;
            break;
        }
        n += 1;
    }
    add(found, n).await
}

#[workflow]
async fn declared_before_a_block(n: u64) -> (u64, String) {
    let (value, name);
    {
        let both = pair(n).await;
        value = both.0;
        name = both.1;
    }
    tick().await;
    (value, name)
}

#[workflow]
async fn reassigned_in_a_loop(n: u32) -> u32 {
    let mut current = 0;
    for _ in 0..n {
        current = next(current).await;
    }
    current
}

#[workflow]
async fn moved_and_replaced_in_a_loop(n: u64) -> u64 {
    let mut ticket = issue(1).await;
    for _ in 0..n {
        ticket = upgrade(ticket).await;
    }
    redeem(ticket).await
}

#[workflow]
async fn moved_through_several_names() -> u64 {
    let first = issue(1).await;
    let second = first;
    tick().await;
    let third = second;
    let fourth = upgrade(third).await;
    tick().await;
    redeem(fourth).await
}

#[workflow]
async fn moved_in_one_branch(keep: bool) -> u64 {
    let ticket = issue(5).await;
    if !keep {
        return redeem(ticket).await;
    }
    tick().await;
    let better = upgrade(ticket).await;
    better.0
}

#[workflow]
async fn moved_in_both_branches(upgraded: bool) -> u64 {
    let ticket = issue(5).await;
    let used = if upgraded { redeem(upgrade(ticket).await).await } else { redeem(ticket).await };
    number(used).await
}

#[workflow]
async fn moved_in_one_branch_and_set_again(n: u64) -> u64 {
    let mut ticket = issue(n).await;
    if is_even(n).await {
        redeem(ticket).await;
        ticket = issue(n + 1).await;
    }
    tick().await;
    redeem(ticket).await
}

#[workflow]
async fn moved_by_parts(order: Order) -> (String, u64, usize) {
    let customer = order.customer;
    let greeting = join("dear ", &customer.name).await;
    let items = order.items;
    tick().await;
    let total = add(order.total, items.len() as u64).await;
    (greeting, total, order.notes.len())
}

#[workflow]
async fn moved_by_nested_parts(order: Order) -> String {
    let city = order.customer.address.city;
    let city = upper(&city).await;
    let street = order.customer.address.street;
    tick().await;
    format!("{street}, {city}, {}", order.customer.name)
}

#[workflow]
async fn tuple_moved_by_parts(n: u64) -> (String, u64) {
    let both = (pair(n).await, issue(n).await);
    let ticket = both.1;
    tick().await;
    let used = redeem(ticket).await;
    (both.0.1, used + both.0.0)
}

#[workflow]
async fn part_moved_in_a_loop(orders: Vec<Order>) -> Vec<(String, u64)> {
    let mut out = Vec::new();
    for order in orders {
        let name = say(order.customer.name).await;
        out.push((name, order.total));
    }
    out
}

#[workflow]
async fn taken_out_of_an_option(n: u64) -> u64 {
    let mut maybe = Some(issue(n).await);
    tick().await;
    let mut total = 0;
    if let Some(ticket) = maybe.take() {
        total += redeem(ticket).await;
    }
    total + u64::from(maybe.is_none())
}

#[workflow]
async fn swapped_and_replaced(mut a: String, mut b: String) -> String {
    std::mem::swap(&mut a, &mut b);
    tick().await;
    let old = std::mem::replace(&mut a, upper("new").await);
    tick().await;
    format!("{a} {b} {old}")
}

#[workflow]
async fn assigned_but_read_later(n: u64) -> u64 {
    let mut last = 0;
    let mut first = true;
    for i in 0..n {
        if first {
            first = false;
            continue;
        }
        last = double(i).await;
    }
    tick().await;
    last
}

#[workflow]
async fn dropped_early(n: u64) -> u64 {
    let big = below(n).await;
    let len = big.len() as u64;
    drop(big);
    number(len).await
}

#[workflow]
async fn live_on_one_path_only(n: u64) -> String {
    let name = upper("name").await;
    if is_even(n).await {
        tick().await;
        return name;
    }
    tick().await;
    format!("{n}")
}

#[workflow]
async fn option_of_a_move_only_type(n: u64) -> u64 {
    let mut held = None;
    for i in 0..n {
        let fresh = issue(i).await;
        held = match held {
            None => Some(fresh),
            Some(old) => {
                redeem(fresh).await;
                Some(old)
            }
        };
    }
    match held {
        Some(ticket) => redeem(ticket).await + 1,
        None => 0,
    }
}

cases! {
    initialized_in_both_branches(3);
    initialized_in_both_branches(4);
    initialized_in_match_arms(Light::Red);
    initialized_in_match_arms(Light::Green);
    initialized_in_match_arms(Light::Yellow { blinking: true });
    initialized_in_a_loop();
    declared_before_a_block(3);
    reassigned_in_a_loop(3);
    moved_and_replaced_in_a_loop(3);
    moved_through_several_names();
    moved_in_one_branch(true);
    moved_in_one_branch(false);
    moved_in_both_branches(true);
    moved_in_both_branches(false);
    moved_in_one_branch_and_set_again(3);
    moved_in_one_branch_and_set_again(4);
    moved_by_parts(order("o", 2));
    moved_by_nested_parts(order("o", 2));
    tuple_moved_by_parts(3);
    part_moved_in_a_loop(vec![order("a", 1), order("b", 2)]);
    taken_out_of_an_option(3);
    swapped_and_replaced("a".to_string(), "b".to_string());
    assigned_but_read_later(3);
    dropped_early(3);
    live_on_one_path_only(3);
    live_on_one_path_only(4);
    option_of_a_move_only_type(3);
    option_of_a_move_only_type(0);
}
