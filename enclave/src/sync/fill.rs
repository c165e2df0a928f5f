// SPDX-License-Identifier: Apache-2.0
//! Asks peers for what is wanted, and keeps what they give.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    time::Duration,
};

use futures::future::{join, join_all, OptionFuture};
use rand::{rng, seq::SliceRandom};
use tee_primitives::{
    cluster::{ClusterId, ClusterType},
    BlockNumber, Hash,
};
use tokio::{sync::mpsc, time::Instant};

use super::{
    message::MAX_ASKED,
    peers::{Mission, Peer, Peers, MAX_PEERS},
    pull::PullError,
    synced, Synced, Syncer,
};
use crate::{
    chain::Chain,
    step::StepError,
    store::{Correction, Fetched, Store, StoreError, SyncState, VersionKey},
    view::View,
};

/// Wanted versions that are looked at in one step.
pub(super) const PAGE: usize = 2000;

/// Shares that become durable together, while as many others come. In the worst case so many of
/// [`MAX_SHARE`](super::message::MAX_SHARE) bytes are in memory, twice: 16 MiB, and the answers that wait.
pub(super) const KEPT_AT_ONCE: usize = 500;

/// Answers whose shares wait to be kept. Peers are not asked for more before there is room.
const WAITING: usize = 4;

/// Channels to peers that are used at the same time, if there are few peers.
const CHANNELS: usize = 3;

/// How long a peer is asked over one channel that has refused another one.
const NARROW: Duration = Duration::from_secs(600);

/// Longest pause before what nobody gave is asked for again, in finalized blocks.
const MAX_PAUSE: BlockNumber = 64;

/// After so many rounds in vain in which somebody has answered, and so many finalized blocks, what is
/// missing counts as lost.
const PATIENCE: u32 = 8;
pub(super) const PATIENCE_BLOCKS: BlockNumber = 64;

/// How long all peers together may take for a page, before the view is looked at anew.
const PAGE_TIME: Duration = Duration::from_secs(60);

/// Longest pause before a peer that failed is asked again.
const MAX_BAN: Duration = Duration::from_secs(60);

/// A peer that failed is not asked for a while.
pub(super) struct Ban {
    pub(super) until: Instant,
    failures: u32,
}

/// Since when nothing comes of what is missing: other versions may become wanted and come meanwhile.
#[derive(Clone, Copy, Debug)]
pub(super) struct InVain {
    /// The finalized block of the first round.
    since: BlockNumber,
    /// Rounds since then in which somebody has answered.
    answered: u32,
}

/// What one walk over the wanted versions has shown.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Round {
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
    pub(super) has_grown: bool,
}

/// Wanted versions that follow each other.
pub(super) struct Page {
    /// The finalized block at which it was looked at.
    at: Hash,
    /// The version before them.
    after: Option<VersionKey>,
    /// Which, and since which finalized block.
    wanted: Vec<(VersionKey, BlockNumber)>,
    /// What of them the chain has synced for this slot.
    synced: Synced,
}

impl Page {
    /// Whether it is what follows a version.
    fn follows(&self, after: Option<VersionKey>, view: &View) -> bool {
        self.after == after && self.at == view.finalized.hash
    }

    /// The version after which to go on; `None` if it is the last page.
    fn next(&self) -> Option<VersionKey> {
        let last = self.wanted.last().filter(|_| self.wanted.len() >= PAGE);
        last.map(|(version, _)| *version)
    }
}

/// Looks at the wanted versions after this one.
async fn look(
    chain: &dyn Chain,
    store: &Store,
    view: &View,
    mission: &Mission,
    types: &BTreeMap<ClusterId, ClusterType>,
    after: Option<VersionKey>,
) -> Result<Page, StepError> {
    let wanted = store.wanted(after, PAGE)?;
    let of = wanted.iter().map(|(version, _)| (version.nft_id, version.kind));
    let synced = synced(chain, view, mission, types, of).await?;
    Ok(Page { at: view.finalized.hash, after, wanted, synced })
}

