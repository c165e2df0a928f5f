// SPDX-License-Identifier: Apache-2.0
//! What the enclave needs of the machine it runs on.

use tee_primitives::attestation::Measurement;
use zeroize::Zeroizing;

/// The machine: its key for sealing and its way of proving what runs on it.
pub trait Platform: Send + Sync + 'static {
    /// How the machine proves what runs on it, as health shows it; `none` if it cannot.
    fn attestation(&self) -> &'static str;

    /// Measurement of the running code.
    fn measurement(&self) -> Measurement;

    /// The key under which this code, and only this code, seals its secrets on this machine.
    fn seal_key(&self) -> Result<Zeroizing<[u8; 32]>, PlatformError>;

    /// A quote that carries `report_data`; `None` if the machine makes none.
    fn quote(&self, report_data: &[u8; 64]) -> Result<Option<Vec<u8>>, PlatformError>;
}

/// The machine did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[error("the platform failed: {0}")]
pub struct PlatformError(
    /// What happened, for people.
    pub String,
);
