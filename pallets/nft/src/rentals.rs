// SPDX-License-Identifier: Apache-2.0
//! Which NFTs can be rented out, and which are (TIP-400).

use frame_support::ensure;
use tee_primitives::{
    nft::NftId,
    traits::{NotRentable, RentableNfts},
};

use crate::{Config, Nfts, Pallet};

impl<T: Config> RentableNfts<T::AccountId> for Pallet<T> {
    fn begin_rental(nft_id: NftId, owner: &T::AccountId) -> Result<(), NotRentable> {
        let mut nft = Nfts::<T>::get(nft_id).ok_or(NotRentable::NotFound)?;
        ensure!(nft.owner == *owner, NotRentable::NotOwner);
        let state = &mut nft.state;
        ensure!(!state.is_listed, NotRentable::Listed);
        ensure!(!state.is_delegated, NotRentable::Delegated);
        ensure!(!state.is_soulbound, NotRentable::Soulbound);
        ensure!(!state.is_syncing_secret, NotRentable::SyncingSecret);
        ensure!(!state.is_rented, NotRentable::Rented);
        ensure!(!state.is_syncing_capsule, NotRentable::SyncingCapsule);
        ensure!(!state.is_transmission, NotRentable::InTransmission);

        state.is_rented = true;
        Nfts::<T>::insert(nft_id, nft);
        Ok(())
    }

    fn end_rental(nft_id: NftId) {
        Nfts::<T>::mutate_extant(nft_id, |nft| nft.state.is_rented = false);
    }

    fn is_rented(nft_id: NftId) -> bool {
        Nfts::<T>::get(nft_id).is_some_and(|nft| nft.state.is_rented)
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn create_rentable(owner: &T::AccountId) -> NftId {
        crate::benchmarking::create_nft::<T>(owner)
    }
}
