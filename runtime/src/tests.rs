// SPDX-License-Identifier: Apache-2.0
//! Contracts that hold across crates.

mod attestation;
mod attested;
mod clients;
mod contract;
mod enclave_abi;
mod errors;
mod mandates;
mod metadata_text;
mod presets;
mod random_calls;
mod throughput;

use codec::{Decode, Encode};
use frame_support::{assert_noop, assert_ok, traits::Get};
use sp_core::Pair;
use sp_keyring::Sr25519Keyring::{Alice, Bob, Charlie, Dave};
use sp_runtime::{traits::Hash as _, BuildStorage};

use crate::*;

fn storage_of(preset: &str) -> sp_io::TestExternalities {
    let json = crate::presets::get_preset(&preset.into()).unwrap();
    let defaults = serde_json::to_value(RuntimeGenesisConfig::default()).unwrap();
    let patch: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let mut merged = defaults;
    merge(&mut merged, patch);
    let genesis: RuntimeGenesisConfig = serde_json::from_value(merged).unwrap();
    let mut externalities = sp_io::TestExternalities::new(genesis.build_storage().unwrap());
    externalities.execute_with(|| System::set_block_number(1));
    externalities
}

fn merge(into: &mut serde_json::Value, patch: serde_json::Value) {
    match (into, patch) {
        (serde_json::Value::Object(into), serde_json::Value::Object(patch)) => {
            for (key, value) in patch {
                merge(into.entry(key).or_insert(serde_json::Value::Null), value);
            }
        }
        (into, patch) => *into = patch,
    }
}

fn development() -> sp_io::TestExternalities {
    storage_of("development")
}

/// What a transaction carries besides its call.
fn signed_extension(nonce: Nonce) -> TxExtension {
    (
        frame_system::CheckNonZeroSender::new(),
        frame_system::CheckSpecVersion::new(),
        frame_system::CheckTxVersion::new(),
        frame_system::CheckGenesis::new(),
        frame_system::CheckEra::from(sp_runtime::generic::Era::Immortal),
        frame_system::CheckNonce::from(nonce),
        frame_system::CheckWeight::new(),
        pallet_transaction_payment::ChargeTransactionPayment::from(0),
        frame_system::WeightReclaim::new(),
    )
}

/// A transaction as a client sends it.
fn signed(signer: &sp_core::sr25519::Pair, nonce: Nonce, call: RuntimeCall) -> UncheckedExtrinsic {
    let payload = sp_runtime::generic::SignedPayload::new(call, signed_extension(nonce)).unwrap();
    let signature = payload.using_encoded(|payload| signer.sign(payload));
    let account = AccountId::from(signer.public());
    let (call, extension, _) = payload.deconstruct();
    UncheckedExtrinsic::new_signed(call, account.into(), signature.into(), extension)
}
