//! What is done beside the workers: runs are started, and scripts run.

use std::{sync::Arc, time::Duration};

use tokio::time::timeout;

use super::{Chance, Plan, Scene, office::Office};
use crate::{
    engine::{Engine, Run},
    machine::Machine,
};

/// Starts a run and does what is to be done beside it.
pub(super) async fn act<W: Machine>(plan: Arc<Plan<W>>, office: Arc<Office>, client: Engine, number: u64) {
    let chance = office.air.chance.clone();
    tokio::time::sleep(chance.up_to(plan.storm / 8)).await;
    let id = format!("run-{number}");
    start(&plan, &office, &id, chance.number(..)).await;
    let run: Run<W> = loop {
        if let Ok(run) = client.run(&id).await {
            break run;
        }
    };
    (plan.script)(Scene { run, engine: client, chance, office }).await;
}

/// Has some worker start a run. It may die meanwhile, and then another one is asked.
async fn start<W: Machine>(plan: &Plan<W>, office: &Office, id: &str, seed: u64) {
    loop {
        if let Some(engine) = office.any() {
            // The same one each time.
            let chance = Chance::of_seed(seed);
            let workflow = (plan.workflow)(&chance);
            let starting = (plan.starting)(engine.start(id, workflow), &chance);
            if let Ok(Ok(_)) = timeout(Duration::from_secs(30), starting).await {
                return;
            }
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
