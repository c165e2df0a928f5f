// SPDX-License-Identifier: Apache-2.0
//! What is true of the storage between any two calls.

use alloc::collections::{BTreeMap, BTreeSet};

use frame_support::{
    ensure,
    traits::{fungible::InspectHold, Get},
};
use sp_runtime::{traits::Saturating, DispatchError};
use tee_primitives::{
    rent::{AcceptanceType, Duration},
    traits::RentableNfts,
    BlockNumber,
};

use crate::{BalanceOf, Config, Contracts, Deadlines, HoldReason, Offers, Pallet, RentContractOf};

impl<T: Config> Pallet<T> {
    /// Checks every invariant of the pallet's storage. Reads all of it: for tests and for
    /// `try-runtime`, never inside a block.
    ///
    /// Fails with a sentence that names the invariant.
    pub fn do_try_state() -> Result<(), DispatchError> {
        for (nft_id, contract) in Contracts::<T>::iter() {
            Self::try_state_of_contract(&contract)?;
            ensure!(T::Nfts::is_rented(nft_id), "the NFT of a contract is marked as rented");
            ensure!(
                Deadlines::<T>::contains_key(Self::deadline(&contract).to_be_bytes(), nft_id),
                "a contract has its deadline"
            );
        }
        for (deadline, nft_id) in Deadlines::<T>::iter_keys() {
            let contract = Contracts::<T>::get(nft_id).ok_or("a deadline has its contract")?;
            ensure!(
                Self::deadline(&contract) == BlockNumber::from_be_bytes(deadline),
                "a contract has no other deadline"
            );
        }
        Self::try_state_of_offers()?;
        Self::try_state_of_holds()
    }

    fn try_state_of_contract(contract: &RentContractOf<T>) -> Result<(), DispatchError> {
        let Duration::Fixed(blocks) = contract.duration;
        ensure!(
            (1..=T::MaximumContractDurationLimit::get()).contains(&blocks),
            "a contract's duration is within its bounds"
        );
        ensure!(
            contract.start_block.is_some() == contract.rentee.is_some(),
            "a contract has a rentee from its start on"
        );
        ensure!(
            contract.start_block.unwrap_or(contract.creation_block) >= contract.creation_block
                && contract.start_block.unwrap_or(contract.creation_block) <= Self::now(),
            "a contract was created, and started afterwards"
        );
        if let Some(accounts) = Self::acceptance_list(&contract.acceptance_type) {
            ensure!(
                !accounts.is_empty() && !accounts.contains(&contract.renter),
                "an acceptance list names others than the renter"
            );
        }
        if let Some(rentee) = &contract.rentee {
            Self::ensure_may_rent(contract, rentee).map_err(|_| "the terms let the rentee rent")?;
        }
        Ok(())
    }

    fn try_state_of_offers() -> Result<(), DispatchError> {
        for (nft_id, offers) in Offers::<T>::iter() {
            let contract = Contracts::<T>::get(nft_id).ok_or("an offer is for a contract")?;
            ensure!(
                matches!(contract.acceptance_type, AcceptanceType::ManualAcceptance(_))
                    && contract.start_block.is_none(),
                "an offer is for a contract that waits for its renter's choice"
            );
            ensure!(!offers.is_empty(), "no empty list of offers is stored");
            ensure!(
                offers.iter().collect::<BTreeSet<_>>().len() == offers.len(),
                "an account offers once"
            );
            for rentee in &offers {
                Self::ensure_may_rent(&contract, rentee)
                    .map_err(|_| "the terms let who offers rent")?;
            }
        }
        Ok(())
    }

    fn try_state_of_holds() -> Result<(), DispatchError> {
        let mut of_renters = BTreeMap::<T::AccountId, BalanceOf<T>>::new();
        let mut of_rentees = BTreeMap::<T::AccountId, BalanceOf<T>>::new();
        for contract in Contracts::<T>::iter_values() {
            of_renters
                .entry(contract.renter)
                .or_default()
                .saturating_accrue(Self::held_for(contract.renter_cancellation_fee));
            if let Some(rentee) = contract.rentee {
                of_rentees
                    .entry(rentee)
                    .or_default()
                    .saturating_accrue(Self::held_for(contract.rentee_cancellation_fee));
            }
        }
        let accounts: BTreeSet<_> = frame_system::Account::<T>::iter_keys()
            .chain(of_renters.keys().cloned())
            .chain(of_rentees.keys().cloned())
            .collect();
        for account in accounts {
            for (reason, expected) in [
                (HoldReason::RenterCancellationFee, &of_renters),
                (HoldReason::RenteeCancellationFee, &of_rentees),
            ] {
                ensure!(
                    T::Currency::balance_on_hold(&reason.into(), &account)
                        == expected.get(&account).copied().unwrap_or_default(),
                    "what is held are the cancellation fees of the account's contracts"
                );
            }
        }
        Ok(())
    }
}
