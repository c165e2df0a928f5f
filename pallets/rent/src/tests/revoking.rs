// SPDX-License-Identifier: Apache-2.0
//! Contracts that somebody ends early.

use frame_support::{assert_noop, assert_ok};
use tee_primitives::rent::CancellationFee;

use crate::{mock::*, *};

#[test]
fn a_revoking_rentee_pays_its_fee_to_the_renter() {
    run(|| {
        create(terms());
        rent();
        advance(3);
        events();
        assert_ok!(Rent::revoke_contract(signed(BOB), NFT));
        assert_eq!(events(), [Event::ContractRevoked { nft_id: NFT, revoked_by: BOB }]);
        assert_eq!(money(ALICE), (RICH + RENT_FEE + RENTEE_FEE, 0));
        assert_eq!(money(BOB), (RICH - RENT_FEE - RENTEE_FEE, 0));
        assert_eq!(Rent::rentee(NFT), None);
        assert!(!is_rented(NFT));
    });
}

#[test]
fn a_revoking_renter_pays_its_fee_to_the_rentee() {
    run(|| {
        create(terms());
        rent();
        advance(3);
        events();
        assert_ok!(Rent::revoke_contract(signed(ALICE), NFT));
        assert_eq!(events(), [Event::ContractRevoked { nft_id: NFT, revoked_by: ALICE }]);
        assert_eq!(money(ALICE), (RICH + RENT_FEE - RENTER_FEE, 0));
        assert_eq!(money(BOB), (RICH - RENT_FEE + RENTER_FEE, 0));
    });
}

#[test]
fn a_flexible_fee_is_for_the_remaining_time_rounded_down() {
    // Of a fee of 301 for 10 blocks, after so many of them.
    for (blocks, due) in [(1, 270), (3, 210), (5, 150), (9, 30)] {
        for by in [ALICE, BOB] {
            run(|| {
                let fee = CancellationFee::FlexibleTokens(301);
                create(Terms { renter_fee: fee, rentee_fee: fee, rent_fee: 0, ..terms() });
                rent();
                advance(blocks);
                assert_ok!(Rent::revoke_contract(signed(by), NFT));
                let other = ALICE + BOB - by;
                assert_eq!(money(by), (RICH - due, 0));
                assert_eq!(money(other), (RICH + due, 0));
            });
        }
    }
}

#[test]
fn a_flexible_fee_is_whole_in_the_block_of_the_start() {
    run(|| {
        create(Terms { rentee_fee: CancellationFee::FlexibleTokens(301), ..terms() });
        advance(1);
        rent();
        assert_ok!(Rent::revoke_contract(signed(BOB), NFT));
        assert_eq!(money(BOB), (RICH - RENT_FEE - 301, 0));
    });
}

#[test]
fn without_a_fee_revoking_costs_nothing() {
    run(|| {
        let fee = CancellationFee::None;
        create(Terms { renter_fee: fee, rentee_fee: fee, rent_fee: 0, ..terms() });
        rent();
        advance(1);
        assert_ok!(Rent::revoke_contract(signed(BOB), NFT));
        assert_eq!((money(ALICE), money(BOB)), ((RICH, 0), (RICH, 0)));
    });
}

#[test]
fn a_renter_revokes_only_if_the_terms_say_so() {
    run(|| {
        create(Terms { renter_can_revoke: false, ..terms() });
        rent();
        advance(1);
        assert_noop!(Rent::revoke_contract(signed(ALICE), NFT), Error::<Test>::RenterCannotRevoke);
        assert_ok!(Rent::revoke_contract(signed(BOB), NFT));
    });
}

#[test]
fn a_stranger_does_not_revoke() {
    run(|| {
        create(terms());
        rent();
        advance(1);
        assert_noop!(Rent::revoke_contract(signed(CHARLIE), NFT), Error::<Test>::NotAContractParty);
    });
}

#[test]
fn a_waiting_contract_is_not_revoked() {
    run(|| {
        create(terms());
        advance(1);
        assert_noop!(
            Rent::revoke_contract(signed(ALICE), NFT),
            Error::<Test>::ContractHasNotStarted
        );
    });
}

#[test]
fn the_last_block_in_which_a_contract_runs_is_the_last_to_revoke_it() {
    run(|| {
        create(terms());
        rent();
        advance(DURATION - 1);
        assert_ok!(Rent::revoke_contract(signed(BOB), NFT));
    });
}

#[test]
fn a_revoked_contract_leaves_the_nft_to_the_next() {
    run(|| {
        create(terms());
        rent();
        advance(1);
        assert_ok!(Rent::revoke_contract(signed(ALICE), NFT));
        create(terms());
        assert_ok!(Rent::rent(signed(CHARLIE), NFT, FIRST + 1));
        // The end of the revoked contract is not that of the next.
        advance(DURATION - 1);
        assert_eq!(Rent::rentee(NFT), Some(CHARLIE));
        advance(1);
        assert_eq!(Contracts::<Test>::get(NFT), None);
    });
}
