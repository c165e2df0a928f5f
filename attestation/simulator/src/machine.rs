// SPDX-License-Identifier: Apache-2.0
//! A platform: its identity, its PCK certificate and its quoting enclave.

use std::fmt;

use p256::ecdsa::SigningKey;
use x509_cert::der::Encode;

use crate::{
    authority::{Authority, Issuer, NOT_AFTER, NOT_BEFORE},
    certificate::{self, Role, Template},
    derive,
    draft::Draft,
    sgx_extension::SgxExtension,
    status::default_levels,
    Serial, TcbStatus, DEVELOPMENT_FMSPC,
};

/// Common name of every PCK certificate.
pub const PCK_NAME: &str = "TIP500 DEV SGX PCK Certificate";

/// Which CA certifies a machine.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PckCa {
    /// For machines with one processor package.
    Processor,
    /// For machines that can have several.
    Platform,
}

impl PckCa {
    /// As the PCS API writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Processor => "processor",
            Self::Platform => "platform",
        }
    }
}

/// SGX type of a platform, in its certificate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SgxType {
    /// With an integrity tree, for clients and small servers.
    Standard = 0,
    /// Without, for large servers.
    Scalable = 1,
    /// Without, but with integrity by other means.
    ScalableWithIntegrity = 2,
}

/// What certificates of the Platform CA say in addition.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct PlatformFlags {
    /// Packages can be added.
    pub dynamic_platform: bool,
    /// Intel keeps the platform's root keys.
    pub cached_keys: bool,
    /// Simultaneous multithreading is on.
    pub smt_enabled: bool,
}

/// How a machine is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MachineOptions {
    /// Who certifies it.
    pub ca: PckCa,
    /// Its model.
    pub fmspc: [u8; 6],
    /// SVN of its 16 components, in its certificate.
    pub cpu_svn: [u8; 16],
    /// SVN of its provisioning certification enclave, in its certificate.
    pub pce_svn: u16,
    /// Identity of that enclave.
    pub pce_id: [u8; 2],
    /// Its SGX type.
    pub sgx_type: SgxType,
    /// In certificates of the Platform CA.
    pub flags: PlatformFlags,
    /// First second of the certificate, Unix time, before the year 10000.
    pub not_before: u64,
    /// Last second of the certificate, Unix time, before the year 10000.
    pub not_after: u64,
    /// ISVSVN of its quoting enclave.
    pub qe_isv_svn: u16,
}

impl Default for MachineOptions {
    fn default() -> Self {
        let level = &default_levels()[0];
        Self {
            ca: PckCa::Processor,
            fmspc: DEVELOPMENT_FMSPC,
            cpu_svn: level.components,
            pce_svn: level.pce_svn,
            pce_id: [0; 2],
            sgx_type: SgxType::Standard,
            flags: PlatformFlags::default(),
            not_before: NOT_BEFORE,
            not_after: NOT_AFTER,
            qe_isv_svn: 10,
        }
    }
}

impl MachineOptions {
    /// A machine that has this status by the default levels.
    pub fn with_status(status: TcbStatus) -> Self {
        let levels = default_levels();
        let level = levels.iter().find(|level| level.status == status);
        let level = level.expect("every status has a default level");
        Self { cpu_svn: level.components, pce_svn: level.pce_svn, ..Self::default() }
    }
}

/// What a quote says about the enclave that asked for it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct EnclaveIdentity {
    /// SHA-256 measurement of its code and initial data.
    pub mr_enclave: [u8; 32],
    /// SHA-256 of its signer's key.
    pub mr_signer: [u8; 32],
    /// Product number that the signer gave it.
    pub isv_prod_id: u16,
    /// Security version that the signer gave it.
    pub isv_svn: u16,
}

/// A platform that makes quotes. For the same authority, number and options it is always the same.
#[derive(Clone)]
pub struct Machine {
    pub(crate) authority: Authority,
    pub(crate) number: u32,
    pub(crate) options: MachineOptions,
    pub(crate) pck: SigningKey,
    pub(crate) attestation_key: SigningKey,
    serial: Serial,
}

impl Authority {
    /// A machine with default options.
    pub fn machine(&self, number: u32) -> Machine {
        self.machine_with(number, &MachineOptions::default())
    }

