// SPDX-License-Identifier: Apache-2.0
//! Keyshares: what identifies one, what commits to one, and what the chain records of them.
//!
//! A key is split once per attempt: the **split** names the attempt, so that shares of two
//! attempts never count together. A **version** names the key: a secret has one, a capsule gets a
//! new one with each key update. A **commitment** binds a share to its place without revealing it.

use alloc::vec::Vec;

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_crypto_hashing::{blake2_128, blake2_256};

use crate::{
    cluster::{ClusterId, SlotId, CLUSTER_SIZE},
    nft::NftId,
    BlockNumber, Hash,
};

/// Most entries in one `confirm_keyshares`.
pub const MAX_CONFIRMATIONS: u32 = 256;

/// Shortest share, in bytes, that an enclave takes.
pub const MIN_SHARE_LEN: usize = 16;

/// Longest share, in bytes, that an enclave takes. Published clients send 2,700.
pub const MAX_SHARE_LEN: usize = 3000;

/// Counts the keys of one NFT and kind, from 1.
pub type Version = u32;

/// Names one splitting of a key.
pub type Split = [u8; 16];

/// Random bytes that keep a commitment from being guessed.
pub type Salt = [u8; 32];

/// Binds a share to NFT, kind, version, slot and split.
pub type Commitment = [u8; 32];

/// What a keyshare belongs to. An NFT can carry both.
#[derive(
    Clone,
    Copy,
    Debug,
    Decode,
    DecodeWithMemTracking,
    Encode,
    Eq,
    Hash,
    MaxEncodedLen,
    Ord,
    PartialEq,
    PartialOrd,
    TypeInfo,
)]
pub enum KeyshareKind {
    /// The NFT's secret (TIP-520).
    #[codec(index = 0)]
    Secret,
    /// The NFT's capsule (TIP-530).
    #[codec(index = 1)]
    Capsule,
}

impl KeyshareKind {
    /// The byte that stands for the kind in its encoding.
    pub fn as_u8(self) -> u8 {
        match self {
            Self::Secret => 0,
            Self::Capsule => 1,
        }
    }
}

/// One entry of `confirm_keyshares`: this enclave holds this share durably.
#[derive(
    Clone,
    Copy,
    Debug,
    Decode,
    DecodeWithMemTracking,
    Encode,
    Eq,
    MaxEncodedLen,
    PartialEq,
    TypeInfo,
)]
pub struct KeyshareConfirmation {
    /// The NFT.
    pub nft_id: NftId,
    /// What of the NFT.
    pub kind: KeyshareKind,
    /// The version the share belongs to.
    pub version: Version,
    /// The splitting the share belongs to.
    pub split: Split,
    /// The share's commitment.
    pub commitment: Commitment,
}

/// The latest confirmation of one slot, as the chain keeps it until the version is synced.
#[derive(
    Clone,
    Copy,
    Debug,
    Decode,
    DecodeWithMemTracking,
    Encode,
    Eq,
    MaxEncodedLen,
    PartialEq,
    TypeInfo,
)]
pub struct SlotConfirmation<AccountId> {
    /// The enclave account that confirmed.
    pub enclave: AccountId,
    /// The splitting its share belongs to.
    pub split: Split,
    /// Its share's commitment.
    pub commitment: Commitment,
}

/// The latest confirmations of the slots of one cluster, by slot.
pub type SlotConfirmations<AccountId> =
    [Option<SlotConfirmation<AccountId>>; CLUSTER_SIZE as usize];

/// A version that all enclaves of a cluster confirmed.
#[derive(
    Clone,
    Copy,
    Debug,
    Decode,
    DecodeWithMemTracking,
    Encode,
    Eq,
    MaxEncodedLen,
    PartialEq,
    TypeInfo,
)]
pub struct SyncedKeyshare {
    /// The version.
    pub version: Version,
    /// The cluster that confirmed it.
    pub cluster_id: ClusterId,
    /// The block of the last confirmation.
    pub block_number: BlockNumber,
    /// The commitments, by slot.
    pub commitments: [Commitment; CLUSTER_SIZE as usize],
}

/// A version that waits for confirmations.
#[derive(
    Clone,
    Copy,
    Debug,
    Decode,
    DecodeWithMemTracking,
    Encode,
    Eq,
    MaxEncodedLen,
    PartialEq,
    TypeInfo,
)]
pub struct PendingKeyshare {
    /// The version.
    pub version: Version,
    /// The block in which it started.
    pub since: BlockNumber,
}

/// What the chain knows of the keyshares of one NFT and kind.
#[derive(
    Clone,
    Copy,
    Debug,
    Decode,
    DecodeWithMemTracking,
    Default,
    Encode,
    Eq,
    MaxEncodedLen,
    PartialEq,
    TypeInfo,
)]
pub struct KeyshareStatus {
    /// The newest synced version. It is served also while a newer one is pending.
    pub synced: Option<SyncedKeyshare>,
    /// The version that waits for confirmations.
    pub pending: Option<PendingKeyshare>,
}

