// SPDX-License-Identifier: Apache-2.0
//! Signed requests to enclaves: in the plain form, which TIP-500 and its published clients use, and
//! what the [bound] ones are made of.
//!
//! [bound]: crate::bound

use base64::{engine::general_purpose::STANDARD, Engine};
use codec::Encode;
use rand::{rngs::OsRng, TryRngCore};
use serde::{Deserialize, Serialize};
use subxt::utils::AccountId32;
use subxt_signer::sr25519::Keypair;
use tee_primitives::{
    archive::{OperatorData, OperatorPacket, Purpose},
    keyshare::{split_of_signer, KeyshareKind, Split, Version},
    nft::NftId,
    packet::{
        bound::{Approval, Target},
        retrieve_data, signer_address, store_data, AuthToken, RequesterType,
        RetrieveKeysharePacket, SignerAddress, StoreKeysharePacket, MAX_VALIDITY,
    },
    BlockNumber, Hash, RawAccountId,
};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{
    media::MediaKey,
    split::{split, Share, SplitError, SHARES},
};

/// Bytes of a temporary signer's secret.
const SEED_LEN: usize = 32;

/// Why a splitting could not be prepared.
#[derive(Debug, thiserror::Error)]
pub enum AttemptError {
    /// The system gave no random bytes.
    #[error("the system's random number generator failed: {0}")]
    Random(#[from] rand::rand_core::OsError),
    /// The random bytes were not a key.
    #[error("no temporary signer could be made: {0}")]
    Signer(#[from] subxt_signer::sr25519::Error),
    /// The key could not be split.
    #[error(transparent)]
    Split(#[from] SplitError),
}

/// Which version of which key is split.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KeyVersion {
    /// Hash of the chain's first block.
    pub genesis_hash: Hash,
    /// What of the NFT the key is of.
    pub kind: KeyshareKind,
    /// The NFT.
    pub nft_id: NftId,
    /// The version that waits for shares.
    pub version: Version,
}

/// One splitting of a key and its temporary signer.
///
/// All five requests of one attempt name the same signer, by which enclaves and chain know that
/// their shares belong together. A retry must send the same attempt; a new attempt is a new split.
pub struct StoreAttempt {
    nft_id: NftId,
    /// What a bound attempt is for; `None` if it is a plain one.
    target: Option<Target>,
    token: AuthToken,
    owner: RawAccountId,
    signer_address: String,
    owner_signature: String,
    seed: Zeroizing<[u8; SEED_LEN]>,
    signer: Keypair,
    shares: [Share; SHARES],
}

/// What rebuilds an attempt, except its owner's key. It contains the shares.
#[derive(Clone, Deserialize, Serialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
pub struct SavedAttempt {
    nft_id: NftId,
    signer_address: String,
    seed: String,
    shares: Vec<String>,
}

impl std::fmt::Debug for SavedAttempt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SavedAttempt").field("nft_id", &self.nft_id).finish_non_exhaustive()
    }
}

impl StoreAttempt {
    /// Splits `key`, for plain requests, and has `owner` approve a fresh signer. They are valid for
    /// [`MAX_VALIDITY`] blocks from `finalized`, the newest finalized block.
    pub fn new(
        owner: &Keypair,
        nft_id: NftId,
        key: &MediaKey,
        finalized: BlockNumber,
    ) -> Result<Self, AttemptError> {
        let seed = random()?;
        Self::assemble(owner, nft_id, None, valid_from(finalized), seed, split(key)?)
    }

    /// The same for bound requests, whose signer is good for this splitting alone.
    pub fn bound(
        owner: &Keypair,
        of: &KeyVersion,
        key: &MediaKey,
        finalized: BlockNumber,
    ) -> Result<Self, AttemptError> {
        let KeyVersion { genesis_hash, kind, nft_id, version } = *of;
        let target = Target { genesis_hash, kind, nft_id, version, split: *random()? };
        let seed = random()?;
        Self::assemble(owner, nft_id, Some(target), valid_from(finalized), seed, split(key)?)
    }

