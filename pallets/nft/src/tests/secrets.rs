// SPDX-License-Identifier: Apache-2.0
//! Secrets: added, synced, and gone with their NFT.

use frame_support::{assert_noop, assert_ok};
use tee_primitives::nft::NftState;

use crate::{mock::*, *};

#[test]
fn an_added_secret_is_syncing_until_the_enclaves_confirm() {
    run(|| {
        let nft_id = create();
        events();
        assert_ok!(NFT::add_secret(signed(ALICE), nft_id, data(b"secret")));
        assert_eq!(events(), [Event::SecretAddedToNFT { nft_id, offchain_data: data(b"secret") }]);
        assert_eq!(SecretNftsOffchainData::<Test>::get(nft_id), Some(data(b"secret")));
        assert_eq!(
            nft(nft_id).state,
            NftState { is_secret: true, is_syncing_secret: true, ..Default::default() }
        );
        assert_eq!(versions(nft_id, SECRET), (None, Some(1)));
        assert_eq!(Balances::free_balance(ALICE), RICH - MINT_FEE - SECRET_FEE);
        assert_eq!(Balances::free_balance(TREASURY), 1 + MINT_FEE + SECRET_FEE);

        sync(nft_id, SECRET);
        assert_eq!(events(), [Event::SecretNFTSynced { nft_id }]);
        assert_eq!(nft(nft_id).state, NftState { is_secret: true, ..Default::default() });
    });
}

#[test]
fn a_secret_nft_is_created_in_one_call() {
    run(|| {
        let nft_id = create_secret();
        let events = events();
        assert!(matches!(events[0], Event::NFTCreated { nft_id: 0, owner: ALICE, .. }));
        assert_eq!(
            events[1..],
            [Event::SecretAddedToNFT { nft_id, offchain_data: data(b"secret") }]
        );
        assert_eq!(nft(nft_id).offchain_data, data(b"public"));
        assert_eq!(Balances::free_balance(ALICE), RICH - MINT_FEE - SECRET_FEE);
        assert_eq!(versions(nft_id, SECRET), (None, Some(1)));
    });
}

#[test]
fn every_state_that_forbids_a_secret_does() {
    run(|| {
        let id = create();
        let rules: [Rule; 6] = [
            (|state| state.is_listed = true, Error::<Test>::CannotAddSecretToListedNFTs),
            (|state| state.is_secret = true, Error::<Test>::CannotAddSecretToSecretNFTs),
            (|state| state.is_rented = true, Error::<Test>::CannotAddSecretToRentedNFTs),
            (|state| state.is_delegated = true, Error::<Test>::CannotAddSecretToDelegatedNFTs),
            (
                |state| state.is_syncing_capsule = true,
                Error::<Test>::CannotAddSecretToSyncingCapsules,
            ),
            (
                |state| state.is_transmission = true,
                Error::<Test>::CannotAddSecretToNFTsInTransmission,
            ),
        ];
        break_each(id, rules, |error| {
            assert_noop!(NFT::add_secret(signed(ALICE), id, data(b"")), error);
        });
        assert_ok!(NFT::add_secret(signed(ALICE), id, data(b"")));
    });
}

#[test]
fn an_nft_has_one_secret() {
    run(|| {
        let id = create_secret();
        let again = || NFT::add_secret(signed(ALICE), id, data(b""));
        assert_noop!(again(), Error::<Test>::CannotAddSecretToSecretNFTs);
        sync(id, SECRET);
        assert_noop!(again(), Error::<Test>::CannotAddSecretToSecretNFTs);
    });
}

#[test]
fn a_syncing_nft_is_burnt_but_not_handed_on() {
    run(|| {
        let id = create_secret();
        assert_noop!(
            NFT::transfer_nft(signed(ALICE), id, BOB),
            Error::<Test>::CannotTransferNotSyncedSecretNFTs
        );
        assert_noop!(
            NFT::delegate_nft(signed(ALICE), id, Some(BOB)),
            Error::<Test>::CannotDelegateNotSyncedSecretNFTs
        );
        assert_ok!(NFT::burn_nft(signed(ALICE), id));
        assert_eq!(versions(id, SECRET), (None, None));
    });
}

#[test]
fn a_synced_secret_goes_with_its_nft() {
    run(|| {
        let id = create_secret();
        sync(id, SECRET);
        assert_ok!(NFT::transfer_nft(signed(ALICE), id, BOB));
        assert!(nft(id).state.is_secret);

        assert_ok!(NFT::burn_nft(signed(BOB), id));
        assert_eq!(SecretNftsOffchainData::<Test>::get(id), None);
        assert_eq!(versions(id, SECRET), (None, None));
    });
}
