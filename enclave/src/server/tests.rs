// SPDX-License-Identifier: Apache-2.0

use std::net::SocketAddr;

use axum::routing::{get, post};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::Notify,
    task::JoinHandle,
};

use super::*;

const DEADLINE: Duration = Duration::from_secs(60);

/// What is to be seen to run out.
const SHORT: Duration = Duration::from_millis(300);

/// Limits in time that no test reaches, on however slow a machine.
fn limits() -> ServerLimits {
    ServerLimits { head_time: DEADLINE, drain: DEADLINE, ..Default::default() }
}

async fn start(
    router: Router,
    limits: ServerLimits,
) -> (SocketAddr, watch::Sender<bool>, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopping) = watch::channel(false);
    (address, stop, tokio::spawn(serve(listener, router, limits, stopping)))
}

async fn to_end(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    time::timeout(DEADLINE, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_head_that_is_not_finished_ends_the_connection() {
    let limits = ServerLimits { head_time: SHORT, ..limits() };
    let (address, _stop, _server) = start(Router::new(), limits).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n").await.unwrap();
    assert!(!to_end(&mut stream).await.contains("200"));
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let (address, _stop, _server) = start(Router::new(), limits()).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "y".repeat(2 * limits().head));
    stream.write_all(head.as_bytes()).await.unwrap();
    assert!(to_end(&mut stream).await.starts_with("HTTP/1.1 431"));
}

#[tokio::test]
async fn what_has_begun_is_finished_when_the_server_stops() {
    let (begun, finish) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let handler = {
        let (begun, finish) = (begun.clone(), finish.clone());
        move || async move {
            begun.notify_one();
            finish.notified().await;
            "finished"
        }
    };
    let (address, stop, server) = start(Router::new().route("/", get(handler)), limits()).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    begun.notified().await;
    stop.send_replace(true);
    // No new connections are taken.
    time::timeout(DEADLINE, async { while TcpStream::connect(address).await.is_ok() {} })
        .await
        .unwrap();
    finish.notify_one();
    assert!(to_end(&mut stream).await.ends_with("finished"));
    time::timeout(DEADLINE, server).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_request_that_never_ends_does_not_keep_the_server() {
    let begun = Arc::new(Notify::new());
    let handler = {
        let begun = begun.clone();
        move || async move {
            begun.notify_one();
            std::future::pending::<()>().await
        }
    };
    let limits = ServerLimits { drain: SHORT, ..limits() };
    let (address, stop, server) = start(Router::new().route("/", post(handler)), limits).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n").await.unwrap();
    begun.notified().await;
    stop.send_replace(true);
    time::timeout(DEADLINE, server).await.unwrap().unwrap();
}
