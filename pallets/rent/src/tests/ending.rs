// SPDX-License-Identifier: Apache-2.0
//! Contracts that run to their end or expire, and how blocks clear them away.

use frame_support::{assert_ok, weights::Weight};
use tee_primitives::nft::NftId;

use crate::{mock::*, *};

/// Alice has these NFTs, each with a contract that Bob rented if `rented`.
fn contracts(ids: impl IntoIterator<Item = NftId>, rented: bool) {
    for nft_id in ids {
        give(nft_id, ALICE);
        create(Terms { nft_id, ..terms() });
        if rented {
            assert_ok!(Rent::rent(signed(BOB), nft_id, now()));
        }
    }
}

fn none() -> Weight {
    <() as WeightInfo>::on_initialize_none()
}

/// How many contracts there are.
fn left() -> u32 {
    Contracts::<Test>::iter_keys().count() as u32
}

#[test]
fn a_contract_ends_in_exactly_its_end_block() {
    run(|| {
        create(terms());
        advance(1);
        rent();
        events();
        advance(DURATION - 1);
        assert_eq!(Rent::rentee(NFT), Some(BOB));
        assert_eq!(events(), []);
        advance(1);
        assert_eq!(events(), [Event::ContractEnded { nft_id: NFT, revoked_by: None }]);
        assert_eq!(Contracts::<Test>::get(NFT), None);
        assert!(!is_rented(NFT));
        assert_eq!(money(ALICE), (RICH + RENT_FEE, 0));
        assert_eq!(money(BOB), (RICH - RENT_FEE, 0));
    });
}

#[test]
fn a_contract_that_nobody_rents_expires() {
    run(|| {
        create(Terms { acceptance: MANUAL, ..terms() });
        assert_ok!(offer(BOB));
        events();
        advance(AVAILABILITY - 1);
        assert!(is_rented(NFT));
        advance(1);
        assert_eq!(events(), [Event::ContractExpired { nft_id: NFT }]);
        assert!(!is_rented(NFT));
        assert_eq!(Offers::<Test>::get(NFT), None);
        assert_eq!(money(ALICE), (RICH, 0));
    });
}

#[test]
fn a_contract_of_one_block_gives_its_right_in_one_block() {
    run(|| {
        create(Terms { duration: 1, ..terms() });
        rent();
        assert_eq!(Rent::rentee(NFT), Some(BOB));
        advance(1);
        assert_eq!(Rent::rentee(NFT), None);
        assert!(!is_rented(NFT));
    });
}

#[test]
fn more_ends_than_a_block_clears_are_cleared_by_the_next_blocks() {
    run(|| {
        let many = 2 * ACTIONS + 1;
        contracts(100..100 + many, true);
        System::set_block_number((now() + DURATION - 1).into());
        events();
        for rest in [many - ACTIONS, many - 2 * ACTIONS, 0] {
            advance(1);
            // The right is over at once, whatever the hook has reached.
            assert!((100..100 + many).all(|nft_id| Rent::rentee(nft_id).is_none()));
            assert_eq!(left(), rest);
            assert_eq!(Deadlines::<Test>::iter_keys().count() as u32, rest);
        }
        assert_eq!(events().len() as u32, many);
        assert_eq!(money(BOB), (RICH - u64::from(many) * RENT_FEE, 0));
    });
}

#[test]
fn the_longest_overdue_contracts_are_cleared_first() {
    run(|| {
        for nft_id in 100..100 + 2 * ACTIONS {
            give(nft_id, ALICE);
            create(Terms { nft_id, duration: 30 - (nft_id - 100), ..terms() });
            assert_ok!(Rent::rent(signed(BOB), nft_id, FIRST));
        }
        skip(30);
        events();
        for first in [100 + ACTIONS, 100] {
            clear();
            let mut ended: Vec<_> = events()
                .into_iter()
                .map(|event| match event {
                    Event::ContractEnded { nft_id, .. } => nft_id,
                    other => panic!("{other:?}"),
                })
                .collect();
            ended.sort();
            assert_eq!(ended, (first..first + ACTIONS).collect::<Vec<_>>());
        }
    });
}

#[test]
fn no_deadline_is_skipped() {
    run(|| {
        // 255 and 256 are ordered by value, not by their least significant byte.
        System::set_block_number(250);
        for (nft_id, duration) in [(100, 5), (101, 6), (102, 46)] {
            give(nft_id, ALICE);
            create(Terms { nft_id, duration, ..terms() });
            assert_ok!(Rent::rent(signed(BOB), nft_id, 250));
        }
        advance(5);
        assert_eq!(left(), 2);
        advance(1);
        assert_eq!(left(), 1);
        // A chain whose hooks did not run for a long time makes up for it in one block.
        skip(1_000);
        clear();
        assert_eq!(left(), 0);
    });
}

#[test]
fn a_block_weighs_what_it_clears() {
    run(|| {
        assert_eq!(clear(), none());
        contracts(100..102, true);
        assert_eq!(clear(), none());
        skip(DURATION);
        contracts(200..200 + ACTIONS + 1, false);
        assert_eq!(clear(), none() + <() as WeightInfo>::end_contracts(2));
        contracts(100..101, true);
        skip(AVAILABILITY);
        assert_eq!(
            clear(),
            none()
                + <() as WeightInfo>::end_contracts(1)
                + <() as WeightInfo>::expire_contracts(ACTIONS - 1)
        );
        assert_eq!(clear(), none() + <() as WeightInfo>::expire_contracts(2));
        assert_eq!(clear(), none());
    });
}

#[test]
fn no_block_weighs_more_than_its_limit() {
    run(|| {
        contracts(100..120, true);
        skip(DURATION);
        let most = none() + <() as WeightInfo>::end_contracts(ACTIONS);
        let mut blocks = 0;
        while left() > 0 {
            assert!(clear().all_lte(most));
            blocks += 1;
        }
        assert_eq!(blocks, 20_u32.div_ceil(ACTIONS));
    });
}

#[test]
fn a_longer_availability_of_a_later_runtime_holds_for_contracts_that_wait() {
    run(|| {
        create(terms());
        Availability::set(&(AVAILABILITY + 5));
        advance(AVAILABILITY);
        assert!(is_rented(NFT));
        Rent::do_try_state().unwrap();
        assert_ok!(Rent::rent(signed(BOB), NFT, FIRST));
        advance(DURATION);
        assert!(!is_rented(NFT));
    });
}

#[test]
fn a_shorter_availability_of_a_later_runtime_holds_for_contracts_that_wait() {
    run(|| {
        create(terms());
        Availability::set(&(AVAILABILITY - 5));
        advance(AVAILABILITY - 5);
        assert_eq!(
            Rent::rent(signed(BOB), NFT, FIRST),
            Err(Error::<Test>::ContractHasExpired.into())
        );
        // Its deadline stands where it was.
        advance(5);
        assert!(!is_rented(NFT));
    });
}
