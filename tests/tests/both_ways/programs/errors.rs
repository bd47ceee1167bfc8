//! `?`, early returns, and what a workflow may return.

use refluxo::Failure;

use super::prelude::*;

#[workflow]
async fn question_mark_on_a_result(sku: String) -> Result<String, ShopError> {
    let held = reserve(&sku, 1).await?;
    tick().await;
    Ok(held.id)
}

#[workflow]
async fn question_mark_converts_the_error(amount: u64) -> Result<u64, ShopError> {
    let receipt = charge("o1", amount).await?;
    let half = divide(receipt.amount, amount).await?;
    Ok(half)
}

#[workflow]
async fn question_mark_on_an_option(n: u64) -> Option<u64> {
    let a = find(n).await?;
    let b = find(a + 1).await?;
    Some(a + b)
}

#[workflow]
async fn question_mark_without_an_await(text: String) -> Result<u64, ShopError> {
    tick().await;
    let n: u64 = text.parse()?;
    let first = text.chars().next().ok_or(ShopError::Empty)?;
    log(&first.to_string()).await;
    Ok(n)
}

#[workflow]
async fn question_mark_in_a_loop(skus: Vec<String>) -> Result<Vec<Reservation>, ShopError> {
    let mut held = Vec::new();
    for sku in &skus {
        held.push(reserve(sku, 2).await?);
    }
    Ok(held)
}

#[workflow]
async fn question_mark_in_the_middle(text: String) -> Result<usize, ShopError> {
    let digits = parse(&text).await?.to_string().len();
    Ok(index(digits).await + parse(&text).await? as usize)
}

#[workflow]
async fn question_mark_at_the_end(a: u64, b: u64) -> Result<u64, ShopError> {
    Ok(divide(add(a, b).await, b).await?)
}

#[workflow]
async fn result_returned_as_it_is(a: u64, b: u64) -> Result<u64, BankError> {
    tick().await;
    divide(a, b).await
}

#[workflow]
async fn error_mapped(a: u64, b: u64) -> Result<u64, String> {
    let n = divide(a, b).await.map_err(|error| error.to_string())?;
    let m = divide(n, 2).await.map_err(|BankError { code }| format!("{code}"))?;
    Ok(m)
}

#[workflow]
async fn early_returns_everywhere(n: u64) -> Result<u64, ShopError> {
    if n == 0 {
        return Err(ShopError::Empty);
    }
    for i in 0..n {
        match find(i).await {
            Some(100) => continue,
            Some(found) if found > 400 => return Ok(found),
            Some(_) => {}
            None if i == 6 => return Err(ShopError::Refused("six".into())),
            None => {
                if !is_even(n).await {
                    return Ok(i);
                }
            }
        }
    }
    tick().await;
    Ok(n)
}

/// What this file's functions return.
type Res<T> = Result<T, ShopError>;

#[workflow]
async fn returns_an_alias(text: String) -> Res<u64> {
    let n = parse(&text).await?;
    let m = divide(n, 3).await?;
    Ok(m)
}

/// Like `anyhow::Result`.
type Fallible<T, E = ShopError> = std::result::Result<T, E>;

#[workflow]
async fn returns_an_alias_with_a_default(sku: String) -> Fallible<Reservation> {
    let held = reserve(&sku, 3).await?;
    log(&held.id).await;
    Ok(held)
}

/// Maybe something.
type Maybe<T> = Option<T>;

#[workflow]
async fn returns_an_alias_of_option(n: u64) -> Maybe<String> {
    let found = find(n).await?;
    Some(say(format!("{found}")).await)
}

#[workflow]
async fn returns_nothing(n: u64) {
    if is_even(n).await {
        log("even").await;
        return;
    }
    tick().await;
}

#[workflow]
async fn returns_a_unit_result(skus: Vec<String>) -> Result<(), ShopError> {
    for sku in skus {
        let held = reserve(&sku, 1).await?;
        release(held).await;
    }
    Ok(())
}

#[workflow]
async fn returns_a_bool(n: u64) -> bool {
    let n = double(n).await;
    is_even(n).await && n > 4
}

