// SPDX-License-Identifier: Apache-2.0
//! How view logs travel: each enclave of a slot keeps copies of the logs of the others, so that who
//! has viewed what outlives the machine that has shown it.
//!
//! A log is asked for from its origin, after the entry that was copied last. Copies are asked for from
//! whoever has more entries of a log than are held here: of origins that are gone, and of the own log
//! if the own disk was taken back. Over channels that stand anyway; or when the chain has attested
//! entries of a peer that are not held.

use std::time::Duration;

use rand::{rng, seq::SliceRandom};
use tee_primitives::{attestation::LogHead, RawAccountId};
use tokio::time::{self, Instant};

use super::{
    message::{Answer, Ask, LogAnswer, LogAsk, MAX_LEN},
    peers::Peer,
    pull::{PullError, Session},
    Mission, Syncer,
};
use crate::{
    step::StepError,
    store::{Copied, LogRow, NotKept, Store, StoreError},
    view::View,
};

/// How often peers are asked.
const PERIOD: Duration = Duration::from_secs(60);

/// How long all of them together may take: shares are synchronised by the same task.
const TURN: Duration = Duration::from_secs(10);

/// Messages to one peer in one turn, at most: of the rest it is asked in the next.
const MAX_MESSAGES: u32 = 32;

/// The same for a predecessor, which will not be there in the next.
pub(super) const MESSAGES_TO_PREDECESSOR: u32 = 4096;

/// Room for entries in a message, in bytes.
const ROOM: usize = MAX_LEN - 64;

/// Origins that are told at once, at most: as many as a message takes.
const MAX_TOLD: usize = 512;

/// What of view logs is held, as an answer to whoever may ask for it.
pub fn answer(store: &Store, ask: LogAsk) -> Result<Answer, StoreError> {
    Ok(Answer::Logs(match ask {
        LogAsk::Own(after) => LogAnswer::Own(store.log_rows(after, ROOM)?),
        LogAsk::Origins => LogAnswer::Origins(store.log_origins(MAX_TOLD)?),
        LogAsk::Copied { origin, from } => {
            LogAnswer::Copied(store.copied_rows(&origin, from, ROOM)?)
        }
    }))
}

/// A turn with one peer.
struct Turn<'a> {
    view: &'a View,
    mission: &'a Mission,
    peer: &'a Peer,
    session: Option<Session>,
    /// Messages that are left.
    left: u32,
}

impl Syncer {
    /// Asks peers for what their logs have more than the copies of them, for a bounded time.
    pub(super) async fn copy_all_logs(
        &mut self,
        view: &View,
        mission: &Mission,
        mut peers: Vec<Peer>,
    ) -> Result<(), StepError> {
        self.logs_due = Instant::now() + PERIOD;
        peers.shuffle(&mut rng());
        let end = Instant::now() + TURN;
        for peer in &peers {
            let now = Instant::now();
            let is_banned = self.bans.get(&peer.account).is_some_and(|ban| ban.until > now);
            let is_news = peer.log_head.count > self.store.copied(&peer.account)?.tip.count;
            if is_banned || !(is_news || self.sessions.contains_key(&peer.account)) {
                continue;
            }
            let copied = self.copy_logs(view, mission, peer, &peers, MAX_MESSAGES);
            match time::timeout_at(end, copied).await {
                Ok(copied) => {
                    if let Err(error) = copied? {
                        self.blame(peer, &error);
                    }
                }
                // The channel is lost with what was being said in it.
                Err(_) => return Ok(()),
            }
        }
        Ok(())
    }

    /// Asks a peer for its log, and for copies that it has of the logs of others than `live`.
    pub(super) async fn copy_logs(
        &mut self,
        view: &View,
        mission: &Mission,
        peer: &Peer,
        live: &[Peer],
        messages: u32,
    ) -> Result<Result<(), PullError>, StepError> {
        let session = self.sessions.remove(&peer.account);
        let mut turn = Turn { view, mission, peer, session, left: messages };
        let copied = match self.copy_from(&mut turn, live).await {
            Ok(()) | Err(Stop::Over) => Ok(()),
            // A channel that has failed is not used again.
            Err(Stop::Fault(error)) => return Ok(Err(error)),
            Err(Stop::Store(error)) => Err(error.into()),
        };
        if let Some(session) = turn.session {
            self.sessions.insert(peer.account, session);
        }
        copied.map(Ok)
    }

