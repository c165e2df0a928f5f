// SPDX-License-Identifier: Apache-2.0
//! What each call costs at its worst: longest data, in a collection, with content that others may
//! view.

use alloc::vec;

use frame_benchmarking::v2::*;
use frame_support::{
    traits::{
        fungible::{Inspect, Mutate},
        EnsureOrigin, Get,
    },
    BoundedVec,
};
use frame_system::{Pallet as System, RawOrigin};
use sp_runtime::{
    traits::{Saturating, StaticLookup},
    Permill,
};
use tee_primitives::{
    keyshare::KeyshareKind,
    nft::{CollectionId, NftId},
    traits::{BenchmarkNfts, KeyshareRegistry},
};

use crate::*;

const ROYALTY: Permill = Permill::from_percent(5);

impl<T: Config> BenchmarkNfts for Pallet<T> {
    fn create_pending(kind: KeyshareKind) -> NftId {
        let owner = account("owner", 0, 0);
        let nft_id = create_nft::<T>(&owner);
        match kind {
            KeyshareKind::Secret => Self::do_add_secret(&owner, nft_id, longest()),
            KeyshareKind::Capsule => Self::do_convert_to_capsule(&owner, nft_id, longest()),
        }
        .expect("a new NFT takes content and its owner can pay");
        nft_id
    }
}

/// Creates an NFT for an owner, who gets more than it costs.
pub(crate) fn create_nft<T: Config>(owner: &T::AccountId) -> NftId {
    fund::<T>(owner);
    Pallet::<T>::do_create_nft(owner.clone(), longest(), ROYALTY, None, false)
        .expect("the owner can pay")
}

/// Gives an account what it needs for several NFTs with content. Where fees go exists too.
fn fund<T: Config>(who: &T::AccountId) {
    let amount = NftMintFee::<T>::get()
        .saturating_add(SecretNftMintFee::<T>::get())
        .saturating_add(CapsuleMintFee::<T>::get())
        .saturating_add(T::Currency::minimum_balance())
        .saturating_mul(10u32.into());
    for account in [who, &T::FeesCollector::get()] {
        T::Currency::mint_into(account, amount).expect("the issuance does not overflow");
    }
}

fn caller<T: Config>() -> T::AccountId {
    let caller = whitelisted_caller();
    fund::<T>(&caller);
    caller
}

fn longest<Limit: Get<u32>>() -> BoundedVec<u8, Limit> {
    BoundedVec::truncate_from(vec![b'x'; Limit::get() as usize])
}

fn create_collection<T: Config>(owner: &T::AccountId, limit: Option<u32>) -> CollectionId {
    let collection_id = NextCollectionId::<T>::get();
    Pallet::<T>::do_create_collection(owner.clone(), longest(), limit).expect("the limit is valid");
    collection_id
}

/// A collection with the longest encoding.
fn limited_collection<T: Config>(owner: &T::AccountId) -> CollectionId {
    create_collection::<T>(owner, Some(T::CollectionSizeLimit::get()))
}

/// A capsule that is synced.
fn create_synced_capsule<T: Config>(owner: &T::AccountId) -> NftId {
    let nft_id = create_nft::<T>(owner);
    Pallet::<T>::do_convert_to_capsule(owner, nft_id, longest()).expect("a new NFT is no capsule");
    T::Keyshares::force_sync(nft_id, KeyshareKind::Capsule, 0);
    nft_id
}

/// A capsule with a version that is synced and a newer one that is pending.
fn create_updating_capsule<T: Config>(owner: &T::AccountId) -> NftId {
    let nft_id = create_synced_capsule::<T>(owner);
    Pallet::<T>::do_notify_enclave_key_update(owner, nft_id).expect("the capsule is synced");
    nft_id
}

