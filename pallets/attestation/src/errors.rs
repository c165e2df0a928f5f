// SPDX-License-Identifier: Apache-2.0
//! Why a call fails, each as a sentence for its user. Those about quotes and documents are the
//! verifier's own, [`tee_dcap::Error`].

use frame_support::pallet_macros::pallet_section;

/// The errors.
#[pallet_section]
mod errors {
    #[pallet::error]
    #[derive(Clone)]
    pub enum Error<T> {
        /// The chain has no root of trust.
        RootMissing,
        /// The payload has another version than the chain knows.
        PayloadVersionUnsupported,
        /// The payload was not made for the chain.
        PurposeIsAnother,
        /// The payload was made for another chain.
        ChainIsAnother,
        /// The block that the payload names is too old, or not there yet.
        QuoteNotRecent,
        /// The payload names a block that is not on this chain.
        BlockIsAnother,
        /// The chain already has an attestation that is as new or newer.
        AttestationNotNewer,
        /// The operator has not registered the enclave, nor named it as successor.
        EnclaveNotNamed,
        /// The payload names another measurement than the quote.
        MeasurementIsAnother,
        /// Governance does not allow the measurement.
        MeasurementNotAllowed,
        /// Governance has allowed the measurement, but it does not count yet.
        MeasurementNotYetAllowed,
        /// Governance has already allowed the measurement.
        MeasurementAlreadyAllowed,
        /// The enclave was signed by another key than governance allows.
        EnclaveSignerIsAnother,
        /// The enclave is another product than governance allows.
        ProductIsAnother,
        /// The enclave's security version is lower than governance allows.
        SecurityVersionTooLow,
        /// The quote's report data is not the account's signature over the payload.
        ReportDataIsNoSignature,
        /// The enclave has a slot, and shows other code or another machine than when it got it.
        NotWhatWasAssigned,
        /// Governance has banned the machine.
        PlatformIsBanned,
        /// The machine is already banned.
        PlatformAlreadyBanned,
        /// The machine is not banned.
        PlatformNotBanned,
        /// The platform lacks patches for longer than the policy accepts.
        PlatformOutOfDate,
        /// The platform needs another configuration, which the policy does not accept.
        PlatformNeedsConfiguration,
        /// The enclave would have to mitigate weaknesses of the platform, which the policy does not
        /// accept.
        PlatformNeedsHardening,
        /// An advisory concerns the platform that governance has not reviewed.
        AdvisoryNotReviewed,
        /// The platform was judged by an evaluation of TCBs that no longer counts.
        EvaluationNoLongerCounts,
        /// The policy accepts patches that are older than any policy may.
        PolicyOutOfBounds,
        /// The chain does not have the root's list of revoked certificates.
        RootCrlMissing,
        /// The chain does not have the list of revoked certificates of the platform's authority.
        PckCrlMissing,
        /// The chain does not have the TCB levels of this type of platform.
        TcbInfoMissing,
        /// The chain does not know the quoting enclave.
        QeIdentityMissing,
        /// The chain already has a document that is as new or newer.
        CollateralNotNewer,
        /// The document is of a lower evaluation of TCBs than the one that counts.
        EvaluationTooLow,
        /// A document of another evaluation of TCBs is waiting to count.
        AnotherEvaluationIsWaiting,
        /// No document of a higher evaluation of TCBs is waiting to count.
        NothingIsWaiting,
        /// There is no attestation of the account.
        AttestationNotFound,
        /// The attestation's operator still names the enclave.
        AttestationStillNeeded,
        /// The quote is shorter than any quote is.
        QuoteTooShort,
        /// The quote is not exactly as long as it says.
        QuoteLengthWrong,
        /// The quote is not of version 3.
        QuoteVersionUnsupported,
        /// The quote is not signed with ECDSA P-256.
        AttestationKeyTypeUnsupported,
        /// The quote is not of an SGX enclave.
        TeeTypeUnsupported,
        /// The quoting enclave is not of Intel's kind.
        QeVendorUnknown,
        /// The quote does not carry its platform's chain of certificates.
        CertificationDataUnsupported,
        /// The quoting enclave's authentication data is not 32 bytes long.
        QeAuthDataLengthWrong,
        /// The enclave can be debugged, so its memory is no secret.
        DebugEnclave,
        /// The enclave has an attribute that only Intel's own enclaves may have.
        ProvisioningEnclave,
        /// The enclave's attributes are not those of an initialized 64-bit enclave.
        EnclaveAttributesInvalid,
        /// The enclave was started with features or a configuration that its measurement does not
        /// tell.
        EnclaveReportUnexpected,
        /// A certificate cannot be read.
        CertificateMalformed,
        /// The chain holds more certificates than a chain needs.
        CertificateChainTooLong,
        /// The chain of certificates does not lead to the root.
        CertificateChainUntrusted,
        /// A certificate is not valid yet.
        CertificateNotYetValid,
        /// A certificate has expired.
        CertificateExpired,
        /// A certificate was revoked.
        CertificateRevoked,
        /// The list of revoked certificates is not of the authority that issued the certificate.
        RevocationUnknown,
        /// The platform's certificate was not issued by an authority for platforms.
        PckIssuerWrong,
        /// The platform's certificate does not say what platform it is.
        SgxExtensionMalformed,
        /// The platform's key did not sign the quoting enclave's report.
        QeReportSignatureInvalid,
        /// The quoting enclave did not report the key that signed the quote.
        QeReportDataMismatch,
        /// The quoting enclave is not signed by Intel.
        QeSignerUnknown,
        /// The quoting enclave is another product.
        QeProductWrong,
        /// The quoting enclave's MISCSELECT is not what Intel demands.
        QeMiscSelectMismatch,
        /// The quoting enclave's attributes are not what Intel demands.
        QeAttributesMismatch,
        /// The quoting enclave can be debugged, so anybody can sign with its key.
        QeDebug,
        /// The quoting enclave is older than any that Intel rates.
        QeLevelNotFound,
        /// The quote's signature does not belong to it.
        QuoteSignatureInvalid,
        /// The TCB levels are those of another type of platform.
        FmspcMismatch,
        /// The TCB levels are those of another provisioning enclave.
        PceIdMismatch,
        /// The platform is older than any that Intel rates.
        TcbLevelNotFound,
        /// The platform or its quoting enclave is known to be compromised.
        TcbRevoked,
        /// The list of revoked certificates cannot be read, or restricts what it is about.
        CrlMalformed,
        /// The list of revoked certificates is not signed by its authority.
        CrlSignatureInvalid,
        /// The list of revoked certificates is not valid yet.
        CrlNotYetValid,
        /// The list of revoked certificates has expired.
        CrlExpired,
        /// The list of revoked certificates is not of an authority for platforms.
        CrlIssuerUnknown,
        /// The document cannot be read, or holds what is unknown.
        CollateralMalformed,
        /// The document has too many levels or advisories.
        CollateralTooLarge,
        /// The document is of another kind or version.
        CollateralKindUnsupported,
        /// The document is not valid yet.
        CollateralNotYetValid,
        /// The document has expired.
        CollateralExpired,
        /// The document is not signed by its signer.
        CollateralSignatureInvalid,
        /// The document's signer was not certified by the root itself.
        SignerNotUnderRoot,
        /// The root's certificate cannot be read.
        RootMalformed,
    }
}
