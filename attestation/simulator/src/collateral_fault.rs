// SPDX-License-Identifier: Apache-2.0
//! Every way in which collateral can be wrong.
//!
//! In faulty collateral one thing is wrong, and everything that depends on it is signed anew. What
//! is wrong with time is so throughout the life that the options give it.

use crate::TcbStatus;

mod apply;

/// The check of a verifier that must notice a fault.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum CollateralCheck {
    /// Syntax and ranges of values.
    Format,
    /// Kind and version of a document.
    Kind,
    /// Issue date and next update.
    Time,
    /// The certificate chain of a signer.
    Chain,
    /// The signature.
    Signature,
    /// Revocation of a certificate: only with a quote, if it is that of a PCK.
    Revocation,
    /// That the collateral is for the quote's platform and quoting enclave. Only with a quote.
    Match,
    /// That there is a level for the quote, of a status that policy accepts. Only with a quote.
    Level,
}

/// A signed document of the collateral.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Document {
    /// TCB info.
    TcbInfo,
    /// QE identity.
    QeIdentity,
}

/// A revocation list of the collateral.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Crl {
    /// That of the root.
    Root,
    /// That of the PCK CA.
    Pck,
}

/// What is wrong with collateral. What concerns a quote is said for that of machine 0 with default
/// options, but of the CA and the FMSPC of the collateral's options.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum CollateralFault {
    /// The document ended one second before the options' issue date.
    Expired(Document),
    /// The document begins one second after the options' life.
    NotYetValid(Document),
    /// A date is no date.
    BadDate(Document),

    /// A bit of the signature is wrong.
    SignatureBroken(Document),
    /// The next update was put off by a year after the document was signed.
    ChangedAfterSigning(Document),
    /// A space was put in after the document was signed. It means the same: what is signed are
    /// bytes.
    Reformatted(Document),
    /// The PCK CA's key made the signature; the chain is the TCB signer's.
    SignedByOtherKey(Document),

    /// The chain is empty.
    ChainEmpty(Document),
    /// The chain is no PEM.
    ChainNotPem(Document),
    /// The root itself is the signer.
    SignerIsRoot(Document),
    /// The PCK CA is the signer, with its own chain.
    SignerIsPckCa(Document),
    /// The PCK of machine 0 is the signer, with its own chain.
    SignerIsPck(Document),
    /// A TCB signer that the PCK CA certified: not directly below the root.
    SignerBelowPckCa(Document),
    /// The signer and its root, with the right names, are somebody else's.
    SignerBelowForeignRoot(Document),
    /// The signer's certificate ended in 2021.
    SignerExpired(Document),
    /// A bit of the signature of the signer's certificate is wrong.
    SignerCertificateBroken(Document),

    /// The document is cut off.
    Incomplete(Document),
    /// A second document follows the first.
    Trailing(Document),
    /// A field is there twice: `version`.
    DuplicateField(Document),
    /// A field is missing: `tcbEvaluationDataNumber`.
    MissingField(Document),
    /// A level has the status `Unknown`.
    UnknownStatus(Document),
    /// A level wants an SVN that has no 16 bits (PCESVN, ISVSVN).
    SvnTooLarge(Document),
    /// A hexadecimal number has a digit that is none (FMSPC, MRSIGNER).
    MalformedHex(Document),
    /// A hexadecimal number is one byte short (FMSPC, MRSIGNER).
    ShortHex(Document),
    /// A level has 15 components.
    ComponentMissing,
    /// A level has 17 components.
    ComponentSurplus,
    /// A level wants a component's SVN that has no 8 bits.
    ComponentTooLarge,

    /// The kind is one of TDX (`TDX`, `TD_QE`).
    KindOfTdx(Document),
    /// A version above the one that is known.
    VersionTooHigh(Document),
    /// A version below the one that is known.
    VersionTooLow(Document),
    /// `tcbType` is not 0: components are compared in another way.
    UnknownTcbType,
    /// Each document and its signature stand in the place of the other.
    DocumentsSwapped,

    /// The CRL ended one second before the options' issue date.
    CrlExpired(Crl),
    /// The CRL begins one second after the options' life.
    CrlNotYetValid(Crl),
    /// The CRL does not say when the next one comes.
    CrlWithoutNextUpdate(Crl),
    /// Another key made the signature.
    CrlSignature(Crl),
    /// Another CA below the root issued the CRL.
    CrlByWrongCa(Crl),
    /// The CRL's issuer, with the right name, is somebody else's; so is the issuer chain.
    CrlByForeignCa(Crl),
    /// The CRL is empty.
    CrlEmpty(Crl),
    /// The CRL is cut off.
    CrlIncomplete(Crl),
    /// A byte follows the CRL.
    CrlTrailingByte(Crl),
    /// Each CRL stands in the place of the other.
    CrlsSwapped,
    /// The PCK CRL's issuer chain is empty.
    CrlChainEmpty,

    /// The PCK certificate of machine 0 is revoked.
    PckRevoked,
    /// The PCK CA's certificate is revoked.
    PckCaRevoked,
    /// The TCB signer's certificate is revoked.
    TcbSignerRevoked,
    /// The root's certificate is revoked, by itself.
    RootRevoked,

    /// The TCB info is for another model.
    OtherFmspc,
    /// The TCB info is for another provisioning certification enclave.
    OtherPceId,
    /// MRSIGNER of the quoting enclave must be another.
    OtherQeSigner,
    /// ISVPRODID of the quoting enclave must be another.
    OtherQeProductId,
    /// MISCSELECT of the quoting enclave must be another.
    OtherQeMiscSelect,
    /// ATTRIBUTES of the quoting enclave must be others.
    OtherQeAttributes,

    /// There are no levels.
    NoLevels(Document),
    /// The levels are above what the machine or its quoting enclave has.
    LevelsTooHigh(Document),
    /// The level of the machine has this status. dcap-qvl reports it, and only refuses `Revoked`;
    /// to refuse the others is for policy.
    PlatformStatus(TcbStatus),
    /// The level of the quoting enclave has this status, as above.
    QeStatus(TcbStatus),
}

