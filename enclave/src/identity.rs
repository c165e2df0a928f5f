// SPDX-License-Identifier: Apache-2.0
//! What the enclave says of itself in every attestation of one start.

use tee_primitives::{
    attestation::{AttestationPayload, LogHead, Measurement, Purpose, PAYLOAD_VERSION},
    Hash, RawAccountId,
};

use crate::{account::Account, chain::Head};

/// What the enclave says of itself, besides when.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Identity {
    /// Its account.
    pub account: RawAccountId,
    /// For whom it works.
    pub operator: RawAccountId,
    /// The code.
    pub measurement: Measurement,
    /// Its X25519 public key.
    pub encryption_key: [u8; 32],
    /// SHA-256 of its TLS key, if it was made inside; zeros without such a key.
    pub tls_spki_hash: Hash,
    /// Random for each start.
    pub session: [u8; 32],
}

impl Identity {
    /// Of an account that works for `operator`.
    pub fn new(account: &Account, operator: RawAccountId, measurement: Measurement) -> Self {
        Self {
            account: account.id(),
            operator,
            measurement,
            encryption_key: account.encryption_key(),
            tls_spki_hash: [0; 32],
            session: account.session(),
        }
    }

    /// What is shown for this purpose, on the chain with this genesis hash, as of a finalized block, by an enclave whose
    /// view log has this head.
    pub fn payload(
        &self,
        purpose: Purpose,
        genesis_hash: Hash,
        block: Head,
        log_head: LogHead,
    ) -> AttestationPayload {
        AttestationPayload {
            version: PAYLOAD_VERSION,
            purpose,
            genesis_hash,
            mrenclave: self.measurement,
            block_number: block.number,
            block_hash: block.hash,
            account: self.account,
            operator: self.operator,
            encryption_key: self.encryption_key,
            tls_spki_hash: self.tls_spki_hash,
            session: self.session,
            log_head,
        }
    }
}
