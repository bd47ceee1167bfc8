//! Borrows of places that are held across awaits.

use super::prelude::*;

#[workflow]
async fn borrow_of_a_field(order: Order) -> String {
    let items = &order.items;
    tick().await;
    let first = upper(&items[0].sku).await;
    format!("{first} of {}", items.len())
}

#[workflow]
async fn borrow_of_a_nested_field(order: Order) -> String {
    let city = &order.customer.address.city;
    let loud = upper(city).await;
    tick().await;
    format!("{city} {loud}")
}

#[workflow]
async fn borrow_of_a_local(n: u64) -> u64 {
    let numbers = below(n).await;
    let all = &numbers;
    let total = sum(all).await;
    total + all.len() as u64
}

#[workflow]
async fn borrow_of_a_borrow(order: Order) -> String {
    let customer = &order.customer;
    let address = &customer.address;
    tick().await;
    let street = &address.street;
    log(street).await;
    format!("{}: {street}", customer.name)
}

#[workflow]
async fn borrow_of_a_tuple_field(n: u64) -> String {
    let both = pair(n).await;
    let name = &both.1;
    tick().await;
    join(name, &both.0.to_string()).await
}

#[workflow]
async fn mutable_borrow_of_a_field(mut order: Order) -> Order {
    let notes = &mut order.notes;
    notes.insert("a".to_string(), upper("first").await);
    notes.insert("b".to_string(), upper("second").await);
    tick().await;
    order
}

#[workflow]
async fn mutable_borrow_of_a_local(n: u64) -> Vec<u64> {
    let mut numbers = below(n).await;
    let all = &mut numbers;
    all.push(number(50).await);
    tick().await;
    all.push(number(60).await);
    numbers
}

#[workflow]
async fn mutable_borrow_of_a_number(n: u64) -> u64 {
    let mut count = n;
    let c = &mut count;
    *c += number(1).await;
    *c = double(*c).await;
    count
}

#[workflow]
async fn match_over_a_borrowed_place(order: Order) -> String {
    match &order.kind {
        Kind::Gift { message, wrap } => {
            tick().await;
            format!("{message} {wrap} {}", order.id)
        }
        Kind::Bulk(n, names) => {
            let more = next(*n).await;
            tick().await;
            format!("{more} {n} {}", names.join("+"))
        }
        Kind::Standard => say(order.id).await,
    }
}

#[workflow]
async fn match_ergonomics_with_a_guard(order: Order) -> u64 {
    match &order.coupon {
        Some(coupon) if coupon.percent > 50 => {
            log(&coupon.code).await;
            order.total / number(2).await + coupon.percent
        }
        Some(Coupon { percent, .. }) => {
            tick().await;
            order.total - order.total * percent / 100
        }
        None => number(order.total).await,
    }
}

#[workflow]
async fn if_let_over_a_borrowed_place(order: Order) -> String {
    if let Some(coupon) = &order.coupon {
        let code = upper(&coupon.code).await;
        tick().await;
        return format!("{code} {} {}", coupon.code, order.id);
    }
    say(order.id).await
}

#[workflow]
async fn if_let_mut_over_a_place(mut order: Order) -> Option<Coupon> {
    if let Some(coupon) = &mut order.coupon {
        coupon.percent = double(coupon.percent).await;
        coupon.code = upper(&coupon.code).await;
    }
    tick().await;
    order.coupon
}

#[workflow]
async fn match_over_a_mutable_place(mut order: Order) -> Kind {
    match &mut order.kind {
        Kind::Gift { message, .. } => {
            let loud = upper(message).await;
            message.push_str(&loud);
        }
        Kind::Bulk(n, names) => {
            *n = next(*n).await;
            names.push(upper("last").await);
            tick().await;
            *n += names.len() as u32;
        }
        Kind::Standard => tick().await,
    }
    order.kind
}

#[workflow]
async fn let_pattern_over_a_place(order: Order) -> u64 {
    let Order { items, customer: Customer { name, .. }, .. } = &order;
    let n = length(name).await;
    tick().await;
    items.len() as u64 + n as u64 + name.len() as u64
}

#[workflow]
async fn let_else_over_a_place(order: Order) -> u64 {
    let Some(coupon) = &order.coupon else {
        return number(0).await;
    };
    tick().await;
    coupon.percent + order.total
}

#[workflow]
async fn ref_binding_over_a_place(order: Order) -> String {
    let Customer { ref name, ref address, vip, .. } = order.customer;
    tick().await;
    if vip { join(name, &address.city).await } else { order.id }
}

#[workflow]
async fn borrow_taken_in_a_loop(orders: Vec<Order>) -> Vec<String> {
    let mut out = Vec::new();
    for order in &orders {
        let customer = &order.customer;
        let name = &customer.name;
        let loud = upper(name).await;
        if let Some(email) = &customer.email {
            log(email).await;
            out.push(format!("{loud} {name} {email}"));
        }
    }
    out
}

#[workflow]
async fn loop_over_a_borrow(order: Order) -> u64 {
    let items = &order.items;
    let mut total = 0;
    for item in items {
        total += price(item).await;
    }
    total + items.len() as u64
}