    /// The attempt that was saved, if `owner` is who made it; `None` if it cannot be read.
    pub fn restore(owner: &Keypair, saved: &SavedAttempt) -> Option<Self> {
        let mut seed = Zeroizing::new([0; SEED_LEN]);
        hex::decode_to_slice(&saved.seed, seed.as_mut()).ok()?;
        let shares: Result<Vec<Share>, _> =
            saved.shares.iter().map(|share| Share::parse(share)).collect();
        let shares = shares.ok()?.try_into().ok()?;
        let (target, token) = match Approval::parse(&saved.signer_address) {
            Ok(approval) => (Some(approval.target), approval.token),
            Err(_) => (None, SignerAddress::parse(&saved.signer_address).ok()?.token),
        };
        let restored = Self::assemble(owner, saved.nft_id, target, token, seed, shares).ok()?;
        let is_same = restored.signer_address == saved.signer_address
            && target.is_none_or(|target| target.nft_id == saved.nft_id);
        is_same.then_some(restored)
    }

    /// What rebuilds it.
    pub fn save(&self) -> SavedAttempt {
        SavedAttempt {
            nft_id: self.nft_id,
            signer_address: self.signer_address.clone(),
            seed: hex::encode(*self.seed),
            shares: self.shares.iter().map(|share| share.as_str().to_owned()).collect(),
        }
    }

    fn assemble(
        owner: &Keypair,
        nft_id: NftId,
        target: Option<Target>,
        token: AuthToken,
        seed: Zeroizing<[u8; SEED_LEN]>,
        shares: [Share; SHARES],
    ) -> Result<Self, AttemptError> {
        let signer = Keypair::from_secret_key(*seed)?;
        let address = ss58(&signer.public_key().0);
        let signer_address = match target {
            Some(target) => Approval { target, signer: &address, token }.to_string(),
            None => signer_address(&address, token),
        };
        let owner_signature = sign(owner, &signer_address);
        let owner = owner.public_key().0;
        Ok(Self {
            nft_id,
            target,
            token,
            owner,
            signer_address,
            owner_signature,
            seed,
            signer,
            shares,
        })
    }

    /// The NFT the key belongs to.
    pub fn nft_id(&self) -> NftId {
        self.nft_id
    }

    /// What a bound attempt is for; `None` if it is a plain one.
    pub fn target(&self) -> Option<&Target> {
        self.target.as_ref()
    }

    /// Whether it is a bound one for this version of this key.
    pub fn is_for(&self, of: &KeyVersion) -> bool {
        self.target.is_some_and(|target| {
            let Target { genesis_hash, kind, nft_id, version, split: _ } = target;
            *of == KeyVersion { genesis_hash, kind, nft_id, version }
        })
    }

    /// How long enclaves take its requests.
    pub fn token(&self) -> AuthToken {
        self.token
    }

    /// What chain and enclaves call this splitting.
    pub fn split(&self) -> Split {
        match self.target {
            Some(target) => target.split,
            None => split_of_signer(&self.signer_address),
        }
    }

    /// Who has approved the signer.
    pub fn owner(&self) -> &RawAccountId {
        &self.owner
    }

    /// What its owner has signed.
    pub fn signer_address(&self) -> &str {
        &self.signer_address
    }

    /// The shares, by slot.
    pub fn shares(&self) -> &[Share; SHARES] {
        &self.shares
    }

    /// A request with this data.
    pub fn packet(&self, data: String) -> StoreKeysharePacket {
        StoreKeysharePacket {
            owner_address: ss58(&self.owner),
            signer_address: self.signer_address.clone(),
            signersig: self.owner_signature.clone(),
            signature: sign(&self.signer, &data),
            data,
        }
    }

    /// The plain request for one of its shares: whoever sees it sees the share.
    pub fn plain_packet(&self, share: &Share) -> StoreKeysharePacket {
        self.packet(store_data(self.nft_id, share.as_str(), self.token))
    }

    /// The five requests of a plain attempt, by slot; none of a bound one, which needs the enclaves'
    /// keys.
    pub fn packets(&self) -> impl Iterator<Item = StoreKeysharePacket> + '_ {
        let plain = self.shares.iter().filter(|_| self.target.is_none());
        plain.map(|share| self.plain_packet(share))
    }
}

impl std::fmt::Debug for StoreAttempt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreAttempt")
            .field("nft_id", &self.nft_id)
            .field("signer_address", &self.signer_address)
            .finish_non_exhaustive()
    }
}

