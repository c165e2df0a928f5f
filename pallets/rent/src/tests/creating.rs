// SPDX-License-Identifier: Apache-2.0
//! From the owner's wish to a contract that can be rented, or to its withdrawal.

use frame_support::{
    assert_noop, assert_ok,
    dispatch::{extract_actual_weight, GetDispatchInfo},
    traits::Hooks,
};
use sp_runtime::traits::{BadOrigin, Dispatchable};
use tee_primitives::rent::{AcceptanceType, CancellationFee, Duration, RentFee};

use crate::{mock::*, *};

#[test]
fn a_contract_is_stored_as_it_was_offered() {
    run(|| {
        let acceptance = AcceptanceType::AutoAcceptance(accounts([BOB, CHARLIE]));
        create(Terms { acceptance: acceptance.clone(), ..terms() });
        assert_eq!(
            contract(),
            RentContractData {
                start_block: None,
                renter: ALICE,
                rentee: None,
                duration: Duration::Fixed(DURATION),
                acceptance_type: acceptance.clone(),
                renter_can_revoke: true,
                rent_fee: RentFee::Tokens(RENT_FEE),
                renter_cancellation_fee: CancellationFee::FixedTokens(RENTER_FEE),
                rentee_cancellation_fee: CancellationFee::FixedTokens(RENTEE_FEE),
                creation_block: FIRST,
            }
        );
        assert!(is_rented(NFT));
        assert_eq!(money(ALICE), (RICH - RENTER_FEE, RENTER_FEE));
        assert_eq!(
            events(),
            [Event::ContractCreated {
                nft_id: NFT,
                renter: ALICE,
                duration: Duration::Fixed(DURATION),
                acceptance_type: acceptance,
                renter_can_revoke: true,
                rent_fee: RentFee::Tokens(RENT_FEE),
                renter_cancellation_fee: CancellationFee::FixedTokens(RENTER_FEE),
                rentee_cancellation_fee: CancellationFee::FixedTokens(RENTEE_FEE),
            }]
        );
    });
}

#[test]
fn only_signed_accounts_call() {
    run(|| {
        for origin in [RuntimeOrigin::root(), RuntimeOrigin::none()] {
            assert_noop!(terms().call().dispatch(origin.clone()).map_err(|e| e.error), BadOrigin);
            assert_noop!(Rent::cancel_contract(origin.clone(), NFT), BadOrigin);
            assert_noop!(Rent::revoke_contract(origin.clone(), NFT), BadOrigin);
            assert_noop!(Rent::rent(origin.clone(), NFT, FIRST), BadOrigin);
            assert_noop!(Rent::make_rent_offer(origin.clone(), NFT, FIRST), BadOrigin);
            assert_noop!(Rent::accept_rent_offer(origin.clone(), NFT, BOB), BadOrigin);
            assert_noop!(Rent::retract_rent_offer(origin, NFT), BadOrigin);
        }
    });
}

#[test]
fn who_does_not_own_an_nft_cannot_rent_it_out() {
    run(|| {
        assert_noop!(terms().create(BOB), Error::<Test>::NotTheNFTOwner);
        assert_noop!(
            Terms { nft_id: NFT + 1, ..terms() }.create(ALICE),
            Error::<Test>::NFTNotFound
        );
    });
}

#[test]
fn an_nft_in_another_use_cannot_be_rented_out() {
    run(|| {
        with_state(NFT, |state| state.is_listed = true);
        assert_noop!(terms().create(ALICE), Error::<Test>::CannotRentListedNFTs);
        with_state(NFT, |state| *state = Default::default());

        with_state(NFT, |state| state.is_delegated = true);
        assert_noop!(terms().create(ALICE), Error::<Test>::CannotRentDelegatedNFTs);
        with_state(NFT, |state| *state = Default::default());

        with_state(NFT, |state| state.is_soulbound = true);
        assert_noop!(terms().create(ALICE), Error::<Test>::CannotRentSoulboundNFTs);
        with_state(NFT, |state| *state = Default::default());

        with_state(NFT, |state| state.is_syncing_secret = true);
        assert_noop!(terms().create(ALICE), Error::<Test>::CannotRentNotSyncedSecretNFTs);
        with_state(NFT, |state| *state = Default::default());

        with_state(NFT, |state| state.is_syncing_capsule = true);
        assert_noop!(terms().create(ALICE), Error::<Test>::CannotRentNotSyncedCapsules);
        with_state(NFT, |state| *state = Default::default());

        with_state(NFT, |state| state.is_transmission = true);
        assert_noop!(terms().create(ALICE), Error::<Test>::CannotRentNFTsInTransmission);
        with_state(NFT, |state| *state = Default::default());
    });
}

#[test]
fn an_nft_has_one_contract() {
    run(|| {
        create(terms());
        assert_noop!(terms().create(ALICE), Error::<Test>::CannotRentRentedNFTs);
        advance(1);
        rent();
        assert_noop!(terms().create(ALICE), Error::<Test>::CannotRentRentedNFTs);
    });
}

#[test]
fn a_duration_is_one_block_to_the_longest() {
    run(|| {
        for duration in [0, LONGEST + 1, u32::MAX] {
            assert_noop!(
                Terms { duration, ..terms() }.create(ALICE),
                Error::<Test>::DurationOutOfRange
            );
        }
        for (nft_id, duration) in [(20, 1), (21, LONGEST)] {
            give(nft_id, ALICE);
            assert_ok!(Terms { nft_id, duration, ..terms() }.create(ALICE));
        }
    });
}

