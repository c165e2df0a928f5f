// SPDX-License-Identifier: Apache-2.0
//! Answers to bound requests: signed by the enclave, for one request (`docs/protocols/requests.md`).

use alloc::{string::String, vec::Vec};
use core::fmt;

use codec::{Decode, Encode};
use serde::{Deserialize, Serialize};
use sp_crypto_hashing::blake2_256;
use zeroize::Zeroize;

use super::{KeyshareResponse, RetrieveKeysharePacket, StoreKeysharePacket};
use crate::{
    cluster::SlotId,
    keyshare::{Commitment, CommitmentContext, KeyshareKind, Salt, Split, Version},
    nft::NftId,
    BlockNumber, Hash, RawAccountId,
};

/// Body of the answer to a bound request, also of a refusal.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SignedResponse {
    /// What is answered. [`keyshare_data`](KeyshareResponse::keyshare_data) of a success is, in
    /// base64: to a store request, a [`Receipt`]; to a retrieve request, a [`GivenShare`] that is
    /// sealed to the one-time key.
    #[serde(flatten)]
    pub response: KeyshareResponse,
    /// The enclave's signature over [`signed_hash`]: `0x` and 128 hexadecimal digits. What was
    /// refused before the request was read as a bound one has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

impl StoreKeysharePacket {
    /// Names the request in its answer.
    pub fn request_hash(&self) -> Hash {
        let Self { owner_address, signer_address, signersig, data, signature } = self;
        request_hash(&[owner_address, signer_address, signersig, data, signature])
    }
}

impl RetrieveKeysharePacket {
    /// Names the request in its answer.
    pub fn request_hash(&self) -> Hash {
        let Self { requester_address, requester_type, data, signature } = self;
        request_hash(&[requester_address, requester_type.name(), data, signature])
    }
}

/// `blake2_256(SCALE("TIP500-REQUEST/1", fields))`, the fields as strings in the order of the packet.
fn request_hash(fields: &[&str]) -> Hash {
    const DOMAIN: &[u8; 16] = b"TIP500-REQUEST/1";
    let mut preimage = (DOMAIN, fields).encode();
    let hash = blake2_256(&preimage);
    // Of a plain request it would hold the share.
    preimage.zeroize();
    hash
}

/// What an enclave signs for the answer to a request:
/// `blake2_256(SCALE("TIP500-ANSWER/1", request hash, HTTP status u16, status, NFT id u32,
/// keyshare_data))`, with the strings as they stand in the answer. The description is for people, and
/// is not signed.
pub fn signed_hash(request: &Hash, http: u16, response: &KeyshareResponse) -> Hash {
    const DOMAIN: &[u8; 15] = b"TIP500-ANSWER/1";
    let KeyshareResponse { status, nft_id, keyshare_data, .. } = response;
    blake2_256(&(DOMAIN, request, http, status, nft_id, keyshare_data).encode())
}

/// What the share in an answer is sealed for: the enclave that gives it, and the request.
pub fn given_info(enclave: &RawAccountId, request: &Hash) -> Vec<u8> {
    const DOMAIN: &[u8; 14] = b"TIP500-GIVEN/1";
    (DOMAIN, enclave, request).encode()
}

/// What an enclave holds after a bound store request.
#[derive(Clone, Copy, Debug, Decode, Encode, Eq, PartialEq)]
pub struct Receipt {
    /// The version.
    pub version: Version,
    /// The splitting.
    pub split: Split,
    /// The slot in which it holds the share.
    pub slot_id: SlotId,
    /// The share's commitment, which it confirms to the chain.
    pub commitment: Commitment,
    /// The finalized block at which that was decided.
    pub decided_at: BlockNumber,
}

/// A share that is given for a bound retrieve request, with what opens its commitment.
#[derive(Clone, Decode, Encode, Eq, PartialEq)]
pub struct GivenShare {
    /// The share.
    pub share: Vec<u8>,
    /// Hides it in its commitment.
    pub salt: Salt,
    /// The version.
    pub version: Version,
    /// The splitting.
    pub split: Split,
    /// The slot that holds it.
    pub slot_id: SlotId,
    /// The finalized block at which it was decided that the requester may have it.
    pub decided_at: BlockNumber,
}

impl GivenShare {
    /// Its commitment, if it was stored in a bound request or if it was not. It is the right share if the
    /// chain has the same one for the version and slot.
    pub fn commitment(
        &self,
        genesis_hash: Hash,
        nft_id: NftId,
        kind: KeyshareKind,
        is_bound: bool,
    ) -> Commitment {
        let Self { version, split, slot_id, .. } = *self;
        CommitmentContext { genesis_hash, nft_id, kind, version, slot_id, split, is_bound }
            .commit(&self.salt, &self.share)
    }
}

