//! `compensate!`.

use super::prelude::{steady as case, *};

#[workflow]
async fn takes_back_what_it_did(n: u64) -> Result<u64, String> {
    let a = slow(n, 3).await;
    compensate!(take_back(format!("a{a}")));
    let b = slow(n + 1, 5).await;
    compensate!(take_back(format!("b{b}")));
    slow_even(n, 7).await
}

#[workflow]
async fn takes_back_each_round(numbers: Vec<u64>) -> Result<u64, String> {
    let mut sum = 0;
    for n in &numbers {
        compensate!(take_back(format!("round {n}")));
        sum += slow_even(*n, 3).await?;
    }
    Ok(sum)
}

#[workflow]
async fn pushes_and_fails_at_once(n: u64) -> Result<u64, String> {
    let n = slow(n, 3).await;
    compensate!(take_back("first".to_string()));
    compensate!(take_back("second".to_string()));
    if n > 1 { Err(format!("{n} is too much")) } else { Ok(n) }
}

#[workflow]
async fn pushes_in_branches(n: u64) -> Result<u64, String> {
    let (a, b) = join!(
        async move {
            let a = slow(n, 3).await;
            compensate!(take_back(format!("left {a}")));
            slow(a, 11).await
        },
        async move {
            let b = slow(n, 5).await;
            compensate!(take_back(format!("right {b}")));
            b
        },
    );
    slow_even(a + b + 1, 2).await
}

#[workflow]
async fn the_child_takes_back_its_own(n: u64) -> Result<u64, String> {
    compensate!(take_back("of the parent".to_string()));
    let doubled = takes_back_what_it_did(n).await?;
    slow_even(doubled + 1, 3).await
}

#[workflow]
async fn a_child_takes_it_back(n: u64) -> Result<u64, String> {
    compensate!(takes_back_what_it_did(2));
    slow_even(n, 3).await
}

timed_cases! {
    takes_back_what_it_did(2);
    takes_back_what_it_did(3);
    takes_back_each_round(vec![2, 4, 6]);
    takes_back_each_round(vec![2, 4, 5, 6]);
    pushes_and_fails_at_once(1);
    pushes_and_fails_at_once(2);
    pushes_in_branches(1);
    the_child_takes_back_its_own(3);
    a_child_takes_it_back(3);
    a_child_takes_it_back(4);
}
