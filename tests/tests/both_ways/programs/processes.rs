//! Processes of all sorts, as one would write them for work.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    time::Duration,
};

use super::prelude::*;

#[workflow]
async fn paging_import(pages: u64) -> Vec<String> {
    let mut rows = Vec::new();
    let mut cursor = None;
    loop {
        let page = page(cursor, pages).await;
        rows.extend(page.rows);
        match page.next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    rows
}

#[workflow]
async fn paging_with_while_let(pages: u64) -> usize {
    let mut count = 0;
    let mut next = Some(0);
    while let Some(cursor) = next {
        let Page { rows, next: following } = page(Some(cursor), pages).await;
        for row in rows {
            count += length(&row).await;
        }
        next = following;
    }
    count
}

#[workflow]
async fn retry_by_hand(attempts: u32) -> Result<String, BankError> {
    let mut attempt = 0;
    let mut pause = Duration::from_millis(200);
    loop {
        attempt += 1;
        match flaky(attempt).await {
            Ok(done) => return Ok(done),
            Err(error) if attempt >= attempts => return Err(error),
            Err(BankError { code }) => log(&format!("attempt {attempt}: {code}")).await,
        }
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(1));
    }
}

#[workflow]
async fn retry_that_keeps_the_last_error(attempts: u32) -> Result<String, String> {
    let mut last = None;
    for attempt in 1..=attempts {
        match flaky(attempt).await {
            Ok(done) => return Ok(done),
            Err(error) => last = Some(error),
        }
    }
    Err(last.map_or("never tried".to_string(), |error| error.to_string()))
}

#[workflow]
async fn traffic_light(rounds: u32) -> Vec<Light> {
    let mut light = Light::Red;
    let mut seen = vec![light];
    for _ in 0..rounds {
        light = match light {
            Light::Yellow { blinking: true } => {
                log("blinking").await;
                Light::Red
            }
            other => switch(other).await,
        };
        seen.push(light);
    }
    seen
}

/// Where an account is in its life.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum Stage {
    Applied { name: String },
    Verified { name: String, score: u64 },
    Active(User),
    Closed,
}

#[workflow]
async fn account_as_a_state_machine(name: String) -> Vec<String> {
    let mut history = Vec::new();
    let mut stage = Stage::Applied { name };
    loop {
        history.push(format!("{stage:?}"));
        stage = match stage {
            Stage::Applied { name } => {
                let score = length(&name).await as u64;
                Stage::Verified { name, score }
            }
            Stage::Verified { score, .. } if score < 3 => Stage::Closed,
            Stage::Verified { name, score } => {
                let age = next(20).await;
                Stage::Active(User { id: number(score).await, name, age })
            }
            Stage::Active(user) => {
                let user = birthday(user).await;
                if user.age > 22 { Stage::Closed } else { Stage::Active(user) }
            }
            Stage::Closed => return history,
        };
    }
}

#[workflow]
async fn approval_chain(approvers: Vec<String>) -> Result<Vec<String>, ShopError> {
    let mut signed = Vec::new();
    for approver in &approvers {
        log(approver).await;
        let approval = signal::<Approval>().await;
        if approval.by != *approver {
            return Err(ShopError::Refused(format!("{} is not {approver}", approval.by)));
        }
        if !approval.granted {
            return Err(ShopError::Refused(approval.by));
        }
        signed.push(approval.by);
    }
    Ok(signed)
}

#[workflow]
async fn onboarding(id: u64) -> Option<String> {
    let user = user(id).await?;
    let welcome = format!("welcome {}", user.name);
    log(&welcome).await;
    for day in [1, 3, 7] {
        sleep(Duration::from_secs(day * 86_400)).await;
        if ask("still there?", user.age + 10 * day as u32 > 40).await {
            return Some(format!("{} answered on day {day}", user.name));
        }
    }
    None
}

#[workflow]
async fn crawler(start: String) -> Vec<String> {
    let mut queue = VecDeque::new();
    let mut seen = BTreeSet::new();
    queue.push_back(start);
    while let Some(url) = queue.pop_front() {
        if !seen.insert(url.clone()) {
            continue;
        }
        for link in links(&url).await {
            if !seen.contains(&link) {
                queue.push_back(link);
            }
        }
    }
    seen.into_iter().collect()
}

