// SPDX-License-Identifier: Apache-2.0
//! Compares what is held with what the finalized chain has.
//!
//! One task. At each newer finalized block it looks at a page of the records, and of the versions that
//! are wanted; after the last page it begins again with the first, after a rest. Nothing that the
//! machine's owner does to the file stays unnoticed for longer than one round: a record that was
//! taken back to an older one, that does not open, or whose entries in other tables are gone.
//!
//! | the finalized chain has | what is done |
//! |---|---|
//! | no such NFT any more, or one without content of this kind | the version is wiped |
//! | a newer version synced, or the version neither synced nor pending | the version is wiped |
//! | the version synced with this commitment | the record is made active, if it is not |
//! | the version synced with another commitment, or the record does not open | the version is wiped, and wanted |
//! | the version pending | it is watched, if it is not |
//!
//! A record of another slot than the own one, which an older disk can bring back, is treated as one with
//! another commitment, or as one that is neither synced nor pending.
//!
//! It also compares the view log with the head of it that the chain has attested for this account.

use std::{collections::BTreeMap, sync::Arc};

use tee_primitives::{
    attestation::LogHead,
    cluster::SlotId,
    keyshare::{KeyshareKind, KeyshareStatus},
    nft::NftId,
    BlockNumber,
};
use tokio::sync::watch;

use crate::{
    chain::{
        facts::{self, Standing},
        At, Chain, ChainError,
    },
    confirm::commitment_of_slot,
    step::StepError,
    store::{Correction, Held, HeldFacts, RecordKey, Store, StoreError, VersionKey},
    view::{Outlook, View},
};

/// Records, and wanted versions, that are looked at in one step.
const PAGE: usize = 256;

/// A round begins at least so many finalized blocks after the one before.
const ROUND: BlockNumber = 100;

/// Runs until the outlook's sender is gone; an error means that the store failed for good.
pub async fn run(
    chain: Arc<dyn Chain>,
    store: Store,
    mut outlook: watch::Receiver<Outlook>,
) -> Result<(), StoreError> {
    let mut task = Reconciler::new(chain, store);
    loop {
        let view = outlook.borrow_and_update().known().cloned();
        if let Some(view) = view {
            match task.step(&view).await {
                Ok(()) => (),
                Err(StepError::Chain(error)) => {
                    tracing::debug!(%error, "what is held could not be compared with the chain");
                }
                // It is opened again by itself.
                Err(StepError::Store(StoreError::Unavailable)) => (),
                Err(StepError::Store(error)) => return Err(error),
            }
        }
        if outlook.changed().await.is_err() {
            return Ok(());
        }
    }
}

struct Reconciler {
    chain: Arc<dyn Chain>,
    store: Store,
    /// The finalized block of the last step.
    looked_at: Option<BlockNumber>,
    /// The attested head that the log was last compared with.
    compared: Option<LogHead>,
    /// Where in the records to go on.
    records: Round<RecordKey>,
    /// Where in the wanted versions to go on.
    wanted: Round<VersionKey>,
}

/// A walk over everything, a page at a time.
struct Round<Key> {
    after: Option<Key>,
    /// Not before this finalized block.
    not_before: BlockNumber,
    began_at: Option<BlockNumber>,
}

impl<Key> Round<Key> {
    fn new() -> Self {
        Self { after: None, not_before: 0, began_at: None }
    }

    /// A page was looked at, which was the last one unless `last` names where to go on.
    fn looked_at(&mut self, now: BlockNumber, last: Option<Key>) {
        let began_at = *self.began_at.get_or_insert(now);
        if last.is_none() {
            self.not_before = began_at.saturating_add(ROUND);
            self.began_at = None;
        }
        self.after = last;
    }
}

impl Reconciler {
    fn new(chain: Arc<dyn Chain>, store: Store) -> Self {
        Self {
            chain,
            store,
            looked_at: None,
            compared: None,
            records: Round::new(),
            wanted: Round::new(),
        }
    }

    async fn step(&mut self, view: &View) -> Result<(), StepError> {
        let now = view.finalized.number;
        if self.looked_at == Some(now) {
            return Ok(());
        }
        self.compare_log(view).await?;
        // What the chain was like before this start may be long ago: it is no reason to remove
        // anything.
        if view.attestation.is_err() {
            return Ok(());
        }
        if self.records.not_before <= now {
            let page = self.store.held_after(self.records.after, PAGE)?;
            self.compare_records(view, &page).await?;
            let is_full = page.len() == PAGE;
            self.records.looked_at(now, page.last().filter(|_| is_full).map(|held| held.key));
        }
        if self.wanted.not_before <= now {
            let page = self.store.wanted(self.wanted.after, PAGE)?;
            let page: Vec<_> = page.into_iter().map(|(version, _)| version).collect();
            self.compare_wanted(view, &page).await?;
            let is_full = page.len() == PAGE;
            self.wanted.looked_at(now, page.last().filter(|_| is_full).copied());
        }
        self.looked_at = Some(now);
        Ok(())
    }

