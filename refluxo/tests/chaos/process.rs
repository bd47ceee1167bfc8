//! The worker processes.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use super::worker::{Desk, Place};

/// The process in one place, and those that come after it.
pub struct Worker {
    pub number: usize,
    life: u32,
    place: Place,
    folder: PathBuf,
    process: Child,
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Worker {
    pub fn start(number: usize, place: Place, folder: &Path) -> Self {
        let process = spawn(number, 0, &place, folder);
        Self { number, life: 0, place, folder: folder.to_owned(), process }
    }

    /// The name of the process.
    pub fn name(&self) -> String {
        name(self.number, self.life)
    }

    pub fn restart(&mut self) {
        self.life += 1;
        self.process = spawn(self.number, self.life, &self.place, &self.folder);
    }

    /// Kills the process; tells if it was dead before.
    pub fn kill(&mut self) -> Option<String> {
        let dead = self.process.try_wait().expect("it can be asked");
        self.process.kill().expect("SIGKILL");
        self.process.wait().expect("its end");
        dead.map(|status| format!("{} died by itself: {status}", self.name()))
    }

    /// Sends it a signal that the standard library has no words for.
    pub fn signal(&self, signal: &str) {
        let sent = Command::new("sh")
            .args(["-c", &format!("kill -{signal} {}", self.process.id())])
            .status()
            .expect("a shell");
        assert!(sent.success(), "{} can't be sent {signal}", self.name());
    }
}

fn name(number: usize, life: u32) -> String {
    format!("w{number}-{life}")
}

fn spawn(number: usize, life: u32, place: &Place, folder: &Path) -> Child {
    let name = name(number, life);
    let log = fs::File::create(folder.join(format!("{name}.log"))).expect("a log");
    let mut command = Command::new(std::env::current_exe().expect("this test"));
    // Any of the tests is the worker there.
    command.args(["four_processes_on_one_file", "--exact", "--nocapture", "--test-threads=1"]);
    Desk { place: place.clone(), journal: folder.join(format!("{name}.journal")) }.tell(&mut command);
    let out = log.try_clone().expect("the log again");
    command.stdin(Stdio::piped()).stdout(out).stderr(log).spawn().expect("a worker")
}
