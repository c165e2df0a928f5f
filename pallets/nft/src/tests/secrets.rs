// SPDX-License-Identifier: Apache-2.0
//! Secrets: added, synced, and gone with their NFT.

use frame_support::{assert_noop, assert_ok, dispatch::GetDispatchInfo};
use tee_primitives::{
    keyshare::KeyshareKind,
    nft::NftState,
    traits::{KeyshareRegistry, OnKeyshareSynced},
};

use crate::{mock::*, *};

/// A flag of an NFT's state, and the error of a call that it forbids.
type Rule = (fn(&mut NftState), Error<Test>);

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
        assert!(OneVersion::status(nft_id, SECRET).pending.is_some());
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
        assert!(OneVersion::status(nft_id, SECRET).pending.is_some());
    });
}

#[test]
fn who_can_pay_only_for_the_nft_gets_no_half_of_a_secret_nft() {
    run(|| {
        SecretNftMintFee::<Test>::put(RICH - MINT_FEE);
        assert_noop!(
            NFT::create_secret_nft(signed(ALICE), data(b""), data(b""), ROYALTY, None, false),
            Error::<Test>::InsufficientBalance
        );
        let id = create();
        assert_noop!(
            NFT::add_secret(signed(ALICE), id, data(b"")),
            Error::<Test>::InsufficientBalance
        );
    });
}

#[test]
fn every_state_that_forbids_a_secret_does() {
    run(|| {
        let id = create();
        let rules: [Rule; 6] = [
            (|state| state.is_listed = true, Error::CannotAddSecretToListedNFTs),
            (|state| state.is_secret = true, Error::CannotAddSecretToSecretNFTs),
            (|state| state.is_rented = true, Error::CannotAddSecretToRentedNFTs),
            (|state| state.is_delegated = true, Error::CannotAddSecretToDelegatedNFTs),
            (|state| state.is_syncing_capsule = true, Error::CannotAddSecretToSyncingCapsules),
            (|state| state.is_transmission = true, Error::CannotAddSecretToNFTsInTransmission),
        ];
        for (flags, error) in rules {
            with_state(id, flags, || {
                assert_noop!(NFT::add_secret(signed(ALICE), id, data(b"")), error);
            });
        }
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
fn a_syncing_nft_is_burnt_but_not_transferred() {
    run(|| {
        let id = create_secret();
        assert_noop!(
            NFT::transfer_nft(signed(ALICE), id, BOB),
            Error::<Test>::CannotTransferNotSyncedSecretNFTs
        );
        assert_ok!(NFT::burn_nft(signed(ALICE), id));
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
        assert_eq!(OneVersion::status(id, SECRET), Default::default());
    });
}

#[test]
fn a_sync_of_an_unknown_nft_or_a_capsule_changes_nothing() {
    run(|| {
        let id = create_secret();
        let before = nft(id);
        events();
        NFT::keyshare_synced(id + 1, SECRET);
        NFT::keyshare_synced(id, KeyshareKind::Capsule);
        assert_eq!(nft(id), before);
        assert_eq!(events(), []);
    });
}

#[test]
fn a_secret_nft_weighs_as_much_as_its_two_halves() {
    let create_nft = Call::<Test>::create_nft {
        offchain_data: data(b""),
        royalty: ROYALTY,
        collection_id: None,
        is_soulbound: false,
    };
    let add_secret = Call::<Test>::add_secret { nft_id: 0, offchain_data: data(b"") };
    let both = Call::<Test>::create_secret_nft {
        offchain_data: data(b""),
        secret_offchain_data: data(b""),
        royalty: ROYALTY,
        collection_id: None,
        is_soulbound: false,
    };
    let weight = |call: &Call<Test>| call.get_dispatch_info().call_weight;
    assert!(weight(&create_nft).ref_time() > 0);
    assert_eq!(weight(&both), weight(&create_nft) + weight(&add_secret));
}
