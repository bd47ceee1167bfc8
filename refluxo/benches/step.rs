//! The engine's time for a step without a store: taking a state apart, running an empty step, running the workflow's code to
//! the next await and putting the new state together. No JSON is written and nothing is read.
//!
//! The machine is driven as the engine's driver does, through the erased traits, each step in a context of its own and guarded
//! against panics. Its live locals are as the macro keeps them: typed where the type can be named, else a `Local`.

use std::{
    any::Any,
    hint::black_box,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures_util::FutureExt;
use refluxo::{
    Local,
    engine::{AnyMachine, AnyTransition},
    machine::{Changes, Description, Graph, Machine, Outcome, Transition, Undos},
    snapshot::{LoadError, StateReader, StateWriter},
    suspend::{Begin, Pending, Resources, StepContext, StepFuture, StepTask, Suspend},
};
use serde::{Deserialize, Serialize};

/// How many steps a run of the bench takes.
const STEPS: u64 = 1_000;

/// Charges and ships in turn, with a few live locals.
enum Shop {
    Start { orders: Vec<String> },
    Charge { call: Add, orders: Vec<String>, held: Local, total: u64, left: u64 },
    Ship { call: Add, orders: Vec<String>, held: Local, total: u64, left: u64 },
}

/// The locals that wait for a step.
enum ShopFrame {
    Start { orders: Vec<String> },
    Charge { orders: Vec<String>, held: Local, total: u64, left: u64 },
    Ship { orders: Vec<String>, held: Local, total: u64, left: u64 },
}

impl Machine for Shop {
    type Output = u64;
    type Frame = ShopFrame;
    const NAME: &'static str = "shop";
    const VERSION: u32 = 1;
    const GRAPH: &'static Graph = &Graph { states: &[] };

    fn at(&self) -> &'static str {
        match self {
            Self::Start { .. } => "Start",
            Self::Charge { .. } => "Charge",
            Self::Ship { .. } => "Ship",
        }
    }

    fn pending(&self) -> Pending<'_> {
        match self {
            Self::Start { .. } => Pending::Start,
            Self::Charge { call, .. } | Self::Ship { call, .. } => call.pending(),
        }
    }

    fn begin(self) -> (Begin, ShopFrame) {
        match self {
            Self::Start { orders } => (Begin::Start, ShopFrame::Start { orders }),
            Self::Charge { call, orders, held, total, left } => {
                (call.begin(), ShopFrame::Charge { orders, held, total, left })
            }
            Self::Ship { call, orders, held, total, left } => {
                (call.begin(), ShopFrame::Ship { orders, held, total, left })
            }
        }
    }

    fn resume(frame: ShopFrame, outcome: Outcome, _: &mut Undos) -> Transition<Self, u64> {
        match frame {
            ShopFrame::Start { orders } => {
                let held = Local::new(orders.len());
                let call = Add { to: 0, amount: 1 };
                let state = Self::Charge { call, orders, held, total: 0, left: STEPS };
                Transition::Suspend(state, Changes::none())
            }
            ShopFrame::Charge { total, left: 0, .. } | ShopFrame::Ship { total, left: 0, .. } => {
                Transition::Done(total)
            }
            ShopFrame::Charge { orders, held, left, .. } => {
                let total = outcome.take();
                let call = Add { to: total, amount: 1 };
                let state = Self::Ship { call, orders, held, total, left: left - 1 };
                Transition::Suspend(state, Changes::none())
            }
            ShopFrame::Ship { orders, held, left, .. } => {
                let total = outcome.take();
                let call = Add { to: total, amount: 1 };
                let state = Self::Charge { call, orders, held, total, left: left - 1 };
                Transition::Suspend(state, Changes::none())
            }
        }
    }

    fn encode(&self, _: &mut StateWriter<'_>) {}

    fn decode(at: &str, _: StateReader<'_>) -> Result<Self, LoadError> {
        Err(LoadError::UnknownState { workflow: Self::NAME, state: at.to_owned() })
    }

    fn describe(_: &mut Description) {}
}

/// A step that adds.
#[derive(Clone, Serialize, Deserialize)]
struct Add {
    to: u64,
    amount: u64,
}

impl Suspend for Add {
    type Output = u64;

    fn pending(&self) -> Pending<'_> {
        Pending::Step { name: "add" }
    }

    fn begin(self) -> Begin {
        Begin::Step(Box::new(self))
    }
}

impl StepTask for Add {
    fn name(&self) -> &'static str {
        "add"
    }

    fn run(self: Box<Self>, context: StepContext, _: Arc<Resources>) -> StepFuture {
        Box::pin(async move {
            black_box(context.idempotency_key());
            Outcome::new(self.to + self.amount)
        })
    }

    fn copy(&self) -> Result<Box<dyn StepTask>, serde_json::Error> {
        Ok(Box::new(self.clone()))
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }

    fn arguments(&self, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        serde_json::to_writer(out, self)
    }
}

/// Runs a machine to its end and tells how many steps that took.
async fn drive(mut machine: Box<dyn AnyMachine>, resources: &Arc<Resources>) -> u64 {
    let mut steps = 0;
    loop {
        let (begin, frame) = machine.begin();
        let outcome = match begin {
            Begin::Step(task) => {
                steps += 1;
                let context = StepContext::new("order-42".into(), task.name(), 1, black_box(KEY).into());
                let body = async { task.run(context, resources.clone()).await };
                AssertUnwindSafe(body).catch_unwind().await.expect("the step does not panic")
            }
            _ => Outcome::new(()),
        };
        match catch_unwind(AssertUnwindSafe(|| frame.resume(outcome, &mut Undos::default())))
            .expect("the workflow does not panic")
        {
            AnyTransition::Suspend(next, changes) => {
                black_box(changes);
                machine = next;
            }
            AnyTransition::Done { .. } | AnyTransition::Branch(_) | AnyTransition::Unreadable(_) => {
                return steps;
            }
        }
    }
}

/// An idempotency key as the engine makes it.
const KEY: &str = "0123456789abcdef0123456789abcdef";

fn engine_time_of_a_step(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let resources = Arc::new(Resources::default());
    let mut group = criterion.benchmark_group("step");
    group.throughput(Throughput::Elements(STEPS + 1));
    group.bench_function("erased machine with live locals, no store", |bencher| {
        bencher.iter(|| {
            let orders = vec!["apples".to_owned(), "pears".to_owned()];
            let steps = runtime.block_on(drive(Box::new(Shop::Start { orders }), &resources));
            assert_eq!(steps, STEPS + 1);
        });
    });
    group.finish();
}

criterion_group!(benches, engine_time_of_a_step);
criterion_main!(benches);
