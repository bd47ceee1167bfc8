//! Branches of several steps.

use std::time::Duration;

use super::prelude::{steady as case, *};

#[workflow]
async fn two_blocks(n: u64) -> (u64, u64) {
    join!(
        async move {
            let a = slow(n, 3).await;
            slow(a + 1, 5).await
        },
        async move {
            let b = slow(n * 10, 2).await;
            slow(b + 1, 11).await
        },
    )
}

#[workflow]
async fn a_block_and_a_call(n: u64) -> String {
    let (sum, text) = join!(
        async move {
            let mut sum = 0;
            for i in 0..n {
                sum += slow(i, 3).await;
            }
            sum
        },
        slow_text("beside", 5),
    );
    format!("{text} {sum}")
}

#[workflow]
async fn a_captured_vec_grows(n: u64) -> (Vec<u64>, u64) {
    let mut grown = Vec::new();
    join!(
        async move {
            for i in 0..n {
                grown.push(slow(i, 3).await);
            }
            grown
        },
        slow(n, 7),
    )
}

#[workflow]
async fn each_block_has_its_part(pair: (String, String)) -> String {
    let (left, right) = pair;
    let (a, b) = join!(
        async move {
            let loud = slow_text(&left, 3).await;
            format!("{left}{loud}")
        },
        async move {
            let loud = slow_text(&right, 5).await;
            slow_text(&format!("{right}{loud}"), 2).await
        },
    );
    format!("{a} {b}")
}

#[workflow]
async fn a_question_mark_in_a_block(a: u64, b: u64) -> Result<u64, String> {
    let (a, b) = try_join!(
        async move {
            let a = slow_even(a, 3).await?;
            let more = slow_even(a + 2, 5).await?;
            Ok::<_, String>(a + more)
        },
        async move {
            let b = slow(b, 7).await;
            slow_even(b, 2).await
        },
    )?;
    Ok(a * b)
}

#[workflow]
async fn returns_early_in_a_block(n: u64) -> u64 {
    let (a, b) = join!(
        async move {
            if n > 3 {
                return slow(100, 3).await;
            }
            let n = slow(n, 5).await;
            n + 1
        },
        async move { slow(n, 2).await },
    );
    a + b
}

#[workflow]
async fn blocks_in_blocks(n: u64) -> u64 {
    let (a, b) = join!(
        async move {
            let (x, y) = join!(async move { slow(n, 3).await + slow(n, 5).await }, slow(n, 7));
            x * y
        },
        async move {
            let n = slow(n + 1, 11).await;
            join!(slow(n, 2), async move { slow(n, 13).await }).1
        },
    );
    slow(a + b, 17).await
}

#[workflow]
async fn a_block_that_waits(n: u64) -> u64 {
    let (paid, n) = join!(
        async move {
            let mut open = n;
            while open > 0 {
                open = open.saturating_sub(signal::<Payment>().await.amount);
                sleep(Duration::from_millis(3)).await;
            }
            slow(1, 5).await
        },
        slow(n, 19),
    );
    paid + n
}

#[workflow]
async fn blocks_of_every_item(words: Vec<String>) -> Vec<String> {
    join_all!(for word in words => async move {
        let once = slow_text(&word, 3).await;
        let twice = slow_text(&once, 5).await;
        format!("{word} {twice}")
    }, limit = 2)
}

#[workflow]
async fn a_match_in_a_block(n: u64) -> String {
    let (text, _) = join!(
        async move {
            match slow_even(n, 3).await {
                Ok(even) if even > 2 => format!("{even} is large"),
                Ok(even) => slow_text(&format!("{even} is small"), 5).await,
                Err(error) => error,
            }
        },
        sleep(Duration::from_millis(7)),
    );
    text
}

#[workflow]
async fn a_child_in_a_block(n: u64) -> u64 {
    let (sum, other) = join!(
        async move {
            let (a, b) = two_blocks(n).await;
            slow(a + b, 3).await
        },
        two_blocks(n + 1),
    );
    sum + other.0
}

#[workflow]
async fn a_block_in_a_loop(rounds: u64) -> u64 {
    let mut sum = 0;
    for round in 0..rounds {
        let before = sum;
        let (a, b) = join!(async move { slow(before, 3).await + slow(round, 5).await }, slow(round, 7));
        sum = a + b;
    }
    sum
}

#[workflow]
async fn locals_on_both_sides(n: u64) -> (String, u64) {
    let words = vec!["a".to_string(), "b".to_string()];
    let count = words.len() as u64;
    let joined = words.join("-");
    let (loud, sum) = join!(
        async move {
            let loud = slow_text(&joined, 3).await;
            let again = slow_text(&loud, 5).await;
            format!("{joined} {loud} {again}")
        },
        async move { slow(count, 2).await + slow(n, 7).await },
    );
    (loud, sum + words.len() as u64)
}

timed_cases! {
    two_blocks(1);
    a_block_and_a_call(4);
    a_block_and_a_call(0);
    a_captured_vec_grows(3);
    each_block_has_its_part(("l".to_string(), "r".to_string()));
    a_question_mark_in_a_block(2, 4);
    a_question_mark_in_a_block(1, 4);
    a_question_mark_in_a_block(2, 3);
    returns_early_in_a_block(2);
    returns_early_in_a_block(5);
    blocks_in_blocks(2);
    a_block_that_waits(5) with [7 => Payment { amount: 2 }, 13 => Payment { amount: 4 }];
    blocks_of_every_item(vec!["a".to_string(), "b".to_string(), "c".to_string()]);
    a_match_in_a_block(2);
    a_match_in_a_block(3);
    a_match_in_a_block(4);
    a_child_in_a_block(1);
    a_block_in_a_loop(3);
    locals_on_both_sides(2);
}
