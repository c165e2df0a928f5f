// SPDX-License-Identifier: Apache-2.0
//! Offers for contracts whose rentee the renter chooses.

use frame_support::{ensure, pallet_prelude::DispatchResult};
use tee_primitives::{nft::NftId, rent::AcceptanceType, BlockNumber};

use crate::{Config, Error, Event, Offers, Pallet};

impl<T: Config> Pallet<T> {
    /// Appends an offer.
    pub(crate) fn do_make_rent_offer(
        who: T::AccountId,
        nft_id: NftId,
        creation_block: BlockNumber,
    ) -> DispatchResult {
        let contract = Self::waiting_contract(nft_id)?;
        ensure!(contract.creation_block == creation_block, Error::<T>::CreationBlockDoesNotMatch);
        ensure!(
            matches!(contract.acceptance_type, AcceptanceType::ManualAcceptance(_)),
            Error::<T>::AcceptanceIsAutomatic
        );
        Self::ensure_may_rent(&contract, &who)?;

        let mut offers = Offers::<T>::get(nft_id).unwrap_or_default();
        ensure!(!offers.contains(&who), Error::<T>::OfferAlreadyExists);
        offers.try_push(who.clone()).map_err(|_| Error::<T>::TooManyOffers)?;
        Offers::<T>::insert(nft_id, offers);
        Self::deposit_event(Event::ContractOfferCreated { nft_id, rentee: who });
        Ok(())
    }

    /// Starts the contract with one who made an offer.
    pub(crate) fn do_accept_rent_offer(
        who: &T::AccountId,
        nft_id: NftId,
        rentee: T::AccountId,
    ) -> DispatchResult {
        let contract = Self::waiting_contract(nft_id)?;
        ensure!(contract.renter == *who, Error::<T>::NotTheRenter);
        let offers = Offers::<T>::get(nft_id).unwrap_or_default();
        ensure!(offers.contains(&rentee), Error::<T>::OfferNotFound);
        Self::start_contract(nft_id, contract, rentee)
    }

    /// Removes an offer.
    pub(crate) fn do_retract_rent_offer(who: T::AccountId, nft_id: NftId) -> DispatchResult {
        Self::waiting_contract(nft_id)?;
        let mut offers = Offers::<T>::get(nft_id).unwrap_or_default();
        let index = offers.iter().position(|account| *account == who);
        offers.remove(index.ok_or(Error::<T>::OfferNotFound)?);
        Offers::<T>::set(nft_id, Some(offers).filter(|offers| !offers.is_empty()));
        Self::deposit_event(Event::ContractOfferRetracted { nft_id, rentee: who });
        Ok(())
    }
}
