// SPDX-License-Identifier: Apache-2.0
use crate::{self as pallet_validator_set, Error, Event, Validators};

use frame_support::{assert_noop, assert_ok, derive_impl, traits::ConstU32, BoundedVec};
use frame_system::EnsureRoot;
use sp_runtime::{
    impl_opaque_keys,
    testing::UintAuthorityId,
    traits::{BadOrigin, ConstU64, ConvertInto, OpaqueKeys},
    BuildStorage, KeyTypeId, RuntimeAppPublic,
};

const ALICE: u64 = 1;
const BOB: u64 = 2;
const CHARLIE: u64 = 3;
const DAVE: u64 = 4;
const WITHOUT_KEYS: u64 = 9;
const SESSION: u64 = 5;

#[frame_support::runtime]
mod runtime {
    #[runtime::runtime]
    #[runtime::derive(
        RuntimeCall,
        RuntimeEvent,
        RuntimeError,
        RuntimeOrigin,
        RuntimeFreezeReason,
        RuntimeHoldReason,
        RuntimeSlashReason,
        RuntimeLockId,
        RuntimeTask
    )]
    pub struct Test;

    #[runtime::pallet_index(0)]
    pub type System = frame_system::Pallet<Test>;
    #[runtime::pallet_index(1)]
    pub type Balances = pallet_balances::Pallet<Test>;
    #[runtime::pallet_index(2)]
    pub type ValidatorSet = pallet_validator_set::Pallet<Test>;
    #[runtime::pallet_index(3)]
    pub type Session = pallet_session::Pallet<Test>;
}

type Block = frame_system::mocking::MockBlock<Test>;

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = Block;
    type AccountData = pallet_balances::AccountData<u64>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
    type AccountStore = System;
}

impl_opaque_keys! {
    pub struct TestKeys {
        pub dummy: UintAuthorityId,
    }
}

frame_support::parameter_types! {
    /// Whom the consensus takes for its authorities: those of the last change.
    pub static Authorities: Vec<u64> = vec![];
    /// How often the authorities changed, as GRANDPA counts it.
    pub static Changes: u32 = 0;
}

pub struct RecordAuthorities;
impl pallet_session::SessionHandler<u64> for RecordAuthorities {
    const KEY_TYPE_IDS: &'static [KeyTypeId] = &[UintAuthorityId::ID];

    fn on_genesis_session<Keys: OpaqueKeys>(validators: &[(u64, Keys)]) {
        Authorities::set(validators.iter().map(|(id, _)| *id).collect());
    }

    fn on_new_session<Keys: OpaqueKeys>(
        changed: bool,
        validators: &[(u64, Keys)],
        _: &[(u64, Keys)],
    ) {
        if changed {
            Changes::mutate(|changes| *changes += 1);
            Authorities::set(validators.iter().map(|(id, _)| *id).collect());
        }
    }

    fn on_disabled(_: u32) {}
}

impl pallet_session::Config for Test {
    type RuntimeEvent = RuntimeEvent;
    type ValidatorId = u64;
    type ValidatorIdOf = ConvertInto;
    type ShouldEndSession = pallet_session::PeriodicSessions<ConstU64<SESSION>, ConstU64<0>>;
    type NextSessionRotation = pallet_session::PeriodicSessions<ConstU64<SESSION>, ConstU64<0>>;
    type SessionManager = ValidatorSet;
    type SessionHandler = RecordAuthorities;
    type Keys = TestKeys;
    type DisablingStrategy = ();
    type WeightInfo = ();
    type Currency = Balances;
    type KeyDeposit = ConstU64<0>;
}

impl pallet_validator_set::Config for Test {
    type GovernanceOrigin = EnsureRoot<u64>;
    type MinValidators = ConstU32<2>;
    type MaxValidators = ConstU32<3>;
    type WeightInfo = ();
}

/// Alice and Bob validate; Charlie and Dave have keys, but are not listed.
pub fn new_test_ext() -> sp_io::TestExternalities {
    let storage = RuntimeGenesisConfig {
        balances: pallet_balances::GenesisConfig {
            balances: [ALICE, BOB, CHARLIE, DAVE].map(|who| (who, 100)).to_vec(),
            dev_accounts: None,
        },
        validator_set: pallet_validator_set::GenesisConfig {
            validators: BoundedVec::truncate_from(vec![ALICE, BOB]),
        },
        session: pallet_session::GenesisConfig {
            keys: [ALICE, BOB, CHARLIE, DAVE]
                .map(|who| (who, who, TestKeys { dummy: UintAuthorityId(who) }))
                .to_vec(),
            ..Default::default()
        },
        ..Default::default()
    }
    .build_storage()
    .unwrap();
    let mut externalities = sp_io::TestExternalities::new(storage);
    externalities.execute_with(|| System::set_block_number(1));
    externalities
}

fn run(test: impl FnOnce()) {
    new_test_ext().execute_with(|| {
        test();
        ValidatorSet::do_try_state().unwrap();
    });
}

