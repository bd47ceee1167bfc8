//! What is done to the workers.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use tokio::{
    sync::{Mutex, OwnedMutexGuard},
    task::spawn_blocking,
    time::sleep,
};

use super::{
    LEASE,
    journal::now,
    line::{Line, Mode},
    postgres,
    process::Worker,
};

/// What happens to a worker, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is killed, and another one takes its place after this time.
    Killed,
    /// It is stopped, for longer than a lease.
    Stopped,
    /// It is stopped, and then killed.
    StoppedForGood,
    /// Its line is in this mode; then it works again, and what was held back is delivered.
    Line(Mode),
    /// The same, but what was held back is never delivered.
    Lost(Mode),
    /// The server ends its connections: all, or the one by which it shows that it lives.
    Terminated { all: bool },
    /// Another program writes to the file.
    Busy,
}

pub const OF_A_SERVER: [Fault; 10] = [
    Fault::Killed,
    Fault::Killed,
    Fault::Stopped,
    Fault::Stopped,
    Fault::StoppedForGood,
    Fault::Line(Mode::Silent),
    Fault::Line(Mode::Deaf),
    Fault::Lost(Mode::Silent),
    Fault::Lost(Mode::Deaf),
    Fault::Line(Mode::Cut),
];

pub const OF_CONNECTIONS: [Fault; 2] = [Fault::Terminated { all: true }, Fault::Terminated { all: false }];

pub const OF_A_FILE: [Fault; 6] =
    [Fault::Killed, Fault::Killed, Fault::Stopped, Fault::Stopped, Fault::StoppedForGood, Fault::Busy];

/// All that was done.
#[derive(Debug, Default)]
pub struct Faults {
    pub stops: Vec<Stop>,
    /// When whose connections were broken.
    pub breaks: Vec<(String, u64)>,
    /// Each fault with its time.
    pub log: Vec<(u64, String)>,
    kills: usize,
    cuts: usize,
    busy: usize,
    /// Workers that died by themselves.
    pub deaths: Vec<String>,
}

/// A stop of a process, and when it went on.
#[derive(Debug)]
pub struct Stop {
    pub worker: String,
    pub to: u64,
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stops, kills, cuts, busy, .. } = self;
        write!(f, "{kills} kills, {} stops, {cuts} cuts, {busy} locks", stops.len())
    }
}

/// How long a fault lasts, of a part of the longest time for its kind.
pub fn length(fault: Fault, part: f64) -> Duration {
    match fault {
        Fault::Killed | Fault::Terminated { .. } => LEASE.mul_f64(part * 0.5),
        Fault::Stopped => LEASE.mul_f64(1.05 + part),
        Fault::StoppedForGood | Fault::Line(_) | Fault::Lost(_) => LEASE.mul_f64(0.05 + 2.0 * part),
        Fault::Busy => LEASE.mul_f64(part),
    }
}

/// Something that is being done.
pub struct Doing {
    pub fault: Fault,
    pub length: Duration,
    pub worker: OwnedMutexGuard<Worker>,
    pub line: Option<Arc<Line>>,
    pub file: Option<PathBuf>,
    pub faults: Arc<Mutex<Faults>>,
}

impl Doing {
    pub async fn run(mut self) {
        let (fault, length, name) = (self.fault, self.length, self.worker.name());
        self.faults.lock().await.log.push((now(), format!("{name}: {fault:?} for {length:.1?}")));
        match fault {
            Fault::Killed => {
                self.kill().await;
                sleep(length).await;
                self.worker.restart();
            }
            Fault::Stopped => self.stop().await,
            Fault::StoppedForGood => {
                self.worker.signal("STOP");
                sleep(length).await;
                self.kill().await;
                self.worker.restart();
            }
            Fault::Line(mode) => self.set_line(mode).await,
            Fault::Lost(mode) => {
                self.set_line(mode).await;
                self.set_line(Mode::Cut).await;
            }
            Fault::Terminated { all } => {
                self.note_break(true).await;
                terminate(self.worker.number, all).await;
            }
            Fault::Busy => self.lock_file().await,
        }
        self.faults.lock().await.log.push((now(), format!("{name}: {fault:?} is over")));
        self.set_open();
    }

    async fn kill(&mut self) {
        let dead = self.worker.kill();
        let mut faults = self.faults.lock().await;
        faults.kills += 1;
        faults.deaths.extend(dead);
    }

    async fn stop(&self) {
        self.worker.signal("STOP");
        sleep(self.length).await;
        let stop = Stop { worker: self.worker.name(), to: now() };
        self.faults.lock().await.stops.push(stop);
        self.worker.signal("CONT");
    }

    async fn set_line(&self, mode: Mode) {
        if let Some(line) = &self.line {
            self.note_break(mode == Mode::Cut).await;
            line.set(mode);
            self.faults.lock().await.cuts += 1;
            sleep(self.length).await;
        }
    }

    async fn note_break(&self, breaks: bool) {
        if breaks {
            self.faults.lock().await.breaks.push((self.worker.name(), now()));
        }
    }

    fn set_open(&self) {
        if let Some(line) = &self.line {
            line.set(Mode::Open);
        }
    }

    async fn lock_file(&self) {
        let Some(file) = self.file.clone() else { return };
        let length = self.length;
        let held = spawn_blocking(move || {
            let mut other = rusqlite::Connection::open(file).expect("the file");
            other.busy_timeout(LEASE * 10).expect("it is patient");
            let behavior = rusqlite::TransactionBehavior::Immediate;
            let tx = other.transaction_with_behavior(behavior).expect("the file is free some time");
            std::thread::sleep(length);
            tx.rollback().expect("it has written nothing");
        });
        held.await.expect("the file was locked");
        self.faults.lock().await.busy += 1;
    }
}

/// Has the server end a worker's connections: all, or the one that holds the locks of its sessions.
async fn terminate(number: usize, all: bool) {
    let holder = "pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')";
    let which = if all { "true" } else { holder };
    let sql = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'w{number}' AND {which}"
    );
    spawn_blocking(move || postgres::run(sql)).await.expect("the server ends them");
}
