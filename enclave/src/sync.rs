// SPDX-License-Identifier: Apache-2.0
//! Slot synchronisation (TIP-500 "Inter-Enclave Synchronization"): the same slot of every public
//! cluster holds the same shares. Bytes and rules of the protocol: `docs/protocols/slot-sync.md`.
//!
//! | module | holds |
//! |---|---|
//! | [`peers`] | with whom, by the finalized chain |
//! | [`channel`] | Noise between the keys that the chain has of both |
//! | [`evidence`] | whether the other side is what the chain says |
//! | [`message`] | what both say then |
//! | [`serve`] | the side that is asked |
//! | [`pull`] | the side that asks |
//! | `fill` | whom it asks for what, and when again |
//! | [`logs`] | view logs, which travel the same way |
//! | [`succession`] | how a successor takes the slot over |
//!
//! One task, for every use: a new enclave, a return after downtime, each keyshare that is synced
//! elsewhere, what was lost or taken back, and a successor.
//!
//! 1. **Scan.** The chain counts its syncs and logs each. The entries after the own cursor are read
//!    by proof; those whose share belongs here and is missing are *wanted*. Cursor and wanted versions
//!    are durable in one transaction.
//! 2. **Fill.** Wanted shares are asked for, from several peers at the same time, and kept if their
//!    commitment is the chain's. What one peer lacks or will not give, the next one is asked for.
//!
//! A peer can withhold, never poison. A share that nobody gave stays wanted, and is asked for again
//! after growing pauses; health tells how many there are. When every peer that the chain names has
//! answered that it lacks the rest, a new enclave is as filled as it can be, and opens; also when
//! some have not answered for long. A successor begins to take its slot over only when nothing is
//! missing, or its predecessor has said for long that it lacks the rest.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use tee_primitives::{
    abi::storage,
    cluster::{ClusterId, ClusterType, SlotId},
    keyshare::{CommitmentContext, KeyshareKind, SyncLogEntry, SyncedKeyshare},
    nft::NftId,
    BlockNumber, RawAccountId,
};
use tokio::{sync::watch, task::JoinHandle, time::Instant};
use zeroize::Zeroizing;

use crate::{
    chain::{
        facts::{self, Assignment, Standing},
        At, Chain, ChainError,
    },
    confirm::commitment_of_slot,
    step::StepError,
    store::{Correction, Fetched, Place, Store, StoreError, SyncState, VersionKey},
    submit::Submitter,
    view::{Outlook, View},
};

pub mod channel;
pub mod evidence;
mod fill;
pub mod logs;
pub mod message;
pub mod peers;
pub mod pull;
pub mod serve;
mod succession;

use fill::{Ban, InVain, Page, Round};
use logs::Copying;
use message::{SharedRecord, MAX_SHARE};
use peers::{Known, Mission, Peers};
use pull::{Dialer, Session};
use succession::TakingOver;

/// Entries of the chain's sync log that are read at once.
const ENTRIES: usize = 256;

/// Entries of the chain's sync log that are read in one step, and become durable together.
const ENTRIES_SCANNED: u64 = 4096;

/// What the chain has synced of versions that are asked for.
type Synced = BTreeMap<VersionKey, SyncedKeyshare>;

/// How the synchronisation stands.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Progress {
    /// How far it has come.
    pub state: SyncState,
    /// Entries in the chain's sync log.
    pub count: u64,
    /// Whether something is missing that a peer may have.
    pub is_behind: bool,
    /// Why something is missing, for people.
    pub problem: Option<String>,
}

impl Progress {
    /// Whether the enclave may serve this slot: it holds what could be had.
    pub fn serves(&self, assignment: &Assignment) -> bool {
        let Assignment { cluster_id, slot_id, .. } = *assignment;
        self.state.is_filled && self.state.place == Some(Place { cluster_id, slot_id })
    }
}

/// Runs until the outlook's sender is gone; an error means that the store failed for good.
pub async fn run(
    mut task: Syncer,
    mut outlook: watch::Receiver<Outlook>,
) -> Result<(), StoreError> {
    loop {
        let view = outlook.borrow_and_update().known().cloned();
        let mut goes_on = false;
        if let Some(view) = view {
            match task.step(&view).await {
                Ok(more) => goes_on = more,
                Err(StepError::Chain(error)) => {
                    tracing::debug!(%error, "the slot could not be synchronised");
                }
                // It is opened again by itself.
                Err(StepError::Store(StoreError::Unavailable)) => (),
                Err(StepError::Store(error)) => return Err(error),
            }
        }
        if goes_on && !outlook.has_changed().unwrap_or(true) {
            continue;
        }
        if outlook.changed().await.is_err() {
            return Ok(());
        }
    }
}

