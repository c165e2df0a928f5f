// SPDX-License-Identifier: Apache-2.0
use core::marker::PhantomData;
use frame_support::weights::Weight;
pub struct WeightInfo<T>(PhantomData<T>);
impl<T: frame_system::Config> pallet_validator_set::WeightInfo for WeightInfo<T> {
    fn add_validator() -> Weight { <() as pallet_validator_set::WeightInfo>::add_validator() }
    fn remove_validator() -> Weight { <() as pallet_validator_set::WeightInfo>::remove_validator() }
}
