// SPDX-License-Identifier: Apache-2.0
//! The encrypted channel: Noise `KK_25519_ChaChaPoly_BLAKE2s` (The Noise Protocol Framework,
//! revision 34) between the two encryption keys that the chain has of both enclaves.

use std::slice::ChunksExact;

use codec::Encode;
use snow::{Builder, HandshakeState, TransportState};
use tee_primitives::{cluster::SlotId, Hash, RawAccountId};
use zeroize::Zeroizing;

const PATTERN: &str = "Noise_KK_25519_ChaChaPoly_BLAKE2s";
const DOMAIN: &[u8; 18] = b"TIP500-SLOT-SYNC/2";

/// Length of the tag that encryption adds, in bytes.
const TAG: usize = 16;

/// Longest part of a message that is encrypted for itself, in bytes: as much as a message of Noise takes.
const PART: usize = 65_535 - TAG;

/// Longest message of the handshake, in bytes: a key and a tag.
const HANDSHAKE_LEN: usize = 32 + TAG;

/// Something of the channel does not fit: a key, an order, a changed byte.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the channel's message does not open")]
pub struct ChannelError;

impl From<snow::Error> for ChannelError {
    fn from(_: snow::Error) -> Self {
        Self
    }
}

/// Who speaks with whom about which slot. Both sides must agree on it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ends {
    /// Hash of the chain's first block.
    pub genesis_hash: Hash,
    /// The slot.
    pub slot_id: SlotId,
    /// The account of the side that asks.
    pub requester: RawAccountId,
    /// The account of the side that is asked.
    pub responder: RawAccountId,
}

impl Ends {
    fn prologue(&self) -> Vec<u8> {
        (DOMAIN, self.genesis_hash, self.slot_id, self.requester, self.responder).encode()
    }
}

/// The keys of one side.
pub struct Keys<'a> {
    /// The own X25519 secret.
    pub own: &'a [u8; 32],
    /// The other's X25519 key, from the chain.
    pub other: &'a [u8; 32],
}

impl Keys<'_> {
    fn builder<'b>(&'b self, prologue: &'b [u8]) -> Result<Builder<'b>, ChannelError> {
        let pattern = PATTERN.parse().map_err(|_| ChannelError)?;
        Ok(Builder::new(pattern)
            .local_private_key(self.own)
            .remote_public_key(self.other)
            .prologue(prologue))
    }
}

/// A handshake that the requester has begun.
pub struct Begun(HandshakeState);

/// A channel.
pub struct Channel {
    transport: TransportState,
    /// Names this channel: nobody can make another with the same.
    pub handshake_hash: Hash,
}

/// Begins as the requester. Returns the first message.
pub fn begin(ends: &Ends, keys: &Keys<'_>) -> Result<(Begun, Vec<u8>), ChannelError> {
    let mut handshake = keys.builder(&ends.prologue())?.build_initiator()?;
    let mut message = vec![0; HANDSHAKE_LEN];
    let length = handshake.write_message(&[], &mut message)?;
    message.truncate(length);
    Ok((Begun(handshake), message))
}

/// Answers a first message as the responder. Returns the second one.
pub fn answer(
    ends: &Ends,
    keys: &Keys<'_>,
    first: &[u8],
) -> Result<(Channel, Vec<u8>), ChannelError> {
    let mut handshake = keys.builder(&ends.prologue())?.build_responder()?;
    handshake.read_message(first, &mut [0; HANDSHAKE_LEN])?;
    let mut message = vec![0; HANDSHAKE_LEN];
    let length = handshake.write_message(&[], &mut message)?;
    message.truncate(length);
    Ok((Channel::new(handshake)?, message))
}

impl Begun {
    /// Goes on with the second message.
    pub fn finish(mut self, second: &[u8]) -> Result<Channel, ChannelError> {
        self.0.read_message(second, &mut [0; HANDSHAKE_LEN])?;
        Channel::new(self.0)
    }
}

impl Channel {
    fn new(handshake: HandshakeState) -> Result<Self, ChannelError> {
        let handshake_hash = handshake.get_handshake_hash().try_into().map_err(|_| ChannelError)?;
        Ok(Self { transport: handshake.into_transport_mode()?, handshake_hash })
    }

    /// Encrypts the next message, in as many of Noise's as it takes.
    pub fn seal(&mut self, message: &[u8]) -> Result<Vec<u8>, ChannelError> {
        let (last, parts) = split(message, PART);
        let tags = parts.len().saturating_add(1).saturating_mul(TAG);
        let mut sealed = vec![0; message.len().saturating_add(tags)];
        let mut room = sealed.as_mut_slice();
        for part in parts.chain([last]) {
            let length = self.transport.write_message(part, room)?;
            room = room.get_mut(length..).ok_or(ChannelError)?;
        }
        Ok(sealed)
    }

