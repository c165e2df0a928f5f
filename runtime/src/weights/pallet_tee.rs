// SPDX-License-Identifier: Apache-2.0
use core::marker::PhantomData;
use frame_support::weights::Weight;
pub struct WeightInfo<T>(PhantomData<T>);
impl<T: frame_system::Config> pallet_tee::WeightInfo for WeightInfo<T> {
    fn register_enclave() -> Weight { <() as pallet_tee::WeightInfo>::register_enclave() }
    fn unregister_enclave() -> Weight { <() as pallet_tee::WeightInfo>::unregister_enclave() }
    fn update_enclave() -> Weight { <() as pallet_tee::WeightInfo>::update_enclave() }
    fn cancel_update() -> Weight { <() as pallet_tee::WeightInfo>::cancel_update() }
    fn assign_enclave() -> Weight { <() as pallet_tee::WeightInfo>::assign_enclave() }
    fn remove_registration() -> Weight { <() as pallet_tee::WeightInfo>::remove_registration() }
    fn reject_update() -> Weight { <() as pallet_tee::WeightInfo>::reject_update() }
    fn approve_enclave_unregistration() -> Weight { <() as pallet_tee::WeightInfo>::approve_enclave_unregistration() }
    fn force_remove_enclave() -> Weight { <() as pallet_tee::WeightInfo>::force_remove_enclave() }
    fn approve_update_enclave() -> Weight { <() as pallet_tee::WeightInfo>::approve_update_enclave() }
    fn force_update_enclave() -> Weight { <() as pallet_tee::WeightInfo>::force_update_enclave() }
    fn create_cluster() -> Weight { <() as pallet_tee::WeightInfo>::create_cluster() }
    fn update_cluster() -> Weight { <() as pallet_tee::WeightInfo>::update_cluster() }
    fn remove_cluster() -> Weight { <() as pallet_tee::WeightInfo>::remove_cluster() }
    fn withdraw_unbonded() -> Weight { <() as pallet_tee::WeightInfo>::withdraw_unbonded() }
    fn register_metrics_server() -> Weight { <() as pallet_tee::WeightInfo>::register_metrics_server() }
    fn unregister_metrics_server() -> Weight { <() as pallet_tee::WeightInfo>::unregister_metrics_server() }
    fn force_update_metrics_server_type() -> Weight { <() as pallet_tee::WeightInfo>::force_update_metrics_server_type() }
    fn set_staking_amount() -> Weight { <() as pallet_tee::WeightInfo>::set_staking_amount() }
    fn bond_extra() -> Weight { <() as pallet_tee::WeightInfo>::bond_extra() }
    fn refund_excess() -> Weight { <() as pallet_tee::WeightInfo>::refund_excess() }
    fn confirm_keyshares(p: u32, s: u32) -> Weight { <() as pallet_tee::WeightInfo>::confirm_keyshares(p,s) }
    fn complete_update() -> Weight { <() as pallet_tee::WeightInfo>::complete_update() }
    fn forget_platform() -> Weight { <() as pallet_tee::WeightInfo>::forget_platform() }
    fn expect_enclave() -> Weight { <() as pallet_tee::WeightInfo>::expect_enclave() }
    fn sweep_begin() -> Weight { <() as pallet_tee::WeightInfo>::sweep_begin() }
    fn sweep_version() -> Weight { <() as pallet_tee::WeightInfo>::sweep_version() }
    fn sweep_confirmation() -> Weight { <() as pallet_tee::WeightInfo>::sweep_confirmation() }
}
