// SPDX-License-Identifier: Apache-2.0
//! The side that is asked: its channels, and what it gives.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tee_primitives::{cluster::SlotId, RawAccountId};
use tokio::time::Instant;

use super::{
    channel::Channel,
    message::{Answer, SharedRecord, MAX_ASKED, MAX_LEN},
};
use crate::{
    seal,
    store::{Store, StoreError, VersionKey},
};

/// Channels at the same time, and those of one account.
const MAX_CHANNELS: usize = 8;
const MAX_OF_ACCOUNT: usize = 2;

/// How long a channel is kept that nobody uses: one that was proven, and one that was not.
const IDLE: Duration = Duration::from_secs(60);
const UNPROVEN_IDLE: Duration = Duration::from_secs(15);

/// Names a channel to its requester.
pub type ChannelId = [u8; 16];

/// A channel, and how far it has come.
pub struct Opened {
    /// The channel.
    pub channel: Channel,
    /// Whose it is.
    pub peer: RawAccountId,
    /// Whether both sides have proven what they are.
    pub is_proven: bool,
}

struct Kept {
    /// `None` while a message of it is being answered: the next one comes only after the answer.
    opened: Option<Opened>,
    peer: RawAccountId,
    is_proven: bool,
    used_at: Instant,
}

/// The channels that others have opened.
#[derive(Default)]
pub struct Channels(Mutex<HashMap<ChannelId, Kept>>);

/// There are as many channels as there can be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Full;

/// A channel that is in use; it ends when this is dropped without having been given back.
pub struct InUse<'a> {
    channels: &'a Channels,
    id: ChannelId,
    /// The channel.
    pub opened: Option<Opened>,
}

impl Channels {
    fn lock(&self, now: Instant) -> MutexGuard<'_, HashMap<ChannelId, Kept>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, kept| {
            let limit = if kept.is_proven { IDLE } else { UNPROVEN_IDLE };
            now.saturating_duration_since(kept.used_at) < limit
        });
        kept
    }

    /// Keeps a new channel. The account's oldest one makes way for it, so that a peer that has
    /// started again is not kept out by what it has left.
    pub fn add(&self, opened: Opened, now: Instant) -> Result<ChannelId, Full> {
        let mut kept = self.lock(now);
        let of_account = kept.iter().filter(|(_, kept)| kept.peer == opened.peer);
        if of_account.clone().count() >= MAX_OF_ACCOUNT {
            // A replayed first message opens a channel that is never proven: it takes no other's
            // place than that of its kind.
            let oldest = of_account
                .min_by_key(|(_, kept)| (kept.is_proven, kept.used_at))
                .map(|(id, _)| *id);
            if let Some(oldest) = oldest {
                kept.remove(&oldest);
            }
        }
        if kept.len() >= MAX_CHANNELS {
            return Err(Full);
        }
        let id = *seal::random().map_err(|_| Full)?;
        let (peer, is_proven) = (opened.peer, opened.is_proven);
        kept.insert(id, Kept { opened: Some(opened), peer, is_proven, used_at: now });
        Ok(id)
    }

    /// Takes a channel of this account into use.
    pub fn take(&self, id: ChannelId, peer: &RawAccountId, now: Instant) -> Option<InUse<'_>> {
        let mut kept = self.lock(now);
        let found = kept.get_mut(&id).filter(|kept| kept.peer == *peer)?;
        let opened = Some(found.opened.take()?);
        Some(InUse { channels: self, id, opened })
    }
}

impl InUse<'_> {
    /// Lets the channel go on.
    pub fn give_back(mut self, now: Instant) {
        if let (Some(opened), Some(kept)) =
            (self.opened.take(), self.channels.lock(now).get_mut(&self.id))
        {
            kept.is_proven = opened.is_proven;
            kept.used_at = now;
            kept.opened = Some(opened);
        }
    }
}

impl Drop for InUse<'_> {
    fn drop(&mut self) {
        let mut kept = self.channels.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.get(&self.id).is_some_and(|kept| kept.opened.is_none()) {
            kept.remove(&self.id);
        }
    }
}

/// What is held of the versions that a peer with this slot asks for: shares that the chain has
/// synced, of as many of the first versions as a message takes.
pub fn shares(
    store: &Store,
    slot_id: SlotId,
    versions: &[VersionKey],
) -> Result<Answer, StoreError> {
    let mut shares = Vec::new();
    // What the answer's own encoding takes.
    let mut length = 16usize;
    for version in versions.iter().take(MAX_ASKED) {
        let records = store.records(version)?;
        let synced = records
            .into_iter()
            .find(|(_, record)| record.synced_at.is_some() && record.slot_id == slot_id);
        let shared = synced.map(|(key, mut record)| SharedRecord {
            key,
            share: std::mem::take(&mut record.share),
            salt: record.salt,
            owner: record.owner,
            token_block: record.token_block,
        });
        length = length.saturating_add(codec::Encode::encoded_size(&shared));
        if length > MAX_LEN && !shares.is_empty() {
            break;
        }
        shares.push(shared);
    }
    Ok(Answer::Shares(shares))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::channel::{answer, begin, Ends, Keys};

    fn opened(peer: u8, is_proven: bool) -> Opened {
        let ends =
            Ends { genesis_hash: [0; 32], slot_id: 0, requester: [1; 32], responder: [2; 32] };
        let secret = x25519_dalek::StaticSecret::from([7; 32]);
        let public = x25519_dalek::PublicKey::from(&secret).to_bytes();
        let keys = Keys { own: &[7; 32], other: &public };
        let (_, first) = begin(&ends, &keys).unwrap();
        let (channel, _) = answer(&ends, &keys, &first).unwrap();
        Opened { channel, peer: [peer; 32], is_proven }
    }

    #[test]
    fn channels_are_bounded_and_end_when_nobody_uses_them() {
        let (channels, start) = (Channels::default(), Instant::now());
        let add = |peer, now| channels.add(opened(peer, true), now);
        let ids: Vec<_> = (0..8).map(|peer| add(peer, start).unwrap()).collect();
        assert_eq!(add(9, start), Err(Full));
        let half = start + IDLE / 2;
        channels.take(ids[0], &[0; 32], half).unwrap().give_back(half);
        let end = start + IDLE;
        assert!(channels.take(ids[1], &[1; 32], end).is_none());
        channels.take(ids[0], &[0; 32], end).unwrap().give_back(end);
        add(9, end).unwrap();
    }

    #[test]
    fn a_channel_is_its_peers_and_used_once_at_a_time() {
        let (channels, now) = (Channels::default(), Instant::now());
        let id = channels.add(opened(1, true), now).unwrap();
        assert!(channels.take(id, &[2; 32], now).is_none());
        let in_use = channels.take(id, &[1; 32], now).unwrap();
        assert!(channels.take(id, &[1; 32], now).is_none());
        in_use.give_back(now);
        // A message that could not be answered ends the channel.
        drop(channels.take(id, &[1; 32], now).unwrap());
        assert!(channels.take(id, &[1; 32], now).is_none());
    }

    #[test]
    fn a_replayed_beginning_does_not_end_a_proven_channel() {
        let (channels, now) = (Channels::default(), Instant::now());
        let proven = channels.add(opened(1, true), now).unwrap();
        for _ in 0..20 {
            channels.add(opened(1, false), now).unwrap();
        }
        assert!(channels.take(proven, &[1; 32], now).is_some());
    }
}
