// SPDX-License-Identifier: Apache-2.0
//! What the enclave needs of the machine it runs on.

use tee_primitives::{abi::ENCLAVE_ABI, attestation::Measurement};
use zeroize::Zeroizing;

/// The machine: its key for sealing and its way of proving what runs on it.
///
/// What blocks is called from threads where that is allowed.
pub trait Platform: Send + Sync + 'static {
    /// How the machine proves what runs on it, as health shows it: `dcap` or `simulated`.
    fn kind(&self) -> &'static str;

    /// Measurement of the running code.
    fn measurement(&self) -> Measurement;

    /// Which of the chain's interfaces the running code knows, by their [`ENCLAVE_ABI`]: its own, and
    /// before an upgrade of the runtime also the next one. Of any other nothing is understood.
    fn abis(&self) -> &[u32] {
        &[ENCLAVE_ABI]
    }

    /// DER of the certificate to which this machine's quotes lead. The enclave serves only a chain
    /// that trusts exactly this one.
    fn root(&self) -> &[u8];

    /// The key under which this code, and only this code, seals its secrets on this machine.
    fn seal_key(&self) -> Result<Zeroizing<[u8; 32]>, PlatformError>;

    /// A quote that carries `report_data`. Takes seconds on some machines.
    fn quote(&self, report_data: &[u8; 64]) -> Result<Vec<u8>, PlatformError>;
}

/// The machine did not do what it was asked for.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the platform failed: {0}")]
pub struct PlatformError(
    /// What happened, for people.
    pub String,
);

#[cfg(test)]
pub(crate) mod testing;
