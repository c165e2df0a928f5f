// SPDX-License-Identifier: Apache-2.0
//! Logs go to standard error. They never contain shares, keys or signatures, nor who has asked for
//! what: no account, address, or NFT of a request.

use std::{io, panic};

use tracing_subscriber::{fmt, layer::SubscriberExt, util::SubscriberInitExt, EnvFilter, Layer};

use crate::config::{LogFormat, LogLevel};

/// Starts logging. Call it once.
pub fn start(format: LogFormat, filter: EnvFilter) {
    let layer = fmt::layer().with_writer(io::stderr);
    let layer = match format {
        LogFormat::Text => layer.with_ansi(false).boxed(),
        LogFormat::Json => layer.json().boxed(),
    };
    tracing_subscriber::registry().with(layer.with_filter(filter)).init();
}

/// What the level lets through: lines of our own packages. A library's may tell what a request was.
pub fn filter(level: LogLevel) -> EnvFilter {
    EnvFilter::new(match level {
        LogLevel::Error => "off,tee_enclave=error",
        LogLevel::Warn => "off,tee_enclave=warn",
        LogLevel::Info => "off,tee_enclave=info",
        LogLevel::Debug => "off,tee_enclave=debug",
    })
}

/// What RUST_LOG lets through, for development; if it is not set, the level.
pub fn filter_of_environment(level: LogLevel) -> EnvFilter {
    EnvFilter::try_from_default_env().unwrap_or_else(|_| filter(level))
}

/// Of a panic only tells where it was: its message can hold what was worked on.
pub fn hide_panic_messages() {
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a thread panicked");
    }));
}
