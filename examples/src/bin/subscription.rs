//! A subscription: each month it reminds the customer, and charges three days later, until somebody cancels it.
//!
//! ```text
//! cargo run --bin subscription -- run ada       # a day takes a second here; may be stopped and called again
//! cargo run --bin subscription -- cancel ada    # from another terminal
//! ```

use std::{path::PathBuf, time::Duration};

use clap::{Parser, Subcommand};
use refluxo::prelude::*;

/// Who pays how much, and for how long at most.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Plan {
    customer: String,
    price: u32,
    months: u32,
    /// How long a day is: shorter where one wants to watch.
    day: Duration,
}

/// The customer does not want it any more.
#[derive(Debug, Serialize, Deserialize, Signal)]
struct Cancel {
    reason: String,
}

/// How it ended.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Ended {
    paid: u32,
    reason: Option<String>,
}

#[step]
async fn remind(customer: &str, month: u32) {
    println!("{customer}: month {month} is charged in three days");
}

/// Takes the price. The idempotency key is the payment's number, so that it is taken once.
#[step(retry(attempts = 5, initial = "1h", max = "1d"))]
async fn charge(#[inject] cx: &StepContext, customer: &str, price: u32) -> Result<u32, String> {
    println!("{customer}: charged {price} as {}", &cx.idempotency_key()[..8]);
    Ok(price)
}

#[step]
async fn say_goodbye(customer: &str) {
    println!("{customer}: goodbye");
}

/// Runs for years, and is a row in the database nearly all of that time.
#[workflow]
async fn subscription(plan: Plan) -> Result<Ended, String> {
    let mut paid = 0;
    let mut reason = None;
    for month in 1..=plan.months {
        // A month has 30 days; the last three of them begin with a reminder.
        let cancelled = select! {
            Cancel { reason } = signal::<Cancel>() => Some(reason),
            () = sleep(27 * plan.day) => {
                remind(&plan.customer, month).await;
                select! {
                    Cancel { reason } = signal::<Cancel>() => Some(reason),
                    () = sleep(3 * plan.day) => None,
                }
            }
        };
        if cancelled.is_some() {
            reason = cancelled;
            break;
        }
        paid += charge(&plan.customer, plan.price).await?;
    }
    say_goodbye(&plan.customer).await;
    Ok(Ended { paid, reason })
}

/// Runs a subscription, or cancels one.
#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    command: Command,
    /// The database.
    #[arg(long, global = true, default_value = "subscription.db")]
    db: PathBuf,
}

#[derive(Subcommand)]
enum Command {
    /// Subscribes a customer, or goes on with it.
    Run { customer: String },
    /// Cancels the subscription of a customer.
    Cancel { customer: String },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Args { command, db } = Args::parse();
    let engine = Engine::builder(SqliteStore::open(db).await?);
    match command {
        Command::Run { customer } => {
            let engine = engine.register::<Subscription>().build().await?;
            let day = Duration::from_secs(1);
            let plan = Plan { customer: customer.clone(), price: 9, months: 12, day };
            match engine.start(&customer, subscription(plan)).await?.result().await? {
                Ok(ended) => println!("{ended:?}"),
                Err(error) => println!("could not be charged: {error}"),
            }
            engine.shutdown().await;
        }
        Command::Cancel { customer } => {
            // It knows no workflow, so it leaves the work to the other process.
            let engine = engine.build().await?;
            let run = engine.run::<Subscription>(&customer).await?;
            run.signal(Cancel { reason: "somebody called".into() }).await?;
            engine.shutdown().await;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use refluxo::testing::{TestEngine, crash_everywhere};

    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    fn plan(months: u32) -> Plan {
        Plan { customer: "ada".into(), price: 9, months, day: DAY }
    }

    #[tokio::test(start_paused = true)]
    async fn a_year_passes_in_no_time() {
        let engine = TestEngine::builder().register::<Subscription>().build().await;
        let begun = engine.now();
        let run = engine.start("ada", subscription(plan(12))).await.unwrap();
        assert_eq!(run.result().await.unwrap(), Ok(Ended { paid: 108, reason: None }));
        assert_eq!(engine.now().saturating_since(begun), 360 * DAY);
        let recorded = engine.recorded();
        let days = |step| recorded.of(step).map(|call| call.began.saturating_since(begun).as_secs() / 86_400);
        assert!(days("remind").eq((0..12).map(|month| 30 * month + 27)));
        assert!(days("charge").eq((1..=12).map(|month| 30 * month)));
    }

    #[tokio::test(start_paused = true)]
    async fn an_early_cancel_ends_it_before_the_next_charge() {
        let engine = TestEngine::builder().register::<Subscription>().build().await;
        let run = engine.start("ada", subscription(plan(12))).await.unwrap();
        // After the second reminder, and before the second charge.
        engine.advance(58 * DAY).await;
        run.signal(Cancel { reason: "too dear".into() }).await.unwrap();
        assert_eq!(run.result().await.unwrap(), Ok(Ended { paid: 9, reason: Some("too dear".into()) }));
        let recorded = engine.recorded();
        assert_eq!((recorded.count("remind"), recorded.count("charge")), (2, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_bank_that_is_closed_is_asked_again_hours_later() {
        let builder = TestEngine::builder().register::<Subscription>();
        let engine = builder.fail_first::<charge>(3, || Err("closed".into())).build().await;
        let run = engine.start("ada", subscription(plan(1))).await.unwrap();
        assert_eq!(run.result().await.unwrap(), Ok(Ended { paid: 9, reason: None }));
        assert_eq!(engine.recorded().count("charge"), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn it_may_crash_anywhere() {
        let report = crash_everywhere(|| subscription(plan(3)))
            .script(|_engine, run| async move {
                tokio::time::sleep(70 * DAY).await;
                run.signal(Cancel { reason: "too dear".into() }).await.unwrap();
            })
            .await;
        assert_eq!(report.repeated, ["charge", "remind", "say_goodbye"]);
    }
}
