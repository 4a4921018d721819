//! tokio: a server and its clients, children with pipes, signals and timers, on two threads.

use std::error::Error;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

async fn echo(listener: TcpListener) -> std::io::Result<()> {
    loop {
        let (mut peer, _) = listener.accept().await?;
        tokio::spawn(async move {
            let (mut from, mut to) = peer.split();
            tokio::io::copy(&mut from, &mut to).await
        });
    }
}

async fn ask(to: std::net::SocketAddr, what: &[u8]) -> std::io::Result<bool> {
    let mut peer = TcpStream::connect(to).await?;
    peer.write_all(what).await?;
    peer.shutdown().await?;
    let mut answer = Vec::new();
    peer.read_to_end(&mut answer).await?;
    Ok(answer == what)
}

async fn child(what: &str) -> std::io::Result<bool> {
    let mut cat = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut to = cat.stdin.take().expect("it is piped");
    to.write_all(what.as_bytes()).await?;
    drop(to);
    let came = cat.wait_with_output().await?;
    Ok(came.status.success() && came.stdout == what.as_bytes())
}

async fn all() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(echo(listener));
    let mut hangups = signal(SignalKind::hangup())?;
    let (mut here, there) = UnixStream::pair()?;
    let mut lines = BufReader::new(there).lines();
    for turn in 0..4 {
        let (one, two, three) = tokio::join!(ask(address, b"hello"), child("child"), ask(address, b"again"));
        if !(one? && two? && three?) {
            return Err("another answer".into());
        }
        here.write_all(format!("turn {turn}\n").as_bytes()).await?;
        if lines.next_line().await? != Some(format!("turn {turn}")) {
            return Err("another line".into());
        }
        let me = std::process::id().to_string();
        let mut kill = Command::new("sh").args(["-c", "kill -HUP $0", &me]).spawn()?;
        hangups.recv().await.ok_or("no signal")?;
        kill.wait().await?;
    }
    Ok(())
}

#[tokio::main(worker_threads = 2)]
async fn main() {
    match timeout(PATIENCE, all()).await {
        Ok(Ok(())) => println!("well"),
        Ok(Err(error)) => panic!("{error}"),
        Err(_) => panic!("it does not come to an end"),
    }
}
