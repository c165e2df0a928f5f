// SPDX-License-Identifier: Apache-2.0
//! Attestations without quotes, for tests that are about something else. Each account is a machine
//! of its own that runs what development chains allow.

use sp_runtime::traits::BlakeTwo256;
use tee_primitives::{
    attestation::{
        record::AttestationRecord,
        tcb::{Advisories, Tcb, TcbStatus},
        LogHead,
    },
    traits::AttestationFacts,
};

use super::*;

/// What an account proves.
pub fn facts_of(account: &AccountId) -> AttestationFacts {
    AttestationFacts {
        measurement: sp_io::hashing::blake2_256(b"tee-enclave-simulated"),
        isv_svn: 0,
        platform: BlakeTwo256::hash_of(account).into(),
    }
}

/// Gives an account an attestation for an operator that never expires.
pub fn attest(account: &AccountId, operator: &AccountId) {
    let record = AttestationRecord {
        operator: operator.clone(),
        facts: facts_of(account),
        fmspc: [0; 6],
        tcb: Tcb {
            status: TcbStatus::UpToDate,
            advisories: Advisories::default(),
            date: 0,
            evaluation_number: 0,
        },
        encryption_key: [0; 32],
        tls_spki_hash: [0; 32],
        session: [0; 32],
        log_head: LogHead::default(),
        quote_block: 0,
        attested_at: 0,
        expires_at: u64::MAX,
    };
    if pallet_attestation::Attestations::<Runtime>::get(account).as_ref() != Some(&record) {
        pallet_attestation::Attestations::<Runtime>::insert(account, record);
    }
}
