//! One name for several locals.

use super::prelude::*;

#[workflow]
async fn shadowed_by_its_own_result(text: String) -> String {
    let text = upper(&text).await;
    let text = join(&text, "!").await;
    let text = text.len();
    say(format!("{text}")).await
}

#[workflow]
async fn shadowed_with_another_type(n: u64) -> Vec<u64> {
    let n = pair(n).await;
    tick().await;
    let n = n.1;
    tick().await;
    let n = n.len() as u64;
    below(n).await
}

#[workflow]
async fn outer_used_after_an_inner_one(n: u64) -> u64 {
    let x = number(n).await;
    {
        let x = upper("inner").await;
        log(&x).await;
    }
    add(x, 1).await
}

#[workflow]
async fn both_live_across_an_await(n: u64) -> u64 {
    let x = number(n).await;
    let y = {
        let x = double(x).await;
        tick().await;
        x + 1
    };
    tick().await;
    x * 1000 + y
}

#[workflow]
async fn borrowed_by_its_shadow(order: Order) -> usize {
    let items = order.items;
    let first = items.len();
    let items = &items;
    tick().await;
    index(first).await + items.len()
}

#[workflow]
async fn shadowed_in_each_arm(light: Light) -> String {
    let light = light;
    let name = match light {
        Light::Red => {
            let light = upper("stop").await;
            tick().await;
            light
        }
        Light::Green => {
            let light = number(3).await;
            tick().await;
            format!("{light}")
        }
        Light::Yellow { .. } => "wait".to_string(),
    };
    let light = switch(light).await;
    format!("{name}{light:?}")
}

#[workflow]
async fn shadowed_in_a_loop(n: u64) -> u64 {
    let total = 1;
    let mut seen = 0;
    for i in 0..n {
        let total = add(total, i).await;
        let i = double(i).await;
        seen += total + i;
    }
    seen * total
}

#[workflow]
async fn loop_variable_shadows_a_local(n: u64) -> u64 {
    let i = number(100).await;
    let mut total = 0;
    for i in 0..n {
        for i in 0..i {
            total += number(i).await;
        }
        total += i;
    }
    total + i
}

#[workflow]
async fn part_of_a_loop_pattern_shadowed(numbers: Vec<u64>) -> u64 {
    let mut total = 0;
    for (at, n) in numbers.iter().enumerate() {
        let at = at as u64 + 10;
        tick().await;
        total += number(if at > 10 { at } else { *n }).await;
    }
    total
}

#[workflow]
async fn part_of_a_place_pattern_shadowed(order: Order) -> String {
    let Customer { name, address, .. } = &order.customer;
    let name = upper(name).await;
    tick().await;
    format!("{name} {}", address.city)
}

#[workflow]
async fn shadowed_by_the_same_type(pairs: Vec<(u64, u64)>) -> u64 {
    let mut total = 0;
    for (a, b) in &pairs {
        let a = *a + 1;
        tick().await;
        total = add(total, a * 10 + *b).await;
    }
    total
}

#[workflow]
async fn pattern_shadows_its_scrutinee(value: Option<u64>) -> u64 {
    if let Some(value) = value {
        let value = double(value).await;
        tick().await;
        return value;
    }
    number(value.unwrap_or(5)).await
}

#[workflow]
async fn parameter_shadowed_and_dropped(order: Order) -> String {
    let order = order.id;
    tick().await;
    let order = order + "-done";
    say(order).await
}

#[workflow]
async fn mutable_shadow_of_an_immutable(n: u64) -> u64 {
    let count = number(n).await;
    let before = count;
    let mut count = count;
    while count < 10 {
        count = double(count).await + 1;
    }
    before * 1000 + count
}

#[workflow]
async fn a_local_named_like_a_step(id: u64) -> u32 {
    let Some(user) = user(id).await else { return 0 };
    let price = next(user.age).await;
    let birthday = birthday(user).await;
    tick().await;
    price + birthday.age
}

#[workflow]
async fn names_that_generated_code_might_use(n: u64) -> u64 {
    let state = number(n).await;
    let block = double(state).await;
    let output = add(state, block).await;
    let mut slot = output;
    let this = 1;
    for cursor in 0..2 {
        slot += number(cursor).await;
    }
    tick().await;
    state + block + output + slot + this
}

#[workflow]
async fn raw_identifiers(r#type: u64) -> u64 {
    let r#match = number(r#type).await;
    tick().await;
    let r#loop = double(r#match).await;
    r#loop + r#type
}

cases! {
    shadowed_by_its_own_result("abc".to_string());
    shadowed_with_another_type(4);
    outer_used_after_an_inner_one(4);
    both_live_across_an_await(4);
    borrowed_by_its_shadow(order("o", 3));
    shadowed_in_each_arm(Light::Red);
    shadowed_in_each_arm(Light::Green);
    shadowed_in_each_arm(Light::Yellow { blinking: true });
    shadowed_in_a_loop(4);
    loop_variable_shadows_a_local(3);
    part_of_a_loop_pattern_shadowed(vec![5, 6, 7]);
    part_of_a_place_pattern_shadowed(order("o", 0));
    shadowed_by_the_same_type(vec![(1, 2), (3, 4)]);
    pattern_shadows_its_scrutinee(Some(2));
    pattern_shadows_its_scrutinee(None);
    parameter_shadowed_and_dropped(order("o", 1));
    mutable_shadow_of_an_immutable(1);
    a_local_named_like_a_step(4);
    a_local_named_like_a_step(40);
    names_that_generated_code_might_use(3);
    raw_identifiers(3);
}