/// The task.
pub struct Syncer {
    chain: Arc<dyn Chain>,
    store: Store,
    dialer: Dialer,
    submitter: Submitter,
    account: RawAccountId,
    operator: RawAccountId,
    progress: watch::Sender<Progress>,
    /// Channels to peers, and which of a peer's they are.
    sessions: HashMap<(RawAccountId, usize), Session>,
    /// Peers that have refused another channel, and until when they are asked over one.
    narrow: HashMap<RawAccountId, Instant>,
    bans: HashMap<RawAccountId, Ban>,
    /// Where in the wanted versions to go on.
    after: Option<VersionKey>,
    /// What follows there, if that was looked at before.
    ahead: Option<Page>,
    round: Round,
    /// What nobody gave is not asked for before this finalized block.
    not_before: BlockNumber,
    pause: BlockNumber,
    /// Since when nothing comes of what is missing.
    in_vain: Option<InVain>,
    taking_over: TakingOver,
    copying: Copying,
    /// Shares that are becoming durable.
    keeping: Option<JoinHandle<Result<usize, StoreError>>>,
}

impl Syncer {
    /// `progress` is told how it stands. `chain` is read a lot: values that are read once.
    pub fn new(
        chain: Arc<dyn Chain>,
        store: Store,
        dialer: Dialer,
        submitter: Submitter,
        (account, operator): (RawAccountId, RawAccountId),
        progress: watch::Sender<Progress>,
    ) -> Self {
        Self {
            chain,
            store,
            dialer,
            submitter,
            account,
            operator,
            progress,
            sessions: HashMap::new(),
            narrow: HashMap::new(),
            bans: HashMap::new(),
            after: None,
            ahead: None,
            round: Round::default(),
            not_before: 0,
            pause: 1,
            in_vain: None,
            taking_over: TakingOver::default(),
            copying: Copying::default(),
            keeping: None,
        }
    }

    /// Whether there is more to do at once.
    async fn step(&mut self, view: &View) -> Result<bool, StepError> {
        if view.attestation.is_err() {
            return Ok(false);
        }
        let clusters = peers::clusters(&*self.chain, view).await?;
        let (account, operator) = (&self.account, &self.operator);
        let mission = peers::mission(&*self.chain, view, account, operator, &clusters).await?;
        if mission.is_none_or(|mission| !mission.is_successor) {
            self.taking_over = TakingOver::default();
        }
        let Some(mission) = mission else { return Ok(false) };
        let mut state = self.take_place(&mission, view).await?;
        let types = clusters.iter().map(|known| (known.id, known.lasting)).collect();
        let count = self.count(view).await?;
        if state.cursor < count {
            self.settle().await?;
            self.ahead = None;
            self.scan(view, &mission, &types, &mut state, count).await?;
            self.tell(state, count, true, None);
            return Ok(true);
        }

        // What was complete in memory is written down only with the next scan.
        state.complete_at = state.complete_at.max(self.progress.borrow().state.complete_at);
        if self.store.count_wanted()? == 0 {
            self.begin_again();
            self.in_vain = None;
            self.finish(view, &mission, state, count, None).await?;
            self.copy_logs_if_due(view, &mission, &clusters).await?;
            return Ok(false);
        }
        if view.finalized.number < self.not_before {
            self.copy_logs_if_due(view, &mission, &clusters).await?;
            return Ok(false);
        }
        let peers = self.peers(view, &mission, &clusters).await?;
        self.fill(view, &mission, &types, state, count, peers).await
    }

    /// View logs are copied while there is nothing to do for shares.
    async fn copy_logs_if_due(
        &mut self,
        view: &View,
        mission: &Mission,
        clusters: &[Known],
    ) -> Result<(), StepError> {
        let is_filled = self.progress.borrow().state.is_filled;
        if mission.is_successor || !is_filled || !self.copying.is_due() {
            return Ok(());
        }
        let peers = self.peers(view, mission, clusters).await?;
        Box::pin(self.copy_all_logs(view, mission, peers.live)).await
    }

