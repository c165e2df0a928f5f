// SPDX-License-Identifier: Apache-2.0
//! Connections: HTTP/1.1, bounded in number, in the time a request's head may take, and in the
//! time that is left to them when the enclave stops.

use std::{io, sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{watch, OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time,
};

/// Bounds on connections.
#[derive(Clone, Copy, Debug)]
pub struct ServerLimits {
    /// Connections at once. More wait to be accepted.
    pub connections: usize,
    /// Largest head of a request, in bytes.
    pub head: usize,
    /// Longest time for the head of a request, also of the next one on a connection.
    pub head_time: Duration,
    /// Time that is left to requests when the enclave stops.
    pub drain: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            connections: 4096,
            head: 16 * 1024,
            head_time: Duration::from_secs(15),
            drain: Duration::from_secs(10),
        }
    }
}

/// Wait after connections cannot be accepted, for example because there are no file descriptors.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// Serves until `stopping` turns true, then finishes the requests that have begun.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: ServerLimits,
    stopping: watch::Receiver<bool>,
) {
    let permits = Arc::new(Semaphore::new(limits.connections));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stopped(stopping.clone()) => break,
            Some(_) = connections.join_next() => (),
            accepted = accept(&listener, &permits) => match accepted {
                Ok((stream, permit)) => {
                    connections.spawn(connection(
                        stream,
                        permit,
                        router.clone(),
                        limits,
                        stopping.clone(),
                    ));
                }
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

async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let permit = permits.clone().acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((stream, permit))
}

async fn connection(
    stream: TcpStream,
    _permit: OwnedSemaphorePermit,
    router: Router,
    limits: ServerLimits,
    stopping: watch::Receiver<bool>,
) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time)
        .max_buf_size(limits.head)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopped(stopping) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke off");
    }
}

#[cfg(test)]
mod tests;