#[test]
fn an_acceptance_list_names_others_than_the_renter() {
    run(|| {
        for acceptance in [AcceptanceType::AutoAcceptance, AcceptanceType::ManualAcceptance] {
            assert_noop!(
                Terms { acceptance: acceptance(accounts([])), ..terms() }.create(ALICE),
                Error::<Test>::AcceptanceListIsEmpty
            );
            assert_noop!(
                Terms { acceptance: acceptance(accounts([BOB, ALICE])), ..terms() }.create(ALICE),
                Error::<Test>::RenterIsOnAcceptanceList
            );
        }
    });
}

#[test]
fn the_renter_must_afford_its_cancellation_fee() {
    run(|| {
        give(NFT, POOR);
        for renter_fee in [CancellationFee::FixedTokens(1), CancellationFee::FlexibleTokens(1)] {
            assert_noop!(
                Terms { renter_fee, ..terms() }.create(POOR),
                Error::<Test>::NotEnoughFundsForCancellationFee
            );
        }
        assert_ok!(Terms { renter_fee: CancellationFee::None, ..terms() }.create(POOR));
    });
}

#[test]
fn a_renter_withdraws_what_nobody_has_rented() {
    run(|| {
        create(Terms { acceptance: MANUAL, ..terms() });
        advance(1);
        assert_ok!(offer(BOB));
        events();
        assert_noop!(Rent::cancel_contract(signed(BOB), NFT), Error::<Test>::NotTheRenter);
        assert_ok!(Rent::cancel_contract(signed(ALICE), NFT));
        assert_eq!(events(), [Event::ContractCanceled { nft_id: NFT }]);
        assert_eq!(money(ALICE), (RICH, 0));
        assert!(!is_rented(NFT));
        assert_eq!(Offers::<Test>::get(NFT), None);
        assert_noop!(Rent::cancel_contract(signed(ALICE), NFT), Error::<Test>::ContractNotFound);
    });
}

#[test]
fn a_started_contract_cannot_be_withdrawn() {
    run(|| {
        create(terms());
        advance(1);
        rent();
        assert_noop!(Rent::cancel_contract(signed(ALICE), NFT), Error::<Test>::ContractHasStarted);
    });
}

#[test]
fn a_creation_block_names_one_contract_of_an_nft() {
    run(|| {
        // Neither way out of a contract is open in the block of its creation.
        create(terms());
        assert_noop!(Rent::cancel_contract(signed(ALICE), NFT), Error::<Test>::CreatedInThisBlock);
        rent();
        assert_noop!(Rent::revoke_contract(signed(ALICE), NFT), Error::<Test>::CreatedInThisBlock);
        assert_noop!(Rent::revoke_contract(signed(BOB), NFT), Error::<Test>::CreatedInThisBlock);

        advance(1);
        assert_ok!(Rent::revoke_contract(signed(BOB), NFT));
        create(Terms { rent_fee: 9 * RENT_FEE, ..terms() });
        assert_noop!(
            Rent::rent(signed(CHARLIE), NFT, FIRST),
            Error::<Test>::CreationBlockDoesNotMatch
        );
    });
}

#[test]
fn a_contract_that_is_over_makes_way_for_the_next() {
    run(|| {
        for is_rented in [false, true] {
            create(terms());
            if is_rented {
                rent();
            }
            skip(AVAILABILITY.max(DURATION));
            events();
            create(terms());
            let cleared = if is_rented {
                Event::ContractEnded { nft_id: NFT, revoked_by: None }
            } else {
                Event::ContractExpired { nft_id: NFT }
            };
            let happened = events();
            assert_eq!(happened[0], cleared);
            assert!(matches!(happened[1], Event::ContractCreated { .. }));
            assert_eq!(money(ALICE).1, RENTER_FEE);
            assert_eq!(contract().creation_block, now());
            advance(1);
            assert_ok!(Rent::cancel_contract(signed(ALICE), NFT));
        }
    });
}

#[test]
fn a_stranger_clears_nothing() {
    run(|| {
        create(terms());
        skip(AVAILABILITY);
        assert_noop!(terms().create(BOB), Error::<Test>::NotTheNFTOwner);
    });
}

#[test]
fn clearing_is_paid_for_only_if_it_happens() {
    run(|| {
        let acceptance = AcceptanceType::AutoAcceptance(accounts([BOB, CHARLIE]));
        let call = Terms { acceptance, ..terms() }.call();
        let info = call.get_dispatch_info();
        let own = <() as WeightInfo>::create_contract(2);
        assert_eq!(info.call_weight, own + <() as WeightInfo>::end_contracts(1));

        let outcome = call.clone().dispatch(signed(ALICE));
        assert_eq!(extract_actual_weight(&outcome, &info), own);
        skip(AVAILABILITY);
        let outcome = call.dispatch(signed(ALICE));
        assert_eq!(extract_actual_weight(&outcome, &info), info.call_weight);
    });
}

#[test]
fn the_constants_fit_together() {
    run(<Rent as Hooks<u64>>::integrity_test);
}
