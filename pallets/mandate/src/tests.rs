// SPDX-License-Identifier: Apache-2.0
use crate::{self as pallet_mandate, Error, Event, WeightInfo};

use frame_support::{
    assert_noop, assert_ok, derive_impl, dispatch::GetDispatchInfo, traits::Contains,
};
use frame_system::EnsureSignedBy;
use sp_runtime::{traits::BadOrigin, BuildStorage, DispatchError};

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
    pub type Mandate = pallet_mandate::Pallet<Test>;
}

type Block = frame_system::mocking::MockBlock<Test>;

const ADMIN: u64 = 1;
const STRANGER: u64 = 2;

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = Block;
}

frame_support::ord_parameter_types! {
    pub const Admin: u64 = ADMIN;
}

/// Everything but `kill_storage`.
pub struct NoKillStorage;
impl Contains<RuntimeCall> for NoKillStorage {
    fn contains(call: &RuntimeCall) -> bool {
        !matches!(call, RuntimeCall::System(frame_system::Call::kill_storage { .. }))
    }
}

impl pallet_mandate::Config for Test {
    type RuntimeCall = RuntimeCall;
    type AdminOrigin = EnsureSignedBy<Admin, u64>;
    type Allowed = NoKillStorage;
    type WeightInfo = ();
}

pub fn new_test_ext() -> sp_io::TestExternalities {
    let storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
    let mut externalities = sp_io::TestExternalities::new(storage);
    externalities.execute_with(|| System::set_block_number(1));
    externalities
}

fn run(test: impl FnOnce()) {
    new_test_ext().execute_with(test);
}

fn set_heap_pages() -> Box<RuntimeCall> {
    Box::new(frame_system::Call::set_heap_pages { pages: 9 }.into())
}

#[test]
fn the_admin_dispatches_as_root() {
    run(|| {
        assert_ok!(Mandate::mandate(RuntimeOrigin::signed(ADMIN), set_heap_pages()));
        System::assert_last_event(Event::RootOp { result: Ok(()) }.into());
        assert!(sp_io::storage::get(sp_core::storage::well_known_keys::HEAP_PAGES).is_some());
    });
}

#[test]
fn nobody_else_dispatches_not_even_root() {
    run(|| {
        for origin in
            [RuntimeOrigin::signed(STRANGER), RuntimeOrigin::none(), RuntimeOrigin::root()]
        {
            assert_noop!(Mandate::mandate(origin, set_heap_pages()), BadOrigin);
        }
    });
}

#[test]
fn a_filtered_call_fails_and_changes_nothing() {
    run(|| {
        let call = Box::new(frame_system::Call::kill_storage { keys: vec![] }.into());
        assert_noop!(
            Mandate::mandate(RuntimeOrigin::signed(ADMIN), call),
            Error::<Test>::CallNotAllowed
        );
    });
}

#[test]
fn the_error_of_a_mandated_call_is_reported() {
    run(|| {
        // Its own call needs a signed admin: as root it is refused.
        let nested = Box::new(crate::Call::mandate { call: set_heap_pages() }.into());
        assert_ok!(Mandate::mandate(RuntimeOrigin::signed(ADMIN), nested));
        System::assert_last_event(Event::RootOp { result: Err(DispatchError::BadOrigin) }.into());
    });
}

#[test]
fn a_mandate_weighs_its_call_and_its_own_part() {
    run(|| {
        let call = set_heap_pages();
        let of_call = call.get_dispatch_info();
        let mandate: RuntimeCall = crate::Call::mandate { call }.into();
        let info = mandate.get_dispatch_info();
        assert_eq!(info.call_weight, of_call.call_weight + <() as WeightInfo>::mandate());
        assert_eq!(info.class, of_call.class);
    });
}
