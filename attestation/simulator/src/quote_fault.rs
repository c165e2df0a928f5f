// SPDX-License-Identifier: Apache-2.0
//! Every way in which a quote can be wrong.
//!
//! In a faulty quote one thing is wrong. Everything that depends on it is made anew: hashes and
//! signatures are right, unless they are the fault. So if the check that must notice is missing, the
//! quote is accepted.

mod apply;

/// The check of a verifier that must notice a fault, in the order in which the reference describes
/// them.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum QuoteCheck {
    /// Lengths and kinds of the parts.
    Layout,
    /// What the header says.
    Header,
    /// What the enclave's report says of how it runs.
    Attributes,
    /// The certificate chain, up to the root.
    Chain,
    /// What the PCK certificate says of its platform.
    Extension,
    /// The PCK's signature over the quoting enclave's report.
    QeReportSignature,
    /// The hash of the attestation key in that report.
    QeReportData,
    /// That the quoting enclave is the one of the QE identity, and not revoked.
    QeIdentity,
    /// The attestation key's signature over header and enclave report.
    Signature,
    /// That the TCB info is for this platform, and has a level for it that is not revoked.
    Level,
    /// That REPORTDATA is what was asked for. Only the caller of a verifier knows.
    ReportData,
}

/// Defines the enum together with its list and the checks, so that none is forgotten.
macro_rules! faults {
    ($($(#[doc = $doc:literal])+ $name:ident => $check:ident,)+) => {
        /// What is wrong with a quote.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum QuoteFault {
            $($(#[doc = $doc])+ $name,)+
        }

        impl QuoteFault {
            /// Every fault.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The check that must notice it.
            pub fn check(self) -> QuoteCheck {
                match self {
                    $(Self::$name => QuoteCheck::$check,)+
                }
            }
        }
    };
}

faults! {
    /// No bytes at all.
    Empty => Layout,
    /// Header and report without signature data.
    WithoutSignatureData => Layout,
    /// The last byte is missing.
    Truncated => Layout,
    /// A byte follows the quote.
    TrailingByte => Layout,
    /// A byte follows the certification data, inside the signature data.
    TrailingByteInside => Layout,
    /// The length of the signature data is one too small.
    SignatureDataTooShort => Layout,
    /// The length of the signature data is one too large.
    SignatureDataTooLong => Layout,
    /// The length of the signature data is the largest number.
    SignatureDataHuge => Layout,
    /// The length of the authentication data is the largest number.
    AuthDataHuge => Layout,
    /// The length of the certification data is the largest number.
    CertificationDataHuge => Layout,
    /// There are no authentication data. Intel's quoting enclave writes 32 bytes.
    AuthDataEmpty => Layout,
    /// There are 33 bytes of authentication data.
    AuthDataLong => Layout,
    /// Certification data of type 1: PPID in the clear, CPUSVN, PCESVN and PCEID.
    CertificationPpid => Layout,
    /// Certification data of type 3: PPID encrypted with RSA-3072, CPUSVN, PCESVN and PCEID.
    CertificationEncryptedPpid => Layout,
    /// Certification data of type 4: the PCK certificate alone.
    CertificationLeaf => Layout,
    /// Certification data of type 6, which belongs to quotes of version 4. The data are a chain.
    CertificationQeReport => Layout,

    /// Version 2, of EPID.
    VersionTwo => Header,
    /// Version 4. The rest has the layout of version 3.
    VersionFour => Header,
    /// The attestation key is said to be of P-384.
    KeyTypeP384 => Header,
    /// The TEE is said to be TDX.
    TeeTypeTdx => Header,
    /// The quoting enclave is said to be nobody's.
    UnknownVendor => Header,

    /// The enclave can be debugged: the host reads its memory.
    Debug => Attributes,
    /// The enclave may have the provisioning key. Quoting enclaves have it, applications must not.
    ProvisionKey => Attributes,
    /// The enclave may have the launch token key.
    EinittokenKey => Attributes,
    /// The enclave is not initialised.
    NotInitialised => Attributes,
    /// MISCSELECT is not zero.
    MiscSelect => Attributes,
    /// CONFIGID is not zero: the host configured the enclave after it was measured.
    ConfigId => Attributes,
    /// A reserved byte is not zero.
    ReservedByte => Attributes,

    /// No certificate in the chain.
    ChainEmpty => Chain,
    /// The chain is no PEM.
    ChainNotPem => Chain,
    /// The PEM of the chain has a character that is not base64.
    ChainBrokenPem => Chain,
    /// The chain is the PCK certificate alone.
    ChainLeafOnly => Chain,
    /// The chain begins with the root.
    ChainReversed => Chain,
    /// The CA is five times in the chain.
    ChainTooLong => Chain,
    /// The whole chain, with the right names, is somebody else's.
    ForeignRoot => Chain,
    /// The root itself issued the PCK certificate.
    PckByRoot => Chain,
    /// The PCK of another machine issued the PCK certificate.
    PckByPck => Chain,
    /// The TCB signer issued the PCK certificate.
    PckByTcbSigner => Chain,
    /// A CA below the root that is not one of the two issued the PCK certificate.
    PckByUnknownCa => Chain,
    /// A CA of the right name, certified by another machine's PCK, issued the PCK certificate.
    PckByForgedCa => Chain,
    /// The PCK certificate ended in 2021.
    PckExpired => Chain,
    /// The PCK certificate begins in 2048.
    PckNotYetValid => Chain,
    /// A bit of the PCK certificate's signature is wrong.
    PckSignature => Chain,
    /// A byte of the PPID in the PCK certificate was changed after it was signed.
    PckChanged => Chain,
    /// The PCK CA itself acts as PCK.
    CaAsPck => Chain,

    /// The TCB signer acts as PCK. Its certificate is valid, and of no platform.
    TcbSignerAsPck => Extension,
    /// The PCK certificate has no SGX extension.
    PckWithoutExtension => Extension,
    /// The PCK certificate has two SGX extensions, the second of a platform that is up to date.
    PckTwoExtensions => Extension,
    /// The SGX extension ends too early.
    PckMalformedExtension => Extension,
    /// The SGX extension's FMSPC has 5 bytes.
    PckFmspcLength => Extension,
    /// The SGX extension's PPID has 15 bytes.
    PckPpidLength => Extension,
    /// The SGX extension's CPUSVN has 15 bytes.
    PckCpuSvnLength => Extension,

    /// A bit of the signature over the quoting enclave's report is wrong.
    QeReportSignature => QeReportSignature,
    /// The quoting enclave's report was changed after it was signed.
    QeReportChanged => QeReportSignature,
    /// The PCK of another machine signed the quoting enclave's report.
    QeReportByOtherMachine => QeReportSignature,

    /// The quoting enclave's report has the hash of the attestation key without the authentication
    /// data.
    QeReportHash => QeReportData,
    /// Behind the hash in the quoting enclave's report something follows.
    QeReportTail => QeReportData,
    /// The authentication data were changed after the quoting enclave hashed them.
    AuthDataChanged => QeReportData,
    /// Somebody's own key signed the enclave's report, and stands in the quote.
    ForeignAttestationKey => QeReportData,

    /// MRSIGNER of the quoting enclave is another: anybody's enclave acts as one.
    QeSigner => QeIdentity,
    /// The quoting enclave can be debugged.
    QeDebug => QeIdentity,
    /// ISVPRODID of the quoting enclave is another.
    QeProductId => QeIdentity,
    /// MISCSELECT of the quoting enclave is another.
    QeMiscSelect => QeIdentity,
    /// ATTRIBUTES of the quoting enclave are others: it has no right to the provisioning key.
    QeAttributes => QeIdentity,
    /// ISVSVN of the quoting enclave is below every level.
    QeSvnTooLow => QeIdentity,
    /// ISVSVN of the quoting enclave is that of the revoked level.
    QeRevoked => QeIdentity,

    /// A bit of the signature over the enclave's report is wrong.
    SignatureBroken => Signature,
    /// The signature over the enclave's report is zero.
    SignatureZero => Signature,
    /// MRENCLAVE was changed after it was signed.
    ReportChanged => Signature,
    /// The header's user data were changed after they were signed.
    HeaderChanged => Signature,
    /// The attestation key is no point of the curve. The quoting enclave's report has its hash.
    AttestationKeyOffCurve => Signature,

    /// The certificate is of another model.
    OtherFmspc => Level,
    /// The certificate is of another provisioning certification enclave.
    OtherPceId => Level,
    /// The platform reaches no level.
    TcbBelowLevels => Level,
    /// The platform reaches only the revoked level.
    TcbRevoked => Level,

    /// REPORTDATA is not what was asked for. In every other respect the quote is valid, and a
    /// verifier accepts it.
    ReportData => ReportData,
}

impl QuoteFault {
    /// Those that dcap-qvl 0.7.1 accepts, with the collateral of
    /// [`CollateralOptions::new`](crate::CollateralOptions::new). A verifier that protects a chain
    /// refuses them; only [`QuoteFault::ReportData`] is for its caller.
    pub const ACCEPTED_BY_DCAP_QVL: &[Self] = &[
        Self::TrailingByte,
        Self::TrailingByteInside,
        Self::ProvisionKey,
        Self::EinittokenKey,
        Self::NotInitialised,
        Self::MiscSelect,
        Self::ConfigId,
        Self::ReservedByte,
        Self::PckByRoot,
        Self::PckPpidLength,
        Self::QeReportTail,
        Self::OtherPceId,
        Self::ReportData,
    ];
}
