// SPDX-License-Identifier: Apache-2.0
use core::marker::PhantomData;
use frame_support::weights::Weight;
pub struct WeightInfo<T>(PhantomData<T>);
impl<T: frame_system::Config> pallet_nft::WeightInfo for WeightInfo<T> {
    fn create_nft() -> Weight { <() as pallet_nft::WeightInfo>::create_nft() }
    fn burn_nft() -> Weight { <() as pallet_nft::WeightInfo>::burn_nft() }
    fn transfer_nft() -> Weight { <() as pallet_nft::WeightInfo>::transfer_nft() }
    fn delegate_nft() -> Weight { <() as pallet_nft::WeightInfo>::delegate_nft() }
    fn set_royalty() -> Weight { <() as pallet_nft::WeightInfo>::set_royalty() }
    fn set_nft_mint_fee() -> Weight { <() as pallet_nft::WeightInfo>::set_nft_mint_fee() }
    fn create_collection() -> Weight { <() as pallet_nft::WeightInfo>::create_collection() }
    fn burn_collection() -> Weight { <() as pallet_nft::WeightInfo>::burn_collection() }
    fn close_collection() -> Weight { <() as pallet_nft::WeightInfo>::close_collection() }
    fn limit_collection() -> Weight { <() as pallet_nft::WeightInfo>::limit_collection() }
    fn add_nft_to_collection() -> Weight { <() as pallet_nft::WeightInfo>::add_nft_to_collection() }
    fn add_secret() -> Weight { <() as pallet_nft::WeightInfo>::add_secret() }
    fn create_secret_nft() -> Weight { <() as pallet_nft::WeightInfo>::create_secret_nft() }
    fn add_secret_shard() -> Weight { <() as pallet_nft::WeightInfo>::add_secret_shard() }
    fn set_secret_nft_mint_fee() -> Weight { <() as pallet_nft::WeightInfo>::set_secret_nft_mint_fee() }
    fn convert_to_capsule() -> Weight { <() as pallet_nft::WeightInfo>::convert_to_capsule() }
    fn create_capsule() -> Weight { <() as pallet_nft::WeightInfo>::create_capsule() }
    fn set_capsule_offchaindata() -> Weight { <() as pallet_nft::WeightInfo>::set_capsule_offchaindata() }
    fn set_capsule_mint_fee() -> Weight { <() as pallet_nft::WeightInfo>::set_capsule_mint_fee() }
    fn add_capsule_shard() -> Weight { <() as pallet_nft::WeightInfo>::add_capsule_shard() }
    fn notify_enclave_key_update() -> Weight { <() as pallet_nft::WeightInfo>::notify_enclave_key_update() }
    fn set_collection_offchaindata() -> Weight { <() as pallet_nft::WeightInfo>::set_collection_offchaindata() }
    fn revert_capsule() -> Weight { <() as pallet_nft::WeightInfo>::revert_capsule() }
    fn restart_sync() -> Weight { <() as pallet_nft::WeightInfo>::restart_sync() }
    fn cancel_sync() -> Weight { <() as pallet_nft::WeightInfo>::cancel_sync() }
}
