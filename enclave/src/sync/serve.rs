// SPDX-License-Identifier: Apache-2.0
//! The side that is asked: its channels, and what it gives.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tee_primitives::{
    archive::{Header, Origin},
    cluster::{ClusterType, SlotId},
    RawAccountId,
};
use tokio::time::Instant;

use super::{
    channel::Channel,
    message::{Answer, Item, SharedRecord, MAX_ASKED, MAX_LEN},
    peers::{self, Peer},
};
use crate::{
    account::Account,
    archive::{self, ArchiveKey},
    chain::{
        facts::{self, Assignment},
        At, Chain,
    },
    confirm::commitment_of_slot,
    seal,
    step::StepError,
    store::{Store, StoreError, VersionKey},
    view::View,
};

/// Channels at the same time: proven ones and others; and those of one account, which may fill its slot
/// over three and need one for an archive.
const MAX_PROVEN: usize = 8;
const MAX_UNPROVEN: usize = 8;
const MAX_OF_ACCOUNT: usize = 4;

/// Undecided versions that are handed over at once, at most.
const MAX_HANDED: usize = 64;

/// How long a channel is used at most: then both sides prove themselves anew.
const MAX_AGE: Duration = Duration::from_secs(600);

/// How long a channel is kept that nobody uses: one that was proven, and one that was not.
const IDLE: Duration = Duration::from_secs(60);
const UNPROVEN_IDLE: Duration = Duration::from_secs(45);

/// Names a channel to its requester.
pub type ChannelId = [u8; 16];

/// A channel, and how far it has come.
pub struct Opened {
    /// The channel.
    pub channel: Channel,
    /// Whose it is, as the chain had it when it was opened.
    pub peer: Peer,
    /// The slot that it is about.
    pub slot_id: SlotId,
    /// Whether both sides have proven what they are.
    pub is_proven: bool,
}

