// SPDX-License-Identifier: Apache-2.0
//! NFTs without content: created, transferred, burnt.

use frame_support::{assert_noop, assert_ok};
use sp_runtime::{traits::BadOrigin, DispatchResult, Permill};
use tee_primitives::nft::{NftData, NftState};

use crate::{mock::*, *};

#[test]
fn a_new_nft_belongs_to_its_creator_who_pays() {
    run(|| {
        assert_ok!(NFT::create_nft(signed(ALICE), data(b"public"), ROYALTY, None, true));
        assert_eq!(
            nft(0),
            NftData {
                owner: ALICE,
                creator: ALICE,
                offchain_data: data(b"public"),
                collection_id: None,
                royalty: ROYALTY,
                state: NftState { is_soulbound: true, ..Default::default() },
            }
        );
        assert_eq!(
            events(),
            [Event::NFTCreated {
                nft_id: 0,
                owner: ALICE,
                offchain_data: data(b"public"),
                royalty: ROYALTY,
                collection_id: None,
                is_soulbound: true,
                mint_fee: MINT_FEE,
            }]
        );
        assert_eq!(Balances::free_balance(ALICE), RICH - MINT_FEE);
        assert_eq!(Balances::free_balance(TREASURY), 1 + MINT_FEE);
    });
}

#[test]
fn ids_are_given_out_in_order_and_never_reused() {
    run(|| {
        assert_eq!((create(), create()), (0, 1));
        assert_ok!(NFT::burn_nft(signed(ALICE), 1));
        assert_eq!(create(), 2);

        NextNFTId::<Test>::put(u32::MAX);
        assert_noop!(
            NFT::create_nft(signed(ALICE), data(b""), ROYALTY, None, false),
            Error::<Test>::NFTIdsExhausted
        );
    });
}

#[test]
fn every_owners_call_needs_a_signature() {
    run(|| {
        let root = RuntimeOrigin::root;
        let id = create();
        let empty = || data(b"");
        for result in [
            NFT::create_nft(root(), empty(), ROYALTY, None, false),
            NFT::burn_nft(root(), id),
            NFT::transfer_nft(root(), id, BOB),
            NFT::delegate_nft(root(), id, Some(BOB)),
            NFT::set_royalty(root(), id, ROYALTY),
            NFT::create_collection(root(), collection_data(b""), None),
            NFT::burn_collection(root(), 1),
            NFT::close_collection(root(), 1),
            NFT::limit_collection(root(), 1, 1),
            NFT::add_nft_to_collection(root(), id, 1),
            NFT::add_secret(root(), id, empty()),
            NFT::create_secret_nft(root(), empty(), empty(), ROYALTY, None, false),
            NFT::add_secret_shard(root(), id),
            NFT::convert_to_capsule(root(), id, empty()),
            NFT::create_capsule(root(), empty(), empty(), ROYALTY, None, false),
            NFT::set_capsule_offchaindata(root(), id, empty()),
            NFT::add_capsule_shard(root(), id),
            NFT::notify_enclave_key_update(root(), id),
            NFT::set_collection_offchaindata(root(), 1, collection_data(b"")),
            NFT::revert_capsule(root(), id),
            NFT::restart_sync(root(), id, SECRET),
            NFT::cancel_sync(root(), id, SECRET),
        ] {
            assert_eq!(result, Err(BadOrigin.into()));
        }
    });
}

#[test]
fn only_an_existing_nft_of_ones_own_can_be_used() {
    run(|| {
        let id = create_secret();
        let calls: [fn(RuntimeOrigin, u32) -> DispatchResult; 12] = [
            |who, id| NFT::burn_nft(who, id),
            |who, id| NFT::transfer_nft(who, id, BOB),
            |who, id| NFT::delegate_nft(who, id, Some(BOB)),
            |who, id| NFT::set_royalty(who, id, ROYALTY),
            |who, id| NFT::add_nft_to_collection(who, id, 1),
            |who, id| NFT::add_secret(who, id, data(b"")),
            |who, id| NFT::convert_to_capsule(who, id, data(b"")),
            |who, id| NFT::set_capsule_offchaindata(who, id, data(b"")),
            |who, id| NFT::notify_enclave_key_update(who, id),
            |who, id| NFT::revert_capsule(who, id),
            |who, id| NFT::restart_sync(who, id, SECRET),
            |who, id| NFT::cancel_sync(who, id, SECRET),
        ];
        for call in calls {
            assert_noop!(call(signed(BOB), id), Error::<Test>::NotTheNFTOwner);
            assert_noop!(call(signed(ALICE), id + 1), Error::<Test>::NFTNotFound);
        }
    });
}

#[test]
fn a_transferred_nft_belongs_to_the_recipient() {
    run(|| {
        let nft_id = create();
        events();
        assert_ok!(NFT::transfer_nft(signed(ALICE), nft_id, BOB));
        assert_eq!((nft(nft_id).owner, nft(nft_id).creator), (BOB, ALICE));
        assert_eq!(events(), [Event::NFTTransferred { nft_id, sender: ALICE, recipient: BOB }]);
        assert_noop!(NFT::transfer_nft(signed(ALICE), nft_id, BOB), Error::<Test>::NotTheNFTOwner);
    });
}

