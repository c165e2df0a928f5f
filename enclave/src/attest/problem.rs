// SPDX-License-Identifier: Apache-2.0
//! What keeps the enclave from attesting.

use tee_primitives::{attestation::collateral::CollateralId, BlockNumber};

use super::pccs::PccsError;
use crate::{
    chain::{ChainError, SubmitError},
    quotes::QuoteError,
};

/// What keeps the enclave from attesting. Its text is a sentence for people.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Problem {
    /// Neither a registration nor an update of the operator names the account.
    #[error("The operator has not named this enclave in a registration or an update.")]
    NotNamed,
    /// Governance has not allowed the code.
    #[error("The chain does not allow this enclave's measurement.")]
    NotAllowed,
    /// Governance has allowed the code, but it does not count yet.
    #[error("The chain allows this enclave's measurement only from block {0} on.")]
    NotYetAllowed(BlockNumber),
    /// Governance has allowed the code, but not as it is signed.
    #[error(
        "The chain allows this enclave's measurement only with another signer, product or security \
         version."
    )]
    AnotherBuild,
    /// Governance has banned the machine.
    #[error("The chain has banned this enclave's machine.")]
    Banned,
    /// The enclave is configured to leave it to others.
    #[error(
        "The enclave leaves attesting to others, because it was started with --attestation-push \
         off."
    )]
    PushOff,
    /// The chain cannot judge the machine, and the enclave cannot help.
    #[error(
        "The chain lacks {} of this machine's type, and the enclave was started without --pccs-url.",
        names(.0)
    )]
    NoPccs(Vec<CollateralId>),
    /// A document cannot be had.
    #[error("The PCCS gave no usable {}: {error}.", name(*id))]
    Pccs {
        /// Which.
        id: CollateralId,
        /// Why.
        error: PccsError,
    },
    /// There is no quote.
    #[error("There is no quote: {0}.")]
    Quote(#[from] QuoteError),
    /// The chain was not read.
    #[error("Attesting waits: {0}.")]
    Chain(#[from] ChainError),
    /// A transaction did not get into the chain.
    #[error("Attesting failed: {0}.")]
    NotSubmitted(#[from] SubmitError),
    /// A transaction got into the chain, and did nothing.
    #[error("The chain refused what the enclave brought: the events of its blocks say why.")]
    Refused,
    /// A transaction is in a block that the enclave does not get to see.
    #[error("Attesting waits: the chain does not go on.")]
    NotSeen,
}

/// A document's name, for people.
pub fn name(id: CollateralId) -> String {
    match id {
        CollateralId::RootCrl => "root CRL".into(),
        CollateralId::PckCrl(ca) => format!("PCK CRL of the {} CA", ca.name()),
        CollateralId::TcbInfo(fmspc) => format!("TCB info of FMSPC {}", hex::encode(fmspc)),
        CollateralId::QeIdentity => "QE identity".into(),
    }
}

fn names(ids: &[CollateralId]) -> String {
    ids.iter().copied().map(name).collect::<Vec<_>>().join(", ")
}
