// SPDX-License-Identifier: Apache-2.0
//! What two enclaves say to each other once the channel stands, SCALE-encoded.

use codec::{Decode, DecodeAll, Encode};
use tee_primitives::{attestation::AttestationPayload, keyshare::Salt, BlockNumber, RawAccountId};
use zeroize::{Zeroize, Zeroizing};

use crate::{
    archive::ArchiveKey,
    store::{RecordKey, VersionKey},
};

/// Longest message before it is encrypted, in bytes. Noise allows 65,519.
pub const MAX_LEN: usize = 60_000;

/// Most versions that are asked for at once: more shares of 2,700 bytes than a message takes.
pub const MAX_ASKED: usize = 32;

/// Longest share that is taken from a peer, in bytes.
pub const MAX_SHARE: usize = 16_384;

/// The first message of each side: what it is, proven for this channel.
#[derive(Clone, Debug, Decode, Encode, Eq, PartialEq)]
pub struct Evidence {
    /// What the side says of itself.
    pub payload: AttestationPayload,
    /// A quote whose report data is the account's signature over it.
    pub quote: Vec<u8>,
}

/// What the requester asks for, after both sides have proven themselves.
#[derive(Clone, Debug, Decode, Encode, Eq, PartialEq)]
pub enum Ask {
    /// Shares of these versions, at most [`MAX_ASKED`].
    #[codec(index = 0)]
    Shares(Vec<VersionKey>),
    /// The key of the archive with this head, which is wrapped for the responder.
    #[codec(index = 2)]
    ArchiveKey(Vec<u8>),
}

/// A share, as it travels.
#[derive(Clone, Decode, Encode, Eq, PartialEq)]
pub struct SharedRecord {
    /// Which version and splitting.
    pub key: RecordKey,
    /// The share.
    pub share: Vec<u8>,
    /// Hides it in its commitment.
    pub salt: Salt,
    /// Who stored it.
    pub owner: RawAccountId,
    /// Block of the token with which its owner approved the splitting.
    pub token_block: BlockNumber,
}

impl std::fmt::Debug for SharedRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedRecord").field("key", &self.key).finish_non_exhaustive()
    }
}

impl Drop for SharedRecord {
    fn drop(&mut self) {
        self.share.zeroize();
        self.salt.zeroize();
    }
}

/// What the responder has of a version.
#[derive(Clone, Debug, Decode, Encode, Eq, PartialEq)]
pub enum Item {
    /// The share that the chain has synced.
    #[codec(index = 0)]
    Given(SharedRecord),
    /// It does not hold it, or may not give it.
    #[codec(index = 1)]
    Lacks,
    /// The version is not synced at the newest block that it knows: it may have it later.
    #[codec(index = 2)]
    NotYet,
}

/// What the responder answers.
#[derive(Clone, Debug, Decode, Encode, Eq, PartialEq)]
pub enum Answer {
    /// What it has of the first of the versions that were asked for, in their order: at least one,
    /// and as many as the message takes.
    #[codec(index = 0)]
    Shares(Vec<Item>),
    /// The key; `None` if the responder cannot open it, or may not give it.
    #[codec(index = 2)]
    ArchiveKey(Option<ArchiveKey>),
}

/// Encodes a message; its length is known before, so that no copies of shares are left behind.
pub fn encode(message: &impl Encode) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(message.encoded_size()));
    message.encode_to(&mut *bytes);
    bytes
}

/// Decodes a message of a peer, all of it.
pub fn decode<T: Decode>(bytes: &[u8]) -> Option<T> {
    T::decode_all(&mut &*bytes).ok()
}