#[workflow]
async fn owner_changed_after_the_borrow(mut order: Order) -> u64 {
    let total = &order.total;
    let before = double(*total).await;
    tick().await;
    order.total = before + 1;
    let total = &order.total;
    tick().await;
    *total
}

#[workflow]
async fn owner_read_while_borrowed(order: Order) -> String {
    let items = &order.items;
    let id = order.id.clone();
    tick().await;
    let n = add(order.total, items.len() as u64).await;
    format!("{id}{}{n}", order.id)
}

#[workflow]
async fn owner_changed_in_a_loop_that_borrows(mut order: Order) -> Order {
    for n in 0..3 {
        let kind = &order.kind;
        let bulk = matches!(kind, Kind::Bulk(..));
        tick().await;
        if bulk || n == 1 {
            order.kind = Kind::Bulk(next(n).await, vec![]);
        }
        order.total += 1;
    }
    order
}

#[workflow]
async fn disjoint_borrows(mut order: Order) -> Order {
    let name = &order.customer.name;
    let items = &mut order.items;
    items.push(Item { sku: upper(name).await, qty: 1, price: number(3).await });
    let len = length(name).await;
    items[0].qty += len as u32;
    order
}

#[workflow]
async fn borrow_across_a_branch(order: Order, long: bool) -> usize {
    let name = &order.customer.name;
    if long {
        tick().await;
        tick().await;
    }
    length(name).await
}

#[workflow]
async fn borrow_chosen_without_an_await_between(order: Order, home: bool) -> String {
    let line = if home { &order.customer.address.street } else { &order.customer.address.city };
    upper(line).await
}

#[workflow]
async fn a_literal_across_an_await(n: u64) -> String {
    let prefix = "no. ";
    let n = number(n).await;
    format!("{prefix}{n}")
}

#[workflow]
async fn a_choice_of_literals(n: u64) -> String {
    let size = if n > 3 { "big" } else { "small" };
    let kind = match n {
        0 => "zero",
        _ if n % 2 == 0 => "even",
        _ => "odd",
    };
    tick().await;
    let loud = upper(size).await;
    format!("{loud} {kind} {}", length(size).await)
}

#[workflow]
async fn borrowed_argument_before_an_await(order: Order) -> String {
    join(&order.id, &upper("x").await).await
}

#[workflow]
async fn slices_and_elements_as_arguments(numbers: Vec<u64>, names: Vec<String>) -> u64 {
    let mut total = sum(&numbers[1..]).await;
    total += sum(numbers.as_slice()).await;
    total += length(names[0].as_str()).await as u64;
    total += length(&names[1][..1]).await as u64;
    total + numbers[0]
}

cases! {
    borrow_of_a_field(order("o", 2));
    borrow_of_a_nested_field(order("o", 0));
    borrow_of_a_local(4);
    borrow_of_a_borrow(order("o", 0));
    borrow_of_a_tuple_field(4);
    mutable_borrow_of_a_field(order("o", 0));
    mutable_borrow_of_a_local(3);
    mutable_borrow_of_a_number(3);
    match_over_a_borrowed_place(order("o", 1));
    match_over_a_borrowed_place(order("o", 1).with_kind(Kind::Gift { message: "hi".into(), wrap: true }));
    match_over_a_borrowed_place(order("o", 1).with_kind(Kind::Bulk(4, words("a b"))));
    match_ergonomics_with_a_guard(order("o", 4));
    match_ergonomics_with_a_guard(order("o", 4).with_coupon("half", 60));
    match_ergonomics_with_a_guard(order("o", 4).with_coupon("some", 10));
    if_let_over_a_borrowed_place(order("o", 1).with_coupon("a", 1));
    if_let_over_a_borrowed_place(order("o", 1));
    if_let_mut_over_a_place(order("o", 1).with_coupon("a", 1));
    if_let_mut_over_a_place(order("o", 1));
    match_over_a_mutable_place(order("o", 1));
    match_over_a_mutable_place(order("o", 1).with_kind(Kind::Gift { message: "hi".into(), wrap: true }));
    match_over_a_mutable_place(order("o", 1).with_kind(Kind::Bulk(4, words("a b"))));
    let_pattern_over_a_place(order("o", 3));
    let_else_over_a_place(order("o", 3));
    let_else_over_a_place(order("o", 3).with_coupon("a", 7));
    ref_binding_over_a_place(order("o", 0));
    borrow_taken_in_a_loop(vec![order("a", 0), order("b", 0)]);
    loop_over_a_borrow(order("o", 3));
    owner_changed_after_the_borrow(order("o", 2));
    owner_read_while_borrowed(order("o", 2));
    owner_changed_in_a_loop_that_borrows(order("o", 1));
    disjoint_borrows(order("o", 1));
    borrow_across_a_branch(order("o", 0), true);
    borrow_across_a_branch(order("o", 0), false);
    borrow_chosen_without_an_await_between(order("o", 0), true);
    borrow_chosen_without_an_await_between(order("o", 0), false);
    a_literal_across_an_await(4);
    a_choice_of_literals(0);
    a_choice_of_literals(4);
    a_choice_of_literals(5);
    borrowed_argument_before_an_await(order("o", 0));
    slices_and_elements_as_arguments(vec![1, 2, 3], words("abc def"));
}
