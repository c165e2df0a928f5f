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
//! after growing pauses; health tells how many there are. Only when every peer that the chain names
//! has answered that it lacks the rest is a new enclave as filled as it can be, and opens.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use rand::{rng, seq::SliceRandom};
use tee_primitives::{
    abi::{calls, storage},
    cluster::{ClusterId, ClusterType},
    keyshare::{CommitmentContext, KeyshareKind, SyncLogEntry, SyncedKeyshare},
    nft::NftId,
    BlockNumber, RawAccountId,
};
use tokio::{sync::watch, time::Instant};
use zeroize::Zeroizing;

use crate::{
    chain::{
        facts::{self, Assignment, Standing},
        At, Chain, ChainError,
    },
    confirm::commitment_of_slot,
    store::{Correction, Fetched, Place, Store, StoreError, SyncState, VersionKey},
    submit::Submitter,
    view::{Outlook, View},
};

pub mod channel;
pub mod evidence;
pub mod message;
pub mod peers;
pub mod pull;
pub mod serve;

use message::{SharedRecord, MAX_ASKED, MAX_SHARE};
use peers::{Mission, Peer, MAX_PEERS};
use pull::{Dialer, PullError, Session};

/// Entries of the chain's sync log, and wanted versions, that are looked at in one step.
const PAGE: usize = 256;

/// Longest pause before what nobody gave is asked for again, in finalized blocks.
const MAX_PAUSE: BlockNumber = 64;

/// Longest pause before a peer that failed is asked again.
const MAX_BAN: Duration = Duration::from_secs(60);

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

