// SPDX-License-Identifier: Apache-2.0
//! NFTs without a secret: created, transferred, burnt.

use frame_support::{assert_noop, assert_ok};
use sp_runtime::traits::BadOrigin;
use tee_primitives::nft::{NftData, NftState};

use crate::{mock::*, *};

/// A flag of an NFT's state, and the error of a call that it forbids.
type Rule = (fn(&mut NftState), Error<Test>);

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
fn there_are_no_collections() {
    run(|| {
        assert_noop!(
            NFT::create_nft(signed(ALICE), data(b""), ROYALTY, Some(0), false),
            Error::<Test>::CollectionNotFound
        );
        assert_noop!(
            NFT::create_secret_nft(signed(ALICE), data(b""), data(b""), ROYALTY, Some(1), false),
            Error::<Test>::CollectionNotFound
        );
    });
}

#[test]
fn a_fee_never_kills_the_payers_account() {
    run(|| {
        let create = |who| NFT::create_nft(signed(who), data(b""), ROYALTY, None, false);
        assert_noop!(create(POOR), Error::<Test>::InsufficientBalance);
        // All but the existential deposit can be paid.
        NftMintFee::<Test>::put(RICH);
        assert_noop!(create(ALICE), Error::<Test>::InsufficientBalance);
        NftMintFee::<Test>::put(RICH - 1);
        assert_ok!(create(ALICE));
        assert_eq!(Balances::free_balance(ALICE), 1);
    });
}

#[test]
fn without_a_fee_nobody_needs_to_collect_it() {
    run(|| {
        NftMintFee::<Test>::put(0);
        Balances::force_set_balance(RuntimeOrigin::root(), TREASURY, 0).unwrap();
        assert_ok!(NFT::create_nft(signed(POOR), data(b""), ROYALTY, None, false));
    });
}

#[test]
fn every_call_needs_a_signature() {
    run(|| {
        let root = RuntimeOrigin::root;
        let id = create();
        assert_noop!(NFT::create_nft(root(), data(b""), ROYALTY, None, false), BadOrigin);
        assert_noop!(NFT::burn_nft(root(), id), BadOrigin);
        assert_noop!(NFT::transfer_nft(root(), id, BOB), BadOrigin);
        assert_noop!(NFT::add_secret(root(), id, data(b"")), BadOrigin);
        assert_noop!(
            NFT::create_secret_nft(root(), data(b""), data(b""), ROYALTY, None, false),
            BadOrigin
        );
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
fn only_an_existing_nft_of_ones_own_can_be_used() {
    run(|| {
        let id = create();
        assert_noop!(NFT::burn_nft(signed(BOB), id), Error::<Test>::NotTheNFTOwner);
        assert_noop!(NFT::transfer_nft(signed(BOB), id, BOB), Error::<Test>::NotTheNFTOwner);
        assert_noop!(NFT::add_secret(signed(BOB), id, data(b"")), Error::<Test>::NotTheNFTOwner);

        assert_noop!(NFT::burn_nft(signed(ALICE), 9), Error::<Test>::NFTNotFound);
        assert_noop!(NFT::transfer_nft(signed(ALICE), 9, BOB), Error::<Test>::NFTNotFound);
        assert_noop!(NFT::add_secret(signed(ALICE), 9, data(b"")), Error::<Test>::NFTNotFound);
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
            (|state| state.is_listed = true, Error::CannotTransferListedNFTs),
            (|state| state.is_delegated = true, Error::CannotTransferDelegatedNFTs),
            (|state| state.is_syncing_secret = true, Error::CannotTransferNotSyncedSecretNFTs),
            (|state| state.is_rented = true, Error::CannotTransferRentedNFTs),
            (|state| state.is_syncing_capsule = true, Error::CannotTransferNotSyncedCapsules),
            (|state| state.is_transmission = true, Error::CannotTransferNFTsInTransmission),
        ];
        for (flags, error) in rules {
            with_state(id, flags, || {
                assert_noop!(NFT::transfer_nft(signed(ALICE), id, BOB), error);
            });
        }
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
            (|state| state.is_listed = true, Error::CannotBurnListedNFTs),
            (|state| state.is_delegated = true, Error::CannotBurnDelegatedNFTs),
            (|state| state.is_rented = true, Error::CannotBurnRentedNFTs),
            (|state| state.is_transmission = true, Error::CannotBurnNFTsInTransmission),
        ];
        for (flags, error) in rules {
            with_state(id, flags, || {
                assert_noop!(NFT::burn_nft(signed(ALICE), id), error);
            });
        }
    });
}
