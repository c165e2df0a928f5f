// SPDX-License-Identifier: Apache-2.0
//! Records, their keys, and how they are sealed.

use std::fmt;

use codec::{Decode, DecodeAll, Encode};
use tee_primitives::{
    cluster::SlotId,
    keyshare::{Commitment, CommitmentContext, KeyshareKind, Salt, Split, Version},
    nft::NftId,
    BlockNumber, Hash, RawAccountId,
};
use zeroize::{Zeroize, Zeroizing};

use super::StoreError;
use crate::seal::{self, Sealer};

/// In which a record is sealed.
const CONTEXT: &[u8; 15] = b"TIP500-RECORD/2";

/// The same before schema 4.
const CONTEXT_OF_1: &[u8; 15] = b"TIP500-RECORD/1";

/// Names a version of the keyshares of an NFT. Keys sort by NFT, kind and version.
#[derive(Clone, Copy, Debug, Decode, Encode, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct VersionKey {
    /// The NFT.
    pub nft_id: NftId,
    /// What of the NFT.
    pub kind: KeyshareKind,
    /// The version.
    pub version: Version,
}

impl VersionKey {
    pub(super) const LEN: usize = 9;

    pub(super) fn to_bytes(self) -> [u8; Self::LEN] {
        let [n0, n1, n2, n3] = self.nft_id.to_be_bytes();
        let [v0, v1, v2, v3] = self.version.to_be_bytes();
        [n0, n1, n2, n3, self.kind.as_u8(), v0, v1, v2, v3]
    }

    pub(super) fn from_bytes(bytes: &[u8; Self::LEN]) -> Result<Self, StoreError> {
        let [n0, n1, n2, n3, kind, v0, v1, v2, v3] = *bytes;
        let kind = KeyshareKind::decode_all(&mut [kind].as_slice())
            .map_err(|_| StoreError::Corrupt("a key of no known kind"))?;
        Ok(Self {
            nft_id: NftId::from_be_bytes([n0, n1, n2, n3]),
            kind,
            version: Version::from_be_bytes([v0, v1, v2, v3]),
        })
    }

    /// The first and the last key that a record of this version can have.
    pub(super) fn record_range(self) -> ([u8; RecordKey::LEN], [u8; RecordKey::LEN]) {
        let key = |split| RecordKey { version: self, split }.to_bytes();
        (key([0; 16]), key([0xff; 16]))
    }
}

/// Names a record.
#[derive(Clone, Copy, Debug, Decode, Encode, Eq, PartialEq)]
pub struct RecordKey {
    /// The version it belongs to.
    pub version: VersionKey,
    /// The splitting it belongs to.
    pub split: Split,
}

impl RecordKey {
    pub(super) const LEN: usize = VersionKey::LEN + 16;

    pub(super) fn to_bytes(self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        let (version, split) = bytes.split_at_mut(VersionKey::LEN);
        version.copy_from_slice(&self.version.to_bytes());
        split.copy_from_slice(&self.split);
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8; Self::LEN]) -> Result<Self, StoreError> {
        let malformed = StoreError::Corrupt("a key of another length");
        let Some((version, split)) = bytes.split_first_chunk::<{ VersionKey::LEN }>() else {
            return Err(malformed);
        };
        let split = split.try_into().map_err(|_| malformed)?;
        Ok(Self { version: VersionKey::from_bytes(version)?, split })
    }
}

