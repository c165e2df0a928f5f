// SPDX-License-Identifier: Apache-2.0
//! Capsules: made, changed, reverted; and NFTs that carry a secret too.

use frame_support::{assert_noop, assert_ok};
use tee_primitives::nft::NftState;

use crate::{mock::*, *};

#[test]
fn a_new_capsule_is_syncing_until_the_enclaves_confirm() {
    run(|| {
        let nft_id = create();
        events();
        assert_ok!(NFT::convert_to_capsule(signed(ALICE), nft_id, data(b"capsule")));
        assert_eq!(
            events(),
            [Event::NFTConvertedToCapsule { nft_id, offchain_data: data(b"capsule") }]
        );
        assert_eq!(CapsuleOffchainData::<Test>::get(nft_id), Some(data(b"capsule")));
        assert_eq!(
            nft(nft_id).state,
            NftState { is_capsule: true, is_syncing_capsule: true, ..Default::default() }
        );
        assert_eq!(versions(nft_id, CAPSULE), (None, Some(1)));
        assert_eq!(Balances::free_balance(ALICE), RICH - MINT_FEE - CAPSULE_FEE);
        assert_eq!(Balances::free_balance(TREASURY), 1 + MINT_FEE + CAPSULE_FEE);

        sync(nft_id, CAPSULE);
        assert_eq!(events(), [Event::CapsuleSynced { nft_id }]);
        assert_eq!(nft(nft_id).state, NftState { is_capsule: true, ..Default::default() });
    });
}

#[test]
fn a_capsule_is_created_in_one_call() {
    run(|| {
        let nft_id = create_capsule();
        let events = events();
        assert!(matches!(events[0], Event::NFTCreated { nft_id: 0, owner: ALICE, .. }));
        assert_eq!(
            events[1..],
            [Event::NFTConvertedToCapsule { nft_id, offchain_data: data(b"capsule") }]
        );
        assert_eq!(Balances::free_balance(ALICE), RICH - MINT_FEE - CAPSULE_FEE);
        assert_eq!(versions(nft_id, CAPSULE), (None, Some(1)));
    });
}

#[test]
fn every_state_that_forbids_a_capsule_does() {
    run(|| {
        let id = create();
        let rules: [Rule; 6] = [
            (|state| state.is_listed = true, Error::<Test>::CannotConvertListedNFTs),
            (|state| state.is_capsule = true, Error::<Test>::CannotConvertCapsules),
            (|state| state.is_rented = true, Error::<Test>::CannotConvertRentedNFTs),
            (|state| state.is_delegated = true, Error::<Test>::CannotConvertDelegatedNFTs),
            (
                |state| state.is_syncing_secret = true,
                Error::<Test>::CannotConvertNotSyncedSecretNFTs,
            ),
            (|state| state.is_transmission = true, Error::<Test>::CannotConvertNFTsInTransmission),
        ];
        break_each(id, rules, |error| {
            assert_noop!(NFT::convert_to_capsule(signed(ALICE), id, data(b"")), error);
        });
        assert_ok!(NFT::convert_to_capsule(signed(ALICE), id, data(b"")));
    });
}

#[test]
fn content_and_key_of_a_capsule_change_together() {
    run(|| {
        let nft_id = create_synced_capsule();
        events();
        assert_ok!(NFT::notify_enclave_key_update(signed(ALICE), nft_id));
        assert!(nft(nft_id).state.is_syncing_capsule);
        // The old key is served while the new one is syncing.
        assert_eq!(versions(nft_id, CAPSULE), (Some(1), Some(2)));
        assert_ok!(NFT::set_capsule_offchaindata(signed(ALICE), nft_id, data(b"new")));
        assert_eq!(CapsuleOffchainData::<Test>::get(nft_id), Some(data(b"new")));
        assert_eq!(
            events(),
            [
                Event::CapsuleKeyUpdateNotified { nft_id },
                Event::CapsuleOffchainDataSet { nft_id, offchain_data: data(b"new") },
            ]
        );
        sync(nft_id, CAPSULE);
        assert_eq!(versions(nft_id, CAPSULE), (Some(2), None));
        assert!(!nft(nft_id).state.is_syncing_capsule);
    });
}

#[test]
fn what_is_no_capsule_has_nothing_to_change_or_revert() {
    run(|| {
        let id = create_secret();
        assert_noop!(
            NFT::set_capsule_offchaindata(signed(ALICE), id, data(b"")),
            Error::<Test>::NFTIsNotCapsule
        );
        assert_noop!(
            NFT::notify_enclave_key_update(signed(ALICE), id),
            Error::<Test>::NFTIsNotCapsule
        );
        assert_noop!(NFT::revert_capsule(signed(ALICE), id), Error::<Test>::NFTIsNotCapsule);
    });
}

#[test]
fn every_state_that_forbids_new_content_does() {
    run(|| {
        let id = create_synced_capsule();
        let rules: [Rule; 4] = [
            (|state| state.is_listed = true, Error::<Test>::CannotSetOffchainDataForListedNFTs),
            (|state| state.is_rented = true, Error::<Test>::CannotSetOffchainDataForRentedNFTs),
            (
                |state| state.is_delegated = true,
                Error::<Test>::CannotSetOffchainDataForDelegatedNFTs,
            ),
            (
                |state| state.is_transmission = true,
                Error::<Test>::CannotSetOffchainDataForNFTsInTransmission,
            ),
        ];
        break_each(id, rules, |error| {
            assert_noop!(NFT::set_capsule_offchaindata(signed(ALICE), id, data(b"")), error);
        });
    });
}