struct Kept {
    /// `None` while a message of it is being answered: the next one comes only after the answer.
    opened: Option<Opened>,
    peer: RawAccountId,
    is_proven: bool,
    opened_at: Instant,
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
            // One that is in use is given back, or ends with its request.
            kept.opened.is_none()
                || (now.saturating_duration_since(kept.used_at) < limit
                    && now.saturating_duration_since(kept.opened_at) < MAX_AGE)
        });
        kept
    }

    /// Keeps a new channel. The account's oldest one makes way for it, so that a peer that has
    /// started again is not kept out by what it has left; of others, the one that was not used for
    /// longest. None makes way that is in use.
    pub fn add(&self, opened: Opened, now: Instant) -> Result<ChannelId, Full> {
        let mut kept = self.lock(now);
        let peer = opened.peer.account;
        // A replayed first message opens a channel that is never proven: it takes no other's place
        // than that of its kind.
        make_way(&mut kept, MAX_OF_ACCOUNT, |kept| kept.peer == peer)?;
        make_way(&mut kept, MAX_UNPROVEN, |kept| !kept.is_proven)?;
        make_way(&mut kept, MAX_PROVEN + MAX_UNPROVEN, |_| true)?;
        let id = *seal::random().map_err(|_| Full)?;
        let is_proven = opened.is_proven;
        let opened = Some(opened);
        kept.insert(id, Kept { opened, peer, is_proven, opened_at: now, used_at: now });
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

/// Ends a channel if there are as many of its kind as there can be.
fn make_way(
    kept: &mut HashMap<ChannelId, Kept>,
    most: usize,
    is_of_kind: impl Fn(&Kept) -> bool,
) -> Result<(), Full> {
    let of_kind = || kept.iter().filter(|(_, kept)| is_of_kind(kept));
    if of_kind().count() < most {
        return Ok(());
    }
    let idle = of_kind().filter(|(_, kept)| kept.opened.is_some());
    let oldest = idle.min_by_key(|(_, kept)| (kept.is_proven, kept.used_at)).map(|(id, _)| *id);
    kept.remove(&oldest.ok_or(Full)?);
    Ok(())
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

/// What is held of these versions, as many of the first as a message takes: the shares that the
/// finalized chain has synced for this slot. What a private cluster has synced is for none but those
/// who may have it as well, as the own successor.
pub async fn items(
    chain: &dyn Chain,
    view: &View,
    store: &Store,
    own: Assignment,
    with_private: bool,
    versions: &[VersionKey],
) -> Result<Vec<Item>, StepError> {
    let versions = versions.get(..MAX_ASKED).unwrap_or(versions);
    let of = versions.iter().map(|version| (version.nft_id, version.kind));
    let standings = facts::standings(chain, At::Finalized(view.finalized.hash), of).await?;
    let by: BTreeSet<_> = standings
        .values()
        .filter_map(|standing| standing.keyshares.synced)
        .map(|synced| synced.cluster_id)
        .collect();
    let by = peers::known(chain, view, by.into_iter().collect()).await?;
    let is_private =
        |id| by.iter().any(|known| known.id == id && known.lasting == ClusterType::Private);

    /// What there is to say without looking.
    enum Nothing {
        Lacks,
        NotYet,
    }

    // That, or the commitment of what is looked for.
    let known: Vec<_> = versions
        .iter()
        .map(|version| {
            let standing = standings.get(&(version.nft_id, version.kind));
            let synced = standing.and_then(|standing| standing.keyshares.synced);
            match synced {
                None => Err(Nothing::NotYet),
                Some(synced) if synced.version < version.version => Err(Nothing::NotYet),
                Some(synced)
                    if synced.version != version.version
                        || standing.is_none_or(|standing| standing.is_gone)
                        || (!with_private && is_private(synced.cluster_id)) =>
                {
                    Err(Nothing::Lacks)
                }
                Some(synced) => Ok(commitment_of_slot(&synced.commitments, own.slot_id).copied()),
            }
        })
        .collect();
    let looked_for: Vec<_> = versions
        .iter()
        .zip(&known)
        .filter_map(|(version, known)| Some((*version, *known.as_ref().ok()?)))
        .collect();
    let mut records = store.records_of(&looked_for, MAX_LEN)?.into_iter();

    let mut items = Vec::new();
    // What the answer's own encoding takes.
    let mut length = 16usize;
    for known in known {
        let item = match known {
            Err(Nothing::Lacks) => Item::Lacks,
            Err(Nothing::NotYet) => Item::NotYet,
            Ok(_) => match records.next() {
                Some(Some((key, record))) => Item::Given(SharedRecord::new(key, record)),
                Some(None) => Item::Lacks,
                // There was no room for more.
                None => break,
            },
        };
        length = length.saturating_add(codec::Encode::encoded_size(&item));
        if length > MAX_LEN && !items.is_empty() {
            break;
        }
        items.push(item);
    }
    Ok(items)
}

/// The key of an archive with this head, if it is wrapped for this enclave and is an archive of its
/// slot. One that was made outside of public clusters is opened for none but the own successor.
pub fn archive_key(
    account: &Account,
    view: &View,
    slot_id: SlotId,
    is_successor: bool,
    header: &[u8],
) -> Option<ArchiveKey> {
    let header = Header::read(header)?;
    let Origin { genesis_hash, slot_id: of_slot, is_shared, .. } = header.origin;
    let is_ours = genesis_hash == view.chain.genesis_hash && of_slot == slot_id;
    if !is_ours || !(is_shared || is_successor) {
        return None;
    }
    archive::unwrap(account, &header)
}

/// Hands the slot over: nothing is stored or confirmed from now on, and what the chain has not
/// decided about is given, after the version `after`, as much as a message takes.
pub async fn hand_over(
    view: &View,
    store: &Store,
    own: Assignment,
    after: Option<VersionKey>,
) -> Result<Answer, StoreError> {
    let until = store.pause(view.finalized.number).await?;
    if until.is_none() {
        return Ok(Answer::HandedOver { until, records: Vec::new(), next: None });
    }
    let mut handed = Vec::new();
    let mut length = 16usize;
    let versions = store.unsynced(after, MAX_HANDED)?;
    let mut next = versions.last().filter(|_| versions.len() == MAX_HANDED).map(|last| last.0);
    let mut given = None;
    for (version, _) in versions {
        let mut records = store.records(&version)?;
        records.retain(|(_, record)| record.slot_id == own.slot_id);
        records.sort_by_key(|(_, record)| record.order);
        let records: Vec<_> =
            records.into_iter().map(|(key, record)| SharedRecord::new(key, record)).collect();
        length = length.saturating_add(records.iter().map(codec::Encode::encoded_size).sum());
        // A version is given whole: it is what the next ask begins after.
        if length > MAX_LEN && !handed.is_empty() {
            next = given;
            break;
        }
        handed.extend(records);
        given = Some(version);
    }
    Ok(Answer::HandedOver { until, records: handed, next })
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
        let facts = tee_primitives::traits::AttestationFacts {
            measurement: [0; 32],
            isv_svn: 0,
            platform: [0; 32],
        };
        let peer = Peer {
            account: [peer; 32],
            operator: [0; 32],
            url: String::new(),
            encryption_key: [0; 32],
            tls_spki_hash: [0; 32],
            session: [0; 32],
            facts,
            log_head: Default::default(),
        };
        Opened { channel, peer, slot_id: 0, is_proven }
    }

    #[test]
    fn channels_are_bounded_and_end_when_nobody_uses_them() {
        let (channels, start) = (Channels::default(), Instant::now());
        let add = |peer, now| channels.add(opened(peer, true), now);
        let second = Duration::from_secs(1);
        let ids: Vec<_> =
            (0..16).map(|peer| add(peer, start + second * u32::from(peer)).unwrap()).collect();
        // One more ends the one that was not used for longest, but none that is in use.
        let then = start + second * 20;
        let in_use = channels.take(ids[0], &[0; 32], then).unwrap();
        add(99, then).unwrap();
        assert!(channels.take(ids[1], &[1; 32], then).is_none());
        in_use.give_back(then);
        let end = then + IDLE - second;
        channels.take(ids[0], &[0; 32], end).unwrap().give_back(end);
        assert!(channels.take(ids[2], &[2; 32], end).is_none());
        // However much it is used, a channel ends.
        let mut now = end;
        while now < start + MAX_AGE {
            channels.take(ids[0], &[0; 32], now).unwrap().give_back(now);
            now += IDLE / 2;
        }
        assert!(channels.take(ids[0], &[0; 32], now).is_none());
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
