// SPDX-License-Identifier: Apache-2.0
use core::marker::PhantomData;
use frame_support::weights::Weight;
pub struct WeightInfo<T>(PhantomData<T>);
impl<T: frame_system::Config> pallet_rent::WeightInfo for WeightInfo<T> {
    fn create_contract(l: u32) -> Weight { <() as pallet_rent::WeightInfo>::create_contract(l) }
    fn cancel_contract() -> Weight { <() as pallet_rent::WeightInfo>::cancel_contract() }
    fn revoke_contract() -> Weight { <() as pallet_rent::WeightInfo>::revoke_contract() }
    fn rent() -> Weight { <() as pallet_rent::WeightInfo>::rent() }
    fn make_rent_offer() -> Weight { <() as pallet_rent::WeightInfo>::make_rent_offer() }
    fn accept_rent_offer() -> Weight { <() as pallet_rent::WeightInfo>::accept_rent_offer() }
    fn retract_rent_offer() -> Weight { <() as pallet_rent::WeightInfo>::retract_rent_offer() }
    fn on_initialize_none() -> Weight { <() as pallet_rent::WeightInfo>::on_initialize_none() }
    fn end_contracts(n: u32) -> Weight { <() as pallet_rent::WeightInfo>::end_contracts(n) }
    fn expire_contracts(n: u32) -> Weight { <() as pallet_rent::WeightInfo>::expire_contracts(n) }
}
