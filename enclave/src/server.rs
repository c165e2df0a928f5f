// SPDX-License-Identifier: Apache-2.0
//! Connections: HTTP/1.1, over TLS or without, bounded in number, in the time that a handshake and a
//! request's head may take, in the time that a client may leave an answer unread, and in the time
//! that is left to them when the enclave stops.
//!
//! Every request carries the address of its connection's other end, as
//! [`ConnectInfo`]`<SocketAddr>` in its extensions.

use std::{future::Future, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{extract::ConnectInfo, Router};
use hyper::{body::Incoming, server::conn::http1, Request};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{watch, OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time,
};
use tokio_rustls::TlsAcceptor;
use tower::ServiceBuilder;

use crate::{
    clients::{Connected, Connections},
    tls::ACME_TLS,
};

mod patience;

use patience::Patience;

/// Bounds on connections.
#[derive(Clone, Copy, Debug)]
pub struct ServerLimits {
    /// Connections at once, from their first byte on. More wait to be accepted.
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

/// Wait after connections cannot be accepted, for example because there are no file descriptors.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

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
    let permits = Arc::new(Semaphore::new(limits.connections));
    let mut connections = JoinSet::new();
    let server = Server { router, tls, limits, stopping: stopping.clone() };
    loop {
        tokio::select! {
            () = stopped(stopping.clone()) => break,
            Some(_) = connections.join_next() => (),
            accepted = accept(&listener, &permits) => match accepted {
                // One too many of its client is closed.
                Ok(accepted) => if let Some(connected) = all.enter(accepted.client.ip()) {
                    connections.spawn(server.clone().connection(accepted, connected));
                },
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    time::sleep(ACCEPT_RETRY).await;
                }
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

struct Accepted {
    stream: TcpStream,
    client: SocketAddr,
    /// The connection's place among all.
    permit: OwnedSemaphorePermit,
}

async fn accept(listener: &TcpListener, permits: &Arc<Semaphore>) -> io::Result<Accepted> {
    let permit = permits.clone().acquire_owned().await.map_err(io::Error::other)?;
    let (stream, client) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok(Accepted { stream, client, permit })
}

#[derive(Clone)]
struct Server {
    router: Router,
    tls: Option<TlsAcceptor>,
    limits: ServerLimits,
    stopping: watch::Receiver<bool>,
}

impl Server {
    async fn connection(self, accepted: Accepted, _connected: Connected) {
        let Accepted { stream, client, permit: _permit } = accepted;
        let stream = Patience::new(stream, self.limits.unread);
        let Some(tls) = &self.tls else { return self.http(stream, client).await };
        let handshake = time::timeout(self.limits.handshake, tls.accept(stream));
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
            Ok(Ok(stream)) => self.http(stream, client).await,
            Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        }
    }

    fn http(
        self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        client: SocketAddr,
    ) -> impl Future<Output = ()> + Send {
        let service = ServiceBuilder::new()
            .map_request(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(ConnectInfo(client));
                request
            })
            .service(self.router);
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.head_time)
            .max_buf_size(self.limits.head)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
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