#[derive(Debug, thiserror::Error)]
enum StepError {
    #[error(transparent)]
    Chain(#[from] ChainError),
    #[error(transparent)]
    Store(#[from] StoreError),
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
    /// The finalized block at which the slot was last taken over, or tried to be.
    completed_at: Option<BlockNumber>,
}

/// What one walk over the wanted versions has shown.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Round {
    /// Shares that were kept.
    kept: usize,
    /// Shares that nobody gave.
    missed: usize,
    /// Whether a peer failed that might have them.
    has_failed: bool,
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
            completed_at: None,
        }
    }

    /// Whether there is more to do at once.
    async fn step(&mut self, view: &View) -> Result<bool, StepError> {
        let mission = peers::mission(&*self.chain, view, &self.account, &self.operator).await?;
        let Some(mission) = mission else { return Ok(false) };
        let mut state = self.take_place(mission.place, view).await?;
        let clusters = peers::clusters(&*self.chain, view).await?;
        let types = clusters.iter().map(|(id, cluster)| (*id, cluster.cluster_type)).collect();
        let count = self.count(view).await?;
        if state.cursor < count {
            self.scan(view, &mission, &types, &mut state, count).await?;
            self.tell(state, count, true, None);
            return Ok(true);
        }

        let wanted = self.store.count_wanted()?;
        if wanted == 0 {
            self.finish(view, &mission, state, count, None).await?;
            return Ok(false);
        }
        if view.finalized.number < self.not_before {
            return Ok(false);
        }
        let peers = match mission.is_successor {
            true => peers::predecessor(&*self.chain, view, &self.operator).await?,
            false if mission.cluster_type == ClusterType::Public => {
                peers::others(&*self.chain, view, mission.place, &clusters).await?
            }
            false => Vec::new(),
        };
        self.fill(view, &mission, state, count, peers).await
    }

    /// The own place, and how far it is filled. In another slot than before, nothing that is held
    /// belongs; in another cluster, more may.
    async fn take_place(&mut self, place: Place, view: &View) -> Result<SyncState, StepError> {
        let state = self.store.sync_state()?;
        if state.place == Some(place) {
            return Ok(state);
        }
        if state.place.is_some_and(|before| before.slot_id != place.slot_id) {
            tracing::warn!(?place, before = ?state.place, "another slot: everything held is removed");
            self.store.purge().await?;
        }
        let state = SyncState { place: Some(place), ..Default::default() };
        self.store.scanned(Vec::new(), state, view.finalized.number).await?;
        (self.after, self.round, self.not_before, self.pause) = (None, Round::default(), 0, 1);
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
        let at = At::Finalized(view.finalized.hash);
        let [count] = facts::read(&*self.chain, at, [storage::sync_count()]).await?;
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
        let end = count.min(state.cursor.saturating_add(PAGE as u64));
        let entries = facts::sync_log(&*self.chain, at(view), state.cursor..end).await?;
        let ours = |entry: &&SyncLogEntry| belongs(mission, types, entry.cluster_id);
        let mut of: Vec<_> =
            entries.iter().filter(ours).map(|entry| (entry.nft_id, entry.kind)).collect();
        of.sort_unstable();
        of.dedup();
        let standings = match of.is_empty() {
            true => Vec::new(),
            false => facts::standings(&*self.chain, at(view), &of).await?,
        };
        let mut missing = Vec::new();
        for ((nft_id, kind), standing) in of.into_iter().zip(standings) {
            let Some(synced) = to_hold(&standing, mission, types) else { continue };
            let version = VersionKey { nft_id, kind, version: synced.version };
            if !self.holds(mission, &version, synced)? {
                missing.push(Correction::Want(version));
            }
        }
        state.cursor = end;
        if !missing.is_empty() {
            (self.not_before, self.pause) = (0, 1);
        }
        Ok(self.store.scanned(missing, *state, view.finalized.number).await?)
    }

    /// Whether the share that the chain has for this slot is held, active or about to be.
    fn holds(
        &self,
        mission: &Mission,
        version: &VersionKey,
        synced: &SyncedKeyshare,
    ) -> Result<bool, StoreError> {
        let expected = commitment_of_slot(&synced.commitments, mission.place.slot_id);
        let records = self.store.records(version)?;
        Ok(records.iter().any(|(key, record)| {
            record.slot_id == mission.place.slot_id
                && expected == Some(&record.commitment(self.store.genesis_hash(), key))
        }))
    }

    /// Asks for the next part of what is wanted. Whether there is more to do at once.
    async fn fill(
        &mut self,
        view: &View,
        mission: &Mission,
        state: SyncState,
        count: u64,
        mut peers: Vec<Peer>,
    ) -> Result<bool, StepError> {
        let page = self.store.wanted(self.after, PAGE)?;
        let page: Vec<_> = page.into_iter().map(|(version, _)| version).collect();
        let is_last = page.len() < PAGE;
        let next = page.last().copied();
        if self.after.is_none() {
            self.round = Round::default();
        }

        let named = peers.len();
        let now = Instant::now();
        peers.retain(|peer| self.bans.get(&peer.account).is_none_or(|ban| ban.until <= now));
        self.round.has_failed |= peers.len() < named;
        peers.shuffle(&mut rng());
        self.round.has_failed |= peers.len() > MAX_PEERS;
        peers.truncate(MAX_PEERS);

        let left = self.ask_all(view, mission, page, &peers).await?;
        self.round.missed += left;
        self.after = next.filter(|_| !is_last);
        if !is_last {
            self.tell(state, count, true, None);
            return Ok(true);
        }

        let Round { kept, missed, has_failed } = self.round;
        if kept > 0 {
            tracing::info!(kept, missed, "shares came from other enclaves");
        }
        if missed == 0 {
            (self.not_before, self.pause) = (0, 1);
            return Ok(true);
        }
        self.not_before = view.finalized.number.saturating_add(self.pause);
        self.pause = (self.pause * 2).min(MAX_PAUSE);
        if has_failed {
            let problem = format!("{missed} shares are missing, and not every peer has answered");
            self.tell(state, count, true, Some(problem));
        } else {
            let problem = format!("{missed} shares are missing that no peer can give");
            self.finish(view, mission, state, count, Some(problem)).await?;
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
        if !state.is_filled {
            state.is_filled = true;
            state.complete_at = now;
            self.store.scanned(Vec::new(), state, now).await?;
            tracing::info!(?problem, "the slot is filled");
        }
        self.tell(state, count, false, problem);
        if mission.is_successor && self.completed_at.is_none_or(|at| at < now) {
            let call = calls::complete_update(&self.operator, state.cursor);
            let sent = self.submitter.submit(call, view.finalized, view.chain.genesis_hash).await;
            // Whether it did what it should is seen in the next views; another try is as good.
            self.completed_at = Some(match sent {
                Ok(included) => included.block.number,
                Err(error) => {
                    tracing::warn!(%error, "the slot could not be taken over yet");
                    now
                }
            });
        }
        Ok(())
    }

    /// Asks the peers for these versions: each a part, then each for what another lacks. How many
    /// nobody gave.
    async fn ask_all(
        &mut self,
        view: &View,
        mission: &Mission,
        page: Vec<VersionKey>,
        peers: &[Peer],
    ) -> Result<usize, StepError> {
        let synced = self.synced(view, &page).await?;
        let mut left: Vec<_> =
            page.into_iter().filter(|version| synced.contains_key(version)).collect();
        for turn in 0..peers.len() {
            if left.is_empty() {
                break;
            }
            let mut parts = vec![Vec::new(); peers.len()];
            for (index, version) in left.drain(..).enumerate() {
                if let Some(part) = parts.get_mut((index / MAX_ASKED + turn) % peers.len()) {
                    part.push(version);
                }
            }
            let asked: Vec<_> = peers
                .iter()
                .zip(parts)
                .filter(|(_, part)| !part.is_empty())
                .map(|(peer, part)| (peer, part, self.sessions.remove(&peer.account)))
                .collect();
            let dialer = &self.dialer;
            let answers = asked.into_iter().map(|(peer, part, session)| async move {
                (peer, ask(dialer, view, mission.place, peer, session, part).await)
            });
            let answers = futures::future::join_all(answers).await;
            for (peer, asked) in answers {
                let mut good = Vec::new();
                for (version, shared) in asked.given {
                    match check(view, mission, &synced, &version, &shared, peer.account) {
                        Some(fetched) => good.push(fetched),
                        None => {
                            let error = PullError::Malformed("a share is not the chain's");
                            self.blame(peer, &error);
                            left.push(version);
                        }
                    }
                }
                self.round.kept += self.store.fetched(good).await?;
                left.extend(asked.lacking);
                match asked.session {
                    Ok(session) => {
                        self.bans.remove(&peer.account);
                        self.sessions.insert(peer.account, session);
                    }
                    Err(error) => self.blame(peer, &error),
                }
            }
        }
        Ok(left.len())
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

    /// What the chain has synced of these versions; those that it has no longer need not be had.
    async fn synced(
        &self,
        view: &View,
        page: &[VersionKey],
    ) -> Result<BTreeMap<VersionKey, SyncedKeyshare>, ChainError> {
        let mut of: Vec<(NftId, KeyshareKind)> =
            page.iter().map(|version| (version.nft_id, version.kind)).collect();
        of.dedup();
        if of.is_empty() {
            return Ok(BTreeMap::new());
        }
        let standings = facts::standings(&*self.chain, at(view), &of).await?;
        let found = of.into_iter().zip(standings).filter_map(|((nft_id, kind), standing)| {
            let synced = standing.keyshares.synced.filter(|_| !standing.is_gone)?;
            Some((VersionKey { nft_id, kind, version: synced.version }, synced))
        });
        Ok(found.collect())
    }
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

/// What a peer was asked for, and what came of it.
struct Asked {
    given: Vec<(VersionKey, SharedRecord)>,
    /// What it lacks, or was not asked for any more because it failed.
    lacking: Vec<VersionKey>,
    session: Result<Session, PullError>,
}

/// Asks one peer.
async fn ask(
    dialer: &Dialer,
    view: &View,
    place: Place,
    peer: &Peer,
    session: Option<Session>,
    mut versions: Vec<VersionKey>,
) -> Asked {
    let mut asked =
        Asked { given: Vec::new(), lacking: Vec::new(), session: Err(PullError::TooLong) };
    let session = match session.filter(|session| session.peer() == peer) {
        Some(session) => Ok((session, true)),
        None => dialer.open(view, place, peer).await.map(|session| (session, false)),
    };
    let (mut session, mut is_old) = match session {
        Ok(session) => session,
        Err(error) => {
            return Asked { lacking: versions, session: Err(error), ..asked };
        }
    };
    versions.reverse();
    loop {
        let mut next: Vec<_> = versions.iter().rev().take(MAX_ASKED).copied().collect();
        if next.is_empty() {
            asked.session = Ok(session);
            return asked;
        }
        match dialer.shares(&mut session, &next).await {
            Ok(shares) => {
                is_old = false;
                next.truncate(shares.len());
                versions.truncate(versions.len().saturating_sub(shares.len()));
                for (version, shared) in next.into_iter().zip(shares) {
                    match shared {
                        Some(shared) => asked.given.push((version, shared)),
                        None => asked.lacking.push(version),
                    }
                }
            }
            // The peer has let go of a channel that was not used for long.
            Err(_) if is_old => {
                is_old = false;
                match dialer.open(view, place, peer).await {
                    Ok(opened) => session = opened,
                    Err(error) => {
                        asked.lacking.append(&mut versions);
                        asked.session = Err(error);
                        return asked;
                    }
                }
            }
            Err(error) => {
                asked.lacking.append(&mut versions);
                asked.session = Err(error);
                return asked;
            }
        }
    }
}

/// A share that a peer gave, if it is the one whose commitment the chain has for this slot.
fn check(
    view: &View,
    mission: &Mission,
    synced: &BTreeMap<VersionKey, SyncedKeyshare>,
    version: &VersionKey,
    shared: &SharedRecord,
    from: RawAccountId,
) -> Option<Fetched> {
    let expected = synced.get(version)?;
    if shared.key.version != *version || shared.share.len() > MAX_SHARE {
        return None;
    }
    let slot_id = mission.place.slot_id;
    let context = CommitmentContext {
        genesis_hash: view.chain.genesis_hash,
        nft_id: version.nft_id,
        kind: version.kind,
        version: version.version,
        slot_id,
        split: shared.key.split,
    };
    let commitment = context.commit(&shared.salt, &shared.share);
    (commitment_of_slot(&expected.commitments, slot_id) == Some(&commitment)).then(|| Fetched {
        key: shared.key,
        share: Zeroizing::new(shared.share.clone()),
        salt: shared.salt,
        owner: shared.owner,
        slot_id,
        token_block: shared.token_block,
        synced_at: expected.block_number,
        decided_at: view.finalized.number,
        from,
    })
}
