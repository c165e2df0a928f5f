// SPDX-License-Identifier: Apache-2.0
//! Why a quote or a document is refused.

use core::fmt;

use codec::{Decode, Encode};
use scale_info::TypeInfo;

/// Declares the reasons, each with the sentence that tells it.
macro_rules! reasons {
    ($($name:ident: $sentence:literal;)*) => {
        /// Why a quote or a document is refused.
        #[derive(Clone, Copy, Debug, Decode, Encode, Eq, Hash, Ord, PartialEq, PartialOrd, TypeInfo)]
        pub enum Error {
            $(#[doc = $sentence] $name,)*
        }

        impl Error {
            /// All reasons.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The reason as a sentence.
            pub fn sentence(self) -> &'static str {
                match self {
                    $(Self::$name => $sentence,)*
                }
            }
        }
    };
}

reasons! {
    QuoteTooShort: "The quote is shorter than any quote is.";
    QuoteLengthWrong: "The quote is not exactly as long as it says.";
    QuoteVersionUnsupported: "The quote is not of version 3.";
    AttestationKeyTypeUnsupported: "The quote is not signed with ECDSA P-256.";
    TeeTypeUnsupported: "The quote is not of an SGX enclave.";
    QeVendorUnknown: "The quoting enclave is not of Intel's kind.";
    CertificationDataUnsupported: "The quote does not carry its platform's chain of certificates.";
    QeAuthDataLengthWrong: "The quoting enclave's authentication data is not 32 bytes long.";
    DebugEnclave: "The enclave can be debugged, so its memory is no secret.";
    ProvisioningEnclave: "The enclave has an attribute that only Intel's own enclaves may have.";
    EnclaveAttributesInvalid: "The enclave's attributes are not those of an initialized 64-bit enclave.";
    EnclaveReportUnexpected: "The enclave was started with features or a configuration that its measurement does not tell.";
    CertificateMalformed: "A certificate cannot be read.";
    CertificateChainTooLong: "The chain holds more certificates than a chain needs.";
    CertificateChainUntrusted: "The chain of certificates does not lead to the root.";
    CertificateNotYetValid: "A certificate is not valid yet.";
    CertificateExpired: "A certificate has expired.";
    CertificateRevoked: "A certificate was revoked.";
    RevocationUnknown: "The list of revoked certificates is not of the authority that issued the certificate.";
    PckIssuerWrong: "The platform's certificate was not issued by an authority for platforms.";
    SgxExtensionMalformed: "The platform's certificate does not say what platform it is.";
    QeReportSignatureInvalid: "The platform's key did not sign the quoting enclave's report.";
    QeReportDataMismatch: "The quoting enclave did not report the key that signed the quote.";
    QeSignerUnknown: "The quoting enclave is not signed by Intel.";
    QeProductWrong: "The quoting enclave is another product.";
    QeMiscSelectMismatch: "The quoting enclave's MISCSELECT is not what Intel demands.";
    QeAttributesMismatch: "The quoting enclave's attributes are not what Intel demands.";
    QeDebug: "The quoting enclave can be debugged, so anybody can sign with its key.";
    QeLevelNotFound: "The quoting enclave is older than any that Intel rates.";
    QuoteSignatureInvalid: "The quote's signature does not belong to it.";
    FmspcMismatch: "The TCB levels are those of another type of platform.";
    PceIdMismatch: "The TCB levels are those of another provisioning enclave.";
    TcbLevelNotFound: "The platform is older than any that Intel rates.";
    TcbRevoked: "The platform or its quoting enclave is known to be compromised.";
    CrlMalformed: "The list of revoked certificates cannot be read, or restricts what it is about.";
    CrlSignatureInvalid: "The list of revoked certificates is not signed by its authority.";
    CrlNotYetValid: "The list of revoked certificates is not valid yet.";
    CrlExpired: "The list of revoked certificates has expired.";
    CrlIssuerUnknown: "The list of revoked certificates is not of an authority for platforms.";
    CollateralMalformed: "The document cannot be read, or holds what is unknown.";
    CollateralTooLarge: "The document has too many levels or advisories.";
    CollateralKindUnsupported: "The document is of another kind or version.";
    CollateralNotYetValid: "The document is not valid yet.";
    CollateralExpired: "The document has expired.";
    CollateralSignatureInvalid: "The document is not signed by its signer.";
    SignerNotUnderRoot: "The document's signer was not certified by the root itself.";
    RootMalformed: "The root's certificate cannot be read.";
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())
    }
}

impl core::error::Error for Error {}