    /// What was walked over is walked over anew, at once.
    fn begin_again(&mut self) {
        (self.after, self.round, self.not_before, self.pause) = (None, Round::default(), 0, 1);
    }

    async fn peers(
        &self,
        view: &View,
        mission: &Mission,
        clusters: &[Known],
    ) -> Result<Peers, ChainError> {
        match mission.is_successor {
            true => {
                let mut peers = peers::predecessor(&*self.chain, view, &self.operator).await?;
                let place = mission.place;
                let own = clusters.iter().find(|known| known.id == place.cluster_id);
                if own.is_some_and(|own| own.cluster.cluster_type == ClusterType::Public) {
                    peers.besides = peers::others(&*self.chain, view, place, clusters).await?.live;
                }
                Ok(peers)
            }
            // A disabled one's peers would refuse.
            false if is_public_now(view) => {
                peers::others(&*self.chain, view, mission.place, clusters).await
            }
            false => Ok(Peers::default()),
        }
    }

    /// The own place, and how far it is filled. In another slot than before, or after a private
    /// cluster, nothing that is held belongs; in another cluster, or one of another type, more may.
    async fn take_place(&mut self, mission: &Mission, view: &View) -> Result<SyncState, StepError> {
        let (place, cluster_type) = (Some(mission.place), Some(mission.cluster_type));
        let before = self.store.sync_state()?;
        if (before.place, before.cluster_type) == (place, cluster_type) {
            if self.progress.borrow().state.place.is_none() {
                self.tell(before, before.cursor, true, None);
            }
            return Ok(before);
        }
        let is_elsewhere =
            before.place.is_some_and(|before| before.slot_id != mission.place.slot_id);
        let was_private =
            before.cluster_type == Some(ClusterType::Private) && before.place != place;
        if is_elsewhere || was_private {
            tracing::warn!(now = ?mission.place, ?before, "everything held is removed");
            self.settle().await?;
            self.store.purge().await?;
            self.copying = Copying::default();
        }
        let is_filled = before.is_filled && before.place == place;
        let state = SyncState { place, cluster_type, is_filled, ..Default::default() };
        self.store.scanned(Vec::new(), state, view.finalized.number).await?;
        self.begin_again();
        self.in_vain = None;
        self.progress.send_modify(|progress| progress.state.complete_at = 0);
        self.tell(state, 0, true, None);
        Ok(state)
    }

    fn tell(&self, state: SyncState, count: u64, is_behind: bool, problem: Option<String>) {
        let new = Progress { state, count, is_behind, problem };
        self.progress.send_if_modified(|known| {
            let is_news = *known != new;
            if new.problem.is_some() && known.problem != new.problem {
                tracing::warn!("{}", new.problem.as_deref().unwrap_or_default());
            }
            *known = new;
            is_news
        });
    }

    async fn count(&self, view: &View) -> Result<u64, ChainError> {
        let [count] = facts::read(&*self.chain, at(view), [storage::sync_count()]).await?;
        Ok(facts::decode(count)?.unwrap_or_default())
    }

    /// Reads the next part of the chain's sync log.
    async fn scan(
        &mut self,
        view: &View,
        mission: &Mission,
        types: &BTreeMap<ClusterId, ClusterType>,
        state: &mut SyncState,
        count: u64,
    ) -> Result<(), StepError> {
        let end = count.min(state.cursor.saturating_add(ENTRIES_SCANNED));
        let mut ours = BTreeMap::new();
        for first in (state.cursor..end).step_by(ENTRIES) {
            let page = first..end.min(first.saturating_add(ENTRIES as u64));
            let entries = facts::sync_log(&*self.chain, at(view), page).await?;
            let is_ours = |entry: &&SyncLogEntry| belongs(mission, types, entry.cluster_id);
            let of = entries.iter().filter(is_ours).map(|entry| (entry.nft_id, entry.kind));
            for (version, synced) in synced(&*self.chain, view, mission, types, of).await? {
                let expected = commitment_of_slot(&synced.commitments, mission.place.slot_id);
                ours.insert(version, expected.copied());
            }
        }
        let ours: Vec<_> = ours.into_iter().collect();
        let lacking = self.store.lacking(&ours)?;
        if !lacking.is_empty() {
            // It is asked for at once, also if a request has found it missing before.
            (self.not_before, self.pause) = (0, 1);
            self.round.has_grown = true;
        }
        let news = lacking.into_iter().filter(|(_, is_wanted)| !is_wanted);
        let missing = news.map(|(version, _)| Correction::Want(version)).collect();
        state.cursor = end;
        Ok(self.store.scanned(missing, *state, view.finalized.number).await?)
    }