impl fmt::Debug for GivenShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GivenShare")
            .field("version", &self.version)
            .field("split", &self.split)
            .field("slot_id", &self.slot_id)
            .field("decided_at", &self.decided_at)
            .finish_non_exhaustive()
    }
}

impl Drop for GivenShare {
    fn drop(&mut self) {
        self.share.zeroize();
        self.salt.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use alloc::{format, string::ToString, vec};

    use super::*;
    use crate::packet::RequesterType;

    fn response() -> KeyshareResponse {
        KeyshareResponse {
            status: "S".into(),
            nft_id: 7,
            enclave_account: "5x".into(),
            keyshare_data: Some("AAA=".into()),
            description: "for people".into(),
        }
    }

    #[test]
    fn a_request_is_named_by_all_of_its_fields() {
        let packet = |change: fn(&mut StoreKeysharePacket)| {
            let mut packet = StoreKeysharePacket {
                owner_address: "a".into(),
                signer_address: "b".into(),
                signersig: "c".into(),
                data: "d".into(),
                signature: "e".into(),
            };
            change(&mut packet);
            packet.request_hash()
        };
        let mut bytes = b"TIP500-REQUEST/1".to_vec();
        bytes.extend([
            5 << 2,
            1 << 2,
            b'a',
            1 << 2,
            b'b',
            1 << 2,
            b'c',
            1 << 2,
            b'd',
            1 << 2,
            b'e',
        ]);
        assert_eq!(packet(|_| ()), blake2_256(&bytes));
        let changes: [fn(&mut StoreKeysharePacket); 6] = [
            |it| it.owner_address.push('x'),
            |it| it.signer_address.push('x'),
            |it| it.signersig.push('x'),
            |it| it.data.push('x'),
            |it| it.signature.push('x'),
            // What moves from one field to the next is another request too.
            |it| {
                it.data = "".into();
                it.signature = "de".into();
            },
        ];
        for change in changes {
            assert_ne!(packet(change), packet(|_| ()));
        }

        let retrieve = |requester_type| RetrieveKeysharePacket {
            requester_address: "a".into(),
            requester_type,
            data: "d".into(),
            signature: "e".into(),
        };
        let [owner, rentee] =
            [RequesterType::Owner, RequesterType::Rentee].map(|role| retrieve(role).request_hash());
        assert_ne!(owner, rentee);
        let mut bytes = b"TIP500-REQUEST/1".to_vec();
        bytes.extend([4 << 2, 1 << 2, b'a', 5 << 2]);
        bytes.extend(b"OWNER");
        bytes.extend([1 << 2, b'd', 1 << 2, b'e']);
        assert_eq!(owner, blake2_256(&bytes));
    }

    #[test]
    fn an_answer_is_signed_for_its_request_with_all_that_decides() {
        let mut bytes = b"TIP500-ANSWER/1".to_vec();
        bytes.extend([1; 32]);
        bytes.extend(200u16.to_le_bytes());
        bytes.extend([1 << 2, b'S']);
        bytes.extend(7u32.to_le_bytes());
        bytes.extend([1, 4 << 2]);
        bytes.extend(b"AAA=");
        let signed = |change: fn(&mut KeyshareResponse)| {
            let mut response = response();
            change(&mut response);
            signed_hash(&[1; 32], 200, &response)
        };
        assert_eq!(signed(|_| ()), blake2_256(&bytes));
        assert_ne!(signed_hash(&[2; 32], 200, &response()), signed(|_| ()));
        assert_ne!(signed_hash(&[1; 32], 503, &response()), signed(|_| ()));
        let changes: [fn(&mut KeyshareResponse); 4] = [
            |it| it.status.push('x'),
            |it| it.nft_id = 8,
            |it| it.keyshare_data = None,
            |it| it.keyshare_data = Some("AAB=".into()),
        ];
        for change in changes {
            assert_ne!(signed(change), signed(|_| ()));
        }
        assert_eq!(signed(|it| it.description.clear()), signed(|_| ()));
    }

    #[test]
    fn a_given_share_has_the_commitment_of_its_place() {
        let given = GivenShare {
            share: vec![5; 20],
            salt: [4; 32],
            version: 2,
            split: [3; 16],
            slot_id: 1,
            decided_at: 9,
        };
        let context = CommitmentContext {
            genesis_hash: [6; 32],
            nft_id: 7,
            kind: KeyshareKind::Capsule,
            version: 2,
            slot_id: 1,
            split: [3; 16],
            is_bound: true,
        };
        let commitment = context.commit(&[4; 32], &[5; 20]);
        assert_eq!(given.commitment([6; 32], 7, KeyshareKind::Capsule, true), commitment);
        assert_ne!(given.commitment([6; 32], 7, KeyshareKind::Capsule, false), commitment);
        let shown = format!("{given:?}");
        assert!(!shown.contains("5, 5") && !shown.contains("4, 4"), "{shown}");
        assert!(shown.contains(&9.to_string()));
    }
}