    /// Decrypts the next message.
    pub fn open(&mut self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, ChannelError> {
        let (last, parts) = split(sealed, PART + TAG);
        let mut message = Zeroizing::new(vec![0; sealed.len()]);
        let mut length = 0usize;
        for part in parts.chain([last]) {
            let room = message.get_mut(length..).ok_or(ChannelError)?;
            length = length.saturating_add(self.transport.read_message(part, room)?);
        }
        message.truncate(length);
        Ok(message)
    }
}

/// The last part, which may be empty if it is the only one, and the whole ones before it.
fn split(bytes: &[u8], len: usize) -> (&[u8], ChunksExact<'_, u8>) {
    let before = bytes.len().saturating_sub(1) / len * len;
    let (whole, last) = bytes.split_at(before);
    (last, whole.chunks_exact(len))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDS: Ends =
        Ends { genesis_hash: [1; 32], slot_id: 2, requester: [3; 32], responder: [4; 32] };

    fn public(secret: &[u8; 32]) -> [u8; 32] {
        x25519_dalek::PublicKey::from(&x25519_dalek::StaticSecret::from(*secret)).to_bytes()
    }

    /// The two ends of a channel, if both agree on everything.
    fn channels(ends: [Ends; 2], secrets: [[u8; 32]; 2]) -> Result<[Channel; 2], ChannelError> {
        let [requester, responder] = [[7; 32], [8; 32]];
        let keys = Keys { own: &secrets[0], other: &public(&responder) };
        let (begun, first) = begin(&ends[0], &keys)?;
        let keys = Keys { own: &secrets[1], other: &public(&requester) };
        let (theirs, second) = answer(&ends[1], &keys, &first)?;
        Ok([begun.finish(&second)?, theirs])
    }

    #[test]
    fn both_ends_read_each_other_in_order_and_only_once() {
        let [mut one, mut two] = channels([ENDS; 2], [[7; 32], [8; 32]]).unwrap();
        assert_eq!(one.handshake_hash, two.handshake_hash);
        let first = one.seal(b"first").unwrap();
        let second = one.seal(b"second").unwrap();
        assert!(two.open(&second).is_err());
        let [mut one_again, mut two_again] = channels([ENDS; 2], [[7; 32], [8; 32]]).unwrap();
        assert_ne!(one.handshake_hash, one_again.handshake_hash);
        assert!(two_again.open(&first).is_err());
        let sealed = one_again.seal(b"first").unwrap();
        let mut changed = sealed.clone();
        changed[0] ^= 1;
        assert!(two_again.open(&changed).is_err());
        assert_eq!(two_again.open(&sealed).unwrap().as_slice(), b"first");
        assert!(two_again.open(&sealed).is_err());
        let back = two_again.seal(b"back").unwrap();
        assert_eq!(one_again.open(&back).unwrap().as_slice(), b"back");
    }

    /// Of any length; and no part of one can be left out, doubled or moved.
    #[test]
    fn long_messages_are_several_of_noise() {
        let lengths = [0, 1, PART - 1, PART, PART + 1, 2 * PART, 2 * PART + 1, 300_000];
        for (length, parts) in lengths.into_iter().zip([1, 1, 1, 1, 2, 2, 3, 5]) {
            let [mut one, mut two] = channels([ENDS; 2], [[7; 32], [8; 32]]).unwrap();
            let message: Vec<u8> = (0..length).map(|index| (index / 7) as u8).collect();
            let sealed = one.seal(&message).unwrap();
            assert_eq!(sealed.len(), length + parts * TAG);
            assert_eq!(two.open(&sealed).unwrap().as_slice(), message);
            assert_eq!(two.open(&one.seal(b"next").unwrap()).unwrap().as_slice(), b"next");
        }
        let message = vec![5; 3 * PART];
        let [first, second, third] =
            [0, 1, 2].map(|part| part * (PART + TAG)..(part + 1) * (PART + TAG));
        for order in [
            vec![],
            vec![&first],
            vec![&second, &third],
            vec![&first, &third],
            vec![&first, &first, &second, &third],
            vec![&first, &third, &second],
        ] {
            let [mut one, mut two] = channels([ENDS; 2], [[7; 32], [8; 32]]).unwrap();
            let sealed = one.seal(&message).unwrap();
            let parts: Vec<_> = order.iter().map(|part| &sealed[(*part).clone()]).collect();
            let opened = two.open(&parts.concat());
            // What is cut behind a part is found by what is in the message.
            let is_cut = order == [&first];
            assert_eq!(opened.is_ok(), is_cut, "{order:?}");
            assert!(opened.is_err() || opened.unwrap().len() == PART);
        }
    }

    #[test]
    fn whoever_sees_it_otherwise_gets_no_channel() {
        let good = [[7; 32], [8; 32]];
        for other in [
            Ends { genesis_hash: [0; 32], ..ENDS },
            Ends { slot_id: 3, ..ENDS },
            Ends { requester: [9; 32], ..ENDS },
            Ends { responder: [9; 32], ..ENDS },
        ] {
            assert!(channels([ENDS, other], good).is_err());
        }
        for secrets in [[[9; 32], [8; 32]], [[7; 32], [9; 32]]] {
            assert!(channels([ENDS; 2], secrets).is_err());
        }
    }

    #[test]
    fn garbage_is_an_error() {
        let keys = Keys { own: &[8; 32], other: &public(&[7; 32]) };
        for length in [0, 1, 31, 48, 100, 70_000, 200_000] {
            assert!(answer(&ENDS, &keys, &vec![5; length]).is_err());
            let (begun, _) = begin(&ENDS, &keys).unwrap();
            assert!(begun.finish(&vec![5; length]).is_err());
        }
    }
}
