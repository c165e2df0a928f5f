// SPDX-License-Identifier: Apache-2.0
//! How each fault is put in.

use p256::ecdsa::SigningKey;

use crate::{
    authority::{Issuer, PLATFORM_CA_NAME, PROCESSOR_CA_NAME, TCB_SIGNER_NAME},
    certificate::Role,
    derive,
    draft::{binding, chain_data, put, Draft, Signed},
    layout::{self, flags, report},
    machine::{EnclaveIdentity, Machine, PckCa, PCK_NAME},
    sgx_extension::SgxExtension,
    status::TcbStatus,
    MachineOptions, QuoteFault,
};

/// What is done, and when.
enum Step {
    /// Bytes go into the header before it is signed.
    Header(usize, &'static [u8]),
    /// Bytes go into the enclave's report before it is signed.
    Report(usize, &'static [u8]),
    /// Bytes go into the quoting enclave's report before it is signed.
    QeReport(usize, &'static [u8]),
    /// Something else before anything is signed.
    Before(fn(&mut Draft, &Machine)),
    /// The PCK certificate says something else of the platform.
    Extension(fn(&mut SgxExtension)),
    /// After the reports are signed.
    After(fn(&mut Signed, &Machine)),
    /// At the very end.
    Bytes(fn(&mut Vec<u8>)),
}

impl Machine {
    /// A quote in which one thing is wrong.
    pub fn faulty_quote(
        &self,
        enclave: &EnclaveIdentity,
        report_data: &[u8; 64],
        fault: QuoteFault,
    ) -> Vec<u8> {
        let mut draft = Draft::new(self, enclave, report_data);
        let step = step(fault);
        match step {
            Step::Header(offset, bytes) => put(&mut draft.header, offset, bytes),
            Step::Report(offset, bytes) => put(&mut draft.report, offset, bytes),
            Step::QeReport(offset, bytes) => put(&mut draft.qe_report, offset, bytes),
            Step::Before(change) => change(&mut draft, self),
            Step::Extension(change) => {
                let mut extension = self.sgx_extension();
                change(&mut extension);
                self.put_extensions(&mut draft, vec![extension.encode()]);
            }
            Step::After(_) | Step::Bytes(_) => (),
        }
        let mut signed = draft.sign();
        if let Step::After(change) = step {
            change(&mut signed, self);
        }
        let mut quote = signed.encode();
        if let Step::Bytes(change) = step {
            change(&mut quote);
        }
        quote
    }

    /// Replaces the PCK certificate by one with these SGX extensions.
    fn put_extensions(&self, draft: &mut Draft, extensions: Vec<Vec<u8>>) {
        let issuer = self.issuer();
        let leaf = self.certify((issuer.name, &issuer.key), self.validity(), extensions);
        put_chain(draft, [leaf.as_slice(), &issuer.der, self.authority.root_der()]);
    }

    /// Replaces the PCK certificate by one that another key signed, shown with a chain for that.
    fn put_issuer(&self, draft: &mut Draft, issuer: (&str, &SigningKey), chain: &[&[u8]]) {
        let extension = self.sgx_extension().encode();
        let leaf = self.certify(issuer, self.validity(), vec![extension]);
        put_chain(draft, [leaf.as_slice()].into_iter().chain(chain.iter().copied()));
    }

    /// Replaces the PCK certificate by one for another time.
    fn put_validity(&self, draft: &mut Draft, validity: (u64, u64)) {
        let issuer = self.issuer();
        let extension = self.sgx_extension().encode();
        let leaf = self.certify((issuer.name, &issuer.key), validity, vec![extension]);
        put_chain(draft, [leaf.as_slice(), &issuer.der, self.authority.root_der()]);
    }

    /// Another machine of the same authority and kind.
    fn neighbour(&self) -> Machine {
        self.authority.machine_with(self.number ^ 0x8000_0000, &self.options)
    }
}

fn step(fault: QuoteFault) -> Step {
    use QuoteFault::*;
    use Step::{After, Before, Bytes, Extension, Header, QeReport, Report};
    const USUAL: u64 = flags::INIT | flags::MODE_64_BIT;
    match fault {
        Empty => Bytes(Vec::clear),
        WithoutSignatureData => Bytes(|quote| quote.truncate(layout::SIGNED_LEN)),
        Truncated => Bytes(|quote| quote.truncate(quote.len() - 1)),
        TrailingByte => Bytes(|quote| quote.push(0)),
        TrailingByteInside => Bytes(|quote| {
            quote.push(0);
            add_to_length(quote, 1);
        }),
        SignatureDataTooShort => Bytes(|quote| add_to_length(quote, -1)),
        SignatureDataTooLong => Bytes(|quote| add_to_length(quote, 1)),
        SignatureDataHuge => Bytes(|quote| put(quote, layout::SIGNATURE_DATA_LEN, &[0xff; 4])),
        AuthDataHuge => Bytes(|quote| put(quote, layout::AUTH_DATA_LEN, &[0xff; 2])),
        // Behind length, data and type.
        CertificationDataHuge => {
            Bytes(|quote| put(quote, layout::AUTH_DATA_LEN + 2 + 32 + 2, &[0xff; 4]))
        }
        AuthDataEmpty => Before(|draft, _| put_auth_data(draft, 0)),
        AuthDataLong => Before(|draft, _| put_auth_data(draft, 33)),
        CertificationPpid => Before(|draft, machine| put_ppid(draft, machine, 1, 0)),
        CertificationEncryptedPpid => Before(|draft, machine| put_ppid(draft, machine, 3, 368)),
        CertificationLeaf => Before(|draft, machine| {
            put_chain(draft, [machine.certificate_der().as_slice()]);
            draft.certification_type = 4;
        }),
        CertificationQeReport => Before(|draft, _| draft.certification_type = 6),

        VersionTwo => Header(layout::VERSION, &[2]),
        VersionFour => Header(layout::VERSION, &[4]),
        KeyTypeP384 => Header(layout::KEY_TYPE, &[3]),
        TeeTypeTdx => Header(layout::TEE_TYPE, &[0x81]),
        UnknownVendor => Header(layout::QE_VENDOR, &[0; 16]),

        Debug => Report(report::FLAGS, &[(USUAL | flags::DEBUG) as u8]),
        ProvisionKey => Report(report::FLAGS, &[(USUAL | flags::PROVISION_KEY) as u8]),
        EinittokenKey => Report(report::FLAGS, &[(USUAL | flags::EINITTOKEN_KEY) as u8]),
        NotInitialised => Report(report::FLAGS, &[flags::MODE_64_BIT as u8]),
        MiscSelect => Report(report::MISC_SELECT, &[1]),
        ConfigId => Report(report::CONFIG_ID, &[1]),
        ReservedByte => Report(report::RESERVED_4, &[1]),

        ChainEmpty => Before(|draft, _| put_chain(draft, [])),
        ChainNotPem => Before(|draft, _| draft.certification_data = b"no certificate".to_vec()),
        ChainBrokenPem => Before(|draft, _| draft.certification_data[100] = b'!'),
        ChainLeafOnly => {
            Before(|draft, machine| put_chain(draft, [machine.certificate_der().as_slice()]))
        }
        ChainReversed => Before(|draft, machine| {
            put_chain(draft, machine.chain_der().iter().rev().map(Vec::as_slice));
        }),
        ChainTooLong => Before(|draft, machine| {
            let [leaf, ca, root] = machine.chain_der();
            put_chain(draft, [&leaf, &ca, &ca, &ca, &ca, &ca, &root].map(Vec::as_slice));
        }),
        ForeignRoot => Before(|draft, machine| {
            let imposter = machine.authority.imposter();
            let forged = imposter.machine_with(machine.number, &machine.options);
            put_chain(draft, forged.chain_der().iter().map(Vec::as_slice));
            draft.pck = forged.pck;
        }),
        PckByRoot => Before(|draft, machine| {
            let root = machine.authority.root();
            machine.put_issuer(draft, (root.name, &root.key), &[&root.der]);
        }),
        PckByPck => Before(|draft, machine| {
            let neighbour = machine.neighbour();
            let [leaf, ca, root] = neighbour.chain_der();
            machine.put_issuer(draft, (PCK_NAME, &neighbour.pck), &[&leaf, &ca, &root]);
        }),
        PckByTcbSigner => Before(|draft, machine| {
            let signer = machine.authority.tcb_signer();
            let chain = [signer.der.as_slice(), machine.authority.root_der()];
            machine.put_issuer(draft, (TCB_SIGNER_NAME, &signer.key), &chain);
        }),
        PckByUnknownCa => Before(|draft, machine| {
            let (authority, role) = (&machine.authority, Role::Authority { path_len: 0 });
            let name = "TIP500 DEV SGX PCK Other CA";
            let ca = Issuer::new(authority.seed(), name, role, Some(authority.root()));
            machine.put_issuer(draft, (name, &ca.key), &[&ca.der, authority.root_der()]);
        }),
        PckByForgedCa => Before(|draft, machine| {
            let (neighbour, role) = (machine.neighbour(), Role::Authority { path_len: 0 });
            let name = match machine.options.ca {
                PckCa::Processor => PROCESSOR_CA_NAME,
                PckCa::Platform => PLATFORM_CA_NAME,
            };
            let key = derive::key(machine.authority.seed(), "forged PCK CA");
            let ca = Issuer::with_key(key, name, role, Some((PCK_NAME, &neighbour.pck)));
            let [leaf, real_ca, root] = neighbour.chain_der();
            let chain = [ca.der.as_slice(), &leaf, &real_ca, &root];
            machine.put_issuer(draft, (name, &ca.key), &chain);
        }),
        // 2020-01-01 to 2020-12-31, and 2048-01-01 to 2049-12-31.
        PckExpired => Before(|draft, machine| {
            machine.put_validity(draft, (1_577_836_800, 1_609_459_199));
        }),
        PckNotYetValid => Before(|draft, machine| {
            machine.put_validity(draft, (2_461_449_600, 2_524_607_999));
        }),
        PckSignature => Before(|draft, machine| {
            let [mut leaf, ca, root] = machine.chain_der();
            // The signature is the last element.
            *leaf.last_mut().expect("a certificate has bytes") ^= 1;
            put_chain(draft, [&leaf, &ca, &root].map(Vec::as_slice));
        }),
        PckChanged => Before(|draft, machine| {
            let [mut leaf, ca, root] = machine.chain_der();
            let ppid = machine.ppid();
            let at = leaf.windows(ppid.len()).position(|window| window == ppid);
            leaf[at.expect("the certificate has the PPID")] ^= 1;
            put_chain(draft, [&leaf, &ca, &root].map(Vec::as_slice));
        }),
        CaAsPck => Before(|draft, machine| {
            let ca = machine.issuer();
            put_chain(draft, [ca.der.as_slice(), machine.authority.root_der()]);
            draft.pck = ca.key.clone();
        }),

        TcbSignerAsPck => Before(|draft, machine| {
            let signer = machine.authority.tcb_signer();
            put_chain(draft, [signer.der.as_slice(), machine.authority.root_der()]);
            draft.pck = signer.key.clone();
        }),
        PckWithoutExtension => Before(|draft, machine| machine.put_extensions(draft, vec![])),
        PckTwoExtensions => Before(|draft, machine| {
            let good = MachineOptions::default();
            let second = SgxExtension {
                components: good.cpu_svn.to_vec(),
                cpu_svn: good.cpu_svn.to_vec(),
                pce_svn: good.pce_svn,
                ..machine.sgx_extension()
            };
            let extensions = vec![machine.sgx_extension().encode(), second.encode()];
            machine.put_extensions(draft, extensions);
        }),
        PckMalformedExtension => Before(|draft, machine| {
            let mut extension = machine.sgx_extension().encode();
            extension.pop();
            machine.put_extensions(draft, vec![extension]);
        }),
        PckFmspcLength => Extension(|extension| extension.fmspc.truncate(5)),
        PckPpidLength => Extension(|extension| extension.ppid.truncate(15)),
        PckCpuSvnLength => Extension(|extension| extension.cpu_svn.truncate(15)),

        QeReportSignature => After(|signed, _| signed.qe_report_signature[63] ^= 1),
        QeReportChanged => After(|signed, _| signed.qe_report[report::MR_ENCLAVE] ^= 1),
        QeReportByOtherMachine => Before(|draft, machine| draft.pck = machine.neighbour().pck),

        QeReportHash => Before(|draft, _| {
            let key = derive::point(draft.attestation_key.verifying_key());
            put(&mut draft.qe_report, report::REPORT_DATA, &binding(&key, &[]));
        }),
        QeReportTail => QeReport(report::REPORT_DATA + 32, &[1]),
        AuthDataChanged => After(|signed, _| signed.auth_data[0] ^= 1),
        ForeignAttestationKey => Before(|draft, machine| {
            draft.attestation_key = derive::key(machine.authority.seed(), "attacker");
        }),

        QeSigner => QeReport(report::MR_SIGNER, b"SOMEBODY"),
        QeDebug => QeReport(report::FLAGS, &[(USUAL | flags::PROVISION_KEY | flags::DEBUG) as u8]),
        QeProductId => QeReport(report::ISV_PROD_ID, &[2]),
        QeMiscSelect => QeReport(report::MISC_SELECT, &[1]),
        QeAttributes => QeReport(report::FLAGS, &[USUAL as u8]),
        QeSvnTooLow => QeReport(report::ISV_SVN, &[1, 0]),
        QeRevoked => QeReport(report::ISV_SVN, &[2, 0]),

        SignatureBroken => After(|signed, _| signed.signature[63] ^= 1),
        SignatureZero => After(|signed, _| signed.signature = [0; 64]),
        ReportChanged => After(|signed, _| signed.report[report::MR_ENCLAVE] ^= 1),
        HeaderChanged => After(|signed, _| signed.header[layout::USER_DATA] ^= 1),
        AttestationKeyOffCurve => After(|signed, machine| {
            signed.attestation_key = [1; 64];
            let hash = binding(&signed.attestation_key, &signed.auth_data);
            put(&mut signed.qe_report, report::REPORT_DATA, &hash);
            signed.qe_report_signature = derive::sign(&machine.pck, &signed.qe_report);
        }),

        OtherFmspc => Extension(|extension| extension.fmspc[5] ^= 1),
        OtherPceId => Extension(|extension| extension.pce_id[0] ^= 1),
        TcbBelowLevels => Extension(|extension| {
            extension.components.fill(0);
            extension.cpu_svn.fill(0);
        }),
        TcbRevoked => Extension(|extension| {
            let revoked = MachineOptions::with_status(TcbStatus::Revoked);
            extension.components = revoked.cpu_svn.to_vec();
            extension.cpu_svn = revoked.cpu_svn.to_vec();
            extension.pce_svn = revoked.pce_svn;
        }),

        ReportData => Before(|draft, _| draft.report[report::REPORT_DATA] ^= 1),
    }
}

fn put_chain<'a>(draft: &mut Draft, chain: impl IntoIterator<Item = &'a [u8]>) {
    draft.certification_data = chain_data(chain);
}

fn put_auth_data(draft: &mut Draft, len: u8) {
    draft.auth_data = (0..len).collect();
    draft.bind();
}

/// Certification data without a certificate: PPID and `padding` bytes in the place of its
/// ciphertext, CPUSVN, PCESVN, PCEID.
fn put_ppid(draft: &mut Draft, machine: &Machine, certification_type: u16, padding: usize) {
    let options = machine.options();
    draft.certification_type = certification_type;
    draft.certification_data = [
        machine.ppid().as_slice(),
        &vec![0; padding],
        &options.cpu_svn,
        &options.pce_svn.to_le_bytes(),
        &options.pce_id,
    ]
    .concat();
}

/// Changes the length of the signature data.
fn add_to_length(quote: &mut [u8], difference: i32) {
    let place = layout::SIGNATURE_DATA_LEN..layout::SIGNATURE;
    let len = u32::from_le_bytes(quote[place].try_into().expect("a length has 4 bytes"));
    put(quote, layout::SIGNATURE_DATA_LEN, &len.wrapping_add_signed(difference).to_le_bytes());
}
