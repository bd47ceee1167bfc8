//! All workers, and how things come to be done to them.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::{sync::Mutex, task::JoinSet, time::sleep};

use super::{
    faults::{Doing, Fault, Faults, OF_A_FILE, OF_A_SERVER, OF_CONNECTIONS, length},
    line::Line,
    process::Worker,
    worker::Place,
};

/// The workers.
pub struct Office {
    workers: Vec<Arc<Mutex<Worker>>>,
    doings: JoinSet<()>,
    faults: Arc<Mutex<Faults>>,
    kinds: Vec<Fault>,
    lines: Vec<Option<Arc<Line>>>,
    file: Option<PathBuf>,
}

impl Office {
    /// Starts so many workers, each on a line of its own if there is a server.
    pub async fn open(workers: usize, place: Place, folder: &Path) -> Self {
        let mut office = Self {
            workers: Vec::new(),
            doings: JoinSet::new(),
            faults: Arc::default(),
            kinds: OF_A_FILE.to_vec(),
            lines: Vec::new(),
            file: None,
        };
        if let Place::File(path) = &place {
            office.file = Some(path.clone());
        }
        for number in 0..workers {
            let (place, line) = match &place {
                Place::File(_) => (place.clone(), None),
                Place::Postgres { url, schema } => {
                    office.kinds = [&OF_A_SERVER[..], &OF_CONNECTIONS].concat();
                    let port =
                        url.rsplit(':').next().and_then(|rest| rest.split('/').next()).expect("a port");
                    let port: u16 = port.parse().expect("its number");
                    let line = Line::to(([127, 0, 0, 1], port).into()).await;
                    let url = url.replace(&format!(":{port}/"), &format!(":{}/", line.port));
                    let url = format!("{url}?application_name=w{number}");
                    (Place::Postgres { url, schema: schema.clone() }, Some(Arc::new(line)))
                }
            };
            office.workers.push(Arc::new(Mutex::new(Worker::start(number, place, folder))));
            office.lines.push(line);
        }
        office
    }

    /// Does things to workers until that holds. What comes next follows from the seed; a worker that is in trouble is left alone.
    pub async fn trouble(&mut self, random: &mut fastrand::Rng, is_over: impl Fn() -> bool) {
        let share = 8 / u32::try_from(self.workers.len()).expect("a few");
        while !is_over() {
            let pause = Duration::from_millis(random.u64(100..800)) * share;
            let number = random.usize(..self.workers.len());
            let fault = self.kinds[random.usize(..self.kinds.len())];
            let part = random.f64();
            sleep(pause).await;
            let Ok(worker) = self.workers[number].clone().try_lock_owned() else { continue };
            let doing = Doing {
                fault,
                length: length(fault, part),
                worker,
                line: self.lines[number].clone(),
                file: self.file.clone(),
                faults: self.faults.clone(),
            };
            self.doings.spawn(doing.run());
        }
    }

    /// Waits until nobody is in trouble any more.
    pub async fn heal(&mut self) {
        while let Some(done) = self.doings.join_next().await {
            done.expect("what was done is undone");
        }
    }

    /// Ends the workers, and tells what was done to them.
    pub async fn close(self) -> Faults {
        for worker in &self.workers {
            let dead = worker.lock().await.kill();
            self.faults.lock().await.deaths.extend(dead);
        }
        std::mem::take(&mut *self.faults.lock().await)
    }
}