/// Random bytes from the system.
pub(crate) fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, rand::rand_core::OsError> {
    let mut bytes = Zeroizing::new([0; N]);
    OsRng.try_fill_bytes(bytes.as_mut())?;
    Ok(bytes)
}

/// The longest validity from a finalized block on.
pub(crate) fn valid_from(finalized: BlockNumber) -> AuthToken {
    AuthToken { block_number: finalized, validity: MAX_VALIDITY }
}

/// The plain request for a share. It is valid for [`MAX_VALIDITY`] blocks from `finalized`, the newest
/// finalized block, and goes unchanged to every enclave: whoever sees it can send it to the others.
pub fn retrieve_packet(
    requester: &Keypair,
    requester_type: RequesterType,
    nft_id: NftId,
    finalized: BlockNumber,
) -> RetrieveKeysharePacket {
    let data = retrieve_data(nft_id, valid_from(finalized));
    RetrieveKeysharePacket {
        requester_address: ss58(&requester.public_key().0),
        requester_type,
        signature: sign(requester, &data),
        data,
    }
}

/// An account's address with the prefix 42.
pub fn ss58(account: &RawAccountId) -> String {
    AccountId32(*account).to_string()
}

pub(crate) fn sign(signer: &Keypair, message: &str) -> String {
    format!("0x{}", hex::encode(signer.sign(message.as_bytes()).0))
}