impl CollateralFault {
    /// Every fault.
    pub const ALL: &[Self] = &{
        use CollateralFault::*;
        use Crl::{Pck, Root};
        use Document::{QeIdentity as Qe, TcbInfo as Tcb};
        use TcbStatus::*;
        [
            Expired(Tcb),
            Expired(Qe),
            NotYetValid(Tcb),
            NotYetValid(Qe),
            BadDate(Tcb),
            BadDate(Qe),
            SignatureBroken(Tcb),
            SignatureBroken(Qe),
            ChangedAfterSigning(Tcb),
            ChangedAfterSigning(Qe),
            Reformatted(Tcb),
            Reformatted(Qe),
            SignedByOtherKey(Tcb),
            SignedByOtherKey(Qe),
            ChainEmpty(Tcb),
            ChainEmpty(Qe),
            ChainNotPem(Tcb),
            ChainNotPem(Qe),
            SignerIsRoot(Tcb),
            SignerIsRoot(Qe),
            SignerIsPckCa(Tcb),
            SignerIsPckCa(Qe),
            SignerIsPck(Tcb),
            SignerIsPck(Qe),
            SignerBelowPckCa(Tcb),
            SignerBelowPckCa(Qe),
            SignerBelowForeignRoot(Tcb),
            SignerBelowForeignRoot(Qe),
            SignerExpired(Tcb),
            SignerExpired(Qe),
            SignerCertificateBroken(Tcb),
            SignerCertificateBroken(Qe),
            Incomplete(Tcb),
            Incomplete(Qe),
            Trailing(Tcb),
            Trailing(Qe),
            DuplicateField(Tcb),
            DuplicateField(Qe),
            MissingField(Tcb),
            MissingField(Qe),
            UnknownStatus(Tcb),
            UnknownStatus(Qe),
            SvnTooLarge(Tcb),
            SvnTooLarge(Qe),
            MalformedHex(Tcb),
            MalformedHex(Qe),
            ShortHex(Tcb),
            ShortHex(Qe),
            ComponentMissing,
            ComponentSurplus,
            ComponentTooLarge,
            KindOfTdx(Tcb),
            KindOfTdx(Qe),
            VersionTooHigh(Tcb),
            VersionTooHigh(Qe),
            VersionTooLow(Tcb),
            VersionTooLow(Qe),
            UnknownTcbType,
            DocumentsSwapped,
            CrlExpired(Root),
            CrlExpired(Pck),
            CrlNotYetValid(Root),
            CrlNotYetValid(Pck),
            CrlWithoutNextUpdate(Root),
            CrlWithoutNextUpdate(Pck),
            CrlSignature(Root),
            CrlSignature(Pck),
            CrlByWrongCa(Root),
            CrlByWrongCa(Pck),
            CrlByForeignCa(Root),
            CrlByForeignCa(Pck),
            CrlEmpty(Root),
            CrlEmpty(Pck),
            CrlIncomplete(Root),
            CrlIncomplete(Pck),
            CrlTrailingByte(Root),
            CrlTrailingByte(Pck),
            CrlsSwapped,
            CrlChainEmpty,
            PckRevoked,
            PckCaRevoked,
            TcbSignerRevoked,
            RootRevoked,
            OtherFmspc,
            OtherPceId,
            OtherQeSigner,
            OtherQeProductId,
            OtherQeMiscSelect,
            OtherQeAttributes,
            NoLevels(Tcb),
            NoLevels(Qe),
            LevelsTooHigh(Tcb),
            LevelsTooHigh(Qe),
            PlatformStatus(SwHardeningNeeded),
            PlatformStatus(ConfigurationNeeded),
            PlatformStatus(ConfigurationAndSwHardeningNeeded),
            PlatformStatus(OutOfDate),
            PlatformStatus(OutOfDateConfigurationNeeded),
            PlatformStatus(Revoked),
            QeStatus(OutOfDate),
            QeStatus(Revoked),
        ]
    };

