// SPDX-License-Identifier: Apache-2.0
//! Bounds on what a request may take: bytes, time, and a share of the capacity.

use std::{any::Any, sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes, HttpBody},
    error_handling::HandleErrorLayer,
    extract::{Request, State},
    http::Method,
    middleware::{self, Next},
    response::Response,
    BoxError, Router,
};
use futures::StreamExt;
use tower::{
    limit::GlobalConcurrencyLimitLayer, load_shed::LoadShedLayer, timeout::TimeoutLayer,
    ServiceBuilder,
};
use tower_http::{
    catch_panic::CatchPanicLayer,
    cors::{Any as AnyOf, CorsLayer},
};

use super::{
    clients::{self, ClientLimits, Clients},
    failure::{Failure, Status},
    metrics, Context,
};

/// Bounds on requests.
#[derive(Clone, Copy, Debug)]
pub struct ApiLimits {
    /// Largest body, in bytes.
    pub body: usize,
    /// Of a larger body, so many bytes are read and dropped before it is refused: a client that is
    /// still sending would not see the answer.
    pub discarded: usize,
    /// Requests at once, parked ones included, without those for health.
    pub concurrent: usize,
    /// Longest time for a request. Longer than a request can be parked.
    pub time: Duration,
    /// What one client may take.
    pub client: ClientLimits,
}

impl Default for ApiLimits {
    fn default() -> Self {
        Self {
            body: 16 * 1024,
            discarded: 16 * 1024 * 1024,
            concurrent: 1536,
            time: Duration::from_secs(30),
            client: ClientLimits::default(),
        }
    }
}

type ApiRouter = Router<Arc<Context>>;

/// Refuses requests that there is no capacity for.
pub(super) fn shed(router: ApiRouter, limits: &ApiLimits, context: Arc<Context>) -> ApiRouter {
    router.layer(
        ServiceBuilder::new()
            .layer(HandleErrorLayer::new(move |error| refuse(context.clone(), error)))
            .layer(LoadShedLayer::new())
            .layer(GlobalConcurrencyLimitLayer::new(limits.concurrent)),
    )
}

/// Bounds bytes, time and what one client may take, allows every origin, answers also when a handler
/// panics, and counts.
pub(super) fn guard(router: ApiRouter, limits: &ApiLimits, context: Arc<Context>) -> ApiRouter {
    let limits = *limits;
    let (on_error, on_panic, on_body) = (context.clone(), context.clone(), context.clone());
    let clients = (context.clone(), Arc::new(Clients::new(limits.client)));
    let cors = CorsLayer::new()
        .allow_origin(AnyOf)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(AnyOf)
        .expose_headers(AnyOf);
    router.layer(
        ServiceBuilder::new()
            .layer(middleware::from_fn_with_state(context, metrics::measure))
            .layer(cors)
            .layer(middleware::from_fn_with_state(clients, clients::bound_client))
            .layer(HandleErrorLayer::new(move |error| refuse(on_error.clone(), error)))
            .layer(TimeoutLayer::new(limits.time))
            .layer(CatchPanicLayer::custom(move |_: Box<dyn Any + Send + 'static>| {
                tracing::error!("a request handler panicked");
                Failure::from(Status::InternalError).answer(&on_panic, None, 0)
            }))
            .layer(middleware::from_fn_with_state((on_body, limits), bound_body)),
    )
}

/// Turns what the middleware says into an answer.
async fn refuse(context: Arc<Context>, error: BoxError) -> Response {
    let status = if error.is::<tower::timeout::error::Elapsed>() {
        Status::Timeout
    } else if error.is::<tower::load_shed::error::Overloaded>() {
        Status::Busy
    } else {
        tracing::error!(%error, "a request failed");
        Status::InternalError
    };
    Failure::from(status).answer(&context, None, 0)
}

/// Reads the body before the handler runs.
async fn bound_body(
    State((context, limits)): State<(Arc<Context>, ApiLimits)>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    match read(body, &limits).await {
        Ok(body) => next.run(Request::from_parts(parts, body.into())).await,
        Err(status) => Failure::from(status).answer(&context, None, 0),
    }
}

async fn read(body: Body, limits: &ApiLimits) -> Result<Bytes, Status> {
    let expected = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let mut content = Vec::with_capacity(expected.min(limits.body));
    let mut length = 0usize;
    let mut stream = body.into_data_stream();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| Status::BodyBrokeOff)?;
        length = length.saturating_add(chunk.len());
        if length <= limits.body {
            content.extend_from_slice(&chunk);
        } else if length > limits.discarded {
            break;
        }
    }
    if length > limits.body {
        return Err(Status::BodyTooLarge);
    }
    Ok(content.into())
}
