//! What blocks take from around them.

#![allow(unused_assignments, reason = "a copy that a block changes is seen by nobody else")]

use super::prelude::{steady as case, *};

#[workflow]
async fn a_flag_below_a_field(order: Order) -> String {
    let (total, n) = join!(slow(order.total, 3), async move {
        let n = slow(1, 5).await;
        if order.customer.vip { n } else { slow(n, 7).await }
    });
    format!("{total} {n} {} {}", order.customer.name, order.customer.vip)
}

#[workflow]
async fn a_flag_below_a_field_is_changed(mut order: Order) -> String {
    let (total, other) = join!(slow(order.total, 3), async move {
        order.customer.vip = slow(1, 5).await > 1;
        slow(2, 7).await;
        order.customer.vip
    });
    format!("{total} {other} {} {}", order.customer.vip, order.customer.address.city)
}

#[workflow]
async fn what_is_below_one_field_in_two_blocks(order: Order) -> String {
    let (name, city) =
        join!(async move { slow_text(&order.customer.name, 3).await + &order.customer.name }, async move {
            slow_text(&order.customer.address.city, 5).await + &order.customer.address.city
        },);
    format!("{name} {city} {} {}", order.customer.vip, order.customer.address.street)
}

#[workflow]
async fn a_flag_below_a_field_each_round(order: Order, rounds: u64) -> u64 {
    let mut sum = 0;
    for round in 0..rounds {
        sum +=
            join!(slow(round, 3), async move { slow(u64::from(order.customer.vip), 5).await + order.total })
                .1;
    }
    sum + order.customer.name.len() as u64
}

#[workflow]
async fn assigned_behind_a_block(mut sale: Order) -> u64 {
    let (a, b) = join!(slow(1, 3), async move {
        slow(sale.total, 5).await;
        sale.customer.name.len() as u64
    });
    sale = order("x", 2);
    slow(2, 3).await;
    a + b + sale.total
}

#[workflow]
async fn assigned_on_one_path(mut sale: Order, again: bool) -> String {
    let ((), name) = join!(
        async move {
            if sale.customer.vip {
                slow(1, 3).await;
            }
        },
        async move { slow_text(&sale.customer.name, 5).await }
    );
    if again {
        sale = order("x", slow(7, 3).await as u32);
        sale.customer.name = slow_text(&sale.id, 3).await;
    }
    let total = slow(sale.total, 5).await;
    if total > 4 {
        sale = order("y", 3);
    }
    format!("{name} {total} {} {}", sale.total, slow_text(&sale.customer.address.city, 3).await)
}

#[workflow]
async fn assigned_each_round(mut sale: Order) -> u64 {
    let mut sum = 0;
    for round in 0..3 {
        let (n, city) = join!(
            async move {
                slow(round, 3).await;
                sale.items.len() as u64
            },
            async move { slow_text(&sale.customer.address.city, 5).await }
        );
        sum += n + sale.total + city.len() as u64;
        sale = order("z", slow(round, 2).await as u32);
    }
    sum
}

timed_cases! {
    a_flag_below_a_field(order("o", 2));
    a_flag_below_a_field_is_changed(order("o", 2));
    what_is_below_one_field_in_two_blocks(order("o", 2));
    a_flag_below_a_field_each_round(order("o", 2), 3);
    assigned_behind_a_block(order("o", 2));
    assigned_on_one_path(order("o", 2), true);
    assigned_on_one_path(order("o", 2), false);
    assigned_on_one_path(order("o", 7), false);
    assigned_each_round(order("o", 2));
}
