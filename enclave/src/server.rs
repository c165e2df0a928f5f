// SPDX-License-Identifier: Apache-2.0
//! Connections: HTTP/1.1, over TLS or without, bounded in number, in the time that a handshake and a
//! request's head may take, in the time that a client may leave an answer unread, and in the time
//! that is left to them when the enclave stops. Newcomers always find a place ([`crowd`]).
//!
//! Every request carries the address of its connection's other end, as
//! [`ConnectInfo`]`<SocketAddr>` in its extensions.

use std::{future::Future, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{extract::ConnectInfo, Router};
use hyper::{
    body::Incoming,
    server::conn::http1,
    service::{service_fn, Service},
    Request,
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time,
};
use tokio_rustls::TlsAcceptor;
use tower::ServiceBuilder;

use crate::{clients::Connections, tls::ACME_TLS};

mod crowd;
mod patience;

use crowd::{Crowd, Seat};
use patience::Patience;

/// Bounds on connections.
#[derive(Clone, Copy, Debug)]
pub struct ServerLimits {
    /// Connections at once, from their first byte on. If more come, others end.
    pub connections: usize,
    /// Longest time for a TLS handshake.
    pub handshake: Duration,
    /// Largest head of a request, in bytes.
    pub head: usize,
    /// Longest time for the head of a request, also of the next one on a connection.
    pub head_time: Duration,
    /// Longest time for a client to take what is sent to it, once it has kept it waiting.
    pub unread: Duration,
    /// Time that is left to requests when the enclave stops.
    pub drain: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            connections: 4096,
            handshake: Duration::from_secs(10),
            head: 16 * 1024,
            head_time: Duration::from_secs(15),
            unread: Duration::from_secs(30),
            drain: Duration::from_secs(10),
        }
    }
}

/// Wait after connections cannot be accepted.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// Wait until connections that were told to leave have given back what the system lacks.
const LEAVING: Duration = Duration::from_millis(10);

/// Serves until `stopping` turns true, then finishes the requests that have begun. With `tls`, nothing
/// else than TLS is spoken. `all` counts connections, and bounds those of each client.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    tls: Option<TlsAcceptor>,
    limits: ServerLimits,
    all: Connections,
    stopping: watch::Receiver<bool>,
) {
    let crowd = Crowd::new(limits.connections);
    let mut connections = JoinSet::new();
    let server = Server { router, tls, limits, stopping: stopping.clone() };
    loop {
        // Those that have ended keep their memory until then. They must not wait for a turn each,
        // which in a storm comes as rarely as that of one that begins.
        while connections.try_join_next().is_some() {}
        tokio::select! {
            () = stopped(stopping.clone()) => break,
            Some(_) = connections.join_next() => (),
            accepted = listener.accept() => match accepted {
                // One too many of its client is closed.
                Ok((stream, client)) => if let Some(connected) = all.enter(client.ip()) {
                    let seat = crowd.admit(client.ip());
                    let connection = server.clone().connection(stream, client, seat);
                    connections.spawn(async move {
                        connection.await;
                        drop(connected);
                    });
                },
                Err(error) => match trouble(&error) {
                    Trouble::OfOneConnection => (),
                    Trouble::NoResources => {
                        crowd.make_room();
                        time::sleep(LEAVING).await;
                    }
                    Trouble::Other => {
                        tracing::warn!(%error, "connections cannot be accepted");
                        time::sleep(ACCEPT_RETRY).await;
                    }
                },
            },
        }
    }
    drop(listener);
    let drained =
        time::timeout(limits.drain, async { while connections.join_next().await.is_some() {} });
    if drained.await.is_err() {
        tracing::warn!(connections = connections.len(), "requests were given up");
    }
}

/// Waits until the enclave stops.
async fn stopped(mut stopping: watch::Receiver<bool>) {
    // The sender being gone means the same.
    let _ = stopping.wait_for(|stop| *stop).await;
}

/// Why there is no connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Trouble {
    /// It has broken already, or could not be made: the next one may be good.
    OfOneConnection,
    /// The system gives the enclave no more of them.
    NoResources,
    /// Anything else.
    Other,
}

fn trouble(error: &io::Error) -> Trouble {
    /// Linux' numbers: no more files in the system, in the process; no room for buffers.
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    const ENOBUFS: i32 = 105;

    match (error.raw_os_error(), error.kind()) {
        (Some(ENFILE | EMFILE | ENOBUFS), _) | (_, io::ErrorKind::OutOfMemory) => {
            Trouble::NoResources
        }
        (
            _,
            io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::Interrupted
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::TimedOut,
        ) => Trouble::OfOneConnection,
        _ => Trouble::Other,
    }
}

#[derive(Clone)]
struct Server {
    router: Router,
    tls: Option<TlsAcceptor>,
    limits: ServerLimits,
    stopping: watch::Receiver<bool>,
}

impl Server {
    async fn connection(self, stream: TcpStream, client: SocketAddr, seat: Seat) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection broke off");
            return;
        }
        let seat = Arc::new(seat);
        tokio::select! {
            () = self.spoken(stream, client, seat.clone()) => (),
            () = seat.told_to_leave() => (),
        }
    }

    /// What is spoken on a connection, from its first byte to its end.
    async fn spoken(self, stream: TcpStream, client: SocketAddr, seat: Arc<Seat>) {
        let stream = Patience::new(stream, self.limits.unread);
        // In boxes, so that a connection takes the memory of what it does, not that of the largest
        // it could do.
        let Some(tls) = &self.tls else {
            return Box::pin(self.http(stream, client, seat)).await;
        };
        let handshake = Box::pin(time::timeout(self.limits.handshake, tls.accept(stream)));
        let shaken = tokio::select! {
            shaken = handshake => shaken,
            // No request has begun.
            () = stopped(self.stopping.clone()) => return,
        };
        match shaken {
            // Whoever validates the enclave's domain has seen what it wanted to see (RFC 8737).
            Ok(Ok(mut stream)) if stream.get_ref().1.alpn_protocol() == Some(ACME_TLS) => {
                let _ = time::timeout(self.limits.handshake, stream.shutdown()).await;
            }
            Ok(Ok(stream)) => Box::pin(self.http(stream, client, seat)).await,
            Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        }
    }

    fn http(
        self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        client: SocketAddr,
        seat: Arc<Seat>,
    ) -> impl Future<Output = ()> + Send {
        let service = ServiceBuilder::new()
            .map_request(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(ConnectInfo(client));
                request
            })
            .service(self.router);
        let service = TowerToHyperService::new(service);
        let service = service_fn(move |request| {
            let answering = seat.answering();
            let answer = service.call(request);
            async move {
                let answer = answer.await;
                drop(answering);
                answer
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.head_time)
            .max_buf_size(self.limits.head)
            .serve_connection(TokioIo::new(stream), service);
        async move {
            tokio::pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = stopped(self.stopping) => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection broke off");
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