fn advance_sessions(sessions: u64) {
    let target = (System::block_number() / SESSION + sessions) * SESSION;
    System::run_to_block::<AllPalletsWithSystem>(target);
}

#[test]
fn genesis_starts_with_the_listed_validators_only() {
    run(|| assert_eq!(Authorities::get(), [ALICE, BOB]));
}

#[test]
fn an_added_validator_validates_from_the_session_after_the_next() {
    run(|| {
        assert_ok!(ValidatorSet::add_validator(RuntimeOrigin::root(), CHARLIE));
        System::assert_last_event(Event::ValidatorAdded { validator: CHARLIE }.into());
        advance_sessions(1);
        assert_eq!(Authorities::get(), [ALICE, BOB]);
        advance_sessions(1);
        assert_eq!(Authorities::get(), [ALICE, BOB, CHARLIE]);
    });
}

#[test]
fn a_removed_validator_validates_until_the_end_of_the_next_session() {
    run(|| {
        assert_ok!(ValidatorSet::add_validator(RuntimeOrigin::root(), CHARLIE));
        advance_sessions(2);
        assert_ok!(ValidatorSet::remove_validator(RuntimeOrigin::root(), ALICE));
        System::assert_last_event(Event::ValidatorRemoved { validator: ALICE }.into());
        advance_sessions(1);
        assert_eq!(Authorities::get(), [ALICE, BOB, CHARLIE]);
        advance_sessions(1);
        assert_eq!(Authorities::get(), [BOB, CHARLIE]);
    });
}

#[test]
fn only_governance_edits_the_list() {
    run(|| {
        for origin in [RuntimeOrigin::signed(ALICE), RuntimeOrigin::none()] {
            assert_noop!(ValidatorSet::add_validator(origin.clone(), CHARLIE), BadOrigin);
            assert_noop!(ValidatorSet::remove_validator(origin, ALICE), BadOrigin);
        }
    });
}

#[test]
fn a_validator_is_added_once_and_needs_keys() {
    run(|| {
        assert_noop!(
            ValidatorSet::add_validator(RuntimeOrigin::root(), ALICE),
            Error::<Test>::AlreadyValidator
        );
        assert_noop!(
            ValidatorSet::add_validator(RuntimeOrigin::root(), WITHOUT_KEYS),
            Error::<Test>::NoSessionKeys
        );
    });
}

#[test]
fn the_list_keeps_its_bounds() {
    run(|| {
        assert_noop!(
            ValidatorSet::remove_validator(RuntimeOrigin::root(), ALICE),
            Error::<Test>::TooFewValidators
        );
        assert_ok!(ValidatorSet::add_validator(RuntimeOrigin::root(), CHARLIE));
        assert_noop!(
            ValidatorSet::add_validator(RuntimeOrigin::root(), DAVE),
            Error::<Test>::TooManyValidators
        );
        assert_noop!(
            ValidatorSet::remove_validator(RuntimeOrigin::root(), DAVE),
            Error::<Test>::NotValidator
        );
    });
}

#[test]
fn a_validator_that_purged_its_keys_is_left_out_of_new_sessions() {
    run(|| {
        assert_ok!(Session::purge_keys(RuntimeOrigin::signed(BOB)));
        advance_sessions(2);
        assert_eq!(Authorities::get(), [ALICE]);
        assert_eq!(Validators::<Test>::get().to_vec(), [ALICE, BOB]);
    });
}

#[test]
fn the_set_stays_when_nobody_has_keys() {
    run(|| {
        assert_ok!(Session::purge_keys(RuntimeOrigin::signed(ALICE)));
        assert_ok!(Session::purge_keys(RuntimeOrigin::signed(BOB)));
        advance_sessions(4);
        assert_eq!(Authorities::get(), [ALICE, BOB]);
    });
}

#[test]
fn sessions_without_a_change_change_no_authority_set() {
    run(|| {
        advance_sessions(3);
        let before = Changes::get();
        advance_sessions(5);
        assert_eq!(Changes::get(), before);

        assert_ok!(ValidatorSet::add_validator(RuntimeOrigin::root(), CHARLIE));
        advance_sessions(5);
        assert_eq!(Changes::get(), before + 1);
    });
}

#[test]
fn a_chain_that_began_without_a_list_keeps_its_validators_when_one_joins() {
    run(|| {
        Validators::<Test>::kill();
        assert_ok!(ValidatorSet::add_validator(RuntimeOrigin::root(), CHARLIE));
        assert_eq!(Validators::<Test>::get().to_vec(), [ALICE, BOB, CHARLIE]);
    });
}

#[test]
#[should_panic(expected = "a validator is listed twice")]
fn genesis_lists_a_validator_once() {
    let _ = RuntimeGenesisConfig {
        validator_set: pallet_validator_set::GenesisConfig {
            validators: BoundedVec::truncate_from(vec![ALICE, ALICE]),
        },
        ..Default::default()
    }
    .build_storage();
}
