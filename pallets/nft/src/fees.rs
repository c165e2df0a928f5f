// SPDX-License-Identifier: Apache-2.0
//! Mint fees: set by governance, paid by owners.

use frame_support::{
    ensure,
    pallet_prelude::DispatchResult,
    traits::{
        fungible::{Inspect, Mutate},
        tokens::{Fortitude, Preservation},
        Get,
    },
};
use sp_runtime::traits::Zero;

use crate::{
    BalanceOf, CapsuleMintFee, Config, Error, Event, NftMintFee, Pallet, SecretNftMintFee,
};

impl<T: Config> Pallet<T> {
    /// Changes what creating an NFT costs.
    pub(crate) fn do_set_nft_mint_fee(fee: BalanceOf<T>) {
        NftMintFee::<T>::put(fee);
        Self::deposit_event(Event::NFTMintFeeUpdated { fee });
    }

    /// Changes what adding a secret costs.
    pub(crate) fn do_set_secret_nft_mint_fee(fee: BalanceOf<T>) {
        SecretNftMintFee::<T>::put(fee);
        Self::deposit_event(Event::SecretNFTMintFeeUpdated { fee });
    }

    /// Changes what making an NFT a capsule costs.
    pub(crate) fn do_set_capsule_mint_fee(fee: BalanceOf<T>) {
        CapsuleMintFee::<T>::put(fee);
        Self::deposit_event(Event::CapsuleMintFeeUpdated { fee });
    }

    /// Moves a fee to where fees go, and keeps the payer's account alive.
    pub(crate) fn pay(who: &T::AccountId, fee: BalanceOf<T>) -> DispatchResult {
        // A transfer of nothing still fails if the collector's account does not exist.
        if fee.is_zero() {
            return Ok(());
        }
        let spendable =
            T::Currency::reducible_balance(who, Preservation::Preserve, Fortitude::Polite);
        ensure!(spendable >= fee, Error::<T>::InsufficientBalance);
        T::Currency::transfer(who, &T::FeesCollector::get(), fee, Preservation::Preserve)?;
        Ok(())
    }
}
