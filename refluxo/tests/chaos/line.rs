//! The line between a worker and the server: a proxy that can be cut, or fall silent.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

/// How a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It works.
    Open,
    /// What is said is held back, both ways.
    Silent,
    /// What the server says is held back.
    Deaf,
    /// Connections are broken, and new ones too.
    Cut,
}

/// Which way words go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    ToServer,
    FromServer,
}

impl Mode {
    fn holds(self, way: Way) -> bool {
        match self {
            Self::Open | Self::Cut => false,
            Self::Silent => true,
            Self::Deaf => way == Way::FromServer,
        }
    }
}

/// A worker's line.
pub struct Line {
    mode: watch::Sender<Mode>,
    pub port: u16,
}

impl Line {
    /// A line to the server.
    pub async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let (mode, of_all) = watch::channel(Mode::Open);
        tokio::spawn(async move {
            while let Ok((worker, _)) = listener.accept().await {
                let mut mode = of_all.clone();
                tokio::spawn(async move {
                    let mut cut = mode.clone();
                    tokio::select! {
                        biased;
                        _ = cut.wait_for(|mode| *mode == Mode::Cut) => {}
                        _ = connect(worker, server, &mut mode) => {}
                    }
                });
            }
        });
        Self { mode, port }
    }

    pub fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }
}

/// Passes on what is said, until one side ends.
async fn connect(worker: TcpStream, server: SocketAddr, mode: &mut watch::Receiver<Mode>) -> io::Result<()> {
    let server = TcpStream::connect(server).await?;
    server.set_nodelay(true)?;
    worker.set_nodelay(true)?;
    let ((from_worker, to_worker), (from_server, to_server)) = (worker.into_split(), server.into_split());
    tokio::select! {
        end = pass(from_worker, to_server, mode.clone(), Way::ToServer) => end,
        end = pass(from_server, to_worker, mode.clone(), Way::FromServer) => end,
    }
}

async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut mode: watch::Receiver<Mode>,
    way: Way,
) -> io::Result<()> {
    let mut said = vec![0; 16 << 10];
    loop {
        let length = from.read(&mut said).await?;
        if length == 0 {
            return Ok(());
        }
        // The sender lives as long as the test.
        let _ = mode.wait_for(|mode| !mode.holds(way)).await;
        to.write_all(&said[..length]).await?;
    }
}