    async fn copy_from(&self, turn: &mut Turn<'_>, live: &[Peer]) -> Result<(), Stop> {
        let mut after = self.store.copied(&turn.peer.account)?.tip;
        loop {
            match self.say(turn, LogAsk::Own(after)).await? {
                LogAnswer::Own(Some(rows)) if rows.is_empty() => break,
                LogAnswer::Own(Some(rows)) => {
                    self.keep(&turn.peer.account, rows).await?;
                    after = self.store.copied(&turn.peer.account)?.tip;
                }
                // Its disk was taken back: what it has now parts from the copy somewhere.
                LogAnswer::Own(None) if after != LogHead::default() => {
                    tracing::warn!(
                        peer = crate::account::address(&turn.peer.account),
                        "its view log no longer has what was copied of it"
                    );
                    after = LogHead::default();
                }
                _ => return Err(PullError::Malformed("no log").into()),
            }
        }
        let LogAnswer::Origins(origins) = self.say(turn, LogAsk::Origins).await? else {
            return Err(PullError::Malformed("no origins").into());
        };
        for (origin, copied) in origins.into_iter().take(MAX_TOLD) {
            if self.is_missing(&origin, &copied, live)? {
                self.copy_copies(turn, origin).await?;
            }
        }
        Ok(())
    }

    async fn copy_copies(&self, turn: &mut Turn<'_>, origin: RawAccountId) -> Result<(), Stop> {
        let mut from = 0;
        loop {
            let LogAnswer::Copied(rows) = self.say(turn, LogAsk::Copied { origin, from }).await?
            else {
                return Err(PullError::Malformed("no copies").into());
            };
            let Some(last) = rows.last().map(|row| row.seq) else { return Ok(()) };
            if last < from {
                return Err(PullError::Malformed("other entries than were asked for").into());
            }
            self.keep(&origin, rows).await?;
            from = last.saturating_add(1);
        }
    }

    /// Whether a peer's copy of a log has more than is held here, and its origin cannot be asked.
    fn is_missing(
        &self,
        origin: &RawAccountId,
        copied: &Copied,
        live: &[Peer],
    ) -> Result<bool, StoreError> {
        let is_own = *origin == self.account;
        if live.iter().any(|peer| peer.account == *origin)
            || (is_own && self.store.log_rollbacks() == 0)
        {
            return Ok(false);
        }
        Ok(self.store.copied(origin)?.count < copied.count)
    }

    async fn keep(&self, origin: &RawAccountId, rows: Vec<LogRow>) -> Result<(), Stop> {
        match self.store.copy_log(*origin, rows).await? {
            Ok(_) => Ok(()),
            Err(NotKept::NoChain) => Err(PullError::Malformed("entries that are no log").into()),
            // Nobody's fault.
            Err(NotKept::TooManyOrigins) => Err(Stop::Over),
        }
    }

    async fn say(&self, turn: &mut Turn<'_>, ask: LogAsk) -> Result<LogAnswer, Stop> {
        turn.left = turn.left.checked_sub(1).ok_or(Stop::Over)?;
        let (peer, place) = (turn.peer, turn.mission.place);
        let (session, answer) =
            self.dialer.say(turn.view, place, peer, turn.session.take(), &Ask::Logs(ask)).await?;
        turn.session = Some(session);
        match answer {
            Answer::Logs(answer) => Ok(answer),
            _ => Err(PullError::Malformed("no logs").into()),
        }
    }
}

/// Why no more is asked.
enum Stop {
    /// The turn is over.
    Over,
    /// The peer has failed.
    Fault(PullError),
    /// The store has.
    Store(StoreError),
}

impl From<PullError> for Stop {
    fn from(error: PullError) -> Self {
        Self::Fault(error)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
