// SPDX-License-Identifier: Apache-2.0

use std::num::NonZeroU32;

use axum::{
    extract::Extension,
    routing::{get, post},
};
use prometheus_client::metrics::{counter::Counter, gauge::Gauge};
use tokio::{io::AsyncReadExt, sync::Notify, task::JoinHandle};

use super::*;

const DEADLINE: Duration = Duration::from_secs(60);

/// What is to be seen to run out.
const SHORT: Duration = Duration::from_millis(300);

/// Limits in time that no test reaches, on however slow a machine.
pub(crate) fn limits() -> ServerLimits {
    ServerLimits {
        handshake: DEADLINE,
        head_time: DEADLINE,
        unread: DEADLINE,
        drain: DEADLINE,
        ..Default::default()
    }
}

async fn start(
    router: Router,
    limits: ServerLimits,
) -> (SocketAddr, watch::Sender<bool>, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopping) = watch::channel(false);
    (
        address,
        stop,
        tokio::spawn(serve(listener, router, None, limits, Connections::default(), stopping)),
    )
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

/// A router whose answer waits: what tells that a request has come, and what lets it be answered.
fn waiting() -> (Arc<Notify>, Arc<Notify>, Router) {
    let (begun, finish) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (comes, lets) = (begun.clone(), finish.clone());
    let handler = move || async move {
        comes.notify_one();
        lets.notified().await;
        "finished"
    };
    (begun, finish, Router::new().route("/", get(handler)))
}

