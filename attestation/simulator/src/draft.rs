// SPDX-License-Identifier: Apache-2.0
//! A quote before it is signed, and after. Faults are put in at either point.

use p256::ecdsa::{Signature, SigningKey};
use sp_crypto_hashing::sha2_256;

use crate::{
    certificate, derive,
    layout::{self, flags, report},
    machine::{EnclaveIdentity, Machine},
    QE_MRENCLAVE, QE_MRSIGNER,
};

/// Intel's id as vendor of quoting enclaves. Parsers want this one.
const INTEL_VENDOR: [u8; 16] = [
    0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07,
];

/// CPUSVN in reports. It is not the one of the certificate, in which Intel translates it, and no
/// verifier may compare it with levels: here it is higher than all.
const RAW_CPU_SVN: [u8; 16] = [16, 16, 26, 24, 255, 255, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// Extended states that every 64-bit enclave may use, up to AVX-512.
const XFRM: u64 = 0xe7;

/// Certification data: the PCK's certificate chain in PEM.
pub(crate) const PCK_CHAIN: u16 = 5;

/// Header and reports, and who signs them.
pub(crate) struct Draft {
    pub(crate) header: [u8; layout::REPORT],
    pub(crate) report: [u8; layout::REPORT_LEN],
    pub(crate) attestation_key: SigningKey,
    pub(crate) qe_report: [u8; layout::REPORT_LEN],
    pub(crate) auth_data: Vec<u8>,
    pub(crate) pck: SigningKey,
    pub(crate) certification_type: u16,
    pub(crate) certification_data: Vec<u8>,
}

/// Everything in a quote.
pub(crate) struct Signed {
    pub(crate) header: [u8; layout::REPORT],
    pub(crate) report: [u8; layout::REPORT_LEN],
    pub(crate) signature: [u8; 64],
    pub(crate) attestation_key: [u8; 64],
    pub(crate) qe_report: [u8; layout::REPORT_LEN],
    pub(crate) qe_report_signature: [u8; 64],
    pub(crate) auth_data: Vec<u8>,
    pub(crate) certification_type: u16,
    pub(crate) certification_data: Vec<u8>,
}

impl Draft {
    /// A quote in which nothing is wrong.
    pub(crate) fn new(machine: &Machine, enclave: &EnclaveIdentity, data: &[u8; 64]) -> Self {
        let options = &machine.options;
        let mut header = [0; layout::REPORT];
        put(&mut header, layout::VERSION, &3u16.to_le_bytes());
        put(&mut header, layout::KEY_TYPE, &2u16.to_le_bytes());
        put(&mut header, layout::QE_SVN, &options.qe_isv_svn.to_le_bytes());
        // The enclave that runs may be newer than the one of the certificate, which counts.
        put(&mut header, layout::PCE_SVN, &options.pce_svn.saturating_add(2).to_le_bytes());
        put(&mut header, layout::QE_VENDOR, &INTEL_VENDOR);
        put(&mut header, layout::USER_DATA, &machine.qe_id());

        let usual = flags::INIT | flags::MODE_64_BIT;
        let mut report = new_report(usual, enclave);
        put(&mut report, report::REPORT_DATA, data);

        let quoting_enclave = EnclaveIdentity {
            mr_enclave: QE_MRENCLAVE,
            mr_signer: QE_MRSIGNER,
            isv_prod_id: 1,
            isv_svn: options.qe_isv_svn,
        };
        let mut draft = Self {
            header,
            report,
            attestation_key: machine.attestation_key.clone(),
            qe_report: new_report(usual | flags::PROVISION_KEY, &quoting_enclave),
            auth_data: (0..32).collect(),
            pck: machine.pck.clone(),
            certification_type: PCK_CHAIN,
            certification_data: chain_data(machine.chain_der().iter().map(Vec::as_slice)),
        };
        draft.bind();
        draft
    }

    /// Puts the hash of attestation key and authentication data into the quoting enclave's report.
    pub(crate) fn bind(&mut self) {
        let key = derive::point(self.attestation_key.verifying_key());
        let hash = binding(&key, &self.auth_data);
        put(&mut self.qe_report, report::REPORT_DATA, &hash);
    }

    /// Signs both reports.
    pub(crate) fn sign(self) -> Signed {
        let signed = [self.header.as_slice(), &self.report].concat();
        Signed {
            header: self.header,
            report: self.report,
            signature: derive::sign(&self.attestation_key, &signed),
            attestation_key: derive::point(self.attestation_key.verifying_key()),
            qe_report: self.qe_report,
            qe_report_signature: derive::sign(&self.pck, &self.qe_report),
            auth_data: self.auth_data,
            certification_type: self.certification_type,
            certification_data: self.certification_data,
        }
    }
}

impl Signed {
    /// The quote's bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let auth_len = u16::try_from(self.auth_data.len()).expect("authentication data are short");
        let signature_data = [
            self.signature.as_slice(),
            &self.attestation_key,
            &self.qe_report,
            &self.qe_report_signature,
            &auth_len.to_le_bytes(),
            &self.auth_data,
            &self.certification_type.to_le_bytes(),
            &length(&self.certification_data),
            &self.certification_data,
        ]
        .concat();
        [self.header.as_slice(), &self.report, &length(&signature_data), &signature_data].concat()
    }
}

/// What the quoting enclave's report has as REPORTDATA for an attestation key, followed by zeros.
pub(crate) fn binding(key: &[u8; 64], auth_data: &[u8]) -> [u8; 32] {
    sha2_256(&[key, auth_data].concat())
}

/// Writes into a header or report. Panics outside of it.
pub(crate) fn put(target: &mut [u8], offset: usize, bytes: &[u8]) {
    target[offset..offset + bytes.len()].copy_from_slice(bytes);
}

/// A chain as quotes carry it. The zero at the end is in Intel's too.
pub(crate) fn chain_data<'a>(chain: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut data = certificate::pem(chain).into_bytes();
    data.push(0);
    data
}

/// The same quote with the other signature that anybody can compute: s replaced by the order minus
/// s. It verifies as the first one does, so nobody may take a quote's bytes or hash for its
/// identity.
///
/// Panics if `quote` is not one of this crate's.
pub fn malleated(quote: &[u8]) -> Vec<u8> {
    let mut quote = quote.to_vec();
    let place = &mut quote[layout::SIGNATURE..layout::ATTESTATION_KEY];
    let signature = Signature::from_slice(place).expect("the quote carries a signature");
    let (r, s) = signature.split_scalars();
    let other = Signature::from_scalars(r, -*s).expect("the negation of a scalar is one");
    place.copy_from_slice(&other.to_bytes());
    quote
}

fn new_report(flags: u64, enclave: &EnclaveIdentity) -> [u8; layout::REPORT_LEN] {
    let mut bytes = [0; layout::REPORT_LEN];
    put(&mut bytes, report::CPU_SVN, &RAW_CPU_SVN);
    put(&mut bytes, report::FLAGS, &flags.to_le_bytes());
    put(&mut bytes, report::XFRM, &XFRM.to_le_bytes());
    put(&mut bytes, report::MR_ENCLAVE, &enclave.mr_enclave);
    put(&mut bytes, report::MR_SIGNER, &enclave.mr_signer);
    put(&mut bytes, report::ISV_PROD_ID, &enclave.isv_prod_id.to_le_bytes());
    put(&mut bytes, report::ISV_SVN, &enclave.isv_svn.to_le_bytes());
    bytes
}

fn length(bytes: &[u8]) -> [u8; 4] {
    u32::try_from(bytes.len()).expect("quotes are short").to_le_bytes()
}
