// SPDX-License-Identifier: Apache-2.0
//! `GET /metrics`, for the machine's operator: OpenMetrics text (<https://openmetrics.io>).
//!
//! Labels have values from fixed sets, so that no request can make what is counted grow, and nothing
//! tells who asked for what. What health tells is told here as well, from the same source.

use std::{
    fmt::{self, Write},
    num::NonZeroU32,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    extract::{Request, State},
    http::{header::CONTENT_TYPE, StatusCode},
    middleware::Next,
    response::{IntoResponse, Response},
};
use prometheus_client::{
    encoding::{text, EncodeLabelSet, EncodeLabelValue, LabelValueEncoder},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{exponential_buckets, Histogram},
        info::Info,
    },
    registry::{Registry, Unit},
};

use super::{
    failure::{Failure, Status},
    health::{self, Health},
    route::{Kind, Route, Target},
    Context,
};
use crate::clients::Connections;

const PREFIX: &str = "tee_enclave";

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The first digit of an answer's status.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Class {
    Success,
    Redirect,
    Refused,
    Failed,
}

impl Class {
    fn of(status: StatusCode) -> Self {
        match status.as_u16() {
            ..=299 => Self::Success,
            300..=399 => Self::Redirect,
            400..=499 => Self::Refused,
            500.. => Self::Failed,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Success => "2xx",
            Self::Redirect => "3xx",
            Self::Refused => "4xx",
            Self::Failed => "5xx",
        }
    }
}

/// Which limit a request has met.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Limit {
    Rate,
    AtOnce,
    Capacity,
    Body,
    Time,
    Connections,
}

impl Limit {
    fn of(status: Status) -> Option<Self> {
        match status {
            Status::TooManyRequests => Some(Self::Rate),
            Status::TooManyAtOnce => Some(Self::AtOnce),
            Status::Busy => Some(Self::Capacity),
            Status::BodyTooLarge => Some(Self::Body),
            Status::Timeout => Some(Self::Time),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::AtOnce => "at-once",
            Self::Capacity => "capacity",
            Self::Body => "body",
            Self::Time => "time",
            Self::Connections => "connections",
        }
    }
}

macro_rules! labels {
    ($($type:ty)*) => {
        $(impl EncodeLabelValue for $type {
            fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
                encoder.write_str(self.name())
            }
        })*
    };
}

labels!(Route Kind Class Limit);

#[derive(Clone, Debug, Eq, EncodeLabelSet, Hash, PartialEq)]
struct Answered {
    route: Route,
    kind: Kind,
    status: Class,
}

#[derive(Clone, Debug, Eq, EncodeLabelSet, Hash, PartialEq)]
struct Asked {
    route: Route,
    kind: Kind,
}

#[derive(Clone, Debug, Eq, EncodeLabelSet, Hash, PartialEq)]
struct Refused {
    limit: Limit,
}

/// What is counted while the enclave runs.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    answers: Family<Answered, Counter>,
    seconds: Family<Asked, Histogram>,
    refused: Family<Refused, Counter>,
    working: Gauge,
    connections: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        let answers = Family::default();
        // From 1 ms to 33 s: nothing takes longer than a request may.
        let histogram = || Histogram::new(exponential_buckets(0.001, 2.0, 16));
        let seconds = Family::<Asked, Histogram>::new_with_constructor(histogram);
        let refused = Family::default();
        let (working, connections) = (Gauge::default(), Gauge::default());
        registry.register("requests", "Requests that were answered", Family::clone(&answers));
        registry.register_with_unit(
            "request_duration",
            "Time from a request's head to its answer",
            Unit::Seconds,
            Family::clone(&seconds),
        );
        registry.register(
            "refused",
            "Requests and connections that were refused because of a limit",
            Family::clone(&refused),
        );
        registry.register("requests_working", "Requests being worked on", Gauge::clone(&working));
        registry.register("connections", "Open connections", Gauge::clone(&connections));
        Self { registry, answers, seconds, refused, working, connections }
    }
}

