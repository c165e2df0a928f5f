// SPDX-License-Identifier: Apache-2.0
//! How view logs travel: each enclave of a slot keeps copies of the logs of the others, so that who
//! has viewed what outlives the machine that has shown it.
//!
//! A log is asked for from its origin, after the entry that was copied last. Copies are asked for from
//! whoever has more entries of a log than are held here: of origins that are gone, and of the own log
//! if the own disk was taken back. Over channels that stand anyway; or when the chain has attested
//! entries of a peer that are not held.

use std::{collections::HashMap, time::Duration};

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

/// How long one of them may take.
const PEER_TURN: Duration = Duration::from_secs(5);

/// Messages to one peer in one turn, at most: of the rest it is asked in the next.
const MAX_MESSAGES: u32 = 32;

/// The same for a predecessor, which will not be there in the next; and how long that may take.
const MESSAGES_TO_PREDECESSOR: u32 = 4096;
const PREDECESSOR_TURN: Duration = Duration::from_secs(60);

/// A peer whose log cannot be copied is not asked for it for so long. For shares it is.
const BAN: Duration = Duration::from_secs(600);

/// Room for entries in a message, in bytes.
const ROOM: usize = MAX_LEN - 64;

/// Origins that are told at once, at most.
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

/// What is remembered between turns.
#[derive(Debug, Default)]
pub(super) struct Copying {
    /// The next turn.
    due: Option<Instant>,
    /// Peers that are not asked until then.
    banned: HashMap<RawAccountId, Instant>,
    /// Where to go on in a peer's copy of an origin's log: so far it was asked for in earlier turns.
    from: HashMap<(RawAccountId, RawAccountId), u64>,
    /// How many entries of an origin's log a peer had when all of them were asked for.
    asked: HashMap<(RawAccountId, RawAccountId), u64>,
}

impl Copying {
    /// Whether it is time for a turn.
    pub(super) fn is_due(&self) -> bool {
        self.due.is_none_or(|due| due <= Instant::now())
    }