    /// Those with which dcap-qvl 0.7.1 still says that a default machine is up to date. A verifier
    /// that protects a chain refuses them.
    pub const ACCEPTED_BY_DCAP_QVL: &[Self] = &[
        Self::VersionTooHigh(Document::TcbInfo),
        Self::UnknownTcbType,
        Self::CrlNotYetValid(Crl::Root),
        Self::CrlNotYetValid(Crl::Pck),
        Self::CrlChainEmpty,
        Self::OtherPceId,
    ];

    /// The check that must notice it.
    pub fn check(self) -> CollateralCheck {
        use CollateralCheck::*;
        use CollateralFault::*;
        match self {
            Expired(_) | NotYetValid(_) | CrlExpired(_) | CrlNotYetValid(_) => Time,
            SignatureBroken(_)
            | ChangedAfterSigning(_)
            | Reformatted(_)
            | SignedByOtherKey(_)
            | CrlSignature(_) => Signature,
            ChainEmpty(_)
            | ChainNotPem(_)
            | SignerIsRoot(_)
            | SignerIsPckCa(_)
            | SignerIsPck(_)
            | SignerBelowPckCa(_)
            | SignerBelowForeignRoot(_)
            | SignerExpired(_)
            | SignerCertificateBroken(_)
            | CrlByWrongCa(_)
            | CrlByForeignCa(_)
            | CrlsSwapped
            | CrlChainEmpty => Chain,
            BadDate(_)
            | Incomplete(_)
            | Trailing(_)
            | DuplicateField(_)
            | MissingField(_)
            | UnknownStatus(_)
            | SvnTooLarge(_)
            | MalformedHex(_)
            | ShortHex(_)
            | ComponentMissing
            | ComponentSurplus
            | ComponentTooLarge
            | DocumentsSwapped
            | CrlWithoutNextUpdate(_)
            | CrlEmpty(_)
            | CrlIncomplete(_)
            | CrlTrailingByte(_) => Format,
            KindOfTdx(_) | VersionTooHigh(_) | VersionTooLow(_) | UnknownTcbType => Kind,
            PckRevoked | PckCaRevoked | TcbSignerRevoked | RootRevoked => Revocation,
            OtherFmspc | OtherPceId | OtherQeSigner | OtherQeProductId | OtherQeMiscSelect
            | OtherQeAttributes => Match,
            NoLevels(_) | LevelsTooHigh(_) | PlatformStatus(_) | QeStatus(_) => Level,
        }
    }
}
