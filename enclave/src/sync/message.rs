// SPDX-License-Identifier: Apache-2.0
//! What two enclaves say to each other once the channel stands, SCALE-encoded.

use codec::{Decode, DecodeAll, Encode};
use tee_primitives::{
    attestation::{AttestationPayload, LogHead},
    keyshare::Salt,
    BlockNumber, RawAccountId,
};
use zeroize::{Zeroize, Zeroizing};

use crate::{
    archive::ArchiveKey,
    seal,
    store::{Copied, LogRow, Record, RecordKey, VersionKey},
};

/// Longest message before it is encrypted, in bytes.
pub const MAX_LEN: usize = 240_000;

/// Most versions that are asked for at once: more shares of 2,700 bytes than a message takes.
pub const MAX_ASKED: usize = 128;

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
    /// The successor asks for the slot: that nothing more is stored or confirmed for some blocks, and
    /// for shares of undecided versions after this one.
    #[codec(index = 1)]
    HandOver(Option<VersionKey>),
    /// The key of the archive with this head, which is wrapped for the responder.
    #[codec(index = 2)]
    ArchiveKey(Vec<u8>),
    /// View logs.
    #[codec(index = 3)]
    Logs(LogAsk),
}

/// What of view logs is asked for.
#[derive(Clone, Copy, Debug, Decode, Encode, Eq, PartialEq)]
pub enum LogAsk {
    /// Entries of the responder's own after this one.
    #[codec(index = 0)]
    Own(LogHead),
    /// Whose logs it has copies of.
    #[codec(index = 1)]
    Origins,
    /// Entries of its copy of another enclave's log.
    #[codec(index = 2)]
    Copied {
        /// Whose log.
        origin: RawAccountId,
        /// The first place.
        from: u64,
    },
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
    /// Whether it was stored in a bound request: then nobody gives it for another one.
    pub is_bound: bool,
}

impl SharedRecord {
    /// A record that is held.
    pub fn new(key: RecordKey, mut record: Record) -> Self {
        Self {
            key,
            share: std::mem::take(&mut record.share),
            salt: record.salt,
            owner: record.owner,
            token_block: record.token_block,
            is_bound: record.is_bound,
        }
    }
}

impl std::fmt::Debug for SharedRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedRecord").field("key", &self.key).finish_non_exhaustive()
    }
}

impl Drop for SharedRecord {
    fn drop(&mut self) {
        seal::wipe(&mut self.share);
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
    /// The slot is being handed over.
    #[codec(index = 1)]
    HandedOver {
        /// Until which finalized block nothing is stored or confirmed; `None` if the slot is not
        /// handed over now.
        until: Option<BlockNumber>,
        /// All that is held of the next undecided versions, in their order; of each, in the order in
        /// which it was stored.
        records: Vec<SharedRecord>,
        /// The version to go on after; `None` if there are no more.
        next: Option<VersionKey>,
    },
    /// The key; `None` if the responder cannot open it, or may not give it.
    #[codec(index = 2)]
    ArchiveKey(Option<ArchiveKey>),
    /// View logs.
    #[codec(index = 3)]
    Logs(LogAnswer),
}

/// What there is of view logs.
#[derive(Clone, Debug, Decode, Encode, Eq, PartialEq)]
pub enum LogAnswer {
    /// As many entries as the message takes; `None` if the log does not lead to the one after which
    /// they were asked for.
    #[codec(index = 0)]
    Own(Option<Vec<LogRow>>),
    /// Whose, and how much.
    #[codec(index = 1)]
    Origins(Vec<(RawAccountId, Copied)>),
    /// As many entries as the message takes.
    #[codec(index = 2)]
    Copied(Vec<LogRow>),
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
