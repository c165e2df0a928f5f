// SPDX-License-Identifier: Apache-2.0
//! Genesis of the development networks. A production network's genesis is its operators' business:
//! they patch the default one, whose periods are a production network's.

use alloc::{vec, vec::Vec};

use frame_support::{build_struct_json_patch, BoundedVec};
use pallet_attestation::GenesisMeasurement;
use serde_json::Value;
use sp_genesis_builder::{PresetId, DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET};
use sp_keyring::{Ed25519Keyring, Sr25519Keyring};
use sp_runtime::traits::{BlakeTwo256, Hash};

use crate::{
    opaque::SessionKeys,
    timing::{GenesisConfig as TimingConfig, Periods},
    AccountId, AttestationConfig, BalancesConfig, RuntimeGenesisConfig, SessionConfig,
    TechnicalCommitteeConfig, ValidatorSetConfig, UNIT,
};

/// What each well-known account begins with.
const ENDOWMENT: u128 = 100_000_000 * UNIT;

/// Blocks of a second, sessions of ten seconds, motions of half a minute, a minute of bonding, five
/// of migration, ten seconds until a measurement counts, a minute until an evaluation does,
/// attestations of ten minutes.
const DEVELOPMENT_PERIODS: Periods = Periods {
    slot_duration: 1_000,
    session_length: 10,
    motion_duration: 30,
    bonding_duration: 60,
    migration_duration: 300,
    measurement_delay: 10,
    evaluation_grace: 60,
    attestation_validity: 600,
};

/// Certificate of the development root, whose private key is public: `tee-simulator root`. It is
/// trusted by the development networks only.
const DEVELOPMENT_ROOT: &[u8] = include_bytes!("development_root.der");

/// A development validator: the well-known account whose name is in both keyrings.
struct DevValidator {
    account: Sr25519Keyring,
    finality_key: Ed25519Keyring,
}

const ALICE: DevValidator =
    DevValidator { account: Sr25519Keyring::Alice, finality_key: Ed25519Keyring::Alice };
const BOB: DevValidator =
    DevValidator { account: Sr25519Keyring::Bob, finality_key: Ed25519Keyring::Bob };
const CHARLIE: DevValidator =
    DevValidator { account: Sr25519Keyring::Charlie, finality_key: Ed25519Keyring::Charlie };
const DAVE: DevValidator =
    DevValidator { account: Sr25519Keyring::Dave, finality_key: Ed25519Keyring::Dave };

impl DevValidator {
    fn account_id(&self) -> AccountId {
        self.account.to_account_id()
    }

    fn session_keys(&self) -> SessionKeys {
        SessionKeys {
            aura: self.account.public().into(),
            grandpa: self.finality_key.public().into(),
        }
    }
}

/// What simulated enclaves show, of every build.
fn simulated_enclave() -> GenesisMeasurement {
    GenesisMeasurement {
        mr_enclave: BlakeTwo256::hash(b"tee-enclave-simulated"),
        mr_signer: BlakeTwo256::hash(b"tee-enclave-simulated signer"),
        isv_prod_id: 0,
        min_isv_svn: 0,
    }
}

fn genesis(validators: &[DevValidator]) -> Value {
    let validator_accounts: Vec<AccountId> =
        validators.iter().map(DevValidator::account_id).collect();
    build_struct_json_patch!(RuntimeGenesisConfig {
        timing: TimingConfig { periods: DEVELOPMENT_PERIODS },
        attestation: AttestationConfig {
            root: DEVELOPMENT_ROOT.to_vec(),
            measurements: [simulated_enclave()].to_vec(),
        },
        balances: BalancesConfig {
            balances: Sr25519Keyring::well_known()
                .map(|account| (account.to_account_id(), ENDOWMENT))
                .collect::<Vec<_>>(),
        },
        validator_set: ValidatorSetConfig {
            validators: BoundedVec::truncate_from(validator_accounts),
        },
        session: SessionConfig {
            keys: validators
                .iter()
                .map(|v| (v.account_id(), v.account_id(), v.session_keys()))
                .collect::<Vec<_>>(),
        },
        technical_committee: TechnicalCommitteeConfig {
            members: [ALICE, BOB, CHARLIE].iter().map(DevValidator::account_id).collect::<Vec<_>>(),
        },
    })
}

/// The genesis patch of a preset: `development` (Alice validates) or `local_testnet` (Alice, Bob,
/// Charlie and Dave do).
pub fn get_preset(id: &PresetId) -> Option<Vec<u8>> {
    let patch = match id.as_ref() {
        DEV_RUNTIME_PRESET => genesis(&[ALICE]),
        LOCAL_TESTNET_RUNTIME_PRESET => genesis(&[ALICE, BOB, CHARLIE, DAVE]),
        _ => return None,
    };
    serde_json::to_vec(&patch).ok()
}

/// The names of the presets.
pub fn preset_names() -> Vec<PresetId> {
    vec![PresetId::from(DEV_RUNTIME_PRESET), PresetId::from(LOCAL_TESTNET_RUNTIME_PRESET)]
}
