// SPDX-License-Identifier: Apache-2.0
//! Contracts that start when somebody rents.

use frame_support::{assert_noop, assert_ok};
use tee_primitives::rent::AcceptanceType;

use crate::{mock::*, *};

#[test]
fn whoever_rents_first_is_the_rentee() {
    run(|| {
        create(terms());
        advance(2);
        events();
        assert_ok!(Rent::rent(signed(BOB), NFT, FIRST));
        assert_eq!(events(), [Event::ContractStarted { nft_id: NFT, rentee: BOB }]);
        assert_eq!(contract().start_block, Some(FIRST + 2));
        assert_eq!(contract().rentee, Some(BOB));
        assert_eq!(money(ALICE), (RICH - RENTER_FEE + RENT_FEE, RENTER_FEE));
        assert_eq!(money(BOB), (RICH - RENT_FEE - RENTEE_FEE, RENTEE_FEE));
        assert_noop!(Rent::rent(signed(CHARLIE), NFT, FIRST), Error::<Test>::ContractHasStarted);
    });
}

#[test]
fn only_listed_accounts_rent() {
    run(|| {
        let acceptance = AcceptanceType::AutoAcceptance(accounts([CHARLIE, BOB]));
        create(Terms { acceptance, ..terms() });
        assert_noop!(Rent::rent(signed(DAVE), NFT, FIRST), Error::<Test>::NotOnAcceptanceList);
        assert_ok!(Rent::rent(signed(BOB), NFT, FIRST));
    });
}

#[test]
fn a_renter_does_not_rent_its_own_nft() {
    run(|| {
        create(terms());
        assert_noop!(Rent::rent(signed(ALICE), NFT, FIRST), Error::<Test>::CannotRentOwnNFT);
    });
}

#[test]
fn a_rentee_gets_the_terms_that_it_named() {
    run(|| {
        create(terms());
        advance(3);
        assert_ok!(Rent::cancel_contract(signed(ALICE), NFT));
        create(Terms { rent_fee: 9 * RENT_FEE, ..terms() });
        for named in [FIRST, FIRST + 2, FIRST + 4, u32::MAX] {
            assert_noop!(
                Rent::rent(signed(BOB), NFT, named),
                Error::<Test>::CreationBlockDoesNotMatch
            );
        }
        assert_ok!(Rent::rent(signed(BOB), NFT, FIRST + 3));
    });
}

#[test]
fn a_contract_that_needs_acceptance_cannot_be_rented_at_once() {
    run(|| {
        create(Terms { acceptance: MANUAL, ..terms() });
        assert_noop!(Rent::rent(signed(BOB), NFT, FIRST), Error::<Test>::AcceptanceIsManual);
    });
}

#[test]
fn an_nft_without_contract_cannot_be_rented() {
    run(|| {
        assert_noop!(Rent::rent(signed(BOB), NFT, FIRST), Error::<Test>::ContractNotFound);
        assert_noop!(Rent::revoke_contract(signed(BOB), NFT), Error::<Test>::ContractNotFound);
        assert_noop!(
            Rent::make_rent_offer(signed(BOB), NFT, FIRST),
            Error::<Test>::ContractNotFound
        );
        assert_noop!(
            Rent::accept_rent_offer(signed(ALICE), NFT, BOB),
            Error::<Test>::ContractNotFound
        );
        assert_noop!(Rent::retract_rent_offer(signed(BOB), NFT), Error::<Test>::ContractNotFound);
    });
}

#[test]
fn a_waiting_contract_can_be_rented_until_it_expires() {
    run(|| {
        create(terms());
        skip(AVAILABILITY);
        assert_noop!(Rent::rent(signed(BOB), NFT, FIRST), Error::<Test>::ContractHasExpired);
        assert_noop!(Rent::cancel_contract(signed(ALICE), NFT), Error::<Test>::ContractHasExpired);
        assert_noop!(Rent::revoke_contract(signed(ALICE), NFT), Error::<Test>::ContractHasExpired);
        System::set_block_number((FIRST + AVAILABILITY - 1).into());
        assert_ok!(Rent::rent(signed(BOB), NFT, FIRST));
        // From now on the end counts.
        advance(DURATION - 1);
        assert_eq!(Rent::rentee(NFT), Some(BOB));
    });
}

#[test]
fn nothing_works_on_an_ended_contract_that_is_not_cleared_yet() {
    run(|| {
        create(terms());
        rent();
        skip(DURATION);
        assert!(Contracts::<Test>::contains_key(NFT));
        assert_eq!(Rent::rentee(NFT), None);
        assert_noop!(Rent::rent(signed(CHARLIE), NFT, FIRST), Error::<Test>::ContractHasEnded);
        assert_noop!(Rent::cancel_contract(signed(ALICE), NFT), Error::<Test>::ContractHasEnded);
        assert_noop!(Rent::revoke_contract(signed(ALICE), NFT), Error::<Test>::ContractHasEnded);
        assert_noop!(Rent::revoke_contract(signed(BOB), NFT), Error::<Test>::ContractHasEnded);
        assert_noop!(
            Rent::make_rent_offer(signed(CHARLIE), NFT, FIRST),
            Error::<Test>::ContractHasEnded
        );
        assert_noop!(
            Rent::accept_rent_offer(signed(ALICE), NFT, CHARLIE),
            Error::<Test>::ContractHasEnded
        );
        assert_noop!(Rent::retract_rent_offer(signed(BOB), NFT), Error::<Test>::ContractHasEnded);
    });
}
