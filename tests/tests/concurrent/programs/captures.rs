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

timed_cases! {
    a_flag_below_a_field(order("o", 2));
    a_flag_below_a_field_is_changed(order("o", 2));
    what_is_below_one_field_in_two_blocks(order("o", 2));
    a_flag_below_a_field_each_round(order("o", 2), 3);
}
