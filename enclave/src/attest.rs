// SPDX-License-Identifier: Apache-2.0
//! Keeps the enclave's attestation on the chain.
//!
//! | module | holds |
//! |---|---|
//! | [`decide`] | what to do, from what one finalized block says |
//! | [`pccs`] | the documents that judge quotes, from where machines' owners cache them |
//! | [`problem`] | what keeps the enclave from attesting, as a sentence |
//!
//! One task looks at each newer finalized block. When the operator has named the enclave and its
//! attestation is missing, of another start, or past half of its life, it brings what the chain lacks
//! to judge the machine, one document after the other, and then the attestation itself. Whether that
//! worked is read from the finalized state. After a failure it waits, each time longer; longest after
//! one that the chain took the fee for.

use std::{sync::Arc, time::Duration};

use tee_primitives::{abi::calls, attestation::collateral::CollateralId, BlockNumber};
use tokio::{
    sync::watch,
    time::{self, Instant},
};

use crate::{
    chain::{facts, At, Chain, Included},
    identity::Identity,
    quotes::{MadeQuote, Quotes, Report},
    submit::Submitter,
    view::{Outlook, View},
};

pub mod decide;
pub mod pccs;
pub mod problem;

use decide::Step;
use pccs::Pccs;
pub use problem::Problem;

/// Longest wait until the view shows the block in which a transaction was included.
const VIEW_LIMIT: Duration = Duration::from_secs(60);

/// Waits after failures: doubled from the first to the last.
#[derive(Clone, Copy, Debug)]
pub struct Pauses {
    /// The first.
    pub first: Duration,
    /// The last after failures that cost nothing.
    pub last: Duration,
    /// The last after failures that the chain took a fee for.
    pub last_paid: Duration,
}

impl Default for Pauses {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            last: Duration::from_secs(60),
            last_paid: Duration::from_secs(600),
        }
    }
}

impl Pauses {
    /// The wait after so many failures in a row.
    fn after(&self, failures: u32, is_paid: bool) -> Duration {
        let last = if is_paid { self.last_paid } else { self.last };
        let doubled = 1u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
        self.first.saturating_mul(doubled).min(last)
    }
}

/// What the task works with.
pub struct Attester {
    /// The chain.
    pub chain: Arc<dyn Chain>,
    /// Sends transactions.
    pub submitter: Submitter,
    /// Makes quotes.
    pub quotes: Quotes,
    /// Who attests.
    pub own: Identity,
    /// DER of the certificate to which collateral leads.
    pub root: Vec<u8>,
    /// Where collateral is fetched that the chain lacks.
    pub pccs: Option<Pccs>,
    /// Whether to submit anything. Without it, what is missing is only told.
    pub push: bool,
    /// Waits after failures.
    pub pauses: Pauses,
}

/// What one step has achieved.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Progress {
    /// Nothing is left to do.
    Done,
    /// There is more to do, at once.
    Further,
    /// A later block will tell.
    Waiting,
}

/// Why one step has not.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Setback {
    /// Others must do something first. A later block will tell.
    Others(Problem),
    /// It did not work, and cost nothing.
    Failed(Problem),
    /// It did not work, and the chain has taken the fee.
    Paid(Problem),
}

