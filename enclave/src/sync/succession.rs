// SPDX-License-Identifier: Apache-2.0
//! How an approved successor takes its slot over, when nothing is missing.
//!
//! The chain gives it the slot only if the own cluster has synced nothing that it has not seen. In a
//! cluster that syncs all the time something always was. So the successor asks the predecessor for
//! the slot first: from then on that stores and confirms nothing, without which its cluster syncs
//! nothing, and goes on serving. What it holds of versions that the chain has not decided about goes
//! to the successor, which confirms it when it has the slot. Then the successor catches up with what
//! was on its way, and asks the chain.
//!
//! | order of durable steps | a crash after it |
//! |---|---|
//! | 1. the predecessor's pause | ends by itself after some blocks; the successor asks again |
//! | 2. undecided shares, with the successor | it has them already; both may hold them |
//! | 3. the slot, on the chain | nothing is left to do |
//!
//! Undecided shares are the predecessor's word: they have no commitment on the chain yet. It is what
//! the chain knows as this slot's enclave, and could have confirmed anything itself.

use tee_primitives::{
    abi::{calls, extrinsic::ERA_BLOCKS},
    BlockNumber,
};
use zeroize::Zeroizing;

use super::{
    message::{Answer, Ask, MAX_SHARE},
    peers::{self, Mission, Peer},
    pull::PullError,
    Syncer,
};
use crate::{
    step::StepError,
    store::{Fetched, VersionKey},
    view::View,
};

/// Finalized blocks in which what the predecessor had sent usually comes to the chain.
const SETTLING: BlockNumber = 6;

/// A transaction that takes the slot is sent only if it cannot be included after the predecessor's
/// pause: in so many blocks it lapses, and as many the view may be behind.
const ROOM: BlockNumber = ERA_BLOCKS + 8;

/// Longest pause between two attempts, in finalized blocks.
const MAX_PAUSE: BlockNumber = 8;

/// A predecessor that could not be reached so often, and for so many finalized blocks, hands nothing
/// over.
const PATIENCE: u32 = 8;
const PATIENCE_BLOCKS: BlockNumber = 32;

/// The same of one that can be reached, and hands nothing over.
const LONG_PATIENCE_BLOCKS: BlockNumber = 256;

/// Parts of what is handed over, at most: more than a predecessor holds.
const MAX_PARTS: u32 = 100_000;

/// How far taking over has come.
#[derive(Debug, Default)]
pub(super) struct TakingOver {
    /// No attempt before this finalized block.
    not_before: BlockNumber,
    /// Attempts in a row that the chain has not accepted.
    refused: u32,
    /// Since when, and how often, the predecessor has not answered.
    silent: Option<(BlockNumber, u32)>,
    /// Whether its view log was asked for.
    has_log: bool,
    /// The end of its pause, and the finalized block at which that became known.
    until: Option<BlockNumber>,
    handed_at: BlockNumber,
}

