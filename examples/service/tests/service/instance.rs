//! Instances of the service as real processes, and what is asked of them.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::NamedTempFile;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// An instance; killed when it is dropped.
pub struct Instance {
    process: Child,
    address: String,
    log: NamedTempFile,
}

/// An answer: the status and the body, as JSON or as a text.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub location: Option<String>,
    pub body: Value,
}

impl Instance {
    /// Starts one on a free port, and waits until it listens.
    pub fn start(database: &str) -> Self {
        let log = NamedTempFile::new().expect("a file");
        let mut process = Command::new(env!("CARGO_BIN_EXE_service"))
            .env("DATABASE_URL", database)
            .env("LISTEN", "127.0.0.1:0")
            .stdout(Stdio::piped())
            .stderr(log.reopen().expect("the file"))
            .spawn()
            .expect("the service");
        let mut line = String::new();
        let mut output = BufReader::new(process.stdout.take().expect("its output"));
        output.read_line(&mut line).expect("its first line");
        let address = line.trim().strip_prefix("listening on ").expect("its address").to_owned();
        Self { process, address, log }
    }

    /// How often its log says this.
    pub fn logged(&self, what: &str) -> usize {
        std::fs::read_to_string(self.log.path()).expect("its log").matches(what).count()
    }

    pub fn get(&self, path: &str) -> Answer {
        answer(agent().get(format!("{}{path}", self.address)).call())
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        answer(agent().post(format!("{}{path}", self.address)).send_json(body))
    }

    /// Decides on an order, under a key.
    pub fn approve(&self, id: &str, key: &str, granted: bool) -> Answer {
        let request = agent().post(format!("{}/orders/{id}/approval", self.address));
        let body = serde_json::json!({ "by": "eve", "granted": granted });
        answer(request.header("idempotency-key", key).send_json(body))
    }

    /// Waits until an order stands so, and gives how.
    pub fn wait_for(&self, id: &str, status: &str) -> Value {
        let begun = Instant::now();
        loop {
            let answer = self.get(&format!("/orders/{id}"));
            if answer.body["status"] == status {
                return answer.body;
            }
            assert!(begun.elapsed() < PATIENCE, "{id} is not {status}: {answer:?}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Watches an order: what its events carry, until the stream ends.
    pub fn watch(&self, id: &str) -> mpsc::Receiver<Value> {
        let (events, seen) = mpsc::channel();
        let response = agent().get(format!("{}/orders/{id}/live", self.address)).call().expect("a stream");
        thread::spawn(move || {
            let lines = BufReader::new(response.into_body().into_reader()).lines();
            for line in lines.map_while(Result::ok) {
                if let Some(data) = line.strip_prefix("data: ") {
                    let _ = events.send(serde_json::from_str(data).expect("JSON"));
                }
            }
        });
        seen
    }

    /// Comes back to a stream whose last event was this.
    pub fn come_back(&self, id: &str, last: &Value) -> Answer {
        let request = agent().get(format!("{}/orders/{id}/live", self.address));
        answer(request.header("last-event-id", last["revision"].to_string()).call())
    }

    /// Tells it to stop, as an orchestrator does.
    pub fn terminate(&self) {
        // The shell's own, as not every machine has a program of that name.
        let sent = Command::new("sh").args(["-c", &format!("kill -TERM {}", self.process.id())]).status();
        assert!(sent.expect("a shell").success());
    }

    /// Waits until it has ended.
    pub fn end(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().expect("its status") {
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "it does not end");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Kills it, as a crash would.
    pub fn kill(&mut self) {
        self.process.kill().expect("it lives");
        self.end();
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_recv_response(Some(PATIENCE))
        .build()
        .into()
}

fn answer(response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Answer {
    let mut response = response.expect("an answer");
    let text = response.body_mut().read_to_string().expect("its body");
    let location = response.headers().get("location").map(|place| place.to_str().expect("a text").to_owned());
    Answer {
        status: response.status().as_u16(),
        location,
        body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
    }
}

/// The next thing that a stream tells.
pub fn next(seen: &mpsc::Receiver<Value>) -> Option<Value> {
    match seen.recv_timeout(PATIENCE) {
        Ok(event) => Some(event),
        Err(mpsc::RecvTimeoutError::Disconnected) => None,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("nothing more was told"),
    }
}
