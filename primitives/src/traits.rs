// SPDX-License-Identifier: Apache-2.0
//! How the pallets talk to each other. The runtime connects them.

use crate::{
    attestation::{Measurement, PlatformId},
    keyshare::{KeyshareKind, KeyshareStatus},
    nft::NftId,
};

/// The record of which keyshares are pending and synced. pallet-tee keeps it, pallet-nft drives it.
pub trait KeyshareRegistry {
    /// What is known of the keyshares of an NFT and kind.
    fn status(nft_id: NftId, kind: KeyshareKind) -> KeyshareStatus;

    /// Starts the next version: the first, or the one after the newest. A version that was pending
    /// is given up.
    fn start(nft_id: NftId, kind: KeyshareKind);

    /// Forgets the keyshares of an NFT and kind, because it was burnt or no longer carries them.
    fn remove(nft_id: NftId, kind: KeyshareKind);
}

/// Told when all enclaves of a cluster have confirmed a version.
pub trait OnKeyshareSynced {
    /// The pending version of these keyshares is synced.
    fn keyshare_synced(nft_id: NftId, kind: KeyshareKind);
}

impl OnKeyshareSynced for () {
    fn keyshare_synced(_: NftId, _: KeyshareKind) {}
}

/// What an enclave has proven about itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AttestationFacts {
    /// What code it runs.
    pub measurement: Measurement,
    /// On which machine.
    pub platform: PlatformId,
}

/// Tells what an enclave account has proven about itself.
pub trait Attestations<AccountId> {
    /// The facts of the account's live attestation; `None` if it has none.
    fn live(account: &AccountId) -> Option<AttestationFacts>;
}