impl Syncer {
    /// Takes the slot over, step by step. `cursor` is how much of the sync log has been seen.
    pub(super) async fn take_over(
        &mut self,
        view: &View,
        mission: &Mission,
        cursor: u64,
    ) -> Result<(), StepError> {
        let now = view.finalized.number;
        if now < self.taking_over.not_before {
            return Ok(());
        }
        self.taking_over.not_before = now.saturating_add(1);
        let peers = peers::predecessor(&*self.chain, view, &self.operator).await?;
        let predecessor = peers.live.into_iter().next();
        if let Some(peer) = predecessor.as_ref().filter(|_| !self.taking_over.has_log) {
            // Before its pause begins.
            self.taking_over.has_log = true;
            return self.copy_predecessors_log(view, mission, peer).await;
        }
        let handed = match &predecessor {
            Some(peer) => self.hand_over(view, mission, peer).await?,
            None => Err(Some(PullError::Unreachable("its attestation does not count"))),
        };
        match handed {
            Ok((until, kept)) => {
                if kept > 0 {
                    tracing::info!(kept, "the predecessor has handed over undecided shares");
                }
                self.taking_over.silent = None;
                if self.taking_over.until != Some(until) {
                    self.taking_over.until = Some(until);
                    self.taking_over.handed_at = now;
                }
                // It has taken a while: the newest block counts.
                let newest =
                    self.chain.heads().borrow().as_ref().map_or(now, |it| it.finalized.number);
                let has_settled = now >= self.taking_over.handed_at.saturating_add(SETTLING);
                if !has_settled || newest.saturating_add(ROOM) > until {
                    return Ok(());
                }
            }
            Err(None) => {
                self.taking_over.not_before = now.saturating_add(MAX_PAUSE);
                return Ok(());
            }
            Err(Some(error)) => {
                let (since, times) = self.taking_over.silent.unwrap_or((now, 0));
                let times = times.saturating_add(1);
                self.taking_over.silent = Some((since, times));
                let patience = match error {
                    PullError::Unreachable(_) => PATIENCE_BLOCKS,
                    _ => LONG_PATIENCE_BLOCKS,
                };
                if times < PATIENCE || now.saturating_sub(since) < patience {
                    tracing::warn!(%error, "the predecessor does not hand the slot over");
                    self.taking_over.not_before = now.saturating_add(2);
                    return Ok(());
                }
            }
        }
        let call = calls::complete_update(&self.operator, cursor);
        let sent = self.submitter.submit(call, view.finalized, view.chain.genesis_hash).await;
        if let Err(error) = &sent {
            tracing::warn!(%error, "the slot could not be taken over yet");
        }
        // Whether it did what it should is seen in the next views. If not, something was synced
        // meanwhile.
        let at = sent.map_or(now, |included| included.block.number);
        let pause = 1u32
            .checked_shl(self.taking_over.refused)
            .map_or(MAX_PAUSE, |pause| pause.min(MAX_PAUSE));
        self.taking_over.not_before = at.saturating_add(pause);
        self.taking_over.refused = self.taking_over.refused.saturating_add(1);
        Ok(())
    }

    /// Has the predecessor hand the slot over. Until which block it is paused, and how many shares were
    /// kept that it gave; or why it does not, `None` if its last pause was not long ago.
    async fn hand_over(
        &mut self,
        view: &View,
        mission: &Mission,
        peer: &Peer,
    ) -> Result<Result<(BlockNumber, usize), Option<PullError>>, StepError> {
        let mut after: Option<VersionKey> = None;
        let mut kept = 0;
        for _ in 0..MAX_PARTS {
            let (session, ask) = (self.sessions.remove(&(peer.account, 0)), Ask::HandOver(after));
            let said = self.dialer.say(view, mission.place, peer, session, &ask).await;
            let (until, records, next) = match said {
                Ok((session, Answer::HandedOver { until, records, next }))
                    if next.is_none_or(|next| after < Some(next)) =>
                {
                    self.sessions.insert((peer.account, 0), session);
                    (until, records, next)
                }
                Ok(_) => return Ok(Err(Some(PullError::Malformed("no hand-over")))),
                Err(error) => return Ok(Err(Some(error))),
            };
            let Some(until) = until else { return Ok(Err(None)) };
            let shares = records.into_iter().filter(|shared| shared.share.len() <= MAX_SHARE);
            let shares = shares.map(|mut shared| Fetched {
                key: shared.key,
                share: Zeroizing::new(std::mem::take(&mut shared.share)),
                salt: shared.salt,
                owner: shared.owner,
                slot_id: mission.place.slot_id,
                token_block: shared.token_block,
                synced_at: None,
                decided_at: view.finalized.number,
                from: peer.account,
                is_bound: shared.is_bound,
                commitment: None,
            });
            kept += self.store.take_over(shares.collect()).await?;
            after = next;
            if after.is_none() {
                return Ok(Ok((until, kept)));
            }
        }
        Ok(Err(Some(PullError::TooLong)))
    }
}
