// SPDX-License-Identifier: Apache-2.0
//! The worst case of every call, and of the hook that clears contracts away.

use frame_benchmarking::v2::*;
use frame_support::traits::{
    fungible::{Inspect, Mutate},
    Get, Hooks,
};
use frame_system::RawOrigin;
use sp_runtime::traits::Saturating;
use tee_primitives::{
    nft::NftId,
    rent::{AcceptanceType, CancellationFee, Duration, RentFee},
    traits::RentableNfts,
    BlockNumber,
};

use crate::*;

/// What every fee is.
fn fee<T: Config>() -> BalanceOf<T> {
    T::Currency::minimum_balance().saturating_mul(10u32.into())
}

/// An account that can pay every fee.
fn funded<T: Config>(name: &'static str, index: u32) -> T::AccountId {
    let who = account(name, index, 0);
    T::Currency::set_balance(&who, fee::<T>().saturating_mul(10u32.into()));
    who
}

/// Accounts that never rent.
fn others<T: Config>(count: u32) -> AccountListOf<T> {
    let accounts = (0..count).map(|index| account("other", index, 0));
    AccountListOf::<T>::truncate_from(accounts.collect())
}

/// As many accounts as fit, the last of which is `last`.
fn full_list<T: Config>(last: &T::AccountId) -> AccountListOf<T> {
    let mut accounts = others::<T>(T::AccountSizeLimit::get().saturating_sub(1)).into_inner();
    accounts.push(last.clone());
    AccountListOf::<T>::truncate_from(accounts)
}

/// The longest duration.
fn duration<T: Config>() -> BlockNumber {
    T::MaximumContractDurationLimit::get()
}

fn wait<T: Config>(blocks: BlockNumber) {
    let later = Pallet::<T>::now().saturating_add(blocks);
    frame_system::Pallet::<T>::set_block_number(later.into());
}

/// A contract that waits: its renter and its NFT.
fn create<T: Config>(
    index: u32,
    acceptance_type: AcceptanceTypeOf<T>,
) -> Result<(T::AccountId, NftId), BenchmarkError> {
    let renter = funded::<T>("renter", index);
    let nft_id = T::Nfts::create_rentable(&renter);
    Pallet::<T>::create_contract(
        RawOrigin::Signed(renter.clone()).into(),
        nft_id,
        Duration::Fixed(duration::<T>()),
        acceptance_type,
        true,
        RentFee::Tokens(fee::<T>()),
        CancellationFee::FlexibleTokens(fee::<T>()),
        CancellationFee::FlexibleTokens(fee::<T>()),
    )
    .map_err(|failure| failure.error)?;
    Ok((renter, nft_id))
}

/// A contract that waits for its renter's choice among as many offers as fit.
fn create_with_offers<T: Config>(
    index: u32,
    rentee: &T::AccountId,
) -> Result<(T::AccountId, NftId), BenchmarkError> {
    let accounts = full_list::<T>(rentee);
    let (renter, nft_id) =
        create::<T>(index, AcceptanceType::ManualAcceptance(Some(accounts.clone())))?;
    Offers::<T>::insert(nft_id, accounts);
    Ok((renter, nft_id))
}

