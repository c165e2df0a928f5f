// SPDX-License-Identifier: Apache-2.0
//! The certification authorities, in the shape of Intel's SGX PKI.
//!
//! ```text
//! root ─┬─ PCK Processor CA ── PCK certificates of machines
//!       ├─ PCK Platform CA ─── PCK certificates of machines
//!       └─ TCB signer          signs TCB info and QE identity
//! ```

use std::{fmt, sync::Arc};

use p256::ecdsa::SigningKey;
use x509_cert::{der::Encode, Certificate};

use crate::{
    certificate::{self, Role, Template},
    derive,
    machine::PckCa,
    Serial, DEVELOPMENT_SEED,
};

/// Common name of the root.
pub const ROOT_NAME: &str = "TIP500 DEV SGX Root CA - NOT INTEL";
/// Common name of the CA for machines with one processor package.
pub const PROCESSOR_CA_NAME: &str = "TIP500 DEV SGX PCK Processor CA";
/// Common name of the CA for machines that can have several.
pub const PLATFORM_CA_NAME: &str = "TIP500 DEV SGX PCK Platform CA";
/// Common name of the signer of TCB info and QE identity.
pub const TCB_SIGNER_NAME: &str = "TIP500 DEV SGX TCB Signing";

/// 2020-01-01T00:00:00Z, Unix time: when certificates begin by default.
pub const NOT_BEFORE: u64 = 1_577_836_800;
/// 2049-12-31T23:59:59Z, Unix time: when certificates end by default.
pub const NOT_AFTER: u64 = 2_524_607_999;

/// Where certificates say that the root's CRL is. The name does not resolve.
pub(crate) const ROOT_CRL_URL: &str = "https://certificates.tip500.invalid/DevSGXRootCA.der";

/// A root of trust for development. Cheap to clone.
///
/// It protects nothing: who has the seed has every key, and that of [`Authority::development`] is
/// public.
#[derive(Clone)]
pub struct Authority(Arc<Keys>);

struct Keys {
    seed: [u8; 32],
    root: Issuer,
    processor: Issuer,
    platform: Issuer,
    tcb_signer: Issuer,
}

/// A key with its certificate.
pub(crate) struct Issuer {
    pub(crate) name: &'static str,
    pub(crate) key: SigningKey,
    pub(crate) certificate: Certificate,
    pub(crate) der: Vec<u8>,
}

impl Authority {
    /// The one from [`DEVELOPMENT_SEED`].
    pub fn development() -> Self {
        Self::from_seed(DEVELOPMENT_SEED)
    }

    /// The one from a seed, always with the same keys and certificates.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        let path = |path_len| Role::Authority { path_len };
        let root = Issuer::new(&seed, ROOT_NAME, path(1), None);
        let below = |name, role| Issuer::new(&seed, name, role, Some(&root));
        let processor = below(PROCESSOR_CA_NAME, path(0));
        let platform = below(PLATFORM_CA_NAME, path(0));
        let tcb_signer = below(TCB_SIGNER_NAME, Role::Leaf);
        Self(Arc::new(Keys { seed, root, processor, platform, tcb_signer }))
    }

    /// The root's certificate in DER: self-signed, [`ROOT_NAME`], valid from [`NOT_BEFORE`] to
    /// [`NOT_AFTER`].
    pub fn root_der(&self) -> &[u8] {
        &self.0.root.der
    }

    /// The root's private key, for tests that search binaries for it.
    pub fn root_secret(&self) -> [u8; 32] {
        derive::secret(&self.0.seed, ROOT_NAME)
    }

    /// The root's public key, x ‖ y, for tests that search binaries for it.
    pub fn root_public(&self) -> [u8; 64] {
        derive::point(self.0.root.key.verifying_key())
    }

    /// Serial number of a PCK CA's certificate.
    pub fn ca_serial(&self, ca: PckCa) -> Serial {
        self.ca(ca).serial()
    }

    /// Serial number of the TCB signer's certificate.
    pub fn tcb_signer_serial(&self) -> Serial {
        self.0.tcb_signer.serial()
    }

    /// Serial number of the root's certificate.
    pub fn root_serial(&self) -> Serial {
        self.0.root.serial()
    }

    /// Another authority with the same names: what an attacker has who makes certificates alone.
    pub(crate) fn imposter(&self) -> Self {
        Self::from_seed(derive::bytes(&self.0.seed, "imposter"))
    }

    pub(crate) fn seed(&self) -> &[u8; 32] {
        &self.0.seed
    }

    pub(crate) fn root(&self) -> &Issuer {
        &self.0.root
    }

    pub(crate) fn ca(&self, ca: PckCa) -> &Issuer {
        match ca {
            PckCa::Processor => &self.0.processor,
            PckCa::Platform => &self.0.platform,
        }
    }

    pub(crate) fn tcb_signer(&self) -> &Issuer {
        &self.0.tcb_signer
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let serial = hex::encode(self.root_serial());
        f.debug_struct("Authority").field("root_serial", &serial).finish_non_exhaustive()
    }
}

impl Issuer {
    /// Serial number of its certificate.
    fn serial(&self) -> Serial {
        serial(&self.key)
    }

    /// A key from the seed, certified by `issuer` or by itself.
    pub(crate) fn new(
        seed: &[u8; 32],
        name: &'static str,
        role: Role,
        issuer: Option<&Issuer>,
    ) -> Self {
        let issuer = issuer.map(|issuer| (issuer.name, &issuer.key));
        Self::with_key(derive::key(seed, name), name, role, issuer)
    }

    /// A key certified by `issuer` (name and key) or by itself.
    pub(crate) fn with_key(
        key: SigningKey,
        name: &'static str,
        role: Role,
        issuer: Option<(&str, &SigningKey)>,
    ) -> Self {
        Self::with_validity(key, name, role, issuer, (NOT_BEFORE, NOT_AFTER))
    }

    /// The same for another time: first and last second, Unix.
    pub(crate) fn with_validity(
        key: SigningKey,
        name: &'static str,
        role: Role,
        issuer: Option<(&str, &SigningKey)>,
        validity: (u64, u64),
    ) -> Self {
        let template = Template {
            subject: name,
            key: key.verifying_key(),
            serial: serial(&key),
            validity,
            role,
            crl: ROOT_CRL_URL,
            sgx: Vec::new(),
        };
        let (issuer_name, issuer_key) = issuer.unwrap_or((name, &key));
        let certificate = certificate::issue(template, issuer_name, issuer_key);
        let der = certificate.to_der().expect("what is built here has an encoding");
        Self { name, key, certificate, der }
    }
}

/// Serial numbers of CAs and TCB signers are their key identifiers, as Intel's are.
fn serial(key: &SigningKey) -> Serial {
    certificate::key_identifier(&certificate::key_info(key.verifying_key()))
}