    fn ban(&mut self, peer: &Peer, error: &PullError) {
        tracing::warn!(
            peer = crate::account::address(&peer.account),
            %error,
            "a peer's view log was not copied; it is asked for it again after {} s",
            BAN.as_secs()
        );
        self.banned.insert(peer.account, Instant::now() + BAN);
    }
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
        let now = Instant::now();
        self.copying.due = Some(now + PERIOD);
        self.copying.banned.retain(|_, until| *until > now);
        peers.shuffle(&mut rng());
        let end = now + TURN;
        for peer in &peers {
            let is_banned = self.bans.get(&peer.account).is_some_and(|ban| ban.until > now)
                || self.copying.banned.contains_key(&peer.account);
            let is_news = peer.log_head.count > self.store.copied(&peer.account)?.tip.count;
            if is_banned || !(is_news || self.sessions.contains_key(&(peer.account, 0))) {
                continue;
            }
            let own_end = end.min(Instant::now() + PEER_TURN);
            if own_end <= Instant::now() {
                break;
            }
            let copied = self.copy_logs(view, mission, peer, &peers, MAX_MESSAGES);
            // Cut off, it goes on from there in the next turn; the channel is lost with what was being
            // said in it.
            let Ok(copied) = time::timeout_at(own_end, copied).await else { continue };
            if let Err(error) = copied? {
                self.copying.ban(peer, &error);
            }
        }
        Ok(())
    }

    /// Asks a predecessor, once, before it hands the slot over. That its log does not come is no reason
    /// to stay without the slot.
    pub(super) async fn copy_predecessors_log(
        &mut self,
        view: &View,
        mission: &Mission,
        peer: &Peer,
    ) -> Result<(), StepError> {
        let copied = self.copy_logs(view, mission, peer, &[], MESSAGES_TO_PREDECESSOR);
        let copied = time::timeout(PREDECESSOR_TURN, copied).await;
        if let Err(error) = copied.unwrap_or(Ok(Err(PullError::TooSlow)))? {
            tracing::warn!(%error, "the predecessor's view log was not copied whole");
        }
        Ok(())
    }

    /// Asks a peer for its log, and for copies that it has of the logs of others than `live`.
    async fn copy_logs(
        &mut self,
        view: &View,
        mission: &Mission,
        peer: &Peer,
        live: &[Peer],
        messages: u32,
    ) -> Result<Result<(), PullError>, StepError> {
        let session = self.sessions.remove(&(peer.account, 0));
        let mut turn = Turn { view, mission, peer, session, left: messages };
        let copied = match self.copy_from(&mut turn, live).await {
            Ok(()) | Err(Stop::Over | Stop::Full) => Ok(()),
            // A channel that has failed is not used again.
            Err(Stop::Fault(error)) => return Ok(Err(error)),
            Err(Stop::Store(error)) => Err(error.into()),
        };
        if let Some(session) = turn.session {
            self.sessions.insert((peer.account, 0), session);
        }
        copied.map(Ok)
    }

    async fn copy_from(&mut self, turn: &mut Turn<'_>, live: &[Peer]) -> Result<(), Stop> {
        let mut after = self.store.copied(&turn.peer.account)?.tip;
        loop {
            match self.say(turn, LogAsk::Own(after)).await? {
                LogAnswer::Own(Some(rows)) if rows.is_empty() => break,
                LogAnswer::Own(Some(rows)) => {
                    let is_first = after == LogHead::default();
                    self.keep_rows(&turn.peer.account, rows, is_first).await?;
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
            if self.is_missing(turn.peer, &origin, &copied, live)? {
                self.copy_copies(turn, origin).await?;
                self.copying.asked.insert((turn.peer.account, origin), copied.count);
            }
        }
        Ok(())
    }

    async fn copy_copies(&mut self, turn: &mut Turn<'_>, origin: RawAccountId) -> Result<(), Stop> {
        let place = (turn.peer.account, origin);
        loop {
            let from = self.copying.from.get(&place).copied().unwrap_or_default();
            let ask = LogAsk::Copied { origin, from };
            let LogAnswer::Copied(rows) = self.say(turn, ask).await? else {
                return Err(PullError::Malformed("no copies").into());
            };
            let Some(last) = rows.last().map(|row| row.seq) else {
                self.copying.from.remove(&place);
                return Ok(());
            };
            if last < from {
                return Err(PullError::Malformed("other entries than were asked for").into());
            }
            let kept = self.keep_rows(&origin, rows, from == 0).await;
            if kept.is_ok() {
                self.copying.from.insert(place, last.saturating_add(1));
            } else {
                self.copying.from.remove(&place);
            }
            match kept {
                // Nobody's fault, and no reason to leave out the others.
                Err(Stop::Full) => return Ok(()),
                kept => kept?,
            }
        }
    }

    /// Whether a peer's copy of a log has more than is held here, and its origin cannot be asked.
    fn is_missing(
        &self,
        peer: &Peer,
        origin: &RawAccountId,
        copied: &Copied,
        live: &[Peer],
    ) -> Result<bool, StoreError> {
        let is_own = *origin == self.account;
        // Copies of a log that goes on, as the own one, differ always: each is asked for once.
        let asked = self.copying.asked.get(&(peer.account, *origin)).copied();
        if asked.is_some_and(|asked| is_own || asked == copied.count) {
            return Ok(false);
        }
        if live.iter().any(|peer| peer.account == *origin)
            || (is_own && self.store.log_rollbacks() == 0)
        {
            return Ok(false);
        }
        Ok(self.store.copied(origin)?.count < copied.count)
    }

    /// `is_first` if they are the first that the other has.
    async fn keep_rows(
        &self,
        origin: &RawAccountId,
        rows: Vec<LogRow>,
        is_first: bool,
    ) -> Result<(), Stop> {
        match self.store.copy_log(*origin, rows, is_first).await? {
            Ok(_) => Ok(()),
            Err(NotKept::NoChain) => Err(PullError::Malformed("entries that are no log").into()),
            Err(NotKept::TooManyOrigins | NotKept::TooManyWays) => Err(Stop::Full),
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
    /// No more is kept of this log.
    Full,
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
