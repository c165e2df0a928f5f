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
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use rand::{rng, seq::SliceRandom};
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
pub mod logs;
pub mod message;
pub mod peers;
pub mod pull;
pub mod serve;
mod succession;

use logs::Copying;
use message::{SharedRecord, MAX_ASKED, MAX_SHARE};
use peers::{Known, Mission, Peer, Peers, MAX_PEERS};
use pull::{Dialer, PullError, Session};
use succession::TakingOver;

/// Entries of the chain's sync log that are read at once, and wanted versions that are looked at in one
/// step.
const PAGE: usize = 256;

/// Pages of the chain's sync log that are read in one step, and become durable together.
const PAGES_SCANNED: usize = 4;

/// Longest pause before what nobody gave is asked for again, in finalized blocks.
const MAX_PAUSE: BlockNumber = 64;

/// After so many rounds in vain in which somebody has answered, and so many finalized blocks, what is
/// missing counts as lost.
const PATIENCE: u32 = 8;
const PATIENCE_BLOCKS: BlockNumber = 64;

/// How long all peers together may take for a page, before the view is looked at anew.
const PAGE_TIME: Duration = Duration::from_secs(60);

/// Longest pause before a peer that failed is asked again.
const MAX_BAN: Duration = Duration::from_secs(60);

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

