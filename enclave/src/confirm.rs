// SPDX-License-Identifier: Apache-2.0
//! Confirms stored shares on the chain, and learns what became of them.
//!
//! One task. At each newer finalized block, and when something was stored, it looks at the oldest
//! entries of the outbox. What became of an entry is decided by the finalized state alone, never
//! by what happened to a transaction:
//!
//! | the finalized chain shows | the entry |
//! |---|---|
//! | this slot's confirmation with this split and commitment | is done, for the time being |
//! | the version synced, or no longer pending | is done or pointless |
//! | anything else | is sent, with up to 255 others, in one transaction |
//!
//! At most one transaction of this task is on its way: it waits for it, and its nonce is the one of
//! the finalized state at which it was decided, so that one sent before a crash cannot be included
//! beside one sent after. After a failure it waits for 1, 2, 4 … finalized blocks. Nothing is sent
//! while the enclave is not assigned to a cluster that takes keyshares, or its attestation does not
//! count: the chain would refuse the transaction as a whole, and keep its fee.
//!
//! A version can stay pending although all slots are confirmed: if one enclave had no live
//! attestation when the last confirmation came. The chain syncs such a version when any enclave
//! repeats its confirmation. So the newest confirmation of a version that stays pending is repeated,
//! after 64, 128, 256 … up to 4,096 finalized blocks, in the same transactions as the others.
//!
//! It also watches the versions that the chain has not decided about, a bounded number at each
//! finalized block: when one is synced, the record that the chain's commitment names becomes
//! active and the others are wiped.

use std::{collections::HashMap, mem, sync::Arc};

use tee_primitives::{
    abi::{calls, storage},
    cluster::SlotId,
    keyshare::{
        Commitment, KeyshareConfirmation, KeyshareKind, KeyshareStatus, SlotConfirmation,
        SlotConfirmations, MAX_CONFIRMATIONS,
    },
    nft::NftId,
    BlockNumber, RawAccountId,
};
use tokio::sync::watch;

use crate::{
    chain::{
        facts::{self, Assignment},
        At, Chain, ChainError, Head, Included, SubmitError,
    },
    step::StepError,
    store::{RecordKey, Store, StoreError, VersionKey},
    submit::Submitter,
    view::{Outlook, View},
};

/// Outbox entries and undecided versions that are looked at in one step.
const PAGE: usize = MAX_CONFIRMATIONS as usize;

/// Longest wait after a failure, in finalized blocks.
const MAX_PAUSE: BlockNumber = 32;

/// Waits before a confirmation is repeated, in finalized blocks: doubled from the first to the last.
const FIRST_REPEAT: BlockNumber = 64;
const LAST_REPEAT: BlockNumber = 4096;

/// Runs until the outlook's sender is gone; an error means that the store failed.
pub async fn run(
    chain: Arc<dyn Chain>,
    submitter: Submitter,
    store: Store,
    account: RawAccountId,
    mut outlook: watch::Receiver<Outlook>,
) -> Result<(), StoreError> {
    let mut task = Confirmer::new(chain, submitter, store.clone(), account);
    loop {
        let view = outlook.borrow_and_update().known().cloned();
        if let Some(view) = view {
            match task.step(&view).await {
                Ok(()) => (),
                Err(StepError::Chain(error)) => match error {
                    ChainError::Unreachable(_) => tracing::debug!(%error, "the chain was not read"),
                    ChainError::Malformed(_) | ChainError::Lied(_) => {
                        task.complain(error.to_string());
                    }
                },
                // It is opened again by itself.
                Err(StepError::Store(StoreError::Unavailable)) => (),
                Err(StepError::Store(error)) => return Err(error),
            }
        }
        tokio::select! {
            changed = outlook.changed() => if changed.is_err() {
                return Ok(());
            },
            () = store.outbox_grew() => (),
        }
    }
}

/// When the confirmation of an undecided version is repeated.
struct Repeat {
    /// Not before this finalized block.
    at: BlockNumber,
    /// The wait that ends then, in finalized blocks.
    pause: BlockNumber,
}

struct Confirmer {
    chain: Arc<dyn Chain>,
    submitter: Submitter,
    store: Store,
    account: RawAccountId,
    /// Nothing is sent before this finalized block.
    not_before: BlockNumber,
    /// Transactions in a row that did not do what they should.
    failures: u32,
    /// Outbox entries in the last transaction.
    sent: Vec<u64>,
    /// Where in the undecided versions to go on.
    cursor: Option<VersionKey>,
    /// The block at which undecided versions were last looked at.
    watched_at: Option<BlockNumber>,
    /// One for each NFT with an undecided version.
    repeats: HashMap<(NftId, KeyshareKind), Repeat>,
    /// Of the versions last looked at, those whose confirmation is to be repeated.
    due: Vec<VersionKey>,
    /// What was last complained about: the same is said once.
    complaint: Option<String>,
}

