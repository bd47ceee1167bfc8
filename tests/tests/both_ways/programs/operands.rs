//! Awaits wherever an expression may stand.

use super::prelude::*;

#[workflow]
async fn in_an_argument(n: u64) -> u64 {
    double(number(n).await).await
}

#[workflow]
async fn in_several_arguments(n: u64) -> u64 {
    add(number(n).await, double(n).await).await
}

#[workflow]
async fn nested_calls(n: u64) -> u64 {
    add(add(number(1).await, double(n).await).await, double(double(n).await).await).await
}

#[workflow]
async fn argument_before_an_await(order: Order) -> u64 {
    let skus = order.items.len() as u64;
    add(skus * 2, number(skus).await).await
}

#[workflow]
async fn in_a_plain_call(n: u64) -> u64 {
    let smaller = u64::min(number(n).await, double(2).await);
    std::cmp::max(smaller, number(3).await)
}

#[workflow]
async fn in_binary_operands(n: u64) -> u64 {
    number(n).await + double(n).await * number(2).await - 1
}

#[workflow]
async fn in_a_comparison(a: u64, b: u64) -> bool {
    let less = number(a).await < number(b).await;
    let same = number(a).await == b;
    less != same
}

#[workflow]
async fn as_a_method_receiver(text: String) -> String {
    upper(&text).await.trim().replace('A', "o")
}

#[workflow]
async fn in_a_method_chain(text: String) -> Vec<usize> {
    split(&text).await.iter().map(String::len).filter(|n| *n > 1).collect()
}

#[workflow]
async fn in_method_arguments(n: u64) -> Vec<u64> {
    let mut all = Vec::new();
    all.push(number(n).await);
    all.insert(index(0).await, double(n).await);
    all.extend(below(n).await);
    all.resize(index(6).await, number(9).await);
    all
}

#[workflow]
async fn in_the_arguments_of_a_field_method(mut order: Order) -> Order {
    order.notes.insert(upper("key").await, say("value".to_string()).await);
    order.items[0].sku.push_str(&upper("new").await);
    order.customer.name.insert(0, '>');
    order
}

#[workflow]
async fn receiver_and_argument(text: String) -> bool {
    upper(&text).await.starts_with(&upper("a").await)
}

#[workflow]
async fn in_a_struct_literal(n: u64) -> Page {
    Page { rows: vec![upper("row").await, say("b".to_string()).await], next: Some(number(n).await) }
}

#[workflow]
async fn in_a_struct_update(n: u32) -> User {
    let base = User { id: number(4).await, ..User::default() };
    tick().await;
    User { age: next(n).await, name: upper("eve").await, ..base }
}

#[workflow]
async fn in_a_tuple_and_an_array(n: u64) -> ((u64, u64), [u64; 3]) {
    let pair = (number(n).await, double(n).await);
    let triple = [number(1).await, pair.0, add(pair.0, pair.1).await];
    (pair, triple)
}

#[workflow]
async fn in_an_enum_constructor(n: u32) -> Vec<Kind> {
    let mut kinds = vec![Kind::Bulk(next(n).await, split("a b").await)];
    kinds.push(Kind::Gift { message: upper("hi").await, wrap: ask("wrap?", true).await });
    kinds
}

#[workflow]
async fn in_an_index(numbers: Vec<u64>) -> u64 {
    let a = numbers[index(1).await];
    let b = below(5).await[index(3).await];
    a * 10 + b
}

#[workflow]
async fn in_an_index_that_is_assigned(mut numbers: Vec<u64>) -> Vec<u64> {
    numbers[index(1).await] = 50;
    numbers[0] = number(40).await;
    numbers[index(2).await] = number(60).await;
    numbers
}

#[workflow]
async fn in_a_range(n: u64) -> Vec<u64> {
    let range = number(1).await..double(n).await;
    tick().await;
    let tail = &range.collect::<Vec<_>>()[index(1).await..];
    tail.to_vec()
}

#[workflow]
async fn behind_a_reference(n: u64) -> u64 {
    let total = sum(&below(n).await).await;
    let len = length(&upper("abc").await).await;
    total + len as u64
}

#[workflow]
async fn in_a_cast(n: u64) -> u8 {
    let small = number(n).await as u8;
    small.wrapping_add(signed(-3).await as u8)
}

#[workflow]
async fn in_a_unary_expression(n: i64) -> (i64, bool, u64) {
    let negated = -signed(n).await;
    let not = !ask("really?", true).await;
    let inverted = !number(0).await >> 60;
    (negated, not, inverted)
}

#[workflow]
async fn in_parentheses(n: u64) -> u64 {
    (number(n).await + 1) * (double(n).await)
}

