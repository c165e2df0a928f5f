// SPDX-License-Identifier: Apache-2.0
//! The cost of a mandate besides that of its call.

use alloc::boxed::Box;

use frame_benchmarking::v2::*;
use frame_support::traits::EnsureOrigin;

use crate::*;

#[benchmarks(where <T as Config>::RuntimeCall: From<frame_system::Call<T>>)]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn mandate() -> Result<(), BenchmarkError> {
        let origin =
            T::AdminOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
        let call: <T as Config>::RuntimeCall =
            frame_system::Call::<T>::remark { remark: Default::default() }.into();

        #[extrinsic_call]
        _(origin as <T as frame_system::Config>::RuntimeOrigin, Box::new(call));

        frame_system::Pallet::<T>::assert_last_event(Event::<T>::RootOp { result: Ok(()) }.into());
        Ok(())
    }

    impl_benchmark_test_suite!(Pallet, crate::tests::new_test_ext(), crate::tests::Test);
}
