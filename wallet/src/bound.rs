// SPDX-License-Identifier: Apache-2.0
//! Bound requests to enclaves (`docs/protocols/requests.md`): each is for one enclave alone, what it
//! carries is sealed to the key that the chain has attested for that enclave, and an answer counts only
//! if the enclave has signed it for this request.
//!
//! So whoever is on the way learns no share, can use nothing that it has seen, and can answer nothing
//! but that there is no answer.

use base64::{engine::general_purpose::STANDARD, Engine};
use codec::DecodeAll;
use subxt_signer::sr25519::{verify, Keypair, PublicKey, Signature};
use tee_primitives::{
    keyshare::{KeyshareKind, SyncedKeyshare},
    nft::NftId,
    packet::{
        answer::{given_info, signed_hash, GivenShare, Receipt, SignedResponse},
        bound::{BoundRetrieve, BoundStore, Target},
        sealed, RequesterType, RetrieveKeysharePacket, StoreKeysharePacket,
    },
    BlockNumber, Hash, RawAccountId,
};
use zeroize::Zeroizing;

use crate::{
    cluster::Member,
    enclave::EnclaveError,
    packets::{random, sign, ss58, valid_from, StoreAttempt},
    split::Share,
};

/// The request that has an enclave store the share of its slot, of an attempt that was made for `target`.
pub fn store_packet(
    attempt: &StoreAttempt,
    target: &Target,
    share: &Share,
    member: &Member,
) -> Result<StoreKeysharePacket, EnclaveError> {
    let key = member.encryption_key.ok_or(EnclaveError::NotAttested)?;
    let enclave = ss58(&member.enclave_account);
    let data =
        BoundStore { target: *target, enclave: &enclave, sealed: "", token: attempt.token() };
    let info = data.info(attempt.owner(), attempt.signer_address());
    let random =
        random::<32>().map_err(|_| EnclaveError::Unsealable("the system gives no randomness"))?;
    let sealed = sealed::seal(&key, &info, share.as_str().as_bytes(), &random)
        .map_err(|_| EnclaveError::Unsealable("nothing can be sealed to the enclave's key"))?;
    let data = BoundStore { sealed: &STANDARD.encode(sealed), ..data }.to_string();
    Ok(attempt.packet(data))
}

/// What an enclave says that it has stored, if that is what it was sent.
pub fn check_receipt(
    keyshare_data: Option<&str>,
    target: &Target,
    member: &Member,
) -> Result<Receipt, EnclaveError> {
    let receipt = STANDARD.decode(keyshare_data.unwrap_or_default()).ok();
    let receipt = receipt.and_then(|bytes| Receipt::decode_all(&mut bytes.as_slice()).ok());
    let expected = |receipt: &Receipt| {
        (target.version, target.split, member.slot_id)
            == (receipt.version, receipt.split, receipt.slot_id)
    };
    let is_other = || EnclaveError::Unproven(String::from("its receipt is for another share"));
    receipt.filter(expected).ok_or_else(is_other)
}

/// A share that is to be retrieved.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Wanted {
    /// Hash of the chain's first block.
    pub genesis_hash: Hash,
    /// What of the NFT the key is of.
    pub kind: KeyshareKind,
    /// The NFT.
    pub nft_id: NftId,
    /// In which role it is asked for.
    pub role: RequesterType,
    /// What the finalized chain has synced: its commitments tell right shares.
    pub synced: SyncedKeyshare,
    /// The newest finalized block. Requests are valid from it on.
    pub finalized: BlockNumber,
}

/// A request for a share, and the key to its answer.
pub struct RetrieveRequest {
    /// What is sent.
    pub packet: RetrieveKeysharePacket,
    secret: Zeroizing<[u8; 32]>,
}

impl std::fmt::Debug for RetrieveRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RetrieveRequest").field("packet", &self.packet).finish_non_exhaustive()
    }
}

impl RetrieveRequest {
    /// The request to one enclave, with a key of its own.
    pub fn new(
        requester: &Keypair,
        wanted: &Wanted,
        member: &Member,
    ) -> Result<Self, EnclaveError> {
        let secret = random::<32>()
            .map_err(|_| EnclaveError::Unsealable("the system gives no randomness"))?;
        let one_time_key = sealed::public_key(&secret)
            .ok_or(EnclaveError::Unsealable("there is no one-time key"))?;
        let Wanted { genesis_hash, kind, nft_id, role, finalized, .. } = *wanted;
        let data = BoundRetrieve {
            genesis_hash,
            kind,
            nft_id,
            enclave: &ss58(&member.enclave_account),
            role,
            one_time_key,
            token: valid_from(finalized),
        }
        .to_string();
        let packet = RetrieveKeysharePacket {
            requester_address: ss58(&requester.public_key().0),
            requester_type: role,
            signature: sign(requester, &data),
            data,
        };
        Ok(Self { packet, secret })
    }

    /// The share in an answer, if it is the one whose commitment the chain has.
    pub fn open(
        &self,
        keyshare_data: Option<&str>,
        wanted: &Wanted,
        member: &Member,
    ) -> Result<Share, EnclaveError> {
        let bad = |what: &str| EnclaveError::BadShare(what.to_owned());
        let sealed = STANDARD.decode(keyshare_data.unwrap_or_default());
        let sealed = sealed.map_err(|_| bad("it is not base64"))?;
        let info = given_info(&member.enclave_account, &self.packet.request_hash());
        let opened = sealed::open(&self.secret, &info, &sealed);
        let opened = opened.ok_or_else(|| bad("it was not sealed for this request"))?;
        let given = GivenShare::decode_all(&mut opened.as_slice());
        let given = given.map_err(|_| bad("what was sealed is no share"))?;
        let Wanted { genesis_hash, kind, nft_id, ref synced, .. } = *wanted;
        if given.version != synced.version {
            return Err(bad("it is of another version than the chain has synced"));
        }
        let expected =
            usize::try_from(member.slot_id).ok().and_then(|slot| synced.commitments.get(slot));
        // What was stored plain is given in this form too.
        let is_committed =
            |is_bound| expected == Some(&given.commitment(genesis_hash, nft_id, kind, is_bound));
        let is_right =
            given.slot_id == member.slot_id && [true, false].into_iter().any(is_committed);
        if !is_right {
            return Err(bad("it is not the one whose commitment the chain has"));
        }
        let text = std::str::from_utf8(&given.share).map_err(|_| bad("it is no text"))?;
        Share::parse(text).map_err(|error| bad(&error.to_string()))
    }
}

/// Whether an answer is the enclave's own, to this request.
pub fn is_signed(
    enclave: &RawAccountId,
    request: &Hash,
    http: u16,
    answer: &SignedResponse,
) -> bool {
    let mut signature = [0; 64];
    let digits = answer.signature.as_deref().and_then(|text| text.strip_prefix("0x"));
    let is_read = digits.is_some_and(|digits| hex::decode_to_slice(digits, &mut signature).is_ok());
    let message = signed_hash(request, http, &answer.response);
    is_read && verify(&Signature(signature), message, &PublicKey(*enclave))
}

#[cfg(test)]
mod vectors;