/// A peer that failed is not asked for a while.
struct Ban {
    until: Instant,
    failures: u32,
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
    sessions: HashMap<RawAccountId, Session>,
    bans: HashMap<RawAccountId, Ban>,
    /// Where in the wanted versions to go on.
    after: Option<VersionKey>,
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

/// Since when nothing comes of what is missing: other versions may become wanted and come meanwhile.
#[derive(Clone, Copy, Debug)]
struct InVain {
    /// The finalized block of the first round.
    since: BlockNumber,
    /// Rounds since then in which somebody has answered.
    answered: u32,
}

/// What one walk over the wanted versions has shown.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Round {
    /// Shares that were kept.
    kept: usize,
    /// Whether one of them had been asked for in vain before.
    is_hopeful: bool,
    /// Shares that nobody gave.
    missed: usize,
    /// Whether a peer failed, or was not asked, that might have them.
    has_failed: bool,
    /// Whether a peer answered.
    has_answered: bool,
    /// Whether more became wanted since it began. Those before the cursor were not asked for.
    has_grown: bool,
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
            bans: HashMap::new(),
            after: None,
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
        let end = count.min(state.cursor.saturating_add((PAGE * PAGES_SCANNED) as u64));
        let mut ours = BTreeMap::new();
        for first in (state.cursor..end).step_by(PAGE) {
            let page = first..end.min(first.saturating_add(PAGE as u64));
            let entries = facts::sync_log(&*self.chain, at(view), page).await?;
            let is_ours = |entry: &&SyncLogEntry| belongs(mission, types, entry.cluster_id);
            let of = entries.iter().filter(is_ours).map(|entry| (entry.nft_id, entry.kind));
            for (version, synced) in self.synced(view, mission, types, of).await? {
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

    /// Asks for the next part of what is wanted. Whether there is more to do at once.
    async fn fill(
        &mut self,
        view: &View,
        mission: &Mission,
        types: &BTreeMap<ClusterId, ClusterType>,
        state: SyncState,
        count: u64,
        peers: Peers,
    ) -> Result<bool, StepError> {
        let wanted = self.store.count_wanted()?;
        let page = self.store.wanted(self.after, PAGE)?;
        let vain_since = self.in_vain.map(|in_vain| in_vain.since);
        let old: BTreeSet<_> = page
            .iter()
            .filter(|(_, found_at)| vain_since.is_some_and(|since| *found_at <= since))
            .map(|(version, _)| *version)
            .collect();
        let page: Vec<_> = page.into_iter().map(|(version, _)| version).collect();
        let is_last = page.len() < PAGE;
        let next = page.last().copied();
        if self.after.is_none() {
            // Nothing is being kept between two walks.
            self.round = Round::default();
        }

        let Peers { live: mut peers, named, mut besides } = peers;
        let now = Instant::now();
        let is_asked =
            |peer: &Peer| self.bans.get(&peer.account).is_none_or(|ban| ban.until <= now);
        peers.retain(is_asked);
        besides.retain(is_asked);
        self.round.has_failed |= peers.len() < named;
        self.sessions
            .retain(|account, _| peers.iter().chain(&besides).any(|peer| peer.account == *account));
        peers.shuffle(&mut rng());

        let of = page.iter().map(|version| (version.nft_id, version.kind));
        let synced = self.synced(view, mission, types, of).await?;
        let (page, pointless): (Vec<_>, Vec<_>) =
            page.into_iter().partition(|version| synced.contains_key(version));
        let pointless = pointless.into_iter().map(Correction::Wipe).collect();
        self.store.correct(pointless, view.finalized.number).await?;
        let hoped = page.iter().filter(|version| old.contains(version)).count();
        let mut left = page;
        for group in peers.chunks(MAX_PEERS) {
            left = self.ask_all(view, mission, &synced, left, group).await?;
        }
        let Round { has_failed, has_answered, .. } = self.round;
        for group in besides.chunks(MAX_PEERS) {
            left = self.ask_all(view, mission, &synced, left, group).await?;
        }
        // What they do decides nothing.
        (self.round.has_failed, self.round.has_answered) = (has_failed, has_answered);
        self.round.is_hopeful |= left.iter().filter(|it| old.contains(it)).count() < hoped;
        self.round.missed += left.len();
        self.after = next.filter(|_| !is_last);
        if !is_last {
            self.tell(state, count, true, None);
            return Ok(true);
        }
        self.settle().await?;

        let Round { kept, is_hopeful, missed, has_failed, has_answered, has_grown } = self.round;
        if kept > 0 {
            tracing::info!(kept, missed, "shares came from other enclaves");
        }
        if missed == 0 {
            // What has become wanted since is walked over next.
            self.begin_again();
            let left = self.store.count_wanted()?;
            return Ok(left == 0 || left < wanted);
        }
        let now = view.finalized.number;
        let begun = InVain { since: now, answered: 0 };
        let mut in_vain = self.in_vain.filter(|_| !is_hopeful).unwrap_or(begun);
        if has_answered {
            in_vain.answered = in_vain.answered.saturating_add(1);
            self.not_before = now.saturating_add(self.pause);
            self.pause = (self.pause * 2).min(MAX_PAUSE);
        } else {
            // Who fails is not asked for a while anyway.
            (self.not_before, self.pause) = (now.saturating_add(1), 1);
        }
        self.in_vain = Some(in_vain);
        let is_hopeless =
            in_vain.answered >= PATIENCE && now.saturating_sub(in_vain.since) >= PATIENCE_BLOCKS;
        let is_all = match mission.is_successor {
            true => is_hopeless && has_answered && !has_failed && !has_grown,
            false => !has_failed || (is_hopeless && has_answered),
        };
        let who =
            if has_failed { "and not every peer has answered" } else { "that no peer can give" };
        let problem = Some(format!("{missed} shares are missing, {who}"));
        match is_all {
            true => self.finish(view, mission, state, count, problem).await?,
            false => self.tell(state, count, true, problem),
        }
        Ok(false)
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

    /// Asks the peers for these versions: each a part, then each for what another lacks. What nobody
    /// gave.
    async fn ask_all(
        &mut self,
        view: &View,
        mission: &Mission,
        synced: &Synced,
        versions: Vec<VersionKey>,
        peers: &[Peer],
    ) -> Result<Vec<VersionKey>, StepError> {
        // Every version with the peer that is asked for it first.
        let mut left: Vec<_> = versions
            .into_iter()
            .enumerate()
            .map(|(index, version)| (version, index / MAX_ASKED))
            .collect();
        let mut failed = vec![false; peers.len()];
        let mut failed_to_keep = None;
        let end = Instant::now() + PAGE_TIME;
        for turn in 0..peers.len() {
            if Instant::now() >= end {
                self.round.has_failed = true;
                break;
            }
            let mut parts = vec![Vec::new(); peers.len()];
            let mut rest = Vec::new();
            for (version, first) in left {
                let index = first.saturating_add(turn) % peers.len();
                match parts.get_mut(index) {
                    Some(part) if failed.get(index) == Some(&false) => part.push((version, first)),
                    _ => rest.push((version, first)),
                }
            }
            left = rest;
            let asked = parts.iter().enumerate().filter(|(_, part)| !part.is_empty());
            let asked: Vec<_> = asked
                .filter_map(|(index, part)| Some((index, part, peers.get(index)?)))
                .map(|(index, part, peer)| {
                    let versions = part.iter().map(|(version, _)| *version).collect();
                    (index, peer, versions, self.sessions.remove(&peer.account))
                })
                .collect();
            let dialer = &self.dialer;
            let answers = asked.into_iter().map(|(index, peer, versions, session)| async move {
                let place = mission.place;
                (index, peer, dialer.ask(view, place, peer, session, versions, synced).await)
            });
            for (index, peer, asked) in futures::future::join_all(answers).await {
                let kept: BTreeSet<_> = asked.good.iter().map(|it| it.key.version).collect();
                // The other answers are kept, or tried to be, and the channels too.
                if let Err(error) = self.keep(asked.good).await {
                    failed_to_keep = Some(error);
                }
                self.round.has_failed |= asked.is_too_early;
                let part = parts.get(index).into_iter().flatten();
                left.extend(part.filter(|(version, _)| !kept.contains(version)).copied());
                match asked.session {
                    Ok(session) => {
                        self.round.has_answered = true;
                        self.bans.remove(&peer.account);
                        self.sessions.insert(peer.account, session);
                    }
                    Err(error) => {
                        if let Some(is_failed) = failed.get_mut(index) {
                            *is_failed = true;
                        }
                        self.blame(peer, &error);
                    }
                }
            }
        }
        match failed_to_keep {
            Some(error) => Err(error.into()),
            None => Ok(left.into_iter().map(|(version, _)| version).collect()),
        }
    }

    /// Keeps what was fetched while the next is asked for; what is not kept stays wanted. Fails if the
    /// shares before could not be kept.
    async fn keep(&mut self, good: Vec<Fetched>) -> Result<(), StoreError> {
        let before = self.settle().await;
        let store = self.store.clone();
        self.keeping = Some(tokio::spawn(async move { store.fetched(good).await }));
        before
    }

    /// Waits until what was fetched is durable.
    async fn settle(&mut self) -> Result<(), StoreError> {
        let Some(keeping) = self.keeping.take() else { return Ok(()) };
        let kept = keeping.await.unwrap_or(Err(StoreError::Unavailable));
        if kept.is_err() {
            // They stay wanted, and are behind the place to go on at.
            (self.after, self.round.has_failed) = (None, true);
        }
        self.round.kept += kept?;
        Ok(())
    }

    /// A peer that failed is not asked for a while.
    fn blame(&mut self, peer: &Peer, error: &PullError) {
        self.round.has_failed = true;
        let ban =
            self.bans.entry(peer.account).or_insert(Ban { until: Instant::now(), failures: 0 });
        let pause = Duration::from_secs(1).saturating_mul(1 << ban.failures.min(6)).min(MAX_BAN);
        ban.failures = ban.failures.saturating_add(1);
        ban.until = Instant::now() + pause;
        tracing::warn!(
            peer = crate::account::address(&peer.account),
            %error,
            "a peer gives no shares; it is asked again after {} s",
            pause.as_secs()
        );
    }

    /// What of these the chain has synced for this slot.
    async fn synced(
        &self,
        view: &View,
        mission: &Mission,
        types: &BTreeMap<ClusterId, ClusterType>,
        of: impl Iterator<Item = (NftId, KeyshareKind)>,
    ) -> Result<Synced, ChainError> {
        let standings = facts::standings(&*self.chain, at(view), of).await?;
        let found = standings.into_iter().filter_map(|((nft_id, kind), standing)| {
            let synced = *to_hold(&standing, mission, types)?;
            Some((VersionKey { nft_id, kind, version: synced.version }, synced))
        });
        Ok(found.collect())
    }
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
