//! Children that fail, that nobody awaits any more, or that go their own way. Each undoes what it did.

use std::time::Duration;

use super::prelude::*;

#[workflow]
async fn books_or_fails(n: u64, ms: u64) -> Result<u64, String> {
    let n = slow(n, 3).await;
    compensate!(take_back(format!("first {n}")));
    let n = slow(n, 5).await;
    compensate!(take_back(format!("second {n}")));
    slow_even(n, ms).await
}

#[workflow]
async fn books_by_a_child(n: u64, ms: u64) -> Result<u64, String> {
    compensate!(take_back(format!("around {n}")));
    let booked = books_or_fails(n, ms).await?;
    Ok(booked + 1)
}

#[workflow]
async fn a_child_that_failed_is_no_failure(n: u64) -> String {
    compensate!(take_back("of the parent".to_string()));
    let booked = books_or_fails(n, 7).await;
    slow_text("after", 11).await + &format!("{booked:?}")
}

#[workflow]
async fn a_child_is_late(ms: u64) -> bool {
    let in_time = books_or_fails(3, ms).timeout(Duration::from_millis(29)).await.is_ok();
    slow(1, 2).await;
    in_time
}

#[workflow]
async fn a_child_loses(ms: u64) -> u64 {
    let won = select! {
        booked = books_or_fails(2, 31) => booked.unwrap_or(7),
        () = sleep(Duration::from_millis(ms)) => 9,
    };
    slow(won, 2).await
}

#[workflow]
async fn a_child_is_given_up_with_its_own(ms: u64) -> u64 {
    let won = select! {
        booked = books_by_a_child(2, 41) => booked.unwrap_or(7),
        () = sleep(Duration::from_millis(ms)) => 9,
    };
    slow(won, 2).await
}

#[workflow]
async fn a_failed_branch_ends_the_child_in_another(n: u64) -> Result<u64, String> {
    compensate!(take_back("of the parent".to_string()));
    let (booked, even) = try_join!(
        async move {
            let booked = books_by_a_child(n + 1, 43).await?;
            compensate!(take_back(format!("booked {booked}")));
            Ok(booked)
        },
        slow_even(n, 23),
    )?;
    Ok(booked + even)
}

#[workflow]
async fn a_child_goes_its_own_way(n: u64) -> u64 {
    let _ = spawn(books_or_fails(n, 13)).await;
    slow(n, 7).await
}

#[workflow]
async fn a_failure_leaves_what_was_spawned(n: u64) -> Result<u64, String> {
    compensate!(take_back("of the parent".to_string()));
    let _ = spawn(books_by_a_child(n, 37)).await;
    slow_even(n, 11).await
}

#[workflow]
async fn each_block_spawns_one(numbers: Vec<u64>) -> Vec<u64> {
    join_all!(for n in &numbers => async move {
        let n = slow(*n, 2 * n).await;
        let _ = spawn(books_or_fails(n, 17)).await;
        slow(n, 19).await
    })
}

timed_cases! {
    books_or_fails(2, 7);
    books_or_fails(3, 7);
    books_by_a_child(2, 7);
    books_by_a_child(3, 7);
    a_child_that_failed_is_no_failure(2);
    a_child_that_failed_is_no_failure(3);
    a_child_is_late(7);
    a_child_is_late(31);
    a_child_loses(2);
    a_child_loses(6);
    a_child_loses(23);
    a_child_loses(53);
    a_child_is_given_up_with_its_own(2);
    a_child_is_given_up_with_its_own(6);
    a_child_is_given_up_with_its_own(23);
    a_child_is_given_up_with_its_own(61);
    a_failed_branch_ends_the_child_in_another(1);
    a_failed_branch_ends_the_child_in_another(2);
    a_child_goes_its_own_way(2);
    a_child_goes_its_own_way(3);
    a_failure_leaves_what_was_spawned(2);
    a_failure_leaves_what_was_spawned(3);
    each_block_spawns_one(vec![1, 2, 4]);
}
