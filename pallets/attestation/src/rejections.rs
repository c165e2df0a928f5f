// SPDX-License-Identifier: Apache-2.0
//! The verifier's reasons as errors of this pallet, which its users see.

use tee_primitives::attestation::tcb::TcbRejection;

use crate::{Config, Error};

impl<T: Config> From<TcbRejection> for Error<T> {
    fn from(rejection: TcbRejection) -> Self {
        match rejection {
            TcbRejection::Revoked => Self::TcbRevoked,
            TcbRejection::OutOfDate => Self::PlatformOutOfDate,
            TcbRejection::ConfigurationNeeded => Self::PlatformNeedsConfiguration,
            TcbRejection::SwHardeningNeeded => Self::PlatformNeedsHardening,
            TcbRejection::AdvisoryNotReviewed => Self::AdvisoryNotReviewed,
            TcbRejection::EvaluationTooOld => Self::EvaluationNoLongerCounts,
        }
    }
}

/// Maps each reason to the error of the same name.
macro_rules! same_names {
    ($($name:ident)*) => {
        impl<T: Config> From<tee_dcap::Error> for Error<T> {
            fn from(error: tee_dcap::Error) -> Self {
                match error {
                    $(tee_dcap::Error::$name => Self::$name,)*
                }
            }
        }
    };
}

same_names! {
    QuoteTooShort
    QuoteLengthWrong
    QuoteVersionUnsupported
    AttestationKeyTypeUnsupported
    TeeTypeUnsupported
    QeVendorUnknown
    CertificationDataUnsupported
    QeAuthDataLengthWrong
    DebugEnclave
    ProvisioningEnclave
    EnclaveAttributesInvalid
    EnclaveReportUnexpected
    CertificateMalformed
    CertificateChainTooLong
    CertificateChainUntrusted
    CertificateNotYetValid
    CertificateExpired
    CertificateRevoked
    RevocationUnknown
    PckIssuerWrong
    SgxExtensionMalformed
    QeReportSignatureInvalid
    QeReportDataMismatch
    QeSignerUnknown
    QeProductWrong
    QeMiscSelectMismatch
    QeAttributesMismatch
    QeDebug
    QeLevelNotFound
    QuoteSignatureInvalid
    FmspcMismatch
    PceIdMismatch
    TcbLevelNotFound
    TcbRevoked
    CrlMalformed
    CrlSignatureInvalid
    CrlNotYetValid
    CrlExpired
    CrlIssuerUnknown
    CollateralMalformed
    CollateralTooLarge
    CollateralKindUnsupported
    CollateralNotYetValid
    CollateralExpired
    CollateralSignatureInvalid
    SignerNotUnderRoot
    RootMalformed
}

#[cfg(test)]
mod tests {
    use scale_info::{TypeDef, TypeInfo};

    use crate::mock::Test;

    /// The verifier's reasons and the pallet's errors tell the same.
    #[test]
    fn sentences_are_the_verifiers() {
        let TypeDef::Variant(variants) = crate::Error::<Test>::type_info().type_def else {
            panic!("errors are an enum")
        };
        for reason in tee_dcap::Error::ALL {
            let name = format!("{reason:?}");
            let variant = variants.variants.iter().find(|variant| variant.name == name).unwrap();
            assert_eq!(variant.docs.join(" "), reason.sentence());
        }
    }
}
