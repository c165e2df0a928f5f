// SPDX-License-Identifier: Apache-2.0
//! How the pallets talk to each other. The runtime connects them.

use alloc::vec::Vec;

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

use crate::{
    attestation::{Measurement, PlatformId},
    keyshare::{KeyshareKind, KeyshareStatus},
    nft::NftId,
};

/// The record of which keyshares are pending and synced. pallet-tee keeps it, pallet-nft drives it.
///
/// No version of an NFT and kind is ever given out twice, whatever happens in between.
pub trait KeyshareRegistry {
    /// What is known of the keyshares of an NFT and kind.
    fn status(nft_id: NftId, kind: KeyshareKind) -> KeyshareStatus;

    /// Starts the next version: the first, or the one after the newest ever started. A version
    /// that was pending is given up. A synced version is served until the new one is synced.
    fn start(nft_id: NftId, kind: KeyshareKind);

    /// Gives the pending version up. A synced version stays.
    fn cancel(nft_id: NftId, kind: KeyshareKind);

    /// Forgets the keyshares, because the NFT no longer carries such content. It can again later.
    fn end(nft_id: NftId, kind: KeyshareKind);

    /// Forgets the keyshares for good, because the NFT was burnt and its id is never used again.
    fn remove(nft_id: NftId, kind: KeyshareKind);

    /// Makes the pending version synced, as if the cluster had confirmed it.
    #[cfg(feature = "runtime-benchmarks")]
    fn force_sync(nft_id: NftId, kind: KeyshareKind, cluster_id: crate::cluster::ClusterId);
}

/// Told when all enclaves of a cluster have confirmed a version.
pub trait OnKeyshareSynced {
    /// The pending version of these keyshares is synced.
    fn keyshare_synced(nft_id: NftId, kind: KeyshareKind);
}

impl OnKeyshareSynced for () {
    fn keyshare_synced(_: NftId, _: KeyshareKind) {}
}

/// Makes keyshares for benchmarks: an NFT with content of a kind, whose first version is pending.
#[cfg(feature = "runtime-benchmarks")]
pub trait BenchmarkNfts {
    /// Creates the NFT.
    fn create_pending(kind: KeyshareKind) -> NftId;
}

/// What an enclave has proven about itself.
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
pub struct AttestationFacts {
    /// What code it runs.
    pub measurement: Measurement,
    /// The security version of that code, which its author raises with every fix (Intel SDM
    /// vol. 3D, ISVSVN).
    pub isv_svn: u16,
    /// On which machine.
    pub platform: PlatformId,
}

/// How an enclave's account stands to the operator for whom it says it works.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standing {
    /// The operator has registered it, or named it as successor.
    Named,
    /// It has the operator's slot, or is approved as successor, and had proven this when it got so
    /// far.
    Assigned(AttestationFacts),
}

/// The enclaves that operators have named. pallet-tee knows them, pallet-attestation asks.
pub trait Enclaves<AccountId> {
    /// How an account stands to an operator; `None` if the operator has not named it.
    fn standing(account: &AccountId, operator: &AccountId) -> Option<Standing>;

    /// Where the enclave's HTTP API is.
    fn uri(account: &AccountId, operator: &AccountId) -> Option<Vec<u8>>;

    /// Told that an account has a new live attestation made for an operator. One that shows the
    /// code and the machine of the enclave that it is to succeed has its slot from here on.
    fn attested(account: &AccountId, operator: &AccountId);

    /// Makes an operator's enclave, and names `account` as its successor: an attestation by it with
    /// `facts` has the most to do.
    #[cfg(feature = "runtime-benchmarks")]
    fn name_successor(account: &AccountId, operator: &AccountId, facts: AttestationFacts);
}

/// Tells what an enclave account has proven about itself.
pub trait Attestations<AccountId> {
    /// The facts of the account's live attestation, if it has one that was made for `operator`:
    /// nobody can put another operator's enclave into a slot.
    fn live(account: &AccountId, operator: &AccountId) -> Option<AttestationFacts>;

    /// Gives an account a live attestation on a machine of its own.
    #[cfg(feature = "runtime-benchmarks")]
    fn attest(account: &AccountId, operator: &AccountId);

    /// Gives an account a live attestation with these facts.
    #[cfg(feature = "runtime-benchmarks")]
    fn attest_with(account: &AccountId, operator: &AccountId, facts: AttestationFacts);
}

/// Why an NFT cannot be offered for rent. The order is the order of the checks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NotRentable {
    /// There is no such NFT.
    NotFound,
    /// Somebody else owns it.
    NotOwner,
    /// It is on sale.
    Listed,
    /// It is delegated.
    Delegated,
    /// Only its creator can transfer it.
    Soulbound,
    /// The enclaves have not confirmed its secret.
    SyncingSecret,
    /// It has a rental contract.
    Rented,
    /// The enclaves have not confirmed its capsule.
    SyncingCapsule,
    /// It is being moved to another chain.
    InTransmission,
}

/// The NFTs that can be rented out. pallet-nft keeps them, pallet-rent drives it.
pub trait RentableNfts<AccountId> {
    /// Marks an NFT as rented, from which on it can be neither burnt, transferred nor changed.
    fn begin_rental(nft_id: NftId, owner: &AccountId) -> Result<(), NotRentable>;

    /// Takes the mark away.
    fn end_rental(nft_id: NftId);

    /// Whether an NFT has the mark.
    fn is_rented(nft_id: NftId) -> bool;

    /// Creates an NFT that can be rented out.
    #[cfg(feature = "runtime-benchmarks")]
    fn create_rentable(owner: &AccountId) -> NftId;
}