/// A contract that runs: its rentee and its NFT.
fn start<T: Config>(index: u32) -> Result<(T::AccountId, NftId), BenchmarkError> {
    let rentee = funded::<T>("rentee", index);
    let accounts = full_list::<T>(&rentee);
    let (_, nft_id) = create::<T>(index, AcceptanceType::AutoAcceptance(Some(accounts)))?;
    let origin = RawOrigin::Signed(rentee.clone()).into();
    Pallet::<T>::rent(origin, nft_id, Pallet::<T>::now())?;
    Ok((rentee, nft_id))
}

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn create_contract(l: Linear<0, { T::AccountSizeLimit::get() }>) {
        let renter = funded::<T>("renter", 0);
        let nft_id = T::Nfts::create_rentable(&renter);
        let accounts = Some(others::<T>(l)).filter(|accounts| !accounts.is_empty());

        #[extrinsic_call]
        _(
            RawOrigin::Signed(renter),
            nft_id,
            Duration::Fixed(duration::<T>()),
            AcceptanceType::AutoAcceptance(accounts),
            true,
            RentFee::Tokens(fee::<T>()),
            CancellationFee::FlexibleTokens(fee::<T>()),
            CancellationFee::FlexibleTokens(fee::<T>()),
        );

        assert!(Contracts::<T>::contains_key(nft_id));
    }

    #[benchmark]
    fn cancel_contract() -> Result<(), BenchmarkError> {
        let rentee = funded::<T>("rentee", 0);
        let (renter, nft_id) = create_with_offers::<T>(0, &rentee)?;
        wait::<T>(1);

        #[extrinsic_call]
        _(RawOrigin::Signed(renter), nft_id);

        assert!(!Contracts::<T>::contains_key(nft_id));
        Ok(())
    }

    #[benchmark]
    fn revoke_contract() -> Result<(), BenchmarkError> {
        let (rentee, nft_id) = start::<T>(0)?;
        // Not at once, so that a part of the fee is paid and the rest released.
        wait::<T>(1);

        #[extrinsic_call]
        _(RawOrigin::Signed(rentee), nft_id);

        assert!(!Contracts::<T>::contains_key(nft_id));
        Ok(())
    }

    #[benchmark]
    fn rent() -> Result<(), BenchmarkError> {
        let rentee = funded::<T>("rentee", 0);
        let accounts = full_list::<T>(&rentee);
        let (_, nft_id) = create::<T>(0, AcceptanceType::AutoAcceptance(Some(accounts)))?;
        let creation_block = Pallet::<T>::now();

        #[extrinsic_call]
        _(RawOrigin::Signed(rentee.clone()), nft_id, creation_block);

        assert_eq!(Pallet::<T>::rentee(nft_id), Some(rentee));
        Ok(())
    }

    #[benchmark]
    fn make_rent_offer() -> Result<(), BenchmarkError> {
        let rentee = funded::<T>("rentee", 0);
        let (_, nft_id) = create_with_offers::<T>(0, &rentee)?;
        Offers::<T>::insert(nft_id, others::<T>(T::AccountSizeLimit::get().saturating_sub(1)));
        let creation_block = Pallet::<T>::now();

        #[extrinsic_call]
        _(RawOrigin::Signed(rentee.clone()), nft_id, creation_block);

        assert!(Offers::<T>::get(nft_id).is_some_and(|offers| offers.contains(&rentee)));
        Ok(())
    }

    #[benchmark]
    fn accept_rent_offer() -> Result<(), BenchmarkError> {
        let rentee = funded::<T>("rentee", 0);
        let (renter, nft_id) = create_with_offers::<T>(0, &rentee)?;

        #[extrinsic_call]
        _(RawOrigin::Signed(renter), nft_id, rentee.clone());

        assert_eq!(Pallet::<T>::rentee(nft_id), Some(rentee));
        Ok(())
    }

    #[benchmark]
    fn retract_rent_offer() -> Result<(), BenchmarkError> {
        let rentee = funded::<T>("rentee", 0);
        let (_, nft_id) = create_with_offers::<T>(0, &rentee)?;

        #[extrinsic_call]
        _(RawOrigin::Signed(rentee.clone()), nft_id);

        assert!(Offers::<T>::get(nft_id).is_none_or(|offers| !offers.contains(&rentee)));
        Ok(())
    }

    #[benchmark]
    fn on_initialize_none() -> Result<(), BenchmarkError> {
        // The hook looks at the first deadline, which is not yet due.
        start::<T>(0)?;

        #[block]
        {
            Pallet::<T>::on_initialize(frame_system::Pallet::<T>::block_number());
        }

        assert_eq!(Contracts::<T>::iter_keys().count(), 1);
        Ok(())
    }

    #[benchmark]
    fn end_contracts(
        n: Linear<1, { T::ActionsInBlockLimit::get() }>,
    ) -> Result<(), BenchmarkError> {
        for index in 0..n {
            start::<T>(index)?;
        }
        wait::<T>(duration::<T>());

        #[block]
        {
            Pallet::<T>::on_initialize(frame_system::Pallet::<T>::block_number());
        }

        assert_eq!(Contracts::<T>::iter_keys().count(), 0);
        Ok(())
    }

    #[benchmark]
    fn expire_contracts(
        n: Linear<1, { T::ActionsInBlockLimit::get() }>,
    ) -> Result<(), BenchmarkError> {
        let rentee = funded::<T>("rentee", 0);
        for index in 0..n {
            create_with_offers::<T>(index, &rentee)?;
        }
        wait::<T>(T::MaximumContractAvailabilityLimit::get());

        #[block]
        {
            Pallet::<T>::on_initialize(frame_system::Pallet::<T>::block_number());
        }

        assert_eq!(Contracts::<T>::iter_keys().count(), 0);
        Ok(())
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
