// SPDX-License-Identifier: Apache-2.0
//! What is true of the storage between any two calls.

use frame_support::ensure;
use sp_runtime::DispatchError;
use tee_primitives::{keyshare::KeyshareKind, traits::KeyshareRegistry};

use crate::{Config, NextNFTId, Nfts, Pallet, SecretNftsOffchainData};

impl<T: Config> Pallet<T> {
    /// Checks every invariant of the pallet's storage. Reads all of it: for tests and for
    /// `try-runtime`, never inside a block.
    ///
    /// Fails with a sentence that names the invariant.
    pub fn do_try_state() -> Result<(), DispatchError> {
        for (nft_id, nft) in Nfts::<T>::iter() {
            let state = nft.state;
            ensure!(nft_id < NextNFTId::<T>::get(), "an NFT's id was given out");
            ensure!(
                SecretNftsOffchainData::<T>::contains_key(nft_id) == state.is_secret,
                "an NFT with a secret tells where its content is, and no other does"
            );
            for (kind, is_syncing) in [
                (KeyshareKind::Secret, state.is_syncing_secret),
                (KeyshareKind::Capsule, state.is_syncing_capsule),
            ] {
                let keyshares = T::Keyshares::status(nft_id, kind);
                ensure!(
                    is_syncing == keyshares.pending.is_some(),
                    "an NFT is syncing while a version of its keyshares is pending"
                );
                ensure!(
                    state.carries(kind)
                        == (keyshares.pending.is_some() || keyshares.synced.is_some()),
                    "an NFT has keyshares of the content that it carries, and of no other"
                );
            }
        }
        ensure!(
            SecretNftsOffchainData::<T>::iter_keys().all(Nfts::<T>::contains_key),
            "a secret belongs to an NFT"
        );
        Ok(())
    }
}
