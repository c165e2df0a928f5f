// SPDX-License-Identifier: Apache-2.0
//! A machine without SGX, for development only. Nothing is protected: the seal key is a file beside
//! what it seals, its quotes are made with published keys, and whoever has the machine has every
//! share. It serves only chains that trust the development root.

use std::path::{Path, PathBuf};

use sp_crypto_hashing::blake2_256;
use tee_enclave::{
    file,
    platform::{Platform, PlatformError},
};
use tee_primitives::abi::ENCLAVE_ABI;
use tee_simulator::{Authority, EnclaveIdentity, Machine};
use zeroize::Zeroizing;

/// A machine that protects nothing.
pub struct Simulated {
    /// Holds the secret that its seal keys are derived from.
    seal_key: PathBuf,
    machine: Machine,
    number: u32,
    enclave: EnclaveIdentity,
    abis: Vec<u32>,
    root: Vec<u8>,
}

/// Name of the code, of which its default measurement is the hash.
const CODE: &[u8] = b"tee-enclave-simulated";

impl Simulated {
    /// The machine with this number, which keeps its seal key in `data_dir`. It reports this
    /// measurement, blake2_256("tee-enclave-simulated") if none is given, and this security version.
    pub fn new(data_dir: &Path, number: u32, measurement: Option<[u8; 32]>, isv_svn: u16) -> Self {
        let authority = Authority::development();
        Self {
            seal_key: data_dir.join("seal-key"),
            machine: authority.machine(number),
            number,
            enclave: EnclaveIdentity {
                mr_enclave: measurement.unwrap_or_else(|| blake2_256(CODE)),
                mr_signer: blake2_256(b"tee-enclave-simulated signer"),
                isv_prod_id: 0,
                isv_svn,
            },
            abis: vec![ENCLAVE_ABI],
            root: authority.root_der().to_vec(),
        }
    }

    /// The code knows one more of the chain's interfaces.
    #[must_use]
    pub fn knowing(mut self, abi: Option<u32>) -> Self {
        self.abis.extend(abi);
        self
    }
}

impl Platform for Simulated {
    fn kind(&self) -> &'static str {
        "simulated"
    }

    fn measurement(&self) -> [u8; 32] {
        self.enclave.mr_enclave
    }

    fn abis(&self) -> &[u32] {
        &self.abis
    }

    fn root(&self) -> &[u8] {
        &self.root
    }

    /// As SGX does it: another machine and other code have another key.
    fn seal_key(&self) -> Result<Zeroizing<[u8; 32]>, PlatformError> {
        let secret = file::load_or_create_secret(&self.seal_key)
            .map_err(|error| PlatformError(format!("no seal key: {error}")))?;
        let number = self.number.to_le_bytes();
        let material = Zeroizing::new(
            [b"tee-enclave-simulated seal key", &secret[..], &self.enclave.mr_enclave, &number]
                .concat(),
        );
        Ok(Zeroizing::new(blake2_256(&material)))
    }

    fn quote(&self, report_data: &[u8; 64]) -> Result<Vec<u8>, PlatformError> {
        Ok(self.machine.quote(&self.enclave, report_data))
    }
}