impl Syncer {
    /// Asks for the next part of what is wanted. Whether there is more to do at once.
    pub(super) async fn fill(
        &mut self,
        view: &View,
        mission: &Mission,
        types: &BTreeMap<ClusterId, ClusterType>,
        state: SyncState,
        count: u64,
        peers: Peers,
    ) -> Result<bool, StepError> {
        let wanted = self.store.count_wanted()?;
        let ahead = self.ahead.take().filter(|page| page.follows(self.after, view));
        let page = match ahead {
            Some(page) => page,
            None => look(&*self.chain, &self.store, view, mission, types, self.after).await?,
        };
        let Page { wanted: versions, synced, .. } = &page;
        let vain_since = self.in_vain.map(|in_vain| in_vain.since);
        let old: BTreeSet<_> = versions
            .iter()
            .filter(|(_, found_at)| vain_since.is_some_and(|since| *found_at <= since))
            .map(|(version, _)| *version)
            .collect();
        let next = page.next();
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
        self.narrow.retain(|_, until| *until > now);
        self.sessions.retain(|(account, _), _| {
            peers.iter().chain(&besides).any(|peer| peer.account == *account)
        });
        peers.shuffle(&mut rng());

        let (asked, pointless): (Vec<_>, Vec<_>) = versions
            .iter()
            .map(|(version, _)| *version)
            .partition(|version| synced.contains_key(version));
        let pointless = pointless.into_iter().map(Correction::Wipe).collect();
        self.store.correct(pointless, view.finalized.number).await?;
        let hoped = asked.iter().filter(|version| old.contains(version)).count();
        // What comes next is read from the chain meanwhile.
        let (chain, store) = (self.chain.clone(), self.store.clone());
        let ahead = OptionFuture::from(
            next.map(|next| look(&*chain, &store, view, mission, types, Some(next))),
        );
        let asking = self.ask_groups(view, mission, synced, asked, &peers, &besides);
        let (left, ahead) = join(asking, ahead).await;
        let left = left?;
        // If that has failed, it is read again in its turn.
        self.ahead = ahead.and_then(Result::ok);
        self.round.is_hopeful |= left.iter().filter(|it| old.contains(it)).count() < hoped;
        self.round.missed += left.len();
        self.after = next;
        if next.is_some() {
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
            // Whoever gives something but slowly is asked for the rest soon.
            let pause = if kept > 0 { 1 } else { self.pause };
            self.not_before = now.saturating_add(pause);
            self.pause = (pause * 2).min(MAX_PAUSE);
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

    /// Asks all peers for these versions, some at a time; then those who may have them besides. What
    /// nobody gave.
    async fn ask_groups(
        &mut self,
        view: &View,
        mission: &Mission,
        synced: &Synced,
        mut left: Vec<VersionKey>,
        peers: &[Peer],
        besides: &[Peer],
    ) -> Result<Vec<VersionKey>, StepError> {
        for group in peers.chunks(MAX_PEERS) {
            left = self.ask_all(view, mission, synced, left, group).await?;
        }
        let Round { has_failed, has_answered, .. } = self.round;
        for group in besides.chunks(MAX_PEERS) {
            left = self.ask_all(view, mission, synced, left, group).await?;
        }
        // What they do decides nothing.
        (self.round.has_failed, self.round.has_answered) = (has_failed, has_answered);
        Ok(left)
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
        let channels = (CHANNELS / peers.len().max(1)).max(1);
        let mut kept = Ok(());
        let dialer = self.dialer.clone();
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
            let mut asked = Vec::new();
            for (index, (part, peer)) in parts.iter().zip(peers).enumerate() {
                let channels = if self.is_narrow(peer) { 1 } else { channels };
                let len = part.len().div_ceil(channels).max(MAX_ASKED);
                for (number, part) in part.chunks(len).enumerate() {
                    let session = self.sessions.remove(&(peer.account, number));
                    asked.push(((index, number, peer, part), session));
                }
            }
            let (good, coming) = mpsc::channel(WAITING);
            let answers = join_all(asked.into_iter().map(|(of, session)| {
                let (dialer, good) = (&dialer, good.clone());
                async move {
                    let (.., peer, part) = of;
                    let versions = part.iter().map(|(version, _)| *version).collect();
                    let at = (view, mission.place);
                    (of, dialer.ask(at, peer, session, versions, synced, good).await)
                }
            }));
            drop(good);
            let (answers, is_kept) = join(answers, self.keep_all(coming)).await;
            // The next peers are asked in any case.
            kept = is_kept.and(kept);
            let mut outcomes: Vec<_> = peers.iter().map(|_| None).collect();
            for ((index, number, peer, part), asked) in answers {
                let given = &asked.given;
                self.round.has_failed |= asked.has_more;
                left.extend(part.iter().filter(|(version, _)| !given.contains(version)).copied());
                let outcome = match asked.session {
                    Ok(session) => {
                        self.sessions.insert((peer.account, number), session);
                        Ok(())
                    }
                    // It may have no room for more.
                    Err(PullError::Refused(status)) if number > 0 => {
                        tracing::debug!(status, "a peer refuses another channel");
                        self.round.has_failed = true;
                        self.narrow.insert(peer.account, Instant::now() + NARROW);
                        continue;
                    }
                    Err(error) => Err(error),
                };
                if let Some(known) =
                    outcomes.get_mut(index).filter(|it| !matches!(it, Some(Err(_))))
                {
                    *known = Some(outcome);
                }
            }
            for ((peer, outcome), is_failed) in peers.iter().zip(outcomes).zip(&mut failed) {
                match outcome {
                    Some(Ok(())) => {
                        self.round.has_answered = true;
                        self.bans.remove(&peer.account);
                    }
                    Some(Err(error)) => {
                        *is_failed = true;
                        self.blame(peer, &error);
                    }
                    None => (),
                }
            }
        }
        kept?;
        Ok(left.into_iter().map(|(version, _)| version).collect())
    }

    /// Whether a peer is asked over one channel: until the first one stands, which takes the place of
    /// an older one, and where another was refused.
    fn is_narrow(&self, peer: &Peer) -> bool {
        let first = self.sessions.get(&(peer.account, 0));
        !first.is_some_and(|session| session.is_with(peer))
            || self.narrow.contains_key(&peer.account)
    }

    /// Keeps what comes until no more does. What is not kept stays wanted.
    async fn keep_all(
        &mut self,
        mut coming: mpsc::Receiver<Vec<Fetched>>,
    ) -> Result<(), StoreError> {
        let (mut good, mut kept) = (Vec::new(), Ok(()));
        while let Some(more) = coming.recv().await {
            good.extend(more);
            if good.len() >= KEPT_AT_ONCE {
                kept = self.keep(mem::take(&mut good)).await.and(kept);
            }
        }
        match good.is_empty() {
            true => kept,
            false => self.keep(good).await.and(kept),
        }
    }

    /// Keeps what was fetched while more is asked for. Fails if the shares before could not be kept.
    async fn keep(&mut self, good: Vec<Fetched>) -> Result<(), StoreError> {
        let before = self.settle().await;
        let store = self.store.clone();
        self.keeping = Some(tokio::spawn(async move { store.fetched(good).await }));
        before
    }

    /// Waits until what was fetched is durable.
    pub(super) async fn settle(&mut self) -> Result<(), StoreError> {
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
    pub(super) fn blame(&mut self, peer: &Peer, error: &PullError) {
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
}
