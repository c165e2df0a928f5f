// SPDX-License-Identifier: Apache-2.0
//! Contracts whose rentee the renter chooses.

use frame_support::{assert_noop, assert_ok};
use tee_primitives::rent::{AcceptanceType, CancellationFee};

use crate::{mock::*, *};

/// The offers for Alice's NFT, oldest first.
fn offers() -> Option<Vec<u64>> {
    Offers::<Test>::get(NFT).map(Into::into)
}

#[test]
fn the_renter_chooses_among_the_offers() {
    run(|| {
        create(Terms { acceptance: MANUAL, ..terms() });
        advance(1);
        events();
        assert_ok!(offer(BOB));
        assert_ok!(offer(CHARLIE));
        assert_eq!(offers(), Some(vec![BOB, CHARLIE]));
        assert_eq!(money(CHARLIE), (RICH, 0));
        assert_ok!(Rent::accept_rent_offer(signed(ALICE), NFT, CHARLIE));
        assert_eq!(
            events(),
            [
                Event::ContractOfferCreated { nft_id: NFT, rentee: BOB },
                Event::ContractOfferCreated { nft_id: NFT, rentee: CHARLIE },
                Event::ContractStarted { nft_id: NFT, rentee: CHARLIE },
            ]
        );
        assert_eq!(offers(), None);
        assert_eq!(contract().rentee, Some(CHARLIE));
        assert_eq!(contract().start_block, Some(FIRST + 1));
        assert_eq!(money(ALICE), (RICH - RENTER_FEE + RENT_FEE, RENTER_FEE));
        assert_eq!(money(CHARLIE), (RICH - RENT_FEE - RENTEE_FEE, RENTEE_FEE));
        assert_eq!(money(BOB), (RICH, 0));
        assert_noop!(
            Rent::make_rent_offer(signed(DAVE), NFT, FIRST),
            Error::<Test>::ContractHasStarted
        );
        assert_noop!(
            Rent::accept_rent_offer(signed(ALICE), NFT, BOB),
            Error::<Test>::ContractHasStarted
        );
        assert_noop!(Rent::retract_rent_offer(signed(BOB), NFT), Error::<Test>::ContractHasStarted);
    });
}

#[test]
fn only_the_renter_accepts_and_only_what_was_offered() {
    run(|| {
        create(Terms { acceptance: MANUAL, ..terms() });
        assert_ok!(offer(BOB));
        assert_noop!(Rent::accept_rent_offer(signed(BOB), NFT, BOB), Error::<Test>::NotTheRenter);
        assert_noop!(
            Rent::accept_rent_offer(signed(ALICE), NFT, CHARLIE),
            Error::<Test>::OfferNotFound
        );
    });
}

#[test]
fn an_offer_can_be_taken_back() {
    run(|| {
        create(Terms { acceptance: MANUAL, ..terms() });
        assert_ok!(offer(BOB));
        assert_ok!(offer(CHARLIE));
        events();
        assert_ok!(Rent::retract_rent_offer(signed(BOB), NFT));
        assert_eq!(events(), [Event::ContractOfferRetracted { nft_id: NFT, rentee: BOB }]);
        assert_eq!(offers(), Some(vec![CHARLIE]));
        assert_noop!(
            Rent::accept_rent_offer(signed(ALICE), NFT, BOB),
            Error::<Test>::OfferNotFound
        );
        assert_noop!(Rent::retract_rent_offer(signed(BOB), NFT), Error::<Test>::OfferNotFound);
        assert_ok!(Rent::retract_rent_offer(signed(CHARLIE), NFT));
        assert_eq!(offers(), None);
        assert_noop!(Rent::retract_rent_offer(signed(CHARLIE), NFT), Error::<Test>::OfferNotFound);
    });
}

#[test]
fn an_account_offers_once_and_offers_are_bounded() {
    run(|| {
        create(Terms { acceptance: MANUAL, ..terms() });
        assert_ok!(offer(BOB));
        assert_noop!(offer(BOB), Error::<Test>::OfferAlreadyExists);
        assert_ok!(offer(CHARLIE));
        assert_ok!(offer(DAVE));
        assert_noop!(offer(EVE), Error::<Test>::TooManyOffers);
        assert_ok!(Rent::retract_rent_offer(signed(BOB), NFT));
        assert_ok!(offer(EVE));
    });
}

#[test]
fn only_whom_the_terms_let_rent_offers() {
    run(|| {
        let acceptance = AcceptanceType::ManualAcceptance(accounts([BOB]));
        create(Terms { acceptance, ..terms() });
        assert_noop!(offer(ALICE), Error::<Test>::CannotRentOwnNFT);
        assert_noop!(offer(CHARLIE), Error::<Test>::NotOnAcceptanceList);
        assert_noop!(
            Rent::make_rent_offer(signed(BOB), NFT, FIRST + 1),
            Error::<Test>::CreationBlockDoesNotMatch
        );
        assert_ok!(offer(BOB));
    });
}

#[test]
fn an_automatic_contract_takes_no_offers() {
    run(|| {
        create(terms());
        assert_noop!(offer(BOB), Error::<Test>::AcceptanceIsAutomatic);
        assert_noop!(
            Rent::accept_rent_offer(signed(ALICE), NFT, BOB),
            Error::<Test>::OfferNotFound
        );
        assert_noop!(Rent::retract_rent_offer(signed(BOB), NFT), Error::<Test>::OfferNotFound);
    });
}

#[test]
fn an_offer_ends_with_its_contract() {
    run(|| {
        create(Terms { acceptance: MANUAL, ..terms() });
        assert_ok!(offer(BOB));
        advance(1);
        assert_ok!(Rent::cancel_contract(signed(ALICE), NFT));
        create(Terms { acceptance: MANUAL, rent_fee: 9 * RENT_FEE, ..terms() });
        assert_noop!(
            Rent::accept_rent_offer(signed(ALICE), NFT, BOB),
            Error::<Test>::OfferNotFound
        );
        assert_ok!(offer(CHARLIE));

        skip(AVAILABILITY);
        assert_noop!(
            Rent::accept_rent_offer(signed(ALICE), NFT, CHARLIE),
            Error::<Test>::ContractHasExpired
        );
        assert_noop!(
            Rent::make_rent_offer(signed(BOB), NFT, FIRST + 1),
            Error::<Test>::ContractHasExpired
        );
        assert_noop!(
            Rent::retract_rent_offer(signed(CHARLIE), NFT),
            Error::<Test>::ContractHasExpired
        );
        clear();
        assert_eq!(offers(), None);
    });
}

#[test]
fn who_cannot_pay_any_more_is_not_accepted_and_others_can_be() {
    run(|| {
        create(Terms { acceptance: MANUAL, ..terms() });
        assert_ok!(offer(POOR));
        assert_ok!(offer(BOB));
        assert_noop!(
            Rent::accept_rent_offer(signed(ALICE), NFT, POOR),
            Error::<Test>::NotEnoughFundsForRentFee
        );
        assert_ok!(Rent::accept_rent_offer(signed(ALICE), NFT, BOB));
    });
}

#[test]
fn a_rentee_that_affords_only_the_rent_is_not_accepted() {
    run(|| {
        create(Terms {
            acceptance: MANUAL,
            rent_fee: 0,
            rentee_fee: CancellationFee::FlexibleTokens(1),
            ..terms()
        });
        assert_ok!(offer(POOR));
        assert_noop!(
            Rent::accept_rent_offer(signed(ALICE), NFT, POOR),
            Error::<Test>::NotEnoughFundsForCancellationFee
        );
    });
}
