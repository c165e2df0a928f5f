// SPDX-License-Identifier: Apache-2.0
//! Contracts from their creation to their start, and what ends them early.

use frame_support::{
    ensure,
    pallet_prelude::{DispatchResult, DispatchResultWithPostInfo},
    traits::Get,
};
use sp_runtime::{DispatchError, SaturatedConversion};
use tee_primitives::{
    nft::NftId,
    rent::{AcceptanceType, Duration},
    traits::RentableNfts,
    BlockNumber,
};

use crate::{
    AcceptanceTypeOf, AccountListOf, Config, Contracts, Deadlines, Error, Event, HoldReason,
    Offers, Pallet, RentContractOf, WeightInfo,
};

impl<T: Config> Pallet<T> {
    /// Marks the NFT as rented, holds the renter's fee and opens the contract.
    pub(crate) fn do_create_contract(
        nft_id: NftId,
        contract: RentContractOf<T>,
    ) -> DispatchResultWithPostInfo {
        Self::ensure_terms(&contract)?;
        let cleared = Self::clear_if_over(nft_id, contract.creation_block).is_some();
        T::Nfts::begin_rental(nft_id, &contract.renter).map_err(Error::<T>::from)?;
        Self::hold_fee(
            HoldReason::RenterCancellationFee,
            &contract.renter,
            contract.renter_cancellation_fee,
        )?;

        Self::set_deadline(nft_id, &contract);
        Contracts::<T>::insert(nft_id, &contract);
        let used = T::WeightInfo::create_contract(Self::listed_accounts(&contract.acceptance_type));
        Self::deposit_event(Event::ContractCreated {
            nft_id,
            renter: contract.renter,
            duration: contract.duration,
            acceptance_type: contract.acceptance_type,
            renter_can_revoke: contract.renter_can_revoke,
            rent_fee: contract.rent_fee,
            renter_cancellation_fee: contract.renter_cancellation_fee,
            rentee_cancellation_fee: contract.rentee_cancellation_fee,
        });
        Ok((!cleared).then_some(used).into())
    }

    /// Withdraws a waiting contract.
    pub(crate) fn do_cancel_contract(who: &T::AccountId, nft_id: NftId) -> DispatchResult {
        let contract = Self::waiting_contract(nft_id)?;
        ensure!(contract.renter == *who, Error::<T>::NotTheRenter);
        Self::ensure_created_earlier(&contract)?;

        Self::release_renter_fee(&contract);
        Self::remove_contract(nft_id, &contract);
        Self::deposit_event(Event::ContractCanceled { nft_id });
        Ok(())
    }

    /// Ends a running contract at the cost of whoever does it.
    pub(crate) fn do_revoke_contract(who: T::AccountId, nft_id: NftId) -> DispatchResult {
        let (contract, rentee) = Self::running_contract(nft_id)?;
        let by_renter = contract.renter == who;
        ensure!(by_renter || rentee == who, Error::<T>::NotAContractParty);
        ensure!(!by_renter || contract.renter_can_revoke, Error::<T>::RenterCannotRevoke);
        Self::ensure_created_earlier(&contract)?;

        if by_renter {
            Self::release_rentee_fee(&contract, &rentee);
            Self::forfeit_renter_fee(&contract, &rentee);
        } else {
            Self::release_renter_fee(&contract);
            Self::forfeit_rentee_fee(&contract, &rentee);
        }
        Self::remove_contract(nft_id, &contract);
        Self::deposit_event(Event::ContractRevoked { nft_id, revoked_by: who });
        Ok(())
    }

    /// Starts a contract that needs no acceptance.
    pub(crate) fn do_rent(
        who: T::AccountId,
        nft_id: NftId,
        creation_block: BlockNumber,
    ) -> DispatchResult {
        let contract = Self::waiting_contract(nft_id)?;
        ensure!(contract.creation_block == creation_block, Error::<T>::CreationBlockDoesNotMatch);
        ensure!(
            matches!(contract.acceptance_type, AcceptanceType::AutoAcceptance(_)),
            Error::<T>::AcceptanceIsManual
        );
        Self::ensure_may_rent(&contract, &who)?;
        Self::start_contract(nft_id, contract, who)
    }

    /// Takes the rentee's money and starts the contract.
    pub(crate) fn start_contract(
        nft_id: NftId,
        mut contract: RentContractOf<T>,
        rentee: T::AccountId,
    ) -> DispatchResult {
        Self::pay_rent(&contract, &rentee)?;
        Self::hold_fee(
            HoldReason::RenteeCancellationFee,
            &rentee,
            contract.rentee_cancellation_fee,
        )?;

        Self::clear_deadline(nft_id, &contract);
        contract.start_block = Some(Self::now());
        contract.rentee = Some(rentee.clone());
        Self::set_deadline(nft_id, &contract);
        Contracts::<T>::insert(nft_id, contract);
        Offers::<T>::remove(nft_id);
        Self::deposit_event(Event::ContractStarted { nft_id, rentee });
        Ok(())
    }