    /// A machine. Its number decides its PPID; a machine that is updated keeps that, and has another
    /// PCK key and certificate.
    pub fn machine_with(&self, number: u32, options: &MachineOptions) -> Machine {
        // A PCK depends on the TCB that its certificate is for, as Intel's do.
        let MachineOptions { ca, fmspc, cpu_svn, pce_svn, pce_id, .. } = options;
        let (fmspc, cpu_svn, pce_id) =
            (hex::encode(fmspc), hex::encode(cpu_svn), hex::encode(pce_id));
        let ca = ca.name();
        let pck = format!("pck/{number}/{ca}/{fmspc}/{pce_id}/{cpu_svn}/{pce_svn}");
        let PlatformFlags { dynamic_platform, cached_keys, smt_enabled } = options.flags;
        let kind = options.sgx_type as u8;
        let certificate = format!(
            "certificate/{pck}/{kind}/{dynamic_platform}/{cached_keys}/{smt_enabled}/{}/{}",
            options.not_before, options.not_after
        );
        let mut serial: Serial = derive::bytes(self.seed(), &certificate);
        // Serial numbers are positive.
        serial[0] = serial[0].max(1);
        Machine {
            authority: self.clone(),
            number,
            options: options.clone(),
            pck: derive::key(self.seed(), &pck),
            attestation_key: derive::key(self.seed(), &format!("attestation/{number}")),
            serial,
        }
    }
}

impl Machine {
    /// A quote of version 3 over an enclave's report, with the PCK certificate chain.
    pub fn quote(&self, enclave: &EnclaveIdentity, report_data: &[u8; 64]) -> Vec<u8> {
        Draft::new(self, enclave, report_data).sign().encode()
    }

    /// Platform provisioning id: which machine it is.
    pub fn ppid(&self) -> [u8; 16] {
        derive::bytes(self.authority.seed(), &format!("ppid/{}", self.number))
    }

    /// Serial number of its PCK certificate.
    pub fn serial(&self) -> Serial {
        self.serial
    }

    /// Its model.
    pub fn fmspc(&self) -> [u8; 6] {
        self.options.fmspc
    }

    /// How it is.
    pub fn options(&self) -> &MachineOptions {
        &self.options
    }

    /// Its PCK certificate in DER.
    pub fn certificate_der(&self) -> Vec<u8> {
        let issuer = self.issuer();
        let extension = self.sgx_extension().encode();
        self.certify((issuer.name, &issuer.key), self.validity(), vec![extension])
    }

    /// Its PCK certificate, that of the CA and that of the root in DER: what its quotes carry.
    pub fn chain_der(&self) -> [Vec<u8>; 3] {
        [self.certificate_der(), self.issuer().der.clone(), self.authority.root_der().to_vec()]
    }

    /// Who certifies it.
    pub(crate) fn issuer(&self) -> &Issuer {
        self.authority.ca(self.options.ca)
    }

    /// First and last second of its certificate.
    pub(crate) fn validity(&self) -> (u64, u64) {
        (self.options.not_before, self.options.not_after)
    }

    /// The quoting enclave's id of the machine.
    pub(crate) fn qe_id(&self) -> [u8; 16] {
        derive::bytes(self.authority.seed(), &format!("qe id/{}", self.number))
    }

    /// What its certificate says about it.
    pub(crate) fn sgx_extension(&self) -> SgxExtension {
        let options = &self.options;
        let instance =
            derive::bytes(self.authority.seed(), &format!("platform instance/{}", self.number));
        SgxExtension {
            ppid: self.ppid().to_vec(),
            components: options.cpu_svn.to_vec(),
            pce_svn: options.pce_svn,
            cpu_svn: options.cpu_svn.to_vec(),
            pce_id: options.pce_id.to_vec(),
            fmspc: options.fmspc.to_vec(),
            sgx_type: options.sgx_type as u8,
            platform: (options.ca == PckCa::Platform).then_some((instance, options.flags)),
        }
    }

    /// A certificate for its PCK by an issuer's name and key.
    pub(crate) fn certify(
        &self,
        issuer: (&str, &SigningKey),
        validity: (u64, u64),
        sgx: Vec<Vec<u8>>,
    ) -> Vec<u8> {
        let ca = self.options.ca.name();
        let crl =
            format!("https://pccs.tip500.invalid/sgx/certification/v4/pckcrl?ca={ca}&encoding=der");
        let template = Template {
            subject: PCK_NAME,
            key: self.pck.verifying_key(),
            serial: self.serial,
            validity,
            role: Role::Leaf,
            crl: &crl,
            sgx,
        };
        certificate::issue(template, issuer.0, issuer.1)
            .to_der()
            .expect("what is built here has an encoding")
    }
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Machine")
            .field("number", &self.number)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
