// SPDX-License-Identifier: Apache-2.0
//! Bounds on what a request may take: bytes, time, and a share of the capacity.

use std::{any::Any, sync::Arc, time::Duration};

use axum::{
    error_handling::HandleErrorLayer, http::Method, middleware, response::Response, BoxError,
    Router,
};
use tower::{
    limit::GlobalConcurrencyLimitLayer, load_shed::LoadShedLayer, timeout::TimeoutLayer,
    ServiceBuilder,
};
use tower_http::{
    catch_panic::CatchPanicLayer,
    cors::{Any as AnyOf, CorsLayer},
};

use super::{
    body,
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
    /// Longest time for a whole body.
    pub body_time: Duration,
    /// Time until the first bytes of a body, to which each of them adds some.
    pub body_start: Duration,
    /// So many bytes of a body add a second, at least one.
    pub body_rate: usize,
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
            body_time: Duration::from_secs(10),
            // Longer than it takes to repeat what the network has lost twice.
            body_start: Duration::from_secs(4),
            body_rate: 512,
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
            // Outside of what answers OPTIONS by itself. Pages see of these refusals that there is one.
            .layer(middleware::from_fn_with_state(clients, clients::bound_client))
            .layer(cors)
            .layer(HandleErrorLayer::new(move |error| refuse(on_error.clone(), error)))
            .layer(TimeoutLayer::new(limits.time))
            .layer(CatchPanicLayer::custom(move |_: Box<dyn Any + Send + 'static>| {
                tracing::error!("a request handler panicked");
                Failure::from(Status::InternalError).answer(&on_panic, None, 0)
            }))
            .layer(middleware::from_fn_with_state((on_body, limits), body::bound)),
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
