// SPDX-License-Identifier: Apache-2.0
//! What an enclave says about itself, and signs.
//!
//! TIP-500 puts four fields under the signature (MRENCLAVE, block number, account, encryption
//! key); the others here bind the statement to one chain, one use, one operator and one run of the
//! enclave, so that it cannot be replayed.
//!
//! [`record`] is what the chain keeps of it, and when that counts; [`tcb`] is how up to date a
//! platform is; [`collateral`] is what quotes are judged by.

use alloc::vec::Vec;

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_crypto_hashing::blake2_256;

use crate::{BlockNumber, Hash, RawAccountId};

pub mod collateral;
pub mod record;
pub mod tcb;

/// Version of [`AttestationPayload`]'s layout.
pub const PAYLOAD_VERSION: u8 = 1;

/// SHA-256 measurement of an enclave's code and initial data (Intel SDM vol. 3D, MRENCLAVE).
pub type Measurement = [u8; 32];

/// Identifies a machine.
pub type PlatformId = [u8; 32];

/// Which side of a slot synchronisation a quote was made for.
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
pub enum PeerRole {
    /// The enclave that asks for shares.
    #[codec(index = 0)]
    Requester,
    /// The enclave that gives them.
    #[codec(index = 1)]
    Responder,
}

/// What a payload is for. One made for a peer is worth nothing on chain, and the reverse.
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
pub enum Purpose {
    /// Shown to the chain.
    #[codec(index = 0)]
    Chain,
    /// Shown to one peer in one handshake.
    #[codec(index = 1)]
    PeerSync {
        /// The signer's side.
        role: PeerRole,
        /// The other side's account.
        peer: RawAccountId,
        /// Hash of the handshake in which it is shown.
        handshake_hash: Hash,
    },
}

/// Length and hash of the enclave's hash-chained view log.
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
pub struct LogHead {
    /// Entries in the log.
    pub count: u64,
    /// Hash of the newest entry, which contains that of the one before it.
    pub hash: Hash,
}

/// What an enclave signs about itself.
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
pub struct AttestationPayload {
    /// [`PAYLOAD_VERSION`].
    pub version: u8,
    /// What the payload is for.
    pub purpose: Purpose,
    /// Hash of the chain's first block.
    pub genesis_hash: Hash,
    /// Measurement of the enclave.
    pub mrenclave: Measurement,
    /// A recent finalized block.
    pub block_number: BlockNumber,
    /// That block's hash.
    pub block_hash: Hash,
    /// The enclave's account.
    pub account: RawAccountId,
    /// The operator it works for.
    pub operator: RawAccountId,
    /// Its X25519 public key.
    pub encryption_key: [u8; 32],
    /// SHA-256 of its TLS key (SubjectPublicKeyInfo), if it was made inside; zeros without such a key.
    pub tls_spki_hash: Hash,
    /// Random for each start of the enclave.
    pub session: [u8; 32],
    /// Head of its view log.
    pub log_head: LogHead,
}

impl AttestationPayload {
    const DOMAIN: &'static [u8] = b"TIP500-RA/1";

    /// What the enclave's account signs: `blake2_256("TIP500-RA/1" ‖ SCALE(payload))`.
    pub fn message(&self) -> Hash {
        let mut bytes = Vec::from(Self::DOMAIN);
        self.encode_to(&mut bytes);
        blake2_256(&bytes)
    }
}