    /// Everything that could be had is held.
    async fn finish(
        &mut self,
        view: &View,
        mission: &Mission,
        mut state: SyncState,
        count: u64,
        problem: Option<String>,
    ) -> Result<(), StepError> {
        let now = view.finalized.number;
        if problem.is_none() {
            state.complete_at = now;
        }
        if !state.is_filled {
            state.is_filled = true;
            self.store.scanned(Vec::new(), state, now).await?;
            tracing::info!(?problem, "the slot is filled");
        }
        self.tell(state, count, false, problem);
        match mission.is_successor {
            // Seldom, and large.
            true => Box::pin(self.take_over(view, mission, state.cursor)).await,
            false => Ok(()),
        }
    }
}

/// What of these the chain has synced for this slot.
async fn synced(
    chain: &dyn Chain,
    view: &View,
    mission: &Mission,
    types: &BTreeMap<ClusterId, ClusterType>,
    of: impl Iterator<Item = (NftId, KeyshareKind)>,
) -> Result<Synced, ChainError> {
    let standings = facts::standings(chain, at(view), of).await?;
    let found = standings.into_iter().filter_map(|((nft_id, kind), standing)| {
        let synced = *to_hold(&standing, mission, types)?;
        Some((VersionKey { nft_id, kind, version: synced.version }, synced))
    });
    Ok(found.collect())
}

fn is_public_now(view: &View) -> bool {
    view.assignment.is_some_and(|it| it.cluster_type == ClusterType::Public)
}

fn at(view: &View) -> At {
    At::Finalized(view.finalized.hash)
}

/// Whether shares that were synced by a cluster belong into this slot. A cluster that is gone was
/// public as far as anybody knows.
fn belongs(
    mission: &Mission,
    types: &BTreeMap<ClusterId, ClusterType>,
    cluster_id: ClusterId,
) -> bool {
    let by = types.get(&cluster_id).copied().unwrap_or(ClusterType::Public);
    cluster_id == mission.place.cluster_id
        || (mission.cluster_type == ClusterType::Public && by != ClusterType::Private)
}

/// What of an NFT this slot must hold.
fn to_hold<'a>(
    standing: &'a Standing,
    mission: &Mission,
    types: &BTreeMap<ClusterId, ClusterType>,
) -> Option<&'a SyncedKeyshare> {
    let synced = standing.keyshares.synced.as_ref().filter(|_| !standing.is_gone)?;
    belongs(mission, types, synced.cluster_id).then_some(synced)
}

/// A share that a peer gave, if it is what it was asked for.
fn check(
    view: &View,
    slot_id: SlotId,
    synced: &Synced,
    version: &VersionKey,
    shared: SharedRecord,
    from: RawAccountId,
) -> Option<Fetched> {
    let expected = synced.get(version).filter(|_| shared.key.version == *version)?;
    checked(view, slot_id, expected, shared, from)
}

/// A share that somebody gave of the version that the chain has synced, if it is the one whose
/// commitment the chain has for this slot.
pub fn checked(
    view: &View,
    slot_id: SlotId,
    synced: &SyncedKeyshare,
    mut shared: SharedRecord,
    from: RawAccountId,
) -> Option<Fetched> {
    let version = shared.key.version;
    if version.version != synced.version || shared.share.len() > MAX_SHARE {
        return None;
    }
    let context = CommitmentContext {
        genesis_hash: view.chain.genesis_hash,
        nft_id: version.nft_id,
        kind: version.kind,
        version: version.version,
        slot_id,
        split: shared.key.split,
        is_bound: shared.is_bound,
    };
    let commitment = context.commit(&shared.salt, &shared.share);
    (commitment_of_slot(&synced.commitments, slot_id) == Some(&commitment)).then(|| Fetched {
        key: shared.key,
        share: Zeroizing::new(std::mem::take(&mut shared.share)),
        salt: shared.salt,
        owner: shared.owner,
        slot_id,
        token_block: shared.token_block,
        synced_at: Some(synced.block_number),
        decided_at: view.finalized.number,
        from,
        is_bound: shared.is_bound,
        commitment: Some(commitment),
    })
}

#[cfg(test)]
mod tests;
