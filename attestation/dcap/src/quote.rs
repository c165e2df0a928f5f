// SPDX-License-Identifier: Apache-2.0
//! The layout of a quote (Intel SGX ECDSA QuoteLibReference DCAP API, appendix A.4), and what is wrong
//! with one at first sight. All numbers are little-endian.

use tee_primitives::attestation::{collateral::PckCa, record::Fmspc};
use x509_cert::der::Decode;

use crate::{
    chain::pck_ca,
    sgx_extension::SgxExtension,
    signature::{KEY_LEN, SIGNATURE_LEN},
    Error,
};

/// Longest quote that is read, in bytes. Intel's are about 4,600.
pub const MAX_QUOTE_LEN: u32 = 8_192;

const HEADER_LEN: usize = 48;
const REPORT_LEN: usize = 384;
/// What the quote's signature is over: header and report.
const SIGNED_LEN: usize = HEADER_LEN + REPORT_LEN;
const AUTH_DATA_LEN: usize = 32;
const LENGTH_END: usize = SIGNED_LEN + 4;

const VERSION: u16 = 3;
const ECDSA_P256: u16 = 2;
const SGX: u32 = 0;
const INTEL_QE_VENDOR: [u8; 16] = [
    0x93, 0x9A, 0x72, 0x33, 0xF7, 0x9C, 0x4C, 0xA9, 0x94, 0x0A, 0x0D, 0xB3, 0x95, 0x7F, 0x06, 0x07,
];
/// The platform's certificates, PEM, its own first.
const PCK_CERTIFICATE_CHAIN: u16 = 5;

/// Attributes of an enclave (Intel SDM vol. 3D, ATTRIBUTES.FLAGS).
mod attribute {
    pub const INIT: u8 = 0x01;
    pub const DEBUG: u8 = 0x02;
    pub const MODE64BIT: u8 = 0x04;
    pub const PROVISION_KEY: u8 = 0x10;
    pub const EINITTOKEN_KEY: u8 = 0x20;
}

/// Reads fields one after the other.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, length: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Error::QuoteLengthWrong)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], Error> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Error::QuoteLengthWrong)?;
        self.0 = rest;
        Ok(taken)
    }

    fn u16(&mut self) -> Result<u16, Error> {
        self.array().map(|bytes| u16::from_le_bytes(*bytes))
    }

    fn u32(&mut self) -> Result<u32, Error> {
        self.array().map(|bytes| u32::from_le_bytes(*bytes))
    }
}

/// What the processor reports about an enclave (REPORT body, 384 bytes).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Report {
    /// Security versions of the processor.
    pub cpu_svn: [u8; 16],
    /// Which extended features the enclave uses.
    pub misc_select: u32,
    /// Flags and XFRM.
    pub attributes: [u8; 16],
    /// SHA-256 of the enclave's code and initial data.
    pub mr_enclave: [u8; 32],
    /// SHA-256 of the key that signed the enclave.
    pub mr_signer: [u8; 32],
    /// Which of the signer's products it is.
    pub isv_prod_id: u16,
    /// Its security version.
    pub isv_svn: u16,
    /// What the enclave itself says.
    pub report_data: [u8; 64],
    /// Whether fields that are reserved, or belong to configurations chosen at the start (key
    /// separation and sharing), hold anything.
    pub has_more: bool,
}

impl Report {
    fn read(bytes: &[u8; REPORT_LEN]) -> Result<Self, Error> {
        let mut reader = Reader(bytes);
        let cpu_svn = *reader.array()?;
        let misc_select = reader.u32()?;
        let reserved_and_extended_product_id = reader.bytes(12 + 16)?;
        let attributes = *reader.array()?;
        let mr_enclave = *reader.array()?;
        let reserved = reader.bytes(32)?;
        let mr_signer = *reader.array()?;
        let reserved_and_configuration_id = reader.bytes(32 + 64)?;
        let (isv_prod_id, isv_svn) = (reader.u16()?, reader.u16()?);
        let configuration_svn_reserved_and_family_id = reader.bytes(2 + 42 + 16)?;
        let report_data = *reader.array()?;
        let has_more = [
            reserved_and_extended_product_id,
            reserved,
            reserved_and_configuration_id,
            configuration_svn_reserved_and_family_id,
        ]
        .into_iter()
        .flatten()
        .any(|byte| *byte != 0);
        Ok(Self {
            cpu_svn,
            misc_select,
            attributes,
            mr_enclave,
            mr_signer,
            isv_prod_id,
            isv_svn,
            report_data,
            has_more,
        })
    }

    fn flags(&self) -> u8 {
        let [flags, ..] = self.attributes;
        flags
    }

    /// Whether its memory can be read from outside.
    pub fn is_debug(&self) -> bool {
        self.flags() & attribute::DEBUG != 0
    }
}

/// A quote whose layout is right. Nothing of it is verified yet.
#[derive(Clone, Debug)]
pub struct Quote<'a> {
    report: Report,
    signed: &'a [u8],
    signature: &'a [u8; SIGNATURE_LEN],
    attestation_key: &'a [u8; KEY_LEN],
    qe_report_bytes: &'a [u8; REPORT_LEN],
    qe_report: Report,
    qe_report_signature: &'a [u8; SIGNATURE_LEN],
    qe_auth_data: &'a [u8; AUTH_DATA_LEN],
    certificates: &'a [u8],
}

/// Which collateral a quote is to be judged by, as it says itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PckHint {
    /// The type of platform.
    pub fmspc: Fmspc,
    /// The authority that certified it.
    pub ca: PckCa,
}

