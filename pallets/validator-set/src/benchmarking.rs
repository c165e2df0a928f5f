// SPDX-License-Identifier: Apache-2.0
//! The cost of the calls with as many validators as there can be.

use codec::Decode;
use frame_benchmarking::v2::*;
use frame_support::traits::EnsureOrigin;
use sp_runtime::traits::TrailingZeroInput;

use crate::*;

/// Lists so many validators.
fn list<T: Config>(count: u32) {
    let validators = (0..count).map(|index| account("validator", index, 0));
    Validators::<T>::put(BoundedVec::truncate_from(validators.collect::<Vec<_>>()));
}

/// Who may edit the list.
fn governance<T: Config>() -> Result<T::RuntimeOrigin, BenchmarkError> {
    T::GovernanceOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)
}

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn add_validator() -> Result<(), BenchmarkError> {
        list::<T>(T::MaxValidators::get().saturating_sub(1));
        let validator: T::AccountId = account("joining", 0, 0);
        // Not through `set_keys`, which asks for a proof of owning them.
        let keys = <T as pallet_session::Config>::Keys::decode(&mut TrailingZeroInput::zeroes())
            .map_err(|_| BenchmarkError::Stop("the session keys cannot be decoded from zeros"))?;
        pallet_session::NextKeys::<T>::insert(&validator, keys);
        let origin = governance::<T>()?;

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, validator.clone());

        assert!(Validators::<T>::get().contains(&validator));
        Ok(())
    }

    #[benchmark]
    fn remove_validator() -> Result<(), BenchmarkError> {
        list::<T>(T::MaxValidators::get());
        let validator: T::AccountId = account("validator", T::MaxValidators::get() - 1, 0);
        let origin = governance::<T>()?;

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, validator.clone());

        assert!(!Validators::<T>::get().contains(&validator));
        Ok(())
    }

    impl_benchmark_test_suite!(Pallet, crate::tests::new_test_ext(), crate::tests::Test);
}