    /// Removes all that is stored of a contract, and the mark of its NFT.
    pub(crate) fn remove_contract(nft_id: NftId, contract: &RentContractOf<T>) {
        Self::clear_deadline(nft_id, contract);
        Contracts::<T>::remove(nft_id);
        Offers::<T>::remove(nft_id);
        T::Nfts::end_rental(nft_id);
    }

    fn ensure_terms(contract: &RentContractOf<T>) -> Result<(), Error<T>> {
        let Duration::Fixed(blocks) = contract.duration;
        ensure!(
            (1..=T::MaximumContractDurationLimit::get()).contains(&blocks),
            Error::<T>::DurationOutOfRange
        );
        if let Some(accounts) = Self::acceptance_list(&contract.acceptance_type) {
            ensure!(!accounts.is_empty(), Error::<T>::AcceptanceListIsEmpty);
            ensure!(!accounts.contains(&contract.renter), Error::<T>::RenterIsOnAcceptanceList);
        }
        Ok(())
    }

    /// Two contracts of an NFT must not be created in one block: the creation block is how a rentee
    /// names the terms that it has read. So none leaves in the block of its creation.
    fn ensure_created_earlier(contract: &RentContractOf<T>) -> Result<(), Error<T>> {
        ensure!(contract.creation_block < Self::now(), Error::<T>::CreatedInThisBlock);
        Ok(())
    }

    /// Checks that the terms let an account rent.
    pub(crate) fn ensure_may_rent(
        contract: &RentContractOf<T>,
        who: &T::AccountId,
    ) -> Result<(), Error<T>> {
        ensure!(contract.renter != *who, Error::<T>::CannotRentOwnNFT);
        ensure!(
            Self::acceptance_list(&contract.acceptance_type)
                .is_none_or(|accounts| accounts.contains(who)),
            Error::<T>::NotOnAcceptanceList
        );
        Ok(())
    }

    /// The contract of an NFT, if it waits for a rentee.
    pub(crate) fn waiting_contract(nft_id: NftId) -> Result<RentContractOf<T>, Error<T>> {
        let contract = Self::open_contract(nft_id)?;
        ensure!(contract.start_block.is_none(), Error::<T>::ContractHasStarted);
        Ok(contract)
    }

    /// The contract of an NFT and its rentee, if it runs.
    fn running_contract(nft_id: NftId) -> Result<(RentContractOf<T>, T::AccountId), DispatchError> {
        let contract = Self::open_contract(nft_id)?;
        let rentee = contract.rentee.clone().ok_or(Error::<T>::ContractHasNotStarted)?;
        Ok((contract, rentee))
    }

    fn open_contract(nft_id: NftId) -> Result<RentContractOf<T>, Error<T>> {
        let contract = Contracts::<T>::get(nft_id).ok_or(Error::<T>::ContractNotFound)?;
        if Self::is_over(&contract, Self::now()) {
            return Err(match contract.start_block {
                Some(_) => Error::<T>::ContractHasEnded,
                None => Error::<T>::ContractHasExpired,
            });
        }
        Ok(contract)
    }

    /// The accounts that may rent; `None` if everybody may.
    pub(crate) fn acceptance_list(
        acceptance_type: &AcceptanceTypeOf<T>,
    ) -> Option<&AccountListOf<T>> {
        match acceptance_type {
            AcceptanceType::AutoAcceptance(accounts)
            | AcceptanceType::ManualAcceptance(accounts) => accounts.as_ref(),
        }
    }

    /// How many accounts are on the acceptance list.
    pub(crate) fn listed_accounts(acceptance_type: &AcceptanceTypeOf<T>) -> u32 {
        Self::acceptance_list(acceptance_type).map_or(0, |accounts| accounts.len().saturated_into())
    }

    /// Whether a contract is over in block `now`.
    pub(crate) fn is_over(contract: &RentContractOf<T>, now: BlockNumber) -> bool {
        now >= Self::deadline(contract)
    }

    /// The block in which a contract is over: in which it ends or, if it waits, expires.
    pub(crate) fn deadline(contract: &RentContractOf<T>) -> BlockNumber {
        contract.end_block().unwrap_or_else(|| {
            contract.creation_block.saturating_add(T::MaximumContractAvailabilityLimit::get())
        })
    }

    /// Enters a contract among the deadlines.
    pub(crate) fn set_deadline(nft_id: NftId, contract: &RentContractOf<T>) {
        Deadlines::<T>::insert(Self::deadline(contract).to_be_bytes(), nft_id, ());
    }

    fn clear_deadline(nft_id: NftId, contract: &RentContractOf<T>) {
        Deadlines::<T>::remove(Self::deadline(contract).to_be_bytes(), nft_id);
    }

    /// The current block.
    pub(crate) fn now() -> BlockNumber {
        frame_system::Pallet::<T>::block_number().saturated_into()
    }
}