    /// The chain's attestation may be of an earlier start: that is where an older disk shows.
    async fn compare_log(&mut self, view: &View) -> Result<(), StoreError> {
        let Some(attested) = view.record.as_ref().map(|record| record.log_head) else {
            return Ok(());
        };
        if self.compared == Some(attested) {
            return Ok(());
        }
        if self.store.check_log(attested).await? {
            tracing::error!(
                attested = attested.count,
                found = self.store.log_head().count,
                "the view log was rolled back: entries are gone that this enclave has attested. \
                 Somebody has put an older disk in the place of a newer one"
            );
        }
        self.compared = Some(attested);
        Ok(())
    }

    async fn standings(
        &self,
        view: &View,
        versions: impl Iterator<Item = VersionKey>,
    ) -> Result<BTreeMap<(NftId, KeyshareKind), Standing>, ChainError> {
        let of = versions.map(|version| (version.nft_id, version.kind));
        facts::standings(&*self.chain, At::Finalized(view.finalized.hash), of).await
    }

    async fn compare_records(&self, view: &View, page: &[Held]) -> Result<(), StepError> {
        let now = view.finalized.number;
        let standings = self.standings(view, page.iter().map(|held| held.key.version)).await?;
        let mut corrections = Vec::new();
        for held in page {
            let VersionKey { nft_id, kind, .. } = held.key.version;
            let Some(standing) = standings.get(&(nft_id, kind)) else { continue };
            if held.facts.is_some_and(|facts| facts.stored_at > now) {
                continue;
            }
            let slot_id = view.assignment.map(|assignment| assignment.slot_id);
            let correction = match judge(held, standing, slot_id) {
                // It is wanted only if no other record of it is the synced one.
                Some(Correction::Want(version)) if self.has_synced(&version, standing)? => None,
                Some(Correction::Watch(version)) if self.store.is_unsynced(&version)? => None,
                correction => correction,
            };
            corrections.extend(correction.filter(|it| !corrections.contains(it)));
        }
        for correction in &corrections {
            tracing::info!(?correction, "what is held is not what the chain has");
        }
        Ok(self.store.correct(corrections, now).await?)
    }

    /// Whether the synced share of a version is held.
    fn has_synced(&self, version: &VersionKey, standing: &Standing) -> Result<bool, StoreError> {
        let Some(synced) = standing.keyshares.synced else { return Ok(false) };
        let records = self.store.records(version)?;
        Ok(records.iter().any(|(key, record)| {
            let commitment = record.commitment(self.store.genesis_hash(), key);
            commitment_of_slot(&synced.commitments, record.slot_id) == Some(&commitment)
        }))
    }

    /// What the chain no longer has need not be fetched.
    async fn compare_wanted(&self, view: &View, page: &[VersionKey]) -> Result<(), StepError> {
        let standings = self.standings(view, page.iter().copied()).await?;
        let is_pointless = |version: &&VersionKey| {
            let standing = standings.get(&(version.nft_id, version.kind));
            standing.is_some_and(|standing| {
                let synced = standing.keyshares.synced.map(|synced| synced.version);
                standing.is_gone || synced != Some(version.version)
            })
        };
        let corrections = page.iter().filter(is_pointless).copied().map(Correction::Wipe);
        Ok(self.store.correct(corrections.collect(), view.finalized.number).await?)
    }
}

/// What is wrong with a record. `own` is the own slot, if there is one.
fn judge(held: &Held, standing: &Standing, own: Option<SlotId>) -> Option<Correction> {
    let version = held.key.version;
    let KeyshareStatus { synced, pending } = standing.keyshares;
    if standing.is_gone {
        return Some(Correction::Wipe(version));
    }
    if let Some(synced) = synced.filter(|synced| synced.version == version.version) {
        return match held.facts {
            Some(HeldFacts { slot_id, commitment, synced_at, .. })
                if own.is_none_or(|own| own == slot_id)
                    && commitment_of_slot(&synced.commitments, slot_id) == Some(&commitment) =>
            {
                let is_active = synced_at.is_some();
                (!is_active).then_some(Correction::Activate(held.key, synced.block_number))
            }
            _ => Some(Correction::Want(version)),
        };
    }
    if pending.is_some_and(|pending| pending.version == version.version) {
        return held.facts.map(|facts| match own.is_none_or(|own| own == facts.slot_id) {
            true => Correction::Watch(version),
            false => Correction::Wipe(version),
        });
    }
    Some(Correction::Wipe(version))
}

#[cfg(test)]
mod tests;