/// One entry of the chain's log of syncs. An enclave proves what it must hold by counting these.
#[derive(
    Clone,
    Copy,
    Debug,
    Decode,
    DecodeWithMemTracking,
    Encode,
    Eq,
    MaxEncodedLen,
    PartialEq,
    TypeInfo,
)]
pub struct SyncLogEntry {
    /// The NFT.
    pub nft_id: NftId,
    /// What of the NFT.
    pub kind: KeyshareKind,
    /// The version that became synced.
    pub version: Version,
    /// The cluster that confirmed it.
    pub cluster_id: ClusterId,
    /// The block of the last confirmation.
    pub block_number: BlockNumber,
}

/// Why an entry of `confirm_keyshares` changed nothing.
#[derive(
    Clone,
    Copy,
    Debug,
    Decode,
    DecodeWithMemTracking,
    Encode,
    Eq,
    MaxEncodedLen,
    PartialEq,
    TypeInfo,
)]
pub enum IgnoreReason {
    /// The NFT has no keyshares of this kind, or no version of them waits for confirmations.
    NotPending,
    /// Another version waits for confirmations.
    VersionMismatch,
    /// The slot has confirmed the same share before.
    AlreadyConfirmed,
}

/// What a commitment is made of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CommitmentContext {
    /// Hash of the chain's first block.
    pub genesis_hash: Hash,
    /// The NFT.
    pub nft_id: NftId,
    /// What of the NFT.
    pub kind: KeyshareKind,
    /// The version.
    pub version: Version,
    /// The slot that holds the share.
    pub slot_id: SlotId,
    /// The splitting.
    pub split: Split,
    /// Whether the share was stored in a bound request: then it is given for such a request only, and
    /// nobody who passes it on can say otherwise.
    pub is_bound: bool,
}

impl CommitmentContext {
    const DOMAIN: [u8; 14] = *b"TIP500-SHARE/1";
    const BOUND_DOMAIN: [u8; 14] = *b"TIP500-BOUND/1";

    /// `blake2_256(SCALE("TIP500-SHARE/1", genesis, nft, kind, version, slot, split, salt, share))`, with
    /// `"TIP500-BOUND/1"` in its place for a share that was stored in a bound request.
    pub fn commit(&self, salt: &Salt, share: &[u8]) -> Commitment {
        // The encoding holds the share in the clear; its one buffer is wiped before it is freed.
        let mut encoded: Vec<u8> = (
            if self.is_bound { Self::BOUND_DOMAIN } else { Self::DOMAIN },
            self.genesis_hash,
            self.nft_id,
            self.kind.as_u8(),
            self.version,
            self.slot_id,
            self.split,
            salt,
            share,
        )
            .encode();
        let commitment = blake2_256(&encoded);
        // As a slice: a vector is wiped byte by byte.
        zeroize::Zeroize::zeroize(encoded.as_mut_slice());
        commitment
    }
}

/// The split that a store request belongs to: published clients use one temporary signer per
/// splitting, so the `signer_address` string as sent names it.
pub fn split_of_signer(signer_address: &str) -> Split {
    blake2_128(signer_address.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTEXT: CommitmentContext = CommitmentContext {
        genesis_hash: [1; 32],
        nft_id: 7,
        kind: KeyshareKind::Secret,
        version: 1,
        slot_id: 2,
        split: [3; 16],
        is_bound: false,
    };

    #[test]
    fn a_commitment_is_the_hash_of_its_documented_bytes() {
        let mut bytes = b"TIP500-SHARE/1".to_vec();
        bytes.extend([1u8; 32]);
        bytes.extend(7u32.to_le_bytes());
        bytes.push(0);
        bytes.extend(1u32.to_le_bytes());
        bytes.extend(2u32.to_le_bytes());
        bytes.extend([3u8; 16]);
        bytes.extend([4u8; 32]);
        bytes.push(5 << 2);
        bytes.extend(b"share");
        assert_eq!(CONTEXT.commit(&[4; 32], b"share"), blake2_256(&bytes));
    }

    #[test]
    fn a_commitment_changes_with_everything_it_binds() {
        let base = CONTEXT.commit(&[4; 32], b"share");
        let others = [
            CommitmentContext { genesis_hash: [9; 32], ..CONTEXT }.commit(&[4; 32], b"share"),
            CommitmentContext { nft_id: 8, ..CONTEXT }.commit(&[4; 32], b"share"),
            CommitmentContext { kind: KeyshareKind::Capsule, ..CONTEXT }.commit(&[4; 32], b"share"),
            CommitmentContext { version: 2, ..CONTEXT }.commit(&[4; 32], b"share"),
            CommitmentContext { slot_id: 3, ..CONTEXT }.commit(&[4; 32], b"share"),
            CommitmentContext { split: [9; 16], ..CONTEXT }.commit(&[4; 32], b"share"),
            CommitmentContext { is_bound: true, ..CONTEXT }.commit(&[4; 32], b"share"),
            CONTEXT.commit(&[9; 32], b"share"),
            CONTEXT.commit(&[4; 32], b"other"),
        ];
        for other in others {
            assert_ne!(base, other);
        }
    }
}
