// SPDX-License-Identifier: Apache-2.0
//! What the presets promise.

use super::*;
use crate::timing::{self, Periods};

#[test]
fn development_has_one_validator_and_short_periods() {
    development().execute_with(|| {
        assert_eq!(Session::validators(), [Alice.to_account_id()]);
        assert_eq!(timing::SlotDuration::get(), 1_000);
        assert_eq!(timing::SessionLength::get(), 10);
        assert_eq!(timing::MotionDuration::get(), 30);
        assert_eq!(timing::BondingDuration::get(), 60);
        assert_eq!(timing::MigrationDuration::get(), 300);
        assert_eq!(timing::MeasurementDelay::get(), 10);
        assert_eq!(timing::EvaluationGrace::get(), 60);
        assert_eq!(timing::AttestationValidity::get(), 600);
    });
}

#[test]
fn local_testnet_has_four_validators() {
    storage_of("local_testnet").execute_with(|| {
        let expected = [Alice, Bob, Charlie, Dave].map(|who| who.to_account_id());
        assert_eq!(Session::validators(), expected);
    });
}

#[test]
fn each_has_a_committee_of_three_with_funds() {
    for preset in crate::presets::preset_names() {
        storage_of(preset.as_ref()).execute_with(|| {
            let members =
                pallet_collective::Members::<Runtime, pallet_collective::Instance1>::get();
            assert_eq!(members.len(), 3);
            for member in members {
                assert!(Balances::free_balance(&member) >= 1_000_000 * UNIT);
            }
        });
    }
}

#[test]
fn a_network_without_preset_has_production_periods() {
    let storage = RuntimeGenesisConfig::default().build_storage().unwrap();
    sp_io::TestExternalities::new(storage).execute_with(|| {
        assert_eq!(timing::SlotDuration::get(), 6_000);
    });
    // Also where there is no storage at all.
    assert_eq!(timing::SessionLength::get(), Periods::default().session_length);
}