#[workflow]
async fn returns_a_tuple(n: u64) -> (u64, String, Option<u64>) {
    let (a, b) = pair(n).await;
    (a, b, find(n).await)
}

#[workflow]
async fn returns_a_nested_result(a: u64, b: u64) -> Result<Option<u64>, ShopError> {
    if a == 0 {
        return Ok(None);
    }
    Ok(find(divide(a, b).await?).await)
}

#[workflow]
async fn result_inside_an_option(n: u64) -> Option<Result<u64, BankError>> {
    let found = find(n).await?;
    Some(divide(found, n - 1).await)
}

#[workflow]
async fn ok_or_else_after_an_await(id: u64) -> Result<User, ShopError> {
    let found = user(id).await.ok_or_else(|| ShopError::Refused(format!("user {id}")))?;
    Ok(birthday(found).await)
}

#[workflow]
async fn boxed_error_kept_as_text(text: String) -> Result<u64, String> {
    let parsed = parse(&text).await;
    tick().await;
    match parsed {
        Ok(n) => Ok(n),
        Err(ShopError::Number(why)) => Err(upper(&why).await),
        Err(other) => Err(other.to_string()),
    }
}

#[workflow]
async fn returns_a_failure_of_any_kind(text: String) -> Result<u64, Failure> {
    let n: u64 = text.parse()?;
    let half = divide(n, n % 3).await?;
    let held = reserve(if half > 100 { "x" } else { "a" }, 1).await?;
    Ok(half + u64::from(held.qty))
}

#[workflow]
async fn panics_in_its_own_code(numbers: Vec<u64>) -> u64 {
    let at = index(5).await;
    let n = numbers[at];
    double(n).await
}

#[workflow]
async fn implicit_return_after_a_loop(limit: u32) -> u32 {
    let mut n = 0;
    while n < limit {
        n = next(n).await;
    }
    n
}

cases! {
    question_mark_on_a_result("a".to_string());
    question_mark_on_a_result("xa".to_string());
    question_mark_converts_the_error(10);
    question_mark_converts_the_error(5000);
    question_mark_converts_the_error(0);
    question_mark_on_an_option(1);
    question_mark_on_an_option(2);
    question_mark_without_an_await("12".to_string());
    question_mark_without_an_await("x".to_string());
    question_mark_in_a_loop(words("a b"));
    question_mark_in_a_loop(words("a xb c"));
    question_mark_in_the_middle("123".to_string());
    question_mark_in_the_middle("12e".to_string());
    question_mark_at_the_end(5, 5);
    question_mark_at_the_end(5, 0);
    result_returned_as_it_is(5, 0);
    error_mapped(8, 2);
    error_mapped(8, 0);
    early_returns_everywhere(0);
    early_returns_everywhere(3);
    early_returns_everywhere(8);
    early_returns_everywhere(2);
    returns_an_alias("9".to_string());
    returns_an_alias("".to_string());
    returns_an_alias_with_a_default("a".to_string());
    returns_an_alias_with_a_default("x".to_string());
    returns_an_alias_of_option(3);
    returns_an_alias_of_option(2);
    returns_nothing(1);
    returns_nothing(2);
    returns_a_unit_result(words("a b"));
    returns_a_unit_result(words("x"));
    returns_a_bool(2);
    returns_a_bool(3);
    returns_a_tuple(3);
    returns_a_nested_result(0, 0);
    returns_a_nested_result(9, 3);
    returns_a_nested_result(9, 0);
    result_inside_an_option(1);
    result_inside_an_option(3);
    result_inside_an_option(2);
    ok_or_else_after_an_await(3);
    ok_or_else_after_an_await(30);
    boxed_error_kept_as_text("7".to_string());
    boxed_error_kept_as_text("seven".to_string());
    returns_a_failure_of_any_kind("8".to_string());
    returns_a_failure_of_any_kind("9".to_string());
    returns_a_failure_of_any_kind("nine".to_string());
    returns_a_failure_of_any_kind("500".to_string());
    panics_in_its_own_code(vec![1, 2]);
    implicit_return_after_a_loop(3);
}