#[workflow]
async fn in_a_dereference(n: u64) -> u64 {
    let boxed = Box::new(number(n).await);
    *boxed + *Box::new(double(n).await)
}

#[workflow]
async fn in_a_field_access(id: u64) -> u64 {
    let age = fetch::<User>("/user").await.age;
    pair(id).await.0 + u64::from(age) + issue(3).await.0
}

#[workflow]
async fn in_a_compound_assignment(n: u64) -> u64 {
    let mut x = n;
    x += number(2).await;
    x *= double(x).await;
    x -= number(1).await + number(x % 3).await;
    x <<= number(1).await;
    x
}

#[workflow]
async fn in_a_field_assignment(mut order: Order) -> Order {
    order.total = number(5).await;
    order.customer.address.city = upper("delft").await;
    order.total += double(order.total).await;
    order.coupon = Some(Coupon { code: upper("x").await, percent: 5 });
    order
}

#[workflow]
async fn in_a_condition(n: u64) -> u64 {
    if number(n).await > 3 && n < 9 { 1 } else { 0 }
}

#[workflow]
async fn in_an_operand_of_a_condition(n: u64) -> u64 {
    if double(n).await + 1 < number(20).await { 1 } else { 2 }
}

#[workflow]
async fn in_a_scrutinee_with_a_method(text: String) -> usize {
    match split(&text).await.first() {
        Some(word) => word.len(),
        None => 0,
    }
}

#[workflow]
async fn in_return_and_break(n: u64) -> u64 {
    let x = loop {
        if n > 3 {
            break number(n).await;
        }
        return double(n).await;
    };
    x + 1
}

#[workflow]
async fn in_a_question_mark_operand(text: String) -> Result<u64, ShopError> {
    let total = parse(&text).await? + parse("2").await? * divide(9, 3).await?;
    Ok(total)
}

#[workflow]
async fn in_an_if_that_is_an_argument(n: u64) -> u64 {
    add(
        if is_even(n).await { 1 } else { number(2).await },
        match n {
            0 => 5,
            _ => double(n).await,
        },
    )
    .await
}

#[workflow]
async fn in_a_block_that_is_an_operand(n: u64) -> u64 {
    n + {
        let inner = number(n).await;
        tick().await;
        inner * 2
    } + double(n).await
}

#[workflow]
async fn in_some_and_ok(n: u64) -> Option<Result<u64, u64>> {
    if n > 2 { Some(Ok(number(n).await)) } else { Some(Err(double(n).await)) }
}

#[workflow]
async fn in_a_constructor_path(n: u64) -> u64 {
    let text = String::from_utf8(vec![byte(104).await, byte(105).await]).unwrap_or_default();
    let boxed: Box<u64> = Box::new(number(n).await);
    text.len() as u64 + *boxed
}

#[workflow]
async fn value_on_the_left_of_an_await(order: Order) -> String {
    order.id.clone() + &upper("-a").await + &order.customer.name + &upper("-b").await
}

cases! {
    in_an_argument(3);
    in_several_arguments(3);
    nested_calls(3);
    argument_before_an_await(order("o", 3));
    in_a_plain_call(9);
    in_binary_operands(5);
    in_a_comparison(3, 4);
    in_a_comparison(4, 4);
    as_a_method_receiver(" banana ".to_string());
    in_a_method_chain("a bc def".to_string());
    in_method_arguments(3);
    in_the_arguments_of_a_field_method(order("o", 1));
    receiver_and_argument("abc".to_string());
    in_a_struct_literal(3);
    in_a_struct_update(3);
    in_a_tuple_and_an_array(3);
    in_an_enum_constructor(3);
    in_an_index(vec![1, 2]);
    in_an_index_that_is_assigned(vec![1, 2, 3]);
    in_a_range(3);
    behind_a_reference(4);
    in_a_cast(300);
    in_a_unary_expression(5);
    in_parentheses(3);
    in_a_dereference(3);
    in_a_field_access(3);
    in_a_compound_assignment(3);
    in_a_field_assignment(order("o", 1));
    in_a_condition(4);
    in_an_operand_of_a_condition(4);
    in_a_scrutinee_with_a_method("abc d".to_string());
    in_return_and_break(2);
    in_return_and_break(4);
    in_a_question_mark_operand("4".to_string());
    in_a_question_mark_operand("".to_string());
    in_an_if_that_is_an_argument(0);
    in_an_if_that_is_an_argument(3);
    in_a_block_that_is_an_operand(3);
    in_some_and_ok(2);
    in_some_and_ok(3);
    in_a_constructor_path(3);
    value_on_the_left_of_an_await(order("o", 0));
}
