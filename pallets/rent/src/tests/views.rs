// SPDX-License-Identifier: Apache-2.0
//! What people can ask.

use crate::mock::*;

#[test]
fn a_contract_can_be_asked_for() {
    run(|| {
        assert_eq!(Rent::contract(NFT), None);
        create(terms());
        assert_eq!(Rent::contract(NFT), Some(contract()));
    });
}

#[test]
fn the_rentee_of_this_block_can_be_asked_for() {
    run(|| {
        create(terms());
        assert_eq!(Rent::rentee(NFT), None);
        rent();
        assert_eq!(Rent::rentee(NFT), Some(BOB));
        skip(DURATION - 1);
        assert_eq!(Rent::rentee(NFT), Some(BOB));
        skip(1);
        assert_eq!(Rent::rentee(NFT), None);
    });
}
