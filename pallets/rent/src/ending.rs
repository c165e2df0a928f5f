// SPDX-License-Identifier: Apache-2.0
//! Clears contracts away that are over.

use alloc::vec::Vec;

use frame_support::{traits::Get, weights::Weight};
use sp_runtime::SaturatedConversion;
use tee_primitives::{nft::NftId, BlockNumber};

use crate::{Config, Contracts, Deadlines, Event, Pallet, WeightInfo};

/// How a contract was over.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Cleared {
    /// It ran to its end.
    Ended,
    /// Nobody rented in time.
    Expired,
}

impl<T: Config> Pallet<T> {
    /// Clears at most [`Config::ActionsInBlockLimit`] contracts that are over in block `now`, the
    /// longest overdue first, and tells what that weighs.
    ///
    /// Nothing is skipped: what a block does not reach stays first in [`Deadlines`].
    pub(crate) fn clear_due(now: BlockNumber) -> Weight {
        let due: Vec<_> = Deadlines::<T>::iter_keys()
            .take_while(|(deadline, _)| BlockNumber::from_be_bytes(*deadline) <= now)
            .take(T::ActionsInBlockLimit::get().saturated_into())
            .collect();
        let mut expired: u32 = 0;
        for (deadline, nft_id) in &due {
            Deadlines::<T>::remove(deadline, nft_id);
            match Self::clear_if_over(*nft_id, now) {
                Some(Cleared::Expired) => expired = expired.saturating_add(1),
                Some(Cleared::Ended) => {}
                // A runtime upgrade made the time in which contracts can be rented longer.
                None => {
                    if let Some(contract) = Contracts::<T>::get(nft_id) {
                        Self::set_deadline(*nft_id, &contract);
                    }
                }
            }
        }

        let ended = due.len().saturated_into::<u32>().saturating_sub(expired);
        let mut weight = T::WeightInfo::on_initialize_none();
        if ended > 0 {
            weight.saturating_accrue(T::WeightInfo::end_contracts(ended));
        }
        if expired > 0 {
            weight.saturating_accrue(T::WeightInfo::expire_contracts(expired));
        }
        weight
    }

    /// Clears the contract of an NFT if it is over in block `now`. Never fails: the NFT's mark
    /// must not outlive its contract.
    pub(crate) fn clear_if_over(nft_id: NftId, now: BlockNumber) -> Option<Cleared> {
        let contract = Contracts::<T>::get(nft_id).filter(|found| Self::is_over(found, now))?;
        Self::release_renter_fee(&contract);
        if let Some(rentee) = &contract.rentee {
            Self::release_rentee_fee(&contract, rentee);
        }
        Self::remove_contract(nft_id, &contract);
        if contract.rentee.is_some() {
            Self::deposit_event(Event::ContractEnded { nft_id, revoked_by: None });
            Some(Cleared::Ended)
        } else {
            Self::deposit_event(Event::ContractExpired { nft_id });
            Some(Cleared::Expired)
        }
    }

    /// What clearing one contract weighs at most.
    pub(crate) fn clearing_one() -> Weight {
        T::WeightInfo::end_contracts(1).max(T::WeightInfo::expire_contracts(1))
    }
}