impl Confirmer {
    fn new(
        chain: Arc<dyn Chain>,
        submitter: Submitter,
        store: Store,
        account: RawAccountId,
    ) -> Self {
        Self {
            chain,
            submitter,
            store,
            account,
            not_before: 0,
            failures: 0,
            sent: Vec::new(),
            cursor: None,
            watched_at: None,
            repeats: HashMap::new(),
            due: Vec::new(),
            complaint: None,
        }
    }

    async fn step(&mut self, view: &View) -> Result<(), StepError> {
        if self.watched_at != Some(view.finalized.number) {
            self.watch_unsynced(view).await?;
            self.watched_at = Some(view.finalized.number);
        }
        let mut entries = self.store.outbox(PAGE)?;
        if entries.is_empty() && self.due.is_empty() {
            // All that was sent worked. The same entries sent again are repetitions.
            self.sent.clear();
            return Ok(());
        }
        let Some(assignment) = view.keyshare_service() else {
            self.complain(match view.attestation {
                Ok(_) => {
                    "confirmations wait until this enclave is assigned to a cluster that takes \
                     keyshares"
                        .into()
                }
                Err(why) => format!("confirmations wait: {}", why.sentence()),
            });
            return Ok(());
        };
        // While the slot is handed over nothing may be synced that the successor has not seen.
        if view.finalized.number < self.not_before.max(self.store.paused_until()?) {
            return Ok(());
        }
        self.add_due(&mut entries)?;
        let batch = self.settle(view, assignment, entries).await?;
        if !batch.iter().any(|(order, _)| self.sent.contains(order)) {
            self.failures = 0;
            self.complaint = None;
        }
        if batch.is_empty() || self.send(view, batch).await {
            self.put_off_due(view.finalized.number);
        }
        Ok(())
    }

    /// Fills a page up with the newest entries of the versions that are due. Those that have no
    /// place stay due.
    fn add_due(&mut self, entries: &mut Vec<(u64, RecordKey)>) -> Result<(), StoreError> {
        self.due.truncate(PAGE.saturating_sub(entries.len()));
        for version in &self.due {
            let records = self.store.records(version)?.into_iter();
            let entry =
                records.map(|(key, record)| (record.order, key)).max_by_key(|entry| entry.0);
            entries.extend(entry.filter(|entry| !entries.contains(entry)));
        }
        Ok(())
    }

    /// Sets the next repetition of what was repeated, or has no need of it.
    fn put_off_due(&mut self, now: BlockNumber) {
        for VersionKey { nft_id, kind, .. } in mem::take(&mut self.due) {
            if let Some(repeat) = self.repeats.get_mut(&(nft_id, kind)) {
                repeat.pause = (repeat.pause * 2).min(LAST_REPEAT);
                repeat.at = now.saturating_add(repeat.pause);
            }
        }
    }

    /// Takes out of the outbox what the finalized state has decided; returns what is to be sent.
    async fn settle(
        &self,
        view: &View,
        assignment: Assignment,
        entries: Vec<(u64, RecordKey)>,
    ) -> Result<Vec<(u64, KeyshareConfirmation)>, StepError> {
        let keys = entries
            .iter()
            .flat_map(|(_, key)| {
                let VersionKey { nft_id, kind, version } = key.version;
                [
                    storage::keyshares(nft_id, kind),
                    storage::confirmations(nft_id, kind, version, assignment.cluster_id),
                ]
            })
            .collect();
        let at = At::Finalized(view.finalized.hash);
        let mut values = facts::values(&*self.chain, at, keys).await?.into_iter();
        let mut done = Vec::new();
        let mut batch = Vec::new();
        for (order, key) in entries {
            let status: KeyshareStatus =
                facts::decode(values.next().flatten())?.unwrap_or_default();
            let slots: SlotConfirmations<RawAccountId> =
                facts::decode(values.next().flatten())?.unwrap_or_default();
            let slot = usize::try_from(assignment.slot_id).unwrap_or(usize::MAX);
            let shown = slots.get(slot).copied().flatten();
            let Some(record) = self.store.record(&key)? else {
                done.push(order);
                continue;
            };
            if record.stored_at > view.finalized.number {
                continue;
            }
            // A share that was given to another slot means nothing in this one.
            if !is_pending(&status, &key.version) || record.slot_id != assignment.slot_id {
                done.push(order);
                continue;
            }
            let confirmation = KeyshareConfirmation {
                nft_id: key.version.nft_id,
                kind: key.version.kind,
                version: key.version.version,
                split: key.split,
                commitment: record.commitment(view.chain.genesis_hash, &key),
            };
            let ours = SlotConfirmation {
                enclave: self.account,
                split: confirmation.split,
                commitment: confirmation.commitment,
            };
            if shown == Some(ours) && !self.due.contains(&key.version) {
                done.push(order);
            } else {
                batch.push((order, confirmation));
            }
        }
        self.store.confirmed(done).await?;
        Ok(batch)
    }