#[tokio::test]
async fn what_has_begun_is_finished_when_the_server_stops() {
    let (begun, finish, router) = waiting();
    let (address, stop, server) = start(router, limits()).await;
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

#[tokio::test]
async fn a_request_carries_the_address_of_its_client() {
    let handler = |Extension(ConnectInfo(client)): Extension<ConnectInfo<SocketAddr>>| async move {
        client.to_string()
    };
    let (address, _stop, _server) = start(Router::new().route("/", get(handler)), limits()).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let own = stream.local_addr().unwrap().to_string();
    let request = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    assert!(to_end(&mut stream).await.ends_with(&own));
}

/// More than the sockets' buffers take.
const LARGE: usize = 32 * 1024 * 1024;

fn large() -> Router {
    Router::new().route("/", get(|| async { vec![b'x'; LARGE] }))
}

#[tokio::test]
async fn a_client_that_does_not_read_its_answer_is_cut_off() {
    let limits = ServerLimits { unread: SHORT, ..limits() };
    let (address, stop, server) = start(large(), limits).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    // The answer has begun.
    stream.readable().await.unwrap();
    stop.send_replace(true);
    // Without a bound, the connection would hold the server for as long as it drains.
    time::timeout(DEADLINE / 2, server).await.unwrap().unwrap();
    let mut answer = Vec::new();
    let _ = time::timeout(DEADLINE, stream.read_to_end(&mut answer)).await.unwrap();
    assert!(answer.len() < LARGE);
}

#[tokio::test]
async fn a_client_that_takes_a_byte_now_and_then_is_cut_off_too() {
    let limits = ServerLimits { unread: SHORT, ..limits() };
    let (address, _stop, _server) = start(large(), limits).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    // 64 kB each 10 ms would be the whole answer in 5 seconds, and each of them is progress.
    let mut part = vec![0; 64 * 1024];
    let mut read = 0;
    let ended = time::timeout(DEADLINE, async {
        loop {
            match stream.read(&mut part).await {
                Ok(0) | Err(_) => return,
                Ok(length) => read += length,
            }
            time::sleep(Duration::from_millis(10)).await;
        }
    });
    ended.await.unwrap();
    assert!(read < LARGE, "{read}");
}

#[tokio::test]
async fn a_client_that_reads_gets_all_of_a_large_answer() {
    let (address, _stop, _server) =
        start(large(), ServerLimits { unread: DEADLINE, ..limits() }).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    assert!(to_end(&mut stream).await.len() > LARGE);
}

/// One client's connections, idle ones too, leave room for others; when they end it may come again.
#[tokio::test]
async fn connections_of_one_client_are_bounded() {
    let (open, refused) = (Gauge::default(), Counter::default());
    let all = Connections::new(NonZeroU32::new(2), open.clone(), refused.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopping) = watch::channel(false);
    let router = Router::new().route("/", get(|| async { "answered" }));
    let server = tokio::spawn(serve(listener, router, None, limits(), all, stopping));
    let ask = || async move {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let sent =
            stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
        let mut answer = Vec::new();
        let read = time::timeout(DEADLINE, stream.read_to_end(&mut answer)).await.unwrap();
        sent.is_ok() && read.is_ok() && answer.ends_with(b"answered")
    };
    let idle = [TcpStream::connect(address).await, TcpStream::connect(address).await];
    time::timeout(DEADLINE, async {
        while open.get() < 2 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    assert!(!ask().await);
    assert_eq!((open.get(), refused.get()), (2, 1));
    drop(idle);
    time::timeout(DEADLINE, async { while !ask().await {} }).await.unwrap();
    stop.send_replace(true);
    time::timeout(DEADLINE, server).await.unwrap().unwrap();
    assert_eq!(open.get(), 0);
}

#[test]
fn one_broken_connection_is_no_reason_to_wait() {
    for kind in [io::ErrorKind::ConnectionAborted, io::ErrorKind::ConnectionReset] {
        assert_eq!(trouble(&kind.into()), Trouble::OfOneConnection);
    }
    // ECONNABORTED, EPERM of a firewall, EHOSTUNREACH.
    for number in [103, 1, 113] {
        assert_eq!(trouble(&io::Error::from_raw_os_error(number)), Trouble::OfOneConnection);
    }
    // EMFILE, ENFILE, ENOBUFS, ENOMEM.
    for number in [24, 23, 105, 12] {
        assert_eq!(trouble(&io::Error::from_raw_os_error(number)), Trouble::NoResources);
    }
    // EBADF, EINVAL.
    for number in [9, 22] {
        assert_eq!(trouble(&io::Error::from_raw_os_error(number)), Trouble::Other);
    }
}

/// Connections that do nothing do not keep others out, and are the ones that end.
#[tokio::test]
async fn a_full_house_lets_newcomers_in() {
    let limits = ServerLimits { connections: 8, ..limits() };
    let router = Router::new().route("/", get(|| async { "answered" }));
    let (address, _stop, _server) = start(router, limits).await;
    let mut idle = Vec::new();
    for _ in 0..20 {
        idle.push(TcpStream::connect(address).await.unwrap());
    }
    let mut busy = TcpStream::connect(address).await.unwrap();
    for _ in 0..3 {
        // On a connection that is kept, and on a new one beside it.
        busy.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut answer = [0; 1024];
        let length = time::timeout(DEADLINE, busy.read(&mut answer)).await.unwrap().unwrap();
        assert!(String::from_utf8_lossy(&answer[..length]).ends_with("answered"));
        let mut newcomer = TcpStream::connect(address).await.unwrap();
        let request = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        newcomer.write_all(request).await.unwrap();
        assert!(to_end(&mut newcomer).await.ends_with("answered"));
    }
    let mut ended = 0;
    for mut stream in idle {
        let mut byte = [0];
        // The others still wait for a request's head.
        if let Ok(read) = time::timeout(SHORT / 10, stream.read(&mut byte)).await {
            assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
            ended += 1;
        }
    }
    assert!((13..=16).contains(&ended), "{ended}");
}

/// A request that is being answered outlasts a storm from elsewhere, and one from the same address.
#[tokio::test]
async fn what_is_being_answered_outlasts_a_storm() {
    let (begun, finish, router) = waiting();
    let limits = ServerLimits { connections: 4, ..limits() };
    let (address, _stop, _server) = start(router, limits).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    begun.notified().await;
    let mut storm = Vec::new();
    for _ in 0..50 {
        storm.push(TcpStream::connect(address).await.unwrap());
    }
    // Others have come after this one when it is out.
    assert_eq!(time::timeout(DEADLINE, storm[40].read(&mut [0])).await.unwrap().ok(), Some(0));
    finish.notify_one();
    assert!(to_end(&mut stream).await.ends_with("finished"));
}
