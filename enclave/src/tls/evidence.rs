// SPDX-License-Identifier: Apache-2.0
//! Makes a new certificate when there is new evidence: after each attestation, and when the last
//! evidence has become old.

use std::{future::Future, sync::Arc, time::Duration};

use codec::Encode;
use tee_primitives::BlockNumber;
use tokio::{
    sync::watch,
    time::{self, Instant},
};

use super::{certificate::Evidence, key::TlsKey, resolver::Certificates, TlsError};
use crate::{
    quotes::{QuoteError, Quotes},
    view::{Outlook, View, Why},
};

/// For so many seconds of the chain's time, evidence is new.
const FRESH: u64 = 3600;

/// Wait after a failure: machines are not to be kept busy with what nobody asks for.
const PAUSE: Duration = Duration::from_secs(60);

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Quote(#[from] QuoteError),
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// The evidence in the present certificate.
#[derive(Clone, Copy, Debug)]
struct Shown {
    block: BlockNumber,
    since: u64,
}

/// Whether there should be another certificate. An enclave that was superseded shows nothing new.
fn is_due(shown: Option<&Shown>, view: &View) -> bool {
    if view.attestation == Err(Why::Superseded) {
        return false;
    }
    shown.is_none_or(|shown| {
        let attested = view.record.as_ref().map(|record| record.quote_block);
        view.now.saturating_sub(shown.since) >= FRESH
            || attested.is_some_and(|attested| attested > shown.block)
    })
}

/// Runs until the outlook's sender is gone.
pub(super) fn run(
    key: Arc<TlsKey>,
    quotes: Quotes,
    outlook: watch::Receiver<Outlook>,
    certificates: Arc<Certificates>,
) -> impl Future<Output = ()> + Send {
    run_with(key, quotes, outlook, certificates, PAUSE)
}

async fn run_with(
    key: Arc<TlsKey>,
    quotes: Quotes,
    mut outlook: watch::Receiver<Outlook>,
    certificates: Arc<Certificates>,
    pause: Duration,
) {
    let mut shown = None;
    let mut not_before = Instant::now();
    loop {
        let view = outlook.borrow_and_update().known().cloned();
        let view = view.filter(|view| is_due(shown.as_ref(), view));
        if let Some(view) = view.filter(|_| not_before <= Instant::now()) {
            match renew(&key, &quotes, &view, &certificates).await {
                Ok(new) => shown = Some(new),
                Err(error) => {
                    tracing::warn!(%error, "no new evidence for the TLS certificate");
                    not_before = Instant::now() + pause;
                }
            }
        }
        let is_paused = not_before > Instant::now();
        tokio::select! {
            changed = outlook.changed() => if changed.is_err() {
                return;
            },
            () = time::sleep_until(not_before), if is_paused => (),
        }
    }
}

async fn renew(
    key: &TlsKey,
    quotes: &Quotes,
    view: &View,
    certificates: &Certificates,
) -> Result<Shown, Failure> {
    let made = quotes.get(view).await?;
    let mut bytes = made.bytes.clone();
    made.payload.encode_to(&mut bytes);
    let evidence = Evidence { bytes: &bytes, now: view.now };
    certificates.renew(key.with_evidence(&evidence)?);
    tracing::debug!(block = made.payload.block_number, "new evidence in the TLS certificate");
    Ok(Shown { block: made.payload.block_number, since: view.now })
}

#[cfg(test)]
mod tests;