/// How many bytes at the beginning of `bytes` are a quote, as it says itself; `None` if there is no
/// whole one.
pub fn quote_len(bytes: &[u8]) -> Option<usize> {
    let length: [u8; 4] = bytes.get(SIGNED_LEN..LENGTH_END)?.try_into().ok()?;
    let length = usize::try_from(u32::from_le_bytes(length)).ok()?;
    LENGTH_END.checked_add(length).filter(|end| *end <= bytes.len())
}

impl<'a> Quote<'a> {
    /// Takes a quote apart.
    ///
    /// Fails if it is not exactly as long as its parts say (a quote with something behind it would be
    /// as good as the quote itself, and another to whoever compares bytes), or not of the only kind
    /// that is verified here.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut reader = Reader(bytes);
        let too_short = |_| Error::QuoteTooShort;
        let version = reader.u16().map_err(too_short)?;
        let key_type = reader.u16().map_err(too_short)?;
        let tee_type = reader.u32().map_err(too_short)?;
        let _svns = reader.u32().map_err(too_short)?;
        let vendor: &[u8; 16] = reader.array().map_err(too_short)?;
        let _user_data = reader.bytes(20).map_err(too_short)?;
        if version != VERSION {
            return Err(Error::QuoteVersionUnsupported);
        }
        if key_type != ECDSA_P256 {
            return Err(Error::AttestationKeyTypeUnsupported);
        }
        if tee_type != SGX {
            return Err(Error::TeeTypeUnsupported);
        }
        if *vendor != INTEL_QE_VENDOR {
            return Err(Error::QeVendorUnknown);
        }
        let report = Report::read(reader.array().map_err(too_short)?)?;
        let signed = bytes.get(..SIGNED_LEN).ok_or(Error::QuoteTooShort)?;

        let length = reader.u32().map_err(too_short)?;
        if usize::try_from(length).ok() != Some(reader.0.len()) {
            return Err(Error::QuoteLengthWrong);
        }
        let signature = reader.array()?;
        let attestation_key = reader.array()?;
        let qe_report_bytes = reader.array()?;
        let qe_report_signature = reader.array()?;
        let auth_data_len = reader.u16()?;
        if usize::from(auth_data_len) != AUTH_DATA_LEN {
            return Err(Error::QeAuthDataLengthWrong);
        }
        let qe_auth_data = reader.array()?;
        let certification_type = reader.u16()?;
        let certification_len = reader.u32()?;
        if certification_type != PCK_CERTIFICATE_CHAIN {
            return Err(Error::CertificationDataUnsupported);
        }
        if usize::try_from(certification_len).ok() != Some(reader.0.len()) {
            return Err(Error::QuoteLengthWrong);
        }
        Ok(Self {
            report,
            signed,
            signature,
            attestation_key,
            qe_report_bytes,
            qe_report: Report::read(qe_report_bytes)?,
            qe_report_signature,
            qe_auth_data,
            certificates: reader.0,
        })
    }

    /// What the processor reported about the enclave.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Fails unless the enclave is initialized, 64-bit, not debuggable, without what lets Intel's own
    /// enclaves derive provisioning and launch keys, and without what its measurement does not tell:
    /// extended features, and a configuration that its host chose.
    pub fn check_attributes(&self) -> Result<(), Error> {
        use attribute::*;

        let flags = self.report.flags();
        if flags & DEBUG != 0 {
            return Err(Error::DebugEnclave);
        }
        if flags & (PROVISION_KEY | EINITTOKEN_KEY) != 0 {
            return Err(Error::ProvisioningEnclave);
        }
        if flags & INIT == 0 || flags & MODE64BIT == 0 {
            return Err(Error::EnclaveAttributesInvalid);
        }
        if self.report.misc_select != 0 || self.report.has_more {
            return Err(Error::EnclaveReportUnexpected);
        }
        Ok(())
    }

    /// Which collateral to look up. Nothing of it is verified: verification tells whether it was the
    /// right one.
    pub fn pck_hint(&self) -> Result<PckHint, Error> {
        let leaf = pem::parse(self.certificates).map_err(|_| Error::CertificateMalformed)?;
        let leaf = x509_cert::Certificate::from_der(leaf.contents());
        let leaf = leaf.map_err(|_| Error::CertificateMalformed)?;
        let fmspc = SgxExtension::of(&leaf)?.fmspc;
        let ca = pck_ca(leaf.tbs_certificate().issuer()).ok_or(Error::PckIssuerWrong)?;
        Ok(PckHint { fmspc, ca })
    }

    /// PEM.
    pub(crate) fn certificates(&self) -> &[u8] {
        self.certificates
    }

    pub(crate) fn signed(&self) -> &[u8] {
        self.signed
    }

    pub(crate) fn signature(&self) -> &[u8; SIGNATURE_LEN] {
        self.signature
    }

    pub(crate) fn attestation_key(&self) -> &[u8; KEY_LEN] {
        self.attestation_key
    }

    pub(crate) fn qe_report(&self) -> &Report {
        &self.qe_report
    }

    pub(crate) fn qe_report_bytes(&self) -> &[u8; REPORT_LEN] {
        self.qe_report_bytes
    }

    pub(crate) fn qe_report_signature(&self) -> &[u8; SIGNATURE_LEN] {
        self.qe_report_signature
    }

    pub(crate) fn qe_auth_data(&self) -> &[u8; AUTH_DATA_LEN] {
        self.qe_auth_data
    }
}
