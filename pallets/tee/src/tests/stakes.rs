// SPDX-License-Identifier: Apache-2.0
//! Stakes: what is held, and when it is free.

use frame_support::{assert_noop, assert_ok, traits::fungible::Inspect};

use crate::{mock::*, *};

#[test]
fn the_stake_follows_the_amount_that_governance_set() {
    TestExt::new().balance(ALICE, RICH).balance(BOB, RICH).execute_with(|| {
        assert_ok!(TEE::set_staking_amount(root(), STAKE / 2));
        assert_eq!(events(), [Event::StakingAmountIsSet { amount: STAKE / 2 }]);
        assert_ok!(register_as(ALICE, ENCLAVE));
        assert_eq!(held(ALICE), STAKE / 2);

        // Nothing at all is a stake, too.
        assert_ok!(TEE::set_staking_amount(root(), 0));
        assert_ok!(register_as(BOB, OTHER_ENCLAVE));
        assert_eq!(held(BOB), 0);
        assert_ok!(TEE::unregister_enclave(signed(BOB)));
    });
}

#[test]
fn a_stake_that_is_too_low_can_be_raised_to_what_is_asked() {
    TestExt::new().balance(ALICE, 2 * STAKE).execute_with(|| {
        assert_noop!(TEE::bond_extra(signed(ALICE)), Error::<Test>::StakingNotFound);
        assert_ok!(register_as(ALICE, ENCLAVE));
        assert_noop!(TEE::bond_extra(signed(ALICE)), Error::<Test>::BondExtraNotAllowed);
        assert_ok!(TEE::set_staking_amount(root(), STAKE - 1));
        assert_noop!(TEE::bond_extra(signed(ALICE)), Error::<Test>::BondExtraNotAllowed);

        assert_ok!(TEE::set_staking_amount(root(), 3 * STAKE));
        assert_noop!(TEE::bond_extra(signed(ALICE)), Error::<Test>::InsufficientBalanceToBond);
        assert_ok!(TEE::set_staking_amount(root(), STAKE + 300));
        events();
        assert_ok!(TEE::bond_extra(signed(ALICE)));
        assert_eq!(events(), [Event::BondedExtra { operator_address: ALICE, amount: 300 }]);
        assert_eq!(held(ALICE), STAKE + 300);
        assert_eq!(StakingLedger::<Test>::get(ALICE).unwrap().staked_amount, STAKE + 300);
    });
}

#[test]
fn a_stake_that_is_too_high_can_be_lowered_to_what_is_asked() {
    TestExt::new().balance(ALICE, RICH).execute_with(|| {
        assert_noop!(TEE::refund_excess(signed(ALICE)), Error::<Test>::StakingNotFound);
        assert_ok!(register_as(ALICE, ENCLAVE));
        assert_noop!(TEE::refund_excess(signed(ALICE)), Error::<Test>::RefundExcessNotAllowed);
        assert_ok!(TEE::set_staking_amount(root(), STAKE + 1));
        assert_noop!(TEE::refund_excess(signed(ALICE)), Error::<Test>::RefundExcessNotAllowed);

        assert_ok!(TEE::set_staking_amount(root(), STAKE - 300));
        events();
        assert_ok!(TEE::refund_excess(signed(ALICE)));
        assert_eq!(events(), [Event::RefundedExcess { operator_address: ALICE, amount: 300 }]);
        assert_eq!(held(ALICE), STAKE - 300);
        assert_eq!(StakingLedger::<Test>::get(ALICE).unwrap().staked_amount, STAKE - 300);
    });
}

#[test]
fn a_stake_on_its_way_out_is_neither_raised_nor_lowered() {
    TestExt::new().clusters(1).execute_with(|| {
        let leaving = operator(0, 0);
        assert_ok!(TEE::unregister_enclave(signed(leaving)));
        assert_ok!(TEE::set_staking_amount(root(), 2 * STAKE));
        assert_noop!(TEE::bond_extra(signed(leaving)), Error::<Test>::BondExtraNotAllowed);
        assert_ok!(TEE::set_staking_amount(root(), STAKE / 2));
        assert_noop!(TEE::refund_excess(signed(leaving)), Error::<Test>::RefundExcessNotAllowed);
    });
}

#[test]
fn the_bonding_period_begins_when_the_slot_is_left() {
    TestExt::new().clusters(1).execute_with(|| {
        let leaving = operator(0, 0);
        let withdraw = || TEE::withdraw_unbonded(signed(leaving));
        assert_noop!(withdraw(), Error::<Test>::UnbondingNotStarted);
        assert_ok!(TEE::unregister_enclave(signed(leaving)));
        System::set_block_number(50);
        assert_ok!(TEE::approve_enclave_unregistration(root(), leaving));

        System::set_block_number(50 + BONDING - 1);
        assert_noop!(withdraw(), Error::<Test>::WithdrawProhibited);
        System::set_block_number(50 + BONDING);
        events();
        assert_ok!(withdraw());
        assert_eq!(events(), [Event::Withdrawn { operator_address: leaving, amount: STAKE }]);
        assert_eq!(Balances::balance(&leaving), RICH);
        assert_eq!(StakingLedger::<Test>::get(leaving), None);
        assert_noop!(withdraw(), Error::<Test>::StakingNotFound);
    });
}

#[test]
fn the_stake_of_a_registration_is_not_withdrawn() {
    TestExt::new().balance(ALICE, RICH).execute_with(|| {
        assert_ok!(register_as(ALICE, ENCLAVE));
        System::set_block_number(10 * BONDING);
        assert_noop!(TEE::withdraw_unbonded(signed(ALICE)), Error::<Test>::UnbondingNotStarted);
    });
}

#[test]
fn who_still_has_a_stake_cannot_register_again() {
    TestExt::new().clusters(1).execute_with(|| {
        leave(0, 0);
        System::set_block_number(10 * BONDING);
        assert_noop!(register_as(operator(0, 0), ENCLAVE), Error::<Test>::UnbondingPeriod);
        assert_ok!(TEE::withdraw_unbonded(signed(operator(0, 0))));
        assert_ok!(register_as(operator(0, 0), ENCLAVE));
    });
}