fn assert_last<T: Config>(event: Event<T>) {
    System::<T>::assert_last_event(event.into());
}

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn create_nft() {
        let caller = caller::<T>();
        let collection_id = limited_collection::<T>(&caller);
        let nft_id = NextNFTId::<T>::get();

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), longest(), ROYALTY, Some(collection_id), true);

        assert!(Nfts::<T>::contains_key(nft_id));
    }

    #[benchmark]
    fn burn_nft() -> Result<(), BenchmarkError> {
        let caller = caller::<T>();
        let collection_id = limited_collection::<T>(&caller);
        // Both kinds are synced, in two clusters, and one of them is pending again.
        let nft_id = create_synced_capsule::<T>(&caller);
        Pallet::<T>::do_add_secret(&caller, nft_id, longest())?;
        T::Keyshares::force_sync(nft_id, KeyshareKind::Secret, 1);
        Pallet::<T>::do_notify_enclave_key_update(&caller, nft_id)?;
        Pallet::<T>::do_add_nft_to_collection(&caller, nft_id, collection_id)?;

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), nft_id);

        assert!(!Nfts::<T>::contains_key(nft_id));
        assert_last::<T>(Event::NFTBurned { nft_id });
        Ok(())
    }

    #[benchmark]
    fn transfer_nft() {
        let caller = caller::<T>();
        let nft_id = super::create_nft::<T>(&caller);
        let recipient: T::AccountId = account("recipient", 0, 0);
        let lookup = T::Lookup::unlookup(recipient.clone());

        #[extrinsic_call]
        _(RawOrigin::Signed(caller.clone()), nft_id, lookup);

        assert_last::<T>(Event::NFTTransferred { nft_id, sender: caller, recipient });
    }

    #[benchmark]
    fn delegate_nft() -> Result<(), BenchmarkError> {
        let caller = caller::<T>();
        let nft_id = super::create_nft::<T>(&caller);
        Pallet::<T>::do_delegate_nft(&caller, nft_id, Some(account("before", 0, 0)))?;
        let recipient: T::AccountId = account("recipient", 0, 0);
        let lookup = T::Lookup::unlookup(recipient.clone());

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), nft_id, Some(lookup));

        assert_last::<T>(Event::NFTDelegated { nft_id, recipient: Some(recipient) });
        Ok(())
    }

    #[benchmark]
    fn set_royalty() {
        let caller = caller::<T>();
        let nft_id = super::create_nft::<T>(&caller);
        let royalty = Permill::one();

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), nft_id, royalty);

        assert_last::<T>(Event::NFTRoyaltySet { nft_id, royalty });
    }

    #[benchmark]
    fn set_nft_mint_fee() -> Result<(), BenchmarkError> {
        let origin =
            T::GovernanceOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
        let fee: BalanceOf<T> = 7u32.into();

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, fee);

        assert_eq!(NftMintFee::<T>::get(), fee);
        Ok(())
    }

    #[benchmark]
    fn create_collection() {
        let caller = caller::<T>();
        let collection_id = NextCollectionId::<T>::get();
        let limit = Some(T::CollectionSizeLimit::get());

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), longest(), limit);

        assert!(Collections::<T>::contains_key(collection_id));
    }

    #[benchmark]
    fn burn_collection() {
        let caller = caller::<T>();
        let collection_id = limited_collection::<T>(&caller);

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), collection_id);

        assert_last::<T>(Event::CollectionBurned { collection_id });
    }

    #[benchmark]
    fn close_collection() {
        let caller = caller::<T>();
        let collection_id = limited_collection::<T>(&caller);

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), collection_id);

        assert_last::<T>(Event::CollectionClosed { collection_id });
    }

    #[benchmark]
    fn limit_collection() {
        let caller = caller::<T>();
        let collection_id = super::create_collection::<T>(&caller, None);
        let limit = T::CollectionSizeLimit::get();

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), collection_id, limit);

        assert_last::<T>(Event::CollectionLimited { collection_id, limit });
    }

    #[benchmark]
    fn add_nft_to_collection() {
        let caller = caller::<T>();
        let collection_id = limited_collection::<T>(&caller);
        let nft_id = super::create_nft::<T>(&caller);

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), nft_id, collection_id);

        assert_last::<T>(Event::NFTAddedToCollection { nft_id, collection_id });
    }

    #[benchmark]
    fn add_secret() {
        let caller = caller::<T>();
        let nft_id = create_synced_capsule::<T>(&caller);

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), nft_id, longest());

        assert_last::<T>(Event::SecretAddedToNFT { nft_id, offchain_data: longest() });
    }

    #[benchmark]
    fn create_secret_nft() {
        let caller = caller::<T>();
        let collection_id = limited_collection::<T>(&caller);
        let nft_id = NextNFTId::<T>::get();

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), longest(), longest(), ROYALTY, Some(collection_id), true);

        assert_last::<T>(Event::SecretAddedToNFT { nft_id, offchain_data: longest() });
    }

    #[benchmark]
    fn add_secret_shard() {
        let caller = caller::<T>();
        let result;

        #[block]
        {
            result = Pallet::<T>::add_secret_shard(RawOrigin::Signed(caller).into(), 0);
        }

        assert_eq!(result, Err(Error::<T>::CommitmentRequired.into()));
    }

    #[benchmark]
    fn set_secret_nft_mint_fee() -> Result<(), BenchmarkError> {
        let origin =
            T::GovernanceOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
        let fee: BalanceOf<T> = 7u32.into();

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, fee);

        assert_eq!(SecretNftMintFee::<T>::get(), fee);
        Ok(())
    }

    #[benchmark]
    fn convert_to_capsule() -> Result<(), BenchmarkError> {
        let caller = caller::<T>();
        let nft_id = super::create_nft::<T>(&caller);
        Pallet::<T>::do_add_secret(&caller, nft_id, longest())?;
        T::Keyshares::force_sync(nft_id, KeyshareKind::Secret, 0);

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), nft_id, longest());

        assert_last::<T>(Event::NFTConvertedToCapsule { nft_id, offchain_data: longest() });
        Ok(())
    }

    #[benchmark]
    fn create_capsule() {
        let caller = caller::<T>();
        let collection_id = limited_collection::<T>(&caller);
        let nft_id = NextNFTId::<T>::get();

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), longest(), longest(), ROYALTY, Some(collection_id), true);

        assert_last::<T>(Event::NFTConvertedToCapsule { nft_id, offchain_data: longest() });
    }

    #[benchmark]
    fn set_capsule_offchaindata() {
        let caller = caller::<T>();
        let nft_id = create_updating_capsule::<T>(&caller);

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), nft_id, longest());

        assert_last::<T>(Event::CapsuleOffchainDataSet { nft_id, offchain_data: longest() });
    }

    #[benchmark]
    fn set_capsule_mint_fee() -> Result<(), BenchmarkError> {
        let origin =
            T::GovernanceOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
        let fee: BalanceOf<T> = 7u32.into();

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, fee);

        assert_eq!(CapsuleMintFee::<T>::get(), fee);
        Ok(())
    }

    #[benchmark]
    fn add_capsule_shard() {
        let caller = caller::<T>();
        let result;

        #[block]
        {
            result = Pallet::<T>::add_capsule_shard(RawOrigin::Signed(caller).into(), 0);
        }

        assert_eq!(result, Err(Error::<T>::CommitmentRequired.into()));
    }

    #[benchmark]
    fn notify_enclave_key_update() {
        let caller = caller::<T>();
        let nft_id = create_synced_capsule::<T>(&caller);

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), nft_id);

        assert_last::<T>(Event::CapsuleKeyUpdateNotified { nft_id });
    }

    #[benchmark]
    fn set_collection_offchaindata() {
        let caller = caller::<T>();
        let collection_id = limited_collection::<T>(&caller);

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), collection_id, longest());

        assert_last::<T>(Event::CollectionOffchainDataSet {
            collection_id,
            offchain_data: longest(),
        });
    }

    #[benchmark]
    fn revert_capsule() {
        let caller = caller::<T>();
        let nft_id = create_updating_capsule::<T>(&caller);

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), nft_id);

        assert_last::<T>(Event::CapsuleReverted { nft_id });
    }

    #[benchmark]
    fn restart_sync() {
        let caller = caller::<T>();
        let nft_id = create_updating_capsule::<T>(&caller);
        let kind = KeyshareKind::Capsule;

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), nft_id, kind);

        assert_last::<T>(Event::KeyshareSyncRestarted { nft_id, kind });
    }

    #[benchmark]
    fn cancel_sync() {
        let caller = caller::<T>();
        let nft_id = create_updating_capsule::<T>(&caller);
        let kind = KeyshareKind::Capsule;

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), nft_id, kind);

        assert_last::<T>(Event::KeyshareSyncCancelled { nft_id, kind });
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
