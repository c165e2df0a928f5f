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

use tee_primitives::{abi::calls, BlockNumber};
use zeroize::Zeroizing;

use super::{
    logs::MESSAGES_TO_PREDECESSOR,
    message::{Answer, Ask, MAX_SHARE},
    peers::{self, Mission},
    pull::PullError,
    Syncer,
};
use crate::{
    step::StepError,
    store::{HandedOver, VersionKey},
    view::View,
};

/// Finalized blocks after which what the predecessor had sent is on the chain, or never will be.
const SETTLING: BlockNumber = 6;

/// Longest pause between two attempts, in finalized blocks: shorter than the predecessor's.
const MAX_PAUSE: BlockNumber = 8;

/// A predecessor that has not answered so often, and for so many finalized blocks, hands nothing over.
const PATIENCE: u32 = 8;
const PATIENCE_BLOCKS: BlockNumber = 32;

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
    /// The finalized block at which it handed the slot over first.
    handed_at: Option<BlockNumber>,
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
        match self.hand_over(view, mission).await? {
            Ok(kept) => {
                if kept > 0 {
                    tracing::info!(kept, "the predecessor has handed over undecided shares");
                }
                self.taking_over.silent = None;
                let handed_at = *self.taking_over.handed_at.get_or_insert(now);
                if now < handed_at.saturating_add(SETTLING) {
                    self.taking_over.not_before = now.saturating_add(1);
                    return Ok(());
                }
            }
            Err(error) => {
                let (since, times) = self.taking_over.silent.unwrap_or((now, 0));
                let times = times.saturating_add(1);
                self.taking_over.silent = Some((since, times));
                if times < PATIENCE || now.saturating_sub(since) < PATIENCE_BLOCKS {
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

    /// Has the predecessor hand the slot over. How many shares were kept that it gave, or why it does
    /// not.
    async fn hand_over(
        &mut self,
        view: &View,
        mission: &Mission,
    ) -> Result<Result<usize, PullError>, StepError> {
        let peers = peers::predecessor(&*self.chain, view, &self.operator).await?;
        let Some(peer) = peers.live.into_iter().next() else {
            return Ok(Err(PullError::Unreachable("its attestation does not count")));
        };
        let mut after: Option<VersionKey> = None;
        let mut kept = 0;
        for _ in 0..MAX_PARTS {
            let (session, ask) = (self.sessions.remove(&peer.account), Ask::HandOver(after));
            let said = self.dialer.say(view, mission.place, &peer, session, &ask).await;
            let (records, next) = match said {
                Ok((session, Answer::HandedOver { records, next }))
                    if next.is_none_or(|next| after < Some(next)) =>
                {
                    self.sessions.insert(peer.account, session);
                    (records, next)
                }
                Ok(_) => return Ok(Err(PullError::Malformed("no hand-over"))),
                Err(error) => return Ok(Err(error)),
            };
            let shares = records.iter().filter(|shared| shared.share.len() <= MAX_SHARE);
            let shares = shares.map(|shared| HandedOver {
                key: shared.key,
                share: Zeroizing::new(shared.share.clone()),
                salt: shared.salt,
                owner: shared.owner,
                slot_id: mission.place.slot_id,
                token_block: shared.token_block,
                decided_at: view.finalized.number,
                from: peer.account,
            });
            kept += self.store.take_over(shares.collect()).await?;
            after = next;
            if after.is_none() {
                // Its view log goes with it; that it does not come is no reason to stay without a slot.
                let most = MESSAGES_TO_PREDECESSOR;
                if let Err(error) = self.copy_logs(view, mission, &peer, &[], most).await? {
                    tracing::warn!(%error, "the predecessor's view log was not copied");
                }
                return Ok(Ok(kept));
            }
        }
        Ok(Err(PullError::TooLong))
    }
}
