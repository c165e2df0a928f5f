// SPDX-License-Identifier: Apache-2.0
//! Stakes: held, changed, released. Each is a hold on the operator's balance: no other hold counts
//! the same funds.

use frame_support::{
    ensure,
    pallet_prelude::DispatchResult,
    traits::{
        fungible::{InspectHold, MutateHold},
        tokens::Precision,
        Get,
    },
};
use sp_runtime::{
    traits::{Saturating, Zero},
    DispatchError,
};

use crate::{
    BalanceOf, Config, EnclaveData, Error, Event, HoldReason, Pallet, StakingAmount, StakingLedger,
    TeeStakingLedger,
};

impl<T: Config> Pallet<T> {
    /// Holds the stake of a new operator.
    pub(crate) fn bond(operator: &T::AccountId) -> DispatchResult {
        let amount = StakingAmount::<T>::get();
        Self::hold(operator, amount)?;
        StakingLedger::<T>::insert(
            operator,
            TeeStakingLedger {
                operator: operator.clone(),
                staked_amount: amount,
                is_unlocking: false,
                unbonded_at: Zero::zero(),
            },
        );
        Self::deposit_event(Event::Bonded { operator_address: operator.clone(), amount });
        Ok(())
    }

    /// Puts a stake on its way out. The bonding period begins anew with each call.
    pub(crate) fn unbond(operator: &T::AccountId) {
        StakingLedger::<T>::mutate_extant(operator, |ledger| {
            if !ledger.is_unlocking {
                Self::deposit_event(Event::Unbonded {
                    operator_address: operator.clone(),
                    amount: ledger.staked_amount,
                });
            }
            ledger.is_unlocking = true;
            ledger.unbonded_at = frame_system::Pallet::<T>::block_number();
        });
    }

    /// Frees a stake that has served its time.
    pub(crate) fn do_withdraw_unbonded(operator: T::AccountId) -> DispatchResult {
        let ledger = StakingLedger::<T>::get(&operator).ok_or(Error::<T>::StakingNotFound)?;
        ensure!(ledger.is_unlocking, Error::<T>::UnbondingNotStarted);
        ensure!(!EnclaveData::<T>::contains_key(&operator), Error::<T>::StillAssigned);
        let passed = frame_system::Pallet::<T>::block_number().saturating_sub(ledger.unbonded_at);
        ensure!(passed >= T::TeeBondingDuration::get(), Error::<T>::WithdrawProhibited);
        Self::free_stake(operator)
    }

    /// Frees the whole stake of an operator and forgets its ledger.
    pub(crate) fn free_stake(operator: T::AccountId) -> DispatchResult {
        if let Some(ledger) = StakingLedger::<T>::take(&operator) {
            let amount = Self::release(&operator, ledger.staked_amount)?;
            Self::deposit_event(Event::Withdrawn { operator_address: operator, amount });
        }
        Ok(())
    }

    /// Raises a stake to what is asked.
    pub(crate) fn do_bond_extra(operator: T::AccountId) -> DispatchResult {
        let mut ledger = StakingLedger::<T>::get(&operator).ok_or(Error::<T>::StakingNotFound)?;
        let amount = StakingAmount::<T>::get().saturating_sub(ledger.staked_amount);
        ensure!(!ledger.is_unlocking && !amount.is_zero(), Error::<T>::BondExtraNotAllowed);
        Self::hold(&operator, amount)?;

        ledger.staked_amount.saturating_accrue(amount);
        StakingLedger::<T>::insert(&operator, ledger);
        Self::deposit_event(Event::BondedExtra { operator_address: operator, amount });
        Ok(())
    }

    /// Lowers a stake to what is asked.
    pub(crate) fn do_refund_excess(operator: T::AccountId) -> DispatchResult {
        let mut ledger = StakingLedger::<T>::get(&operator).ok_or(Error::<T>::StakingNotFound)?;
        let amount = ledger.staked_amount.saturating_sub(StakingAmount::<T>::get());
        ensure!(!ledger.is_unlocking && !amount.is_zero(), Error::<T>::RefundExcessNotAllowed);
        let amount = Self::release(&operator, amount)?;

        ledger.staked_amount.saturating_reduce(amount);
        StakingLedger::<T>::insert(&operator, ledger);
        Self::deposit_event(Event::RefundedExcess { operator_address: operator, amount });
        Ok(())
    }

    fn hold(operator: &T::AccountId, amount: BalanceOf<T>) -> DispatchResult {
        let reason = HoldReason::OperatorStake.into();
        ensure!(
            T::Currency::can_hold(&reason, operator, amount),
            Error::<T>::InsufficientBalanceToBond
        );
        T::Currency::hold(&reason, operator, amount)
    }

    fn release(
        operator: &T::AccountId,
        amount: BalanceOf<T>,
    ) -> Result<BalanceOf<T>, DispatchError> {
        let reason = HoldReason::OperatorStake.into();
        T::Currency::release(&reason, operator, amount, Precision::BestEffort)
    }
}
