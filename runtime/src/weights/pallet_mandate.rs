// SPDX-License-Identifier: Apache-2.0
use core::marker::PhantomData;
use frame_support::weights::Weight;
pub struct WeightInfo<T>(PhantomData<T>);
impl<T: frame_system::Config> pallet_mandate::WeightInfo for WeightInfo<T> {
    fn mandate() -> Weight { <() as pallet_mandate::WeightInfo>::mandate() }
}