    /// Sends a batch. Whether it is in a finalized block.
    async fn send(&mut self, view: &View, batch: Vec<(u64, KeyshareConfirmation)>) -> bool {
        let (orders, batch): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
        let call = calls::confirm_keyshares(&batch);
        let genesis_hash = view.chain.genesis_hash;
        let sent = self.submitter.submit_once(call, view.finalized, genesis_hash).await;
        let included = sent.is_ok();
        match sent {
            Err(SubmitError::Outdated) => {
                // Not a failure: something else of the account was sent, and a newer view comes.
                self.not_before = view.finalized.number.saturating_add(1);
                return false;
            }
            Ok(Included { block: Head { number: block, .. } }) => {
                tracing::debug!(shares = batch.len(), block, "confirmations are finalized");
                // The view may be behind that block. That the state there
                // shows no confirmation can also mean that the call failed: hence the growing pause.
                self.not_before = block.max(view.finalized.number.saturating_add(self.pause() - 1));
            }
            Err(error) => {
                self.not_before = view.finalized.number.saturating_add(self.pause());
                match error {
                    SubmitError::Refused(_) => self.complain(error.to_string()),
                    SubmitError::Chain(_) | SubmitError::Timeout | SubmitError::Outdated => {
                        tracing::debug!(%error, "confirmations were not sent");
                    }
                }
            }
        }
        // Until the state shows the entries, the transaction counts as one that did not work.
        self.failures = self.failures.saturating_add(1);
        self.sent = orders;
        included
    }

    fn pause(&self) -> BlockNumber {
        1u32.checked_shl(self.failures).map_or(MAX_PAUSE, |pause| pause.min(MAX_PAUSE))
    }

    fn complain(&mut self, complaint: String) {
        if self.complaint.as_ref() != Some(&complaint) {
            tracing::warn!("{complaint}");
            self.complaint = Some(complaint);
        }
    }

    /// Looks at some of the versions that were undecided.
    async fn watch_unsynced(&mut self, view: &View) -> Result<(), StepError> {
        let versions = self.store.unsynced(self.cursor, PAGE)?;
        self.due.clear();
        self.cursor =
            if versions.len() < PAGE { None } else { versions.last().map(|(version, _)| *version) };
        if versions.is_empty() {
            return Ok(());
        }
        let keys = versions
            .iter()
            .map(|(version, _)| storage::keyshares(version.nft_id, version.kind))
            .collect();
        let values = self.chain.read(At::Finalized(view.finalized.hash), keys).await?;
        for ((version, stored_at), value) in versions.iter().zip(values) {
            if *stored_at > view.finalized.number {
                continue;
            }
            let status: KeyshareStatus = facts::decode(value)?.unwrap_or_default();
            self.decide(view, version, &status).await?;
            let (now, of) = (view.finalized.number, (version.nft_id, version.kind));
            if !is_pending(&status, version) {
                self.repeats.remove(&of);
                continue;
            }
            let first = Repeat { at: now.saturating_add(FIRST_REPEAT), pause: FIRST_REPEAT };
            if self.repeats.entry(of).or_insert(first).at <= now {
                self.due.push(*version);
            }
        }
        Ok(())
    }

    async fn decide(
        &self,
        view: &View,
        version: &VersionKey,
        status: &KeyshareStatus,
    ) -> Result<(), StepError> {
        if let Some(synced) = status.synced.filter(|synced| synced.version == version.version) {
            let records = self.store.records(version)?;
            let named = records.iter().find(|(key, record)| {
                commitment_of_slot(&synced.commitments, record.slot_id)
                    == Some(&record.commitment(view.chain.genesis_hash, key))
            });
            return match named {
                Some((key, _)) => Ok(self.store.activate(*key, synced.block_number).await?),
                // Another cluster's shares were synced: what is held can never be served.
                None => Ok(self.store.wipe_undecided(*version).await?),
            };
        }
        if !is_pending(status, version) {
            self.store.wipe(*version).await?;
        }
        Ok(())
    }
}

/// Whether the chain waits for confirmations of this version.
fn is_pending(status: &KeyshareStatus, version: &VersionKey) -> bool {
    status.pending.map(|pending| pending.version) == Some(version.version)
}

/// The commitment that a synced version has for a slot.
pub fn commitment_of_slot(commitments: &[Commitment], slot_id: SlotId) -> Option<&Commitment> {
    usize::try_from(slot_id).ok().and_then(|slot| commitments.get(slot))
}

#[cfg(test)]
mod tests;
