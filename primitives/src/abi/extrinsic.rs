// SPDX-License-Identifier: Apache-2.0
//! How an enclave's transactions are encoded: version 4, signed with sr25519, mortal, without tip.
//!
//! Which extensions a transaction carries, and in which order, is compiled in as well: a lying
//! node's metadata could make an enclave sign away all its money as a tip.

use alloc::vec::Vec;

use codec::{Compact, Encode};
use sp_crypto_hashing::blake2_256;

use crate::{BlockNumber, Hash, RawAccountId};

/// Counts an account's transactions.
pub type Nonce = u32;

/// For how many blocks a transaction can be included, from the one that it was made at.
pub const ERA_BLOCKS: BlockNumber = 64;

/// Version 4, signed.
const SIGNED: u8 = 0x84;

/// `MultiAddress::Id`.
const ACCOUNT: u8 = 0;

/// `MultiSignature::Sr25519`.
const SR25519: u8 = 1;

/// What is longer is signed as its hash.
const MAX_PLAIN: usize = 256;

/// What a transaction is bound to. The version of calls is the node's word: with a wrong one the
/// signature does not fit, and nothing else happens.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Binding {
    /// The chain.
    pub genesis_hash: Hash,
    /// The runtime's version.
    pub spec_version: u32,
    /// The version of the runtime's calls.
    pub transaction_version: u32,
    /// The block it is made at, number and hash.
    pub made_at: (BlockNumber, Hash),
    /// How many transactions the account has had.
    pub nonce: Nonce,
}

impl Binding {
    /// What stands in the transaction beside the call.
    fn extensions(&self) -> Vec<u8> {
        // A period of 2^(5 + 1) blocks, and which of them the first one is.
        let era = 5u16 | ((self.made_at.0 % ERA_BLOCKS) as u16) << 4;
        let no_tip = Compact(0u128);
        (era, Compact(self.nonce), no_tip).encode()
    }

    /// What is signed.
    pub fn payload(&self, call: &[u8]) -> Vec<u8> {
        let mut payload = call.to_vec();
        payload.extend(self.extensions());
        let (_, made_at) = self.made_at;
        (self.spec_version, self.transaction_version, self.genesis_hash, made_at)
            .encode_to(&mut payload);
        if payload.len() > MAX_PLAIN {
            payload = blake2_256(&payload).to_vec();
        }
        payload
    }

    /// The transaction. `signature` is that of `account` over the [`payload`](Self::payload).
    pub fn transaction(
        &self,
        call: &[u8],
        account: &RawAccountId,
        signature: &[u8; 64],
    ) -> Vec<u8> {
        let mut content = (SIGNED, ACCOUNT, account, SR25519, signature).encode();
        content.extend(self.extensions());
        content.extend(call);
        content.encode()
    }
}