#[test]
fn every_state_that_forbids_a_transfer_does() {
    run(|| {
        let id = create();
        assert_noop!(
            NFT::transfer_nft(signed(ALICE), id, ALICE),
            Error::<Test>::CannotTransferNFTsToYourself
        );
        let rules: [Rule; 6] = [
            (|state| state.is_listed = true, Error::<Test>::CannotTransferListedNFTs),
            (|state| state.is_delegated = true, Error::<Test>::CannotTransferDelegatedNFTs),
            (
                |state| state.is_syncing_secret = true,
                Error::<Test>::CannotTransferNotSyncedSecretNFTs,
            ),
            (|state| state.is_rented = true, Error::<Test>::CannotTransferRentedNFTs),
            (
                |state| state.is_syncing_capsule = true,
                Error::<Test>::CannotTransferNotSyncedCapsules,
            ),
            (|state| state.is_transmission = true, Error::<Test>::CannotTransferNFTsInTransmission),
        ];
        break_each(id, rules, |error| {
            assert_noop!(NFT::transfer_nft(signed(ALICE), id, BOB), error);
        });
        assert_ok!(NFT::transfer_nft(signed(ALICE), id, BOB));
    });
}

#[test]
fn a_soulbound_nft_is_transferred_by_its_creator_only() {
    run(|| {
        assert_ok!(NFT::create_nft(signed(ALICE), data(b""), ROYALTY, None, true));
        assert_ok!(NFT::transfer_nft(signed(ALICE), 0, BOB));
        assert_noop!(
            NFT::transfer_nft(signed(BOB), 0, ALICE),
            Error::<Test>::CannotTransferNotCreatedSoulboundNFTs
        );
    });
}

#[test]
fn a_burnt_nft_is_gone() {
    run(|| {
        let nft_id = create();
        events();
        assert_ok!(NFT::burn_nft(signed(ALICE), nft_id));
        assert_eq!(Nfts::<Test>::get(nft_id), None);
        assert_eq!(events(), [Event::NFTBurned { nft_id }]);
    });
}

#[test]
fn every_state_that_forbids_burning_does() {
    run(|| {
        let id = create();
        let rules: [Rule; 4] = [
            (|state| state.is_listed = true, Error::<Test>::CannotBurnListedNFTs),
            (|state| state.is_delegated = true, Error::<Test>::CannotBurnDelegatedNFTs),
            (|state| state.is_rented = true, Error::<Test>::CannotBurnRentedNFTs),
            (|state| state.is_transmission = true, Error::<Test>::CannotBurnNFTsInTransmission),
        ];
        break_each(id, rules, |error| {
            assert_noop!(NFT::burn_nft(signed(ALICE), id), error);
        });
    });
}

#[test]
fn a_creator_sets_the_royalty_of_what_is_still_theirs() {
    run(|| {
        let nft_id = create();
        events();
        let royalty = Permill::from_percent(7);
        assert_ok!(NFT::set_royalty(signed(ALICE), nft_id, royalty));
        assert_eq!(nft(nft_id).royalty, royalty);
        assert_eq!(events(), [Event::NFTRoyaltySet { nft_id, royalty }]);

        assert_ok!(NFT::transfer_nft(signed(ALICE), nft_id, BOB));
        assert_noop!(
            NFT::set_royalty(signed(BOB), nft_id, ROYALTY),
            Error::<Test>::NotTheNFTCreator
        );
        assert_noop!(
            NFT::set_royalty(signed(ALICE), nft_id, ROYALTY),
            Error::<Test>::NotTheNFTOwner
        );
    });
}

#[test]
fn every_state_that_forbids_another_royalty_does() {
    run(|| {
        let id = create();
        let rules: [Rule; 4] = [
            (|state| state.is_listed = true, Error::<Test>::CannotSetRoyaltyForListedNFTs),
            (|state| state.is_rented = true, Error::<Test>::CannotSetRoyaltyForRentedNFTs),
            (|state| state.is_delegated = true, Error::<Test>::CannotSetRoyaltyForDelegatedNFTs),
            (
                |state| state.is_transmission = true,
                Error::<Test>::CannotSetRoyaltyForNFTsInTransmission,
            ),
        ];
        break_each(id, rules, |error| {
            assert_noop!(NFT::set_royalty(signed(ALICE), id, ROYALTY), error);
        });
    });
}

#[test]
fn people_are_told_of_nfts_collections_and_viewers() {
    run(|| {
        let id = create();
        let collection_id = create_collection(None);
        assert_eq!(NFT::nft(id), Some(nft(id)));
        assert_eq!(NFT::nft(id + 1), None);
        assert_eq!(NFT::collection(collection_id), Some(collection(collection_id)));
        assert_eq!(NFT::collection(collection_id + 1), None);

        assert_eq!(NFT::viewers(id), [ALICE]);
        assert_ok!(NFT::delegate_nft(signed(ALICE), id, Some(BOB)));
        assert_eq!(NFT::viewers(id), [ALICE, BOB]);
        assert!(NFT::viewers(id + 1).is_empty());
    });
}