#[workflow]
async fn word_count(texts: Vec<String>) -> Vec<(String, usize)> {
    let mut counts = HashMap::new();
    for text in &texts {
        for word in split(text).await {
            *counts.entry(word).or_insert(0) += 1;
        }
        tick().await;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by(|(a, n), (b, m)| m.cmp(n).then_with(|| a.cmp(b)));
    counts
}

#[workflow]
async fn parse_and_sum(lines: Vec<String>) -> Result<(u64, Vec<String>), ShopError> {
    let mut total = 0;
    let mut bad = Vec::new();
    for (n, line) in lines.iter().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match parse(line).await {
            Ok(value) => total += value,
            Err(ShopError::Number(why)) => bad.push(format!("{n}: {why}")),
            Err(other) => return Err(other),
        }
    }
    Ok((total, bad))
}

#[workflow]
async fn calculator(program: String) -> Result<u64, ShopError> {
    let mut stack = Vec::new();
    for token in split(&program).await {
        let value = match token.as_str() {
            "+" | "*" => {
                let (Some(b), Some(a)) = (stack.pop(), stack.pop()) else {
                    return Err(ShopError::Empty);
                };
                if token == "+" { add(a, b).await } else { a * b }
            }
            "/" => {
                let b = stack.pop().ok_or(ShopError::Empty)?;
                let a = stack.pop().ok_or(ShopError::Empty)?;
                divide(a, b).await?
            }
            number => parse(number).await?,
        };
        stack.push(value);
    }
    stack.pop().ok_or(ShopError::Empty)
}

#[workflow]
async fn binary_search(target: u64, upto: u64) -> Option<u64> {
    let (mut low, mut high) = (0, upto);
    while low < high {
        let middle = low + (high - low) / 2;
        let value = number(middle * 3).await;
        if value == target {
            return Some(middle);
        } else if value < target {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    None
}

#[workflow]
async fn rate_limited_batch(names: Vec<String>, per_batch: usize) -> Vec<String> {
    let mut done = Vec::new();
    let mut batch = Vec::new();
    for name in names {
        batch.push(name);
        if batch.len() == per_batch {
            for name in std::mem::take(&mut batch) {
                done.push(upper(&name).await);
            }
            sleep(Duration::from_secs(1)).await;
        }
    }
    for name in batch {
        done.push(upper(&name).await);
    }
    done
}

#[workflow]
async fn restock(limit: u64) -> BTreeMap<String, u64> {
    let mut shelves = stock().await;
    let short: Vec<_> = shelves.iter().filter(|(_, n)| **n < limit).map(|(name, _)| name.clone()).collect();
    for name in short {
        let missing = limit - shelves[&name];
        let delivered = number(missing).await;
        if let Some(n) = shelves.get_mut(&name) {
            *n += delivered;
        }
    }
    shelves
}

#[workflow]
async fn subscription(months: u32) -> (u32, u64) {
    let mut paid = 0;
    let mut missed = 0;
    for month in 1..=months {
        sleep(Duration::from_secs(30 * 86_400)).await;
        let due = u64::from(month) * 500;
        match charge("subscription", due).await {
            Ok(receipt) => paid += receipt.amount,
            Err(_) if missed > 0 => break,
            Err(_) => missed += 1,
        }
    }
    (missed, paid)
}

cases! {
    paging_import(3);
    paging_with_while_let(3);
    retry_by_hand(5);
    retry_by_hand(2);
    retry_that_keeps_the_last_error(5);
    retry_that_keeps_the_last_error(2);
    retry_that_keeps_the_last_error(0);
    traffic_light(5);
    account_as_a_state_machine("Ada".to_string());
    account_as_a_state_machine("A".to_string());
    approval_chain(words("ann bob")) with [
        Approval { by: "ann".to_string(), granted: true },
        Approval { by: "bob".to_string(), granted: true },
    ];
    approval_chain(words("ann bob")) with [Approval { by: "ann".to_string(), granted: false }];
    approval_chain(words("ann bob")) with [Approval { by: "eve".to_string(), granted: true }];
    onboarding(4);
    onboarding(40);
    crawler("a".to_string());
    word_count(vec!["a b a".to_string(), "b a".to_string()]);
    parse_and_sum(words("1 x 20 # 3"));
    calculator("1 2 + 4 * 3 /".to_string());
    calculator("1 +".to_string());
    calculator("1 0 /".to_string());
    calculator("".to_string());
    binary_search(12, 10);
    binary_search(13, 10);
    rate_limited_batch(words("a b c d e"), 2);
    restock(5);
    subscription(4);
}
