//! Asks a human, who answers from another process.
//!
//! ```text
//! cargo run --bin approval -- request trip-7 480     # asks, and waits; may be stopped and called again
//! cargo run --bin approval -- approve trip-7         # answers, from another terminal
//! ```

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use refluxo::prelude::*;

/// What is asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Expense {
    id: String,
    amount: u32,
}

/// The answer.
#[derive(Debug, Serialize, Deserialize, Signal)]
struct Approval {
    by: String,
    granted: bool,
}

/// Lets somebody know that there is something to decide.
#[step]
async fn ask(expense: &Expense) {
    println!("somebody must decide on {}: `approval approve {}`", expense.amount, expense.id);
}

/// Pays an expense back. The idempotency key is the payment's number, so that it is paid once.
#[step]
async fn pay(#[inject] cx: &StepContext, expense: Expense) -> String {
    format!("{} paid as {}", expense.amount, &cx.idempotency_key()[..8])
}

/// Pays an expense back: small ones at once, others when somebody has agreed.
#[workflow]
async fn reimburse(expense: Expense) -> Result<String, String> {
    if expense.amount > 100 {
        ask(&expense).await;
        // The run is a row in the database while it waits: no task, no memory, for as long as it takes.
        let approval = signal::<Approval>().await;
        if !approval.granted {
            return Err(format!("{} said no", approval.by));
        }
    }
    Ok(pay(expense).await)
}

/// Asks for money, or decides.
#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    command: Command,
    /// The database.
    #[arg(long, global = true, default_value = "approval.db")]
    db: PathBuf,
}

#[derive(Subcommand)]
enum Command {
    /// Asks for an expense to be paid back, and waits for the decision.
    Request { id: String, amount: u32 },
    /// Agrees.
    Approve { id: String },
    /// Does not agree.
    Refuse { id: String },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Args { command, db } = Args::parse();
    let engine = Engine::builder(SqliteStore::open(db).await?);
    match command {
        Command::Request { id, amount } => {
            let engine = engine.register::<Reimburse>().build().await?;
            let run = engine.start(&id, reimburse(Expense { id: id.clone(), amount })).await?;
            match run.result().await? {
                Ok(payment) => println!("{payment}"),
                Err(reason) => println!("not paid: {reason}"),
            }
            engine.shutdown().await;
        }
        Command::Approve { id } => answer(engine.build().await?, &id, true).await?,
        Command::Refuse { id } => answer(engine.build().await?, &id, false).await?,
    }
    Ok(())
}

/// Sends the answer. The engine knows no workflow here, so it leaves the work to the other process.
async fn answer(engine: Engine, id: &str, granted: bool) -> anyhow::Result<()> {
    let by = std::env::var("USER").unwrap_or_else(|_| "somebody".into());
    engine.run::<Reimburse>(id).await?.signal(Approval { by, granted }).await?;
    engine.shutdown().await;
    Ok(())
}