#[test]
fn every_state_that_forbids_a_new_key_does() {
    run(|| {
        let id = create_synced_capsule();
        let rules: [Rule; 6] = [
            (|state| state.is_listed = true, Error::<Test>::CannotChangeKeyForListedNFTs),
            (|state| state.is_rented = true, Error::<Test>::CannotChangeKeyForRentedNFTs),
            (|state| state.is_delegated = true, Error::<Test>::CannotChangeKeyForDelegatedNFTs),
            (
                |state| state.is_syncing_secret = true,
                Error::<Test>::CannotChangeKeyForNotSyncedSecretNFTs,
            ),
            (
                |state| state.is_syncing_capsule = true,
                Error::<Test>::CannotChangeKeyForNotSyncedCapsules,
            ),
            (
                |state| state.is_transmission = true,
                Error::<Test>::CannotChangeKeyForNFTsInTransmission,
            ),
        ];
        break_each(id, rules, |error| {
            assert_noop!(NFT::notify_enclave_key_update(signed(ALICE), id), error);
        });
    });
}

#[test]
fn every_state_that_forbids_reverting_does() {
    run(|| {
        let id = create_synced_capsule();
        let rules: [Rule; 4] = [
            (|state| state.is_listed = true, Error::<Test>::CannotRevertListedNFTs),
            (|state| state.is_rented = true, Error::<Test>::CannotRevertRentedNFTs),
            (|state| state.is_delegated = true, Error::<Test>::CannotRevertDelegatedNFTs),
            (|state| state.is_transmission = true, Error::<Test>::CannotRevertNFTsInTransmission),
        ];
        break_each(id, rules, |error| {
            assert_noop!(NFT::revert_capsule(signed(ALICE), id), error);
        });
    });
}

#[test]
fn a_reverted_capsule_is_an_ordinary_nft_again() {
    run(|| {
        let nft_id = create_synced_capsule();
        let paid = Balances::free_balance(ALICE);
        events();
        assert_ok!(NFT::revert_capsule(signed(ALICE), nft_id));
        assert_eq!(nft(nft_id).state, NftState::default());
        assert_eq!(CapsuleOffchainData::<Test>::get(nft_id), None);
        assert_eq!(versions(nft_id, CAPSULE), (None, None));
        assert_eq!(Balances::free_balance(ALICE), paid);
        assert_eq!(events(), [Event::CapsuleReverted { nft_id }]);
    });
}

#[test]
fn a_capsule_whose_first_sync_is_stuck_can_be_reverted_and_made_again() {
    run(|| {
        let id = create_capsule();
        assert_ok!(NFT::revert_capsule(signed(ALICE), id));
        assert_ok!(NFT::transfer_nft(signed(ALICE), id, BOB));
        assert_ok!(NFT::convert_to_capsule(signed(BOB), id, data(b"again")));
        // Shares of the first attempt are not mistaken for shares of the second.
        assert_eq!(versions(id, CAPSULE), (None, Some(2)));
        assert_ok!(NFT::burn_nft(signed(BOB), id));
        assert_eq!(Records::get().len(), 0);
    });
}

#[test]
fn a_burnt_nft_that_once_was_a_capsule_leaves_nothing() {
    run(|| {
        let id = create_capsule();
        assert_ok!(NFT::revert_capsule(signed(ALICE), id));
        assert_ok!(NFT::burn_nft(signed(ALICE), id));
        assert_eq!(Records::get().len(), 0);
    });
}

#[test]
fn an_nft_carries_a_secret_and_a_capsule_one_after_the_other() {
    run(|| {
        let secret_first = create_secret();
        assert_noop!(
            NFT::convert_to_capsule(signed(ALICE), secret_first, data(b"")),
            Error::<Test>::CannotConvertNotSyncedSecretNFTs
        );
        sync(secret_first, SECRET);
        assert_ok!(NFT::convert_to_capsule(signed(ALICE), secret_first, data(b"")));
        sync(secret_first, CAPSULE);

        let capsule_first = create_capsule();
        assert_noop!(
            NFT::add_secret(signed(ALICE), capsule_first, data(b"")),
            Error::<Test>::CannotAddSecretToSyncingCapsules
        );
        sync(capsule_first, CAPSULE);
        assert_ok!(NFT::add_secret(signed(ALICE), capsule_first, data(b"")));
        sync(capsule_first, SECRET);

        for id in [secret_first, capsule_first] {
            assert_eq!(
                nft(id).state,
                NftState { is_secret: true, is_capsule: true, ..Default::default() }
            );
            assert_eq!(
                (versions(id, SECRET), versions(id, CAPSULE)),
                ((Some(1), None), (Some(1), None))
            );
        }
        // The one goes, the other stays.
        assert_ok!(NFT::revert_capsule(signed(ALICE), secret_first));
        assert_eq!(versions(secret_first, SECRET), (Some(1), None));
        // Both go with their NFT.
        assert_ok!(NFT::burn_nft(signed(ALICE), capsule_first));
        assert_eq!(SecretNftsOffchainData::<Test>::get(capsule_first), None);
        assert_eq!(CapsuleOffchainData::<Test>::get(capsule_first), None);
        assert_eq!(versions(capsule_first, SECRET), (None, None));
        assert_eq!(versions(capsule_first, CAPSULE), (None, None));
    });
}