impl<E: Into<Problem>> From<E> for Setback {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Runs until the outlook's sender is gone. `problem` is told what keeps the enclave from attesting.
pub async fn run(
    attester: Attester,
    mut outlook: watch::Receiver<Outlook>,
    problem: watch::Sender<Option<Problem>>,
) {
    let mut failures = 0;
    let mut not_before = Instant::now();
    loop {
        let view = outlook.borrow_and_update().known().cloned();
        let is_time = not_before <= Instant::now();
        if let Some(view) = view.filter(|_| is_time) {
            let step = attester.step(&view, &outlook).await;
            let pause =
                |failures, is_paid| Instant::now() + attester.pauses.after(failures, is_paid);
            match step {
                Ok(Progress::Done) => {
                    failures = 0;
                    tell(&problem, None);
                }
                Ok(Progress::Further) => continue,
                Ok(Progress::Waiting) => (),
                Err(Setback::Others(why)) => {
                    failures = 0;
                    tell(&problem, Some(why));
                }
                Err(Setback::Failed(why)) => {
                    failures += 1;
                    not_before = pause(failures, false);
                    tell(&problem, Some(why));
                }
                Err(Setback::Paid(why)) => {
                    failures += 1;
                    not_before = pause(failures, true);
                    tell(&problem, Some(why));
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

/// Publishes what is wrong. The same is logged once.
fn tell(problem: &watch::Sender<Option<Problem>>, new: Option<Problem>) {
    problem.send_if_modified(|known| {
        if *known == new {
            return false;
        }
        if let Some(problem) = &new {
            tracing::warn!("{problem}");
        }
        *known = new;
        true
    });
}

impl Attester {
    async fn step(
        &self,
        view: &View,
        outlook: &watch::Receiver<Outlook>,
    ) -> Result<Progress, Setback> {
        if !decide::is_due(&self.own, view) {
            return Ok(Progress::Done);
        }
        let at = At::Finalized(view.finalized.hash);
        let is_named = facts::is_named(&*self.chain, at, &self.own).await?;
        decide::may_attest(&self.own, view, is_named).map_err(Setback::Others)?;
        if !self.push {
            return Err(Setback::Others(Problem::PushOff));
        }
        let quote = self.quotes.get(view).await?;
        let missing = self.missing(at, &quote.report).await?;
        let step = decide::next(view, &quote.report, &missing, self.pccs.is_some());
        match step.map_err(Setback::Others)? {
            Step::Bring(id) => self.bring(view, outlook, &quote.report, id).await,
            Step::Attest => self.attest(view, outlook, &quote).await,
        }
    }

    async fn missing(&self, at: At, report: &Report) -> Result<Vec<CollateralId>, Setback> {
        Ok(facts::missing_collateral(&*self.chain, at, report.ca, report.fmspc).await?)
    }

    /// Brings a document that the chain lacks.
    async fn bring(
        &self,
        view: &View,
        outlook: &watch::Receiver<Outlook>,
        report: &Report,
        id: CollateralId,
    ) -> Result<Progress, Setback> {
        let Some(pccs) = &self.pccs else { return Ok(Progress::Waiting) };
        // Somebody else may have brought it: a second one would only cost the fee.
        if !self.missing(At::Best, report).await?.contains(&id) {
            return Ok(Progress::Waiting);
        }
        let item = pccs
            .document(id, &self.root, view.now)
            .await
            .map_err(|error| Problem::Pccs { id, error })?;
        let included = self.send(view, calls::submit_collateral(&item)).await?;
        let after = seen(outlook, included.block.number).await?;
        let at = At::Finalized(after.finalized.hash);
        if self.missing(at, report).await?.contains(&id) {
            return Err(Setback::Paid(Problem::Refused));
        }
        tracing::info!("brought {} to the chain", problem::name(id));
        Ok(Progress::Further)
    }

    async fn attest(
        &self,
        view: &View,
        outlook: &watch::Receiver<Outlook>,
        quote: &MadeQuote,
    ) -> Result<Progress, Setback> {
        let included = self.send(view, calls::attest(&quote.payload, &quote.bytes)).await?;
        let after = seen(outlook, included.block.number).await?;
        let is_recorded = after.record.as_ref().is_some_and(|record| {
            record.operator == self.own.operator
                && record.session == self.own.session
                && record.quote_block >= quote.payload.block_number
        });
        if !is_recorded {
            return Err(Setback::Paid(Problem::Refused));
        }
        tracing::info!(block = included.block.number, "attested");
        Ok(Progress::Further)
    }

    async fn send(&self, view: &View, call: Vec<u8>) -> Result<Included, Setback> {
        let genesis_hash = view.chain.genesis_hash;
        Ok(self.submitter.submit(call, view.finalized, genesis_hash).await?)
    }
}

/// The view at a block or a later one.
async fn seen(outlook: &watch::Receiver<Outlook>, block: BlockNumber) -> Result<View, Setback> {
    let mut outlook = outlook.clone();
    let is_it = |outlook: &Outlook| matches!(outlook, Outlook::Known(view) if view.finalized.number >= block);
    let known = time::timeout(VIEW_LIMIT, outlook.wait_for(is_it)).await;
    if let Ok(Ok(Outlook::Known(view))) = known.as_ref().map(|known| known.as_deref()) {
        return Ok(view.clone());
    }
    Err(Setback::Failed(Problem::NotSeen))
}

#[cfg(test)]
mod tests;
