// SPDX-License-Identifier: Apache-2.0
//! What is rented out, seen from its owner.

use frame_support::{assert_noop, assert_ok};
use tee_primitives::{
    nft::NftState,
    traits::{NotRentable, RentableNfts},
};

use crate::{mock::*, *};

/// A flag of an NFT's state, and why it cannot be rented out with it.
type Obstacle = (fn(&mut NftState), NotRentable);

#[test]
fn a_rented_nft_stays_as_it_is_until_the_rental_ends() {
    run(|| {
        let id = create_synced_capsule();
        assert_ok!(NFT::begin_rental(id, &ALICE));
        assert!(nft(id).state.is_rented);
        assert_noop!(NFT::burn_nft(signed(ALICE), id), Error::<Test>::CannotBurnRentedNFTs);
        assert_noop!(
            NFT::transfer_nft(signed(ALICE), id, BOB),
            Error::<Test>::CannotTransferRentedNFTs
        );
        assert_noop!(NFT::revert_capsule(signed(ALICE), id), Error::<Test>::CannotRevertRentedNFTs);
        assert_eq!(NFT::begin_rental(id, &ALICE), Err(NotRentable::Rented));

        NFT::end_rental(id);
        assert!(!nft(id).state.is_rented);
        assert_ok!(NFT::transfer_nft(signed(ALICE), id, BOB));
    });
}

#[test]
fn each_obstacle_to_a_rental_is_named_in_order() {
    run(|| {
        let id = create();
        assert_eq!(NFT::begin_rental(id + 1, &ALICE), Err(NotRentable::NotFound));
        assert_eq!(NFT::begin_rental(id, &BOB), Err(NotRentable::NotOwner));

        let obstacles: [Obstacle; 7] = [
            (|state| state.is_transmission = true, NotRentable::InTransmission),
            (|state| state.is_syncing_capsule = true, NotRentable::SyncingCapsule),
            (|state| state.is_rented = true, NotRentable::Rented),
            (|state| state.is_syncing_secret = true, NotRentable::SyncingSecret),
            (|state| state.is_soulbound = true, NotRentable::Soulbound),
            (|state| state.is_delegated = true, NotRentable::Delegated),
            (|state| state.is_listed = true, NotRentable::Listed),
        ];
        let before = nft(id);
        for (flag, obstacle) in obstacles {
            Nfts::<Test>::mutate_extant(id, |nft| flag(&mut nft.state));
            assert_eq!(NFT::begin_rental(id, &ALICE), Err(obstacle));
        }
        Nfts::<Test>::insert(id, before);
        assert_ok!(NFT::begin_rental(id, &ALICE));
    });
}

#[test]
fn the_end_of_a_burnt_nfts_rental_changes_nothing() {
    run(|| {
        let id = create();
        assert_ok!(NFT::burn_nft(signed(ALICE), id));
        NFT::end_rental(id);
        assert_eq!(Nfts::<Test>::get(id), None);
    });
}
