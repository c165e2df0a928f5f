// SPDX-License-Identifier: Apache-2.0
//! What is paid, held, released and forfeited.

use frame_support::traits::{
    fungible::{Inspect, Mutate, MutateHold},
    tokens::{DepositConsequence, Fortitude, Precision, Preservation, Provenance, Restriction},
};
use sp_runtime::{
    helpers_128bit::multiply_by_rational_with_rounding,
    traits::{Saturating, Zero},
    Rounding, SaturatedConversion,
};
use tee_primitives::rent::{CancellationFee, Duration, RentFee};

use crate::{BalanceOf, Config, Error, HoldReason, Pallet, RentContractOf};

impl<T: Config> Pallet<T> {
    /// Moves the rent fee from the rentee to the renter. An amount that is too small for the
    /// renter's account, which does not exist, stays with the rentee.
    pub(crate) fn pay_rent(
        contract: &RentContractOf<T>,
        rentee: &T::AccountId,
    ) -> Result<(), Error<T>> {
        let RentFee::Tokens(amount) = contract.rent_fee;
        let renter = &contract.renter;
        if T::Currency::can_deposit(renter, amount, Provenance::Extant)
            == DepositConsequence::BelowMinimum
        {
            return Ok(());
        }
        T::Currency::transfer(rentee, renter, amount, Preservation::Preserve)
            .map(|_| ())
            .map_err(|_| Error::<T>::NotEnoughFundsForRentFee)
    }

    /// Sets a cancellation fee aside in the account that may have to pay it.
    pub(crate) fn hold_fee(
        reason: HoldReason,
        who: &T::AccountId,
        fee: CancellationFee<BalanceOf<T>>,
    ) -> Result<(), Error<T>> {
        let amount = Self::held_for(fee);
        if amount.is_zero() {
            return Ok(());
        }
        T::Currency::hold(&reason.into(), who, amount)
            .map_err(|_| Error::<T>::NotEnoughFundsForCancellationFee)
    }

    /// Gives the renter its cancellation fee back.
    pub(crate) fn release_renter_fee(contract: &RentContractOf<T>) {
        let amount = Self::held_for(contract.renter_cancellation_fee);
        Self::release(HoldReason::RenterCancellationFee, &contract.renter, amount);
    }

    /// Gives the rentee its cancellation fee back.
    pub(crate) fn release_rentee_fee(contract: &RentContractOf<T>, rentee: &T::AccountId) {
        let amount = Self::held_for(contract.rentee_cancellation_fee);
        Self::release(HoldReason::RenteeCancellationFee, rentee, amount);
    }

    /// Gives the rentee what the renter's cancellation fee is now, and the renter the rest.
    pub(crate) fn forfeit_renter_fee(contract: &RentContractOf<T>, rentee: &T::AccountId) {
        let fee = contract.renter_cancellation_fee;
        let due = Self::due_of(fee, contract);
        let reason = HoldReason::RenterCancellationFee;
        Self::forfeit(reason, &contract.renter, rentee, Self::held_for(fee), due);
    }

    /// Gives the renter what the rentee's cancellation fee is now, and the rentee the rest.
    pub(crate) fn forfeit_rentee_fee(contract: &RentContractOf<T>, rentee: &T::AccountId) {
        let fee = contract.rentee_cancellation_fee;
        let due = Self::due_of(fee, contract);
        let reason = HoldReason::RenteeCancellationFee;
        Self::forfeit(reason, rentee, &contract.renter, Self::held_for(fee), due);
    }

    /// What is held for a cancellation fee: all that it can cost.
    pub(crate) fn held_for(fee: CancellationFee<BalanceOf<T>>) -> BalanceOf<T> {
        match fee {
            CancellationFee::FixedTokens(amount) | CancellationFee::FlexibleTokens(amount) => {
                amount
            }
            CancellationFee::None => Zero::zero(),
        }
    }

    /// What a cancellation fee costs in the current block, rounded down.
    fn due_of(fee: CancellationFee<BalanceOf<T>>, contract: &RentContractOf<T>) -> BalanceOf<T> {
        let CancellationFee::FlexibleTokens(amount) = fee else { return Self::held_for(fee) };
        let Duration::Fixed(duration) = contract.duration;
        let remaining = contract.end_block().unwrap_or_default().saturating_sub(Self::now());
        multiply_by_rational_with_rounding(
            amount.saturated_into(),
            remaining.into(),
            duration.into(),
            Rounding::Down,
        )
        .unwrap_or_default()
        .saturated_into()
    }

    /// Moves `due` of what is held from `from` to `to`, and releases the rest. What the account of
    /// `to` cannot receive is released, too.
    ///
    /// Freezes do not keep the amount: otherwise a frozen account could revoke for nothing.
    fn forfeit(
        reason: HoldReason,
        from: &T::AccountId,
        to: &T::AccountId,
        held: BalanceOf<T>,
        due: BalanceOf<T>,
    ) {
        let paid = if due.is_zero() {
            due
        } else {
            T::Currency::transfer_on_hold(
                &reason.into(),
                from,
                to,
                due,
                Precision::Exact,
                Restriction::Free,
                Fortitude::Force,
            )
            .unwrap_or_default()
        };
        Self::release(reason, from, held.saturating_sub(paid));
    }

    /// Releases a held amount.
    ///
    /// Never fails, since a contract has to end. An account that something else keeps alive may
    /// have spent all of its free balance; then an amount below the existential deposit cannot
    /// become its free balance. Such dust is burnt, as the currency does with dust.
    fn release(reason: HoldReason, who: &T::AccountId, amount: BalanceOf<T>) {
        if amount.is_zero() {
            return;
        }
        let reason = reason.into();
        if T::Currency::release(&reason, who, amount, Precision::BestEffort).is_err() {
            let burnt = T::Currency::burn_held(
                &reason,
                who,
                amount,
                Precision::BestEffort,
                Fortitude::Force,
            );
            frame_support::defensive_assert!(burnt.is_ok(), "what is held can be taken");
        }
    }
}