/// An operator's request to its enclave, valid from `finalized`, the newest finalized block.
pub fn operator_packet(
    operator: &Keypair,
    purpose: Purpose,
    (genesis, enclave): (&Hash, &RawAccountId),
    ask: &impl Encode,
    finalized: BlockNumber,
) -> OperatorPacket {
    let (genesis, enclave) = (hex::encode(genesis), ss58(enclave));
    let message = STANDARD.encode(ask.encode());
    let data = OperatorData {
        purpose: purpose.name(),
        genesis: &genesis,
        enclave: &enclave,
        message: &message,
        token: valid_from(finalized),
    }
    .to_string();
    let operator_address = ss58(&operator.public_key().0);
    OperatorPacket { operator_address, signature: sign(operator, &data), data }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, str::FromStr};

    use subxt_signer::sr25519::{dev, verify, PublicKey, Signature};
    use tee_primitives::packet::{RetrieveData, SignerAddress, StoreData};

    use super::*;

    fn signed_by(address: &str, message: &str, signature: &str) -> bool {
        let digits = signature.strip_prefix("0x").unwrap();
        let signature = Signature(hex::decode(digits).unwrap().try_into().unwrap());
        verify(&signature, message, &PublicKey(AccountId32::from_str(address).unwrap().0))
    }

    fn attempt() -> StoreAttempt {
        StoreAttempt::new(&dev::alice(), 7, &MediaKey::generate().unwrap(), 100).unwrap()
    }

    #[test]
    fn a_store_request_is_signed_by_a_signer_that_the_owner_approved() {
        let attempt = attempt();
        let packets: Vec<_> = attempt.packets().collect();
        assert_eq!(packets.len(), SHARES);
        for packet in &packets {
            assert_eq!(packet.owner_address, ss58(&dev::alice().public_key().0));
            assert!(signed_by(&packet.owner_address, &packet.signer_address, &packet.signersig));
            let signer = SignerAddress::parse(&packet.signer_address).unwrap();
            assert!(signed_by(signer.signer_ss58, &packet.data, &packet.signature));
            let data = StoreData::parse(&packet.data).unwrap();
            assert_eq!(data.nft_id, 7);
            for token in [signer.token, data.token] {
                assert_eq!(token, AuthToken { block_number: 100, validity: MAX_VALIDITY });
                assert_eq!(token.check(100), Ok(()));
            }
        }
    }

    #[test]
    fn the_five_requests_of_an_attempt_carry_five_shares_of_one_split() {
        let attempt = attempt();
        let packets: Vec<_> = attempt.packets().collect();
        let shares: BTreeSet<_> =
            packets.iter().map(|packet| StoreData::parse(&packet.data).unwrap().share).collect();
        assert_eq!(shares.len(), SHARES);
        for packet in &packets {
            assert_eq!(split_of_signer(&packet.signer_address), attempt.split());
        }
    }

    #[test]
    fn a_repeated_attempt_sends_the_same_shares_and_a_new_one_another_split() {
        let key = MediaKey::generate().unwrap();
        let new = || StoreAttempt::new(&dev::alice(), 7, &key, 100).unwrap();
        let (first, second) = (new(), new());
        let data = |attempt: &StoreAttempt| -> Vec<String> {
            attempt.packets().map(|packet| packet.data.clone()).collect()
        };
        assert_eq!(data(&first), data(&first));
        assert_ne!(data(&first), data(&second));
        assert_ne!(first.split(), second.split());
    }

    const OF: KeyVersion =
        KeyVersion { genesis_hash: [3; 32], kind: KeyshareKind::Secret, nft_id: 7, version: 2 };

    fn bound_attempt() -> StoreAttempt {
        StoreAttempt::bound(&dev::alice(), &OF, &MediaKey::generate().unwrap(), 100).unwrap()
    }

    #[test]
    fn f29_a_bound_attempts_signer_is_good_for_one_splitting_alone() {
        let attempt = bound_attempt();
        let approval = Approval::parse(attempt.signer_address()).unwrap();
        assert_eq!(attempt.target(), Some(&approval.target));
        assert_eq!(
            (approval.target.genesis_hash, approval.target.kind),
            (OF.genesis_hash, OF.kind)
        );
        assert_eq!((approval.target.nft_id, approval.target.version), (OF.nft_id, OF.version));
        assert_eq!(approval.target.split, attempt.split());
        assert_ne!(bound_attempt().split(), attempt.split());
        assert!(attempt.is_for(&OF));
        assert!(!attempt.is_for(&KeyVersion { version: 3, ..OF }));
        assert!(!attempt.is_for(&KeyVersion { genesis_hash: [4; 32], ..OF }));
        let packet = attempt.packet(String::from("data"));
        assert!(signed_by(&packet.owner_address, &packet.signer_address, &packet.signersig));
        assert!(signed_by(approval.signer, "data", &packet.signature));
        assert_eq!(attempt.packets().count(), 0);
        assert!(!super::tests::attempt().is_for(&OF));
    }

    #[test]
    fn a_restored_attempt_sends_the_same_split_and_shares() {
        for attempt in [attempt(), bound_attempt()] {
            let json = serde_json::to_string(&attempt.save()).unwrap();
            let saved: SavedAttempt = serde_json::from_str(&json).unwrap();
            let restored = StoreAttempt::restore(&dev::alice(), &saved).unwrap();
            assert_eq!(restored.split(), attempt.split());
            assert_eq!(restored.target(), attempt.target());
            assert_eq!((restored.nft_id(), restored.token()), (attempt.nft_id(), attempt.token()));
            assert!(restored.shares() == attempt.shares());
            for (first, second) in attempt.packets().zip(restored.packets()) {
                assert_eq!(first.data, second.data);
            }
            let data = String::from("data");
            let packet = restored.packet(data.clone());
            assert_eq!(packet.signer_address, attempt.packet(data).signer_address);
            assert!(signed_by(&packet.owner_address, &packet.signer_address, &packet.signersig));

            let damage: [fn(&mut SavedAttempt); 4] = [
                |saved| drop(saved.shares.pop()),
                |saved| saved.seed.replace_range(..2, "zz"),
                // Another signer than the one that was approved.
                |saved| saved.seed = hex::encode([9; SEED_LEN]),
                |saved| saved.signer_address.clear(),
            ];
            for damage in damage {
                let mut saved = attempt.save();
                damage(&mut saved);
                assert!(StoreAttempt::restore(&dev::alice(), &saved).is_none());
            }
        }
    }

    #[test]
    fn a_retrieve_request_is_signed_by_the_requester() {
        let packet = retrieve_packet(&dev::bob(), RequesterType::Rentee, 9, 50);
        assert_eq!(packet.requester_type, RequesterType::Rentee);
        assert!(signed_by(&packet.requester_address, &packet.data, &packet.signature));
        let data = RetrieveData::parse(&packet.data).unwrap();
        assert_eq!((data.nft_id, data.token.block_number), (9, 50));
    }

    #[test]
    fn debug_output_shows_neither_shares_nor_keys() {
        let attempt = attempt();
        let shown = format!("{attempt:?} {:?}", attempt.save());
        for share in &attempt.shares {
            assert!(!shown.contains(share.as_str()));
        }
        assert!(shown.contains("signer_address"));
    }
}
