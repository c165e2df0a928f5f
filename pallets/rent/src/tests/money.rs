// SPDX-License-Identifier: Apache-2.0
//! Amounts that are large, small, held for several contracts or frozen.

use frame_support::{
    assert_noop, assert_ok,
    traits::{
        fungible::{Inspect, Mutate, MutateFreeze},
        tokens::Preservation,
    },
};
use tee_primitives::rent::CancellationFee;

use crate::{mock::*, *};

/// Alice spends all she has, and her account is gone.
fn alice_leaves() {
    Balances::transfer_all(signed(ALICE), DAVE, false).unwrap();
    assert_eq!(System::providers(&ALICE), 0);
}

#[test]
fn holds_of_several_contracts_add_up() {
    run(|| {
        for nft_id in [20, 21] {
            give(nft_id, ALICE);
            create(Terms { nft_id, ..terms() });
            assert_ok!(Rent::rent(signed(BOB), nft_id, FIRST));
        }
        create(terms());
        assert_eq!(money(ALICE).1, 3 * RENTER_FEE);
        assert_eq!(money(BOB).1, 2 * RENTEE_FEE);
        advance(1);
        assert_ok!(Rent::revoke_contract(signed(BOB), 20));
        assert_eq!(money(ALICE).1, 2 * RENTER_FEE);
        assert_eq!(money(BOB).1, RENTEE_FEE);
    });
}

#[test]
fn the_rentee_must_afford_the_rent_and_its_cancellation_fee() {
    run(|| {
        for (rent_fee, rentee_fee) in [(RICH, 0), (RICH - ED + 1, 0), (u64::MAX, 0)] {
            let rentee_fee = CancellationFee::FixedTokens(rentee_fee);
            create(Terms { rent_fee, rentee_fee, ..terms() });
            assert_noop!(
                Rent::rent(signed(BOB), NFT, now()),
                Error::<Test>::NotEnoughFundsForRentFee
            );
            advance(1);
            assert_ok!(Rent::cancel_contract(signed(ALICE), NFT));
        }
        for (rent_fee, rentee_fee) in [(0, RICH - ED + 1), (ED, RICH - 2 * ED + 1), (0, u64::MAX)] {
            let rentee_fee = CancellationFee::FixedTokens(rentee_fee);
            create(Terms { rent_fee, rentee_fee, ..terms() });
            assert_noop!(
                Rent::rent(signed(BOB), NFT, now()),
                Error::<Test>::NotEnoughFundsForCancellationFee
            );
            advance(1);
            assert_ok!(Rent::cancel_contract(signed(ALICE), NFT));
        }
        let rentee_fee = CancellationFee::FixedTokens(RICH - 2 * ED);
        create(Terms { rent_fee: ED, rentee_fee, ..terms() });
        assert_ok!(Rent::rent(signed(BOB), NFT, now()));
        assert_eq!(money(BOB), (ED, RICH - 2 * ED));
    });
}

#[test]
fn a_rent_that_the_renters_account_cannot_receive_stays_with_the_rentee() {
    run(|| {
        let renter_fee = CancellationFee::None;
        create(Terms { renter_fee, rent_fee: ED - 1, ..terms() });
        alice_leaves();
        rent();
        assert_eq!(money(BOB), (RICH - RENTEE_FEE, RENTEE_FEE));
        assert_eq!(money(ALICE), (0, 0));
    });
}

#[test]
fn a_rent_of_the_existential_deposit_brings_the_renters_account_back() {
    run(|| {
        create(Terms { renter_fee: CancellationFee::None, rent_fee: ED, ..terms() });
        alice_leaves();
        rent();
        assert_eq!(money(ALICE), (ED, 0));
    });
}

#[test]
fn a_fee_that_the_other_side_cannot_receive_stays_with_who_revokes() {
    run(|| {
        create(Terms {
            renter_fee: CancellationFee::None,
            rentee_fee: CancellationFee::FlexibleTokens(2 * ED),
            rent_fee: 0,
            ..terms()
        });
        rent();
        alice_leaves();
        advance(DURATION - 1);
        assert_ok!(Rent::revoke_contract(signed(BOB), NFT));
        assert_eq!(money(BOB), (RICH, 0));
        assert_eq!(money(ALICE), (0, 0));
        assert!(!is_rented(NFT));
    });
}

#[test]
fn a_renter_that_left_does_not_keep_a_contract_from_ending() {
    run(|| {
        create(Terms { renter_fee: CancellationFee::None, rent_fee: 0, ..terms() });
        rent();
        alice_leaves();
        advance(DURATION);
        assert!(!is_rented(NFT));
        assert_eq!(money(BOB), (RICH, 0));
    });
}

#[test]
fn dust_that_cannot_be_released_does_not_keep_a_contract_from_ending() {
    run(|| {
        create(Terms { renter_fee: CancellationFee::FixedTokens(ED - 1), ..terms() });
        // Something else keeps Alice's account, so she can spend all that is free.
        System::inc_providers(&ALICE);
        let free = money(ALICE).0;
        <Balances as Mutate<_>>::transfer(&ALICE, &DAVE, free, Preservation::Expendable).unwrap();
        assert_eq!(money(ALICE), (0, ED - 1));
        let issuance = Balances::total_issuance();
        advance(AVAILABILITY);
        assert!(!is_rented(NFT));
        assert_eq!(money(ALICE), (0, 0));
        assert_eq!(Balances::total_issuance(), issuance - (ED - 1));
    });
}

#[test]
fn a_frozen_account_does_not_revoke_for_nothing() {
    run(|| {
        create(terms());
        rent();
        advance(1);
        assert_ok!(Balances::set_freeze(&(), &BOB, Balances::total_balance(&BOB)));
        assert_ok!(Rent::revoke_contract(signed(BOB), NFT));
        assert_eq!(money(ALICE), (RICH + RENT_FEE + RENTEE_FEE, 0));
    });
}

#[test]
fn no_money_is_made_or_lost() {
    run(|| {
        let issuance = Balances::total_issuance();
        for (blocks, by) in [(1, Some(ALICE)), (7, Some(BOB)), (DURATION, None)] {
            let fee = CancellationFee::FlexibleTokens(333);
            create(Terms { renter_fee: fee, rentee_fee: fee, ..terms() });
            rent();
            advance(blocks);
            if let Some(by) = by {
                assert_ok!(Rent::revoke_contract(signed(by), NFT));
            }
            assert_eq!(money(ALICE).1 + money(BOB).1, 0);
            assert_eq!(money(ALICE).0 + money(BOB).0, 2 * RICH);
        }
        assert_eq!(Balances::total_issuance(), issuance);
    });
}
