// SPDX-License-Identifier: Apache-2.0
//! For which reason each fault of the simulator is refused.

use tee_dcap::Error;
use tee_simulator::{CollateralFault, Crl, Document, QuoteFault, TcbStatus};

/// Why a quote is refused, or `None` if what is wrong with it is for the caller to see.
pub fn reason_of_quote(fault: QuoteFault) -> Option<Error> {
    use QuoteFault::*;
    Some(match fault {
        Empty | WithoutSignatureData => Error::QuoteTooShort,
        Truncated
        | TrailingByte
        | TrailingByteInside
        | SignatureDataTooShort
        | SignatureDataTooLong
        | SignatureDataHuge
        | CertificationDataHuge => Error::QuoteLengthWrong,
        AuthDataHuge | AuthDataEmpty | AuthDataLong => Error::QeAuthDataLengthWrong,
        CertificationPpid
        | CertificationEncryptedPpid
        | CertificationLeaf
        | CertificationQeReport => Error::CertificationDataUnsupported,

        VersionTwo | VersionFour => Error::QuoteVersionUnsupported,
        KeyTypeP384 => Error::AttestationKeyTypeUnsupported,
        TeeTypeTdx => Error::TeeTypeUnsupported,
        UnknownVendor => Error::QeVendorUnknown,

        Debug => Error::DebugEnclave,
        ProvisionKey | EinittokenKey => Error::ProvisioningEnclave,
        NotInitialised => Error::EnclaveAttributesInvalid,
        MiscSelect | ConfigId | ReservedByte => Error::EnclaveReportUnexpected,

        ChainEmpty | ChainNotPem | ChainBrokenPem => Error::CertificateMalformed,
        ChainTooLong => Error::CertificateChainTooLong,
        ChainLeafOnly | ChainReversed | ForeignRoot | PckByPck | PckByTcbSigner | PckByForgedCa
        | PckSignature | PckChanged | CaAsPck => Error::CertificateChainUntrusted,
        // Certificates that are good for something else.
        PckByRoot | TcbSignerAsPck => Error::PckIssuerWrong,
        // No list is about it: none of an authority without the right name is taken.
        PckByUnknownCa => Error::RevocationUnknown,
        PckExpired => Error::CertificateExpired,
        PckNotYetValid => Error::CertificateNotYetValid,

        PckWithoutExtension
        | PckTwoExtensions
        | PckMalformedExtension
        | PckFmspcLength
        | PckPpidLength
        | PckCpuSvnLength => Error::SgxExtensionMalformed,

        QeReportSignature | QeReportChanged | QeReportByOtherMachine => {
            Error::QeReportSignatureInvalid
        }
        QeReportHash | QeReportTail | AuthDataChanged | ForeignAttestationKey => {
            Error::QeReportDataMismatch
        }

        QeSigner => Error::QeSignerUnknown,
        QeDebug => Error::QeDebug,
        QeProductId => Error::QeProductWrong,
        QeMiscSelect => Error::QeMiscSelectMismatch,
        QeAttributes => Error::QeAttributesMismatch,
        QeSvnTooLow => Error::QeLevelNotFound,
        QeRevoked | TcbRevoked => Error::TcbRevoked,

        SignatureBroken
        | SignatureZero
        | ReportChanged
        | HeaderChanged
        | AttestationKeyOffCurve => Error::QuoteSignatureInvalid,

        OtherFmspc => Error::FmspcMismatch,
        OtherPceId => Error::PceIdMismatch,
        TcbBelowLevels => Error::TcbLevelNotFound,

        ReportData => return None,
    })
}

/// Why collateral, or a quote by it, is refused, or the status that it gives.
pub fn reason_of_collateral(fault: CollateralFault) -> Result<TcbStatus, Error> {
    use CollateralFault::*;
    Err(match fault {
        Expired(_) => Error::CollateralExpired,
        NotYetValid(_) => Error::CollateralNotYetValid,
        SignatureBroken(_) | ChangedAfterSigning(_) | Reformatted(_) | SignedByOtherKey(_) => {
            Error::CollateralSignatureInvalid
        }
        ChainEmpty(_) | ChainNotPem(_) | CrlChainEmpty => Error::CertificateMalformed,
        SignerIsRoot(_)
        | SignerIsPckCa(_)
        | SignerBelowForeignRoot(_)
        | SignerCertificateBroken(_)
        | CrlByForeignCa(Crl::Pck) => Error::CertificateChainUntrusted,
        SignerIsPck(_) | SignerBelowPckCa(_) => Error::SignerNotUnderRoot,
        SignerExpired(_) => Error::CertificateExpired,

        BadDate(_) | Incomplete(_) | Trailing(_) | DuplicateField(_) | MissingField(_)
        | UnknownStatus(_) | SvnTooLarge(_) | MalformedHex(_) | ShortHex(_) | ComponentMissing
        | ComponentSurplus | ComponentTooLarge | DocumentsSwapped => Error::CollateralMalformed,
        KindOfTdx(_) | VersionTooHigh(_) | VersionTooLow(_) | UnknownTcbType => {
            Error::CollateralKindUnsupported
        }

        CrlExpired(_) => Error::CrlExpired,
        CrlNotYetValid(_) => Error::CrlNotYetValid,
        CrlWithoutNextUpdate(_) | CrlEmpty(_) | CrlIncomplete(_) | CrlTrailingByte(_) => {
            Error::CrlMalformed
        }
        CrlSignature(_) | CrlByWrongCa(Crl::Root) | CrlByForeignCa(Crl::Root) | CrlsSwapped => {
            Error::CrlSignatureInvalid
        }
        // It is a good list, of the other authority.
        CrlByWrongCa(Crl::Pck) => Error::RevocationUnknown,

        PckRevoked | PckCaRevoked | TcbSignerRevoked | RootRevoked => Error::CertificateRevoked,

        OtherFmspc => Error::FmspcMismatch,
        OtherPceId => Error::PceIdMismatch,
        OtherQeSigner => Error::QeSignerUnknown,
        OtherQeProductId => Error::QeProductWrong,
        OtherQeMiscSelect => Error::QeMiscSelectMismatch,
        OtherQeAttributes => Error::QeAttributesMismatch,

        NoLevels(Document::TcbInfo) | LevelsTooHigh(Document::TcbInfo) => Error::TcbLevelNotFound,
        NoLevels(Document::QeIdentity) | LevelsTooHigh(Document::QeIdentity) => {
            Error::QeLevelNotFound
        }
        PlatformStatus(TcbStatus::Revoked) | QeStatus(TcbStatus::Revoked) => Error::TcbRevoked,
        PlatformStatus(status) | QeStatus(status) => return Ok(status),
    })
}