/// A share and what belongs to it.
#[derive(Clone, Decode, Encode, Eq, PartialEq)]
pub struct Record {
    /// The share.
    pub share: Vec<u8>,
    /// Hides the share in its commitment.
    pub salt: Salt,
    /// Who stored it.
    pub owner: RawAccountId,
    /// The slot that the share was given to.
    pub slot_id: SlotId,
    /// Block of the token with which the owner approved the splitting.
    pub token_block: BlockNumber,
    /// The finalized block at which storing it was decided. An older state of the chain says nothing
    /// about the record.
    pub stored_at: BlockNumber,
    /// Its place in the order of storing, and in the outbox.
    pub order: u64,
    /// The block in which its version became synced with this split; `None` before.
    pub synced_at: Option<BlockNumber>,
    /// Whether it was stored in a bound request: then it is given for such a request only.
    pub is_bound: bool,
    /// The commitment, if it is known: it was computed when the record was sealed, or when its share
    /// was compared with the chain's.
    #[codec(skip)]
    pub(super) committed: Option<Commitment>,
}

impl Record {
    /// The share's commitment, which the chain knows.
    pub fn commitment(&self, genesis_hash: Hash, key: &RecordKey) -> Commitment {
        if let Some(committed) = self.committed {
            return committed;
        }
        CommitmentContext {
            genesis_hash,
            nft_id: key.version.nft_id,
            kind: key.version.kind,
            version: key.version.version,
            slot_id: self.slot_id,
            split: key.split,
            is_bound: self.is_bound,
        }
        .commit(&self.salt, &self.share)
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("slot_id", &self.slot_id)
            .field("token_block", &self.token_block)
            .field("stored_at", &self.stored_at)
            .field("order", &self.order)
            .field("synced_at", &self.synced_at)
            .field("is_bound", &self.is_bound)
            .finish_non_exhaustive()
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        seal::wipe(&mut self.share);
        self.salt.zeroize();
    }
}

fn context(domain: &[u8; 15], genesis: &Hash, key: &RecordKey) -> Vec<u8> {
    (domain, genesis, key.to_bytes()).encode()
}

pub(super) fn seal(
    sealer: &Sealer,
    genesis: &Hash,
    key: &RecordKey,
    record: &Record,
) -> Result<Vec<u8>, StoreError> {
    let commitment = record.commitment(*genesis, key);
    let context = context(CONTEXT, genesis, key);
    sealer.seal_encoded(&context, &(record, commitment)).map_err(StoreError::Value)
}

pub(super) fn open(
    sealer: &Sealer,
    genesis: &Hash,
    key: &RecordKey,
    sealed: &[u8],
) -> Result<Record, StoreError> {
    let mut encoded = match sealer.open(&context(CONTEXT, genesis, key), sealed) {
        Ok(encoded) => encoded,
        Err(error) => of_1(sealer, genesis, key, sealed).ok_or(StoreError::Value(error))?,
    };
    let decoded = <(Record, Commitment)>::decode_all(&mut encoded.as_slice());
    seal::wipe(&mut encoded);
    let (mut record, commitment) =
        decoded.map_err(|_| StoreError::Corrupt("a record of another form"))?;
    record.committed = Some(commitment);
    Ok(record)
}

/// A record from before schema 4, as it would be now. It does not say whether it was stored in a bound
/// request: there were none.
fn of_1(
    sealer: &Sealer,
    genesis: &Hash,
    key: &RecordKey,
    sealed: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let encoded = sealer.open(&context(CONTEXT_OF_1, genesis, key), sealed).ok()?;
    let (record, commitment) = encoded.split_last_chunk::<{ size_of::<Commitment>() }>()?;
    let mut now = Zeroizing::new(Vec::with_capacity(encoded.len().saturating_add(1)));
    now.extend_from_slice(record);
    now.extend_from_slice(&false.encode());
    now.extend_from_slice(commitment);
    Some(now)
}

/// Seals a record as it was before schema 4.
#[cfg(test)]
pub(super) fn seal_of_1(
    sealer: &Sealer,
    genesis: &Hash,
    key: &RecordKey,
    record: &Record,
) -> Vec<u8> {
    let mut encoded = record.encode();
    assert_eq!(encoded.pop(), Some(0), "none was bound");
    encoded.extend(record.commitment(*genesis, key));
    sealer.seal(&context(CONTEXT_OF_1, genesis, key), &encoded).unwrap()
}