/// A request that is worked on, until it is dropped: also when its client goes away.
struct Working<'a>(&'a Gauge);

impl Drop for Working<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Metrics {
    /// The API's connections, at most so many for each client.
    pub fn connections(&self, most: Option<NonZeroU32>) -> Connections {
        let limit = Limit::Connections;
        let refused = self.refused.get_or_create(&Refused { limit }).clone();
        Connections::new(most, self.connections.clone(), refused)
    }

    fn count(&self, target: Target, response: &Response, took: Duration) {
        let Target { route, kind } = target;
        let status = Class::of(response.status());
        self.answers.get_or_create(&Answered { route, kind, status }).inc();
        self.seconds.get_or_create(&Asked { route, kind }).observe(took.as_secs_f64());
        let limit = response.extensions().get::<Status>().and_then(|status| Limit::of(*status));
        if let Some(limit) = limit {
            self.refused.get_or_create(&Refused { limit }).inc();
        }
    }

    fn text(&self, context: &Context) -> Result<String, fmt::Error> {
        let mut written = String::new();
        text::encode_registry(&mut written, &self.registry)?;
        text::encode_registry(&mut written, &now(context, &health::of(context)))?;
        text::encode_eof(&mut written)?;
        Ok(written)
    }
}

/// How things stand.
fn now(context: &Context, health: &Health) -> Registry {
    let mut registry = Registry::with_prefix(PREFIX);
    let (attestation, store, sync) = (&health.attestation, &health.store, &health.sync);
    let build = vec![("version", health.version), ("attestation", attestation.kind)];
    registry.register("build", "The software, and how it proves what it is", Info::new(build));
    let mut tell = |name: &str, help: &str, value: u64| {
        let gauge = Gauge::<i64>::default();
        gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        registry.register(name, help, gauge);
    };
    let is_simulated = attestation.kind == "simulated";
    tell("simulated", "1 if the machine protects nothing", is_simulated.into());
    let in_service = !health.sync_state.is_empty();
    tell("in_service", "1 if the enclave serves its slot or fills it", in_service.into());
    let reachable = health.chain_problem.is_none();
    tell("chain_reachable", "1 if a node is followed", reachable.into());
    let block = health.block_number.into();
    tell("finalized_block", "Newest finalized block that is known", block);
    tell("attestation_live", "1 if the chain counts the attestation", attestation.live.into());
    if let Some(expires_at) = attestation.expires_at {
        let help = "When the attestation no longer counts, in Unix time";
        tell("attestation_expires_at_seconds", help, expires_at);
    }
    let parked = u64::try_from(context.park.depth()).unwrap_or(u64::MAX);
    tell("parked_requests", "Requests that wait for finality", parked);
    tell("store_available", "1 if the disk can be used", store.available.into());
    tell("store_losses", "Accounts and stores that were lost before", store.losses.into());
    tell(
        "log_rollbacks",
        "How often attested entries of the view log were gone",
        store.log_rollbacks,
    );
    // Neither is known while the disk fails.
    if let Ok(records) = context.store.count_records() {
        tell("store_records", "Records that are held", records);
    }
    if let Some(wanted) = store.wanted {
        tell("store_wanted", "Synced shares that are missing", wanted);
    }
    tell("sync_log_entries", "Syncs that the chain has logged", sync.count);
    tell("sync_cursor", "How many of them were looked at", sync.cursor);
    registry
}

/// Counts what passes.
pub(super) async fn measure(
    State(context): State<Arc<Context>>,
    request: Request,
    next: Next,
) -> Response {
    let metrics = &context.metrics;
    let (target, begun) = (Route::of(&request), Instant::now());
    metrics.working.inc();
    let _working = Working(&metrics.working);
    let response = next.run(request).await;
    metrics.count(target, &response, begun.elapsed());
    response
}

/// Handles the request.
pub(super) async fn handle(State(context): State<Arc<Context>>) -> Response {
    match context.metrics.text(&context) {
        Ok(text) => ([(CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(fmt::Error) => Failure::from(Status::InternalError).answer(&context, None, 0),
    }
}
