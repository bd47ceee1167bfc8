//! The order in which Rust evaluates things, and what it does not evaluate.

use super::prelude::*;

#[workflow]
async fn arguments_left_to_right(n: u64) -> u64 {
    let mut calls = 0;
    let mut count = |by: u64| {
        calls += by;
        calls
    };
    let a = count(n);
    let b = count(n);
    add(a, add(b, number(calls).await).await).await
}

#[workflow]
async fn operand_read_before_the_await(n: u64) -> u64 {
    let mut x = n;
    let sum = x + {
        x = number(100).await;
        x
    };
    sum * 1000 + x
}

#[workflow]
async fn argument_read_before_the_await(n: u64) -> u64 {
    let mut x = n;
    let total = add(x, {
        x += 1;
        double(x).await
    })
    .await;
    total * 100 + x
}

#[workflow]
async fn compound_assignment_reads_last(n: u64) -> u64 {
    let mut x = n;
    x += {
        x = number(x + 10).await;
        1
    };
    x
}

#[workflow]
async fn struct_fields_in_the_order_written(n: u32) -> User {
    User { name: upper("first").await, age: next(n).await, id: number(3).await }
}

#[workflow]
async fn and_short_circuits(a: bool, b: bool) -> bool {
    ask("a", a).await && ask("b", b).await
}

#[workflow]
async fn or_short_circuits(a: bool, b: bool) -> bool {
    ask("a", a).await || ask("b", b).await
}

#[workflow]
async fn await_on_the_left_only(a: bool, n: u64) -> bool {
    let both = ask("a", a).await && n > 3;
    let either = ask("b", a).await || n > 3;
    both ^ either
}

#[workflow]
async fn await_on_the_right_only(a: bool, n: u64) -> (bool, bool) {
    let both = n > 3 && ask("both", a).await;
    let either = n > 3 || ask("either", a).await;
    (both, either)
}

#[workflow]
async fn mixed_and_nested(a: bool, b: bool, c: bool) -> u64 {
    if (ask("a", a).await || b && ask("b", b).await) && !(ask("c", c).await && a) {
        number(1).await
    } else {
        number(2).await
    }
}

#[workflow]
async fn short_circuit_in_a_while_condition(n: u64) -> u64 {
    let mut n = n;
    while n > 0 && is_even(n).await || n == 7 {
        n = number(n / 2).await;
    }
    n
}

#[workflow]
async fn short_circuit_as_a_statement(a: bool) -> bool {
    let mut seen = false;
    let _ = ask("first", a).await && {
        seen = ask("second", true).await;
        true
    };
    seen
}

#[workflow]
async fn short_circuit_in_an_argument(a: bool, b: bool) -> u64 {
    let yes = u64::from(ask("a", a).await && ask("b", b).await);
    add(yes, u64::from(a || ask("c", b).await)).await
}

#[workflow]
async fn question_mark_stops_the_rest(text: String) -> Result<u64, ShopError> {
    let total = add(parse(&text).await?, number(5).await).await + parse("1").await?;
    Ok(total)
}

#[workflow]
async fn a_return_inside_an_argument(n: u64) -> u64 {
    let x = add(number(1).await, if n > 3 { return number(n).await } else { double(n).await }).await;
    x + 1
}

#[workflow]
async fn index_and_value_of_an_assignment(n: u64) -> Vec<u64> {
    let mut at = 0;
    let mut numbers = vec![0; 3];
    while at < 3 {
        numbers[at] = add(n, at as u64).await;
        at += 1;
    }
    numbers
}

#[workflow]
async fn tuple_elements_left_to_right(n: u64) -> (u64, u64, u64) {
    let mut x = n;
    (
        x,
        {
            x += number(1).await;
            x
        },
        double(x).await,
    )
}

cases! {
    arguments_left_to_right(3);
    operand_read_before_the_await(3);
    argument_read_before_the_await(3);
    compound_assignment_reads_last(3);
    struct_fields_in_the_order_written(3);
    and_short_circuits(true, true);
    and_short_circuits(true, false);
    and_short_circuits(false, true);
    or_short_circuits(true, true);
    or_short_circuits(false, true);
    await_on_the_left_only(true, 3);
    await_on_the_left_only(false, 4);
    await_on_the_right_only(true, 3);
    await_on_the_right_only(true, 4);
    mixed_and_nested(true, false, false);
    mixed_and_nested(true, false, true);
    mixed_and_nested(false, true, true);
    mixed_and_nested(false, false, true);
    short_circuit_in_a_while_condition(7);
    short_circuit_in_a_while_condition(8);
    short_circuit_as_a_statement(true);
    short_circuit_as_a_statement(false);
    short_circuit_in_an_argument(true, true);
    short_circuit_in_an_argument(false, true);
    question_mark_stops_the_rest("4".to_string());
    question_mark_stops_the_rest("".to_string());
    a_return_inside_an_argument(3);
    a_return_inside_an_argument(4);
    index_and_value_of_an_assignment(5);
    tuple_elements_left_to_right(3);
}
