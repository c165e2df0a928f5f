// SPDX-License-Identifier: Apache-2.0
//! Whether the other side of a channel is what the chain says it is: a quote that was made for this
//! very channel, judged by the chain's collateral and policy, read by proof.

use tee_dcap::{verify_quote, Collateral, Crl, Evaluated, QeIdentity, Quote, TcbInfo};
use tee_primitives::{
    abi::storage,
    attestation::{record::AllowedMeasurement, tcb::TcbPolicy, PeerRole, Purpose, PAYLOAD_VERSION},
    Hash, RawAccountId,
};

use super::{message::Evidence, peers::Peer};
use crate::{
    account,
    chain::{facts, At, Chain, ChainError},
    view::View,
};

/// Why a peer is not trusted.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Untrusted {
    /// The payload is of another version.
    #[error("its payload is of another version")]
    Version,
    /// The payload was made for the chain, for another peer, for the other side, or for another
    /// channel.
    #[error("its quote was made for something else than this channel")]
    Purpose,
    /// The payload is of another chain.
    #[error("its quote is of another chain")]
    Chain,
    /// The payload names another enclave than the chain.
    #[error("its quote names another account, operator or key than the chain")]
    Identity,
    /// The chain has the attestation of another start.
    #[error("the chain has the attestation of another start of it")]
    Session,
    /// The quote has another layout.
    #[error("its quote cannot be read: {}", .0.sentence())]
    Layout(tee_dcap::Error),
    /// The quote is of other code than the payload says, or than the chain has attested.
    #[error("its quote is of other code than the chain has attested")]
    Measurement,
    /// Governance does not allow the code.
    #[error("the chain does not allow its code")]
    NotAllowed,
    /// The report data is not the account's signature.
    #[error("its quote's report data is not its account's signature over what it says")]
    ReportData,
    /// The chain lacks the documents that judge its machine.
    #[error("the chain lacks the collateral that its quote is judged by")]
    NoCollateral,
    /// The quote does not verify.
    #[error("its quote does not verify: {}", .0.sentence())]
    Quote(tee_dcap::Error),
    /// The quote is of another machine than the chain has attested.
    #[error("its quote is of another machine than the chain has attested")]
    Platform,
    /// The machine is not as up to date as the policy demands.
    #[error("its machine is not as up to date as the chain demands")]
    Tcb,
}

/// Why evidence was not accepted.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EvidenceError {
    /// The chain could not be read.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The peer is not trusted.
    #[error("the peer is not trusted: {0}")]
    Untrusted(#[from] Untrusted),
}

/// What the quote must have been made for.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// Who shows it.
    pub peer: &'a Peer,
    /// On which side.
    pub role: PeerRole,
    /// To whom: the own account.
    pub own: &'a RawAccountId,
    /// In which channel.
    pub handshake_hash: Hash,
}

/// Checks evidence, cheap before costly.
pub async fn check(
    chain: &dyn Chain,
    view: &View,
    expected: &Expected<'_>,
    evidence: &Evidence,
) -> Result<(), EvidenceError> {
    let Evidence { payload, quote } = evidence;
    let Expected { peer, role, own, handshake_hash } = *expected;
    let require = |holds: bool, why: Untrusted| if holds { Ok(()) } else { Err(why) };
    require(payload.version == PAYLOAD_VERSION, Untrusted::Version)?;
    let purpose = Purpose::PeerSync { role, peer: *own, handshake_hash };
    require(payload.purpose == purpose, Untrusted::Purpose)?;
    require(payload.genesis_hash == view.chain.genesis_hash, Untrusted::Chain)?;
    let is_identity = payload.account == peer.account
        && payload.operator == peer.operator
        && payload.encryption_key == peer.encryption_key;
    require(is_identity, Untrusted::Identity)?;
    require(payload.session == peer.session, Untrusted::Session)?;

    let quote = Quote::parse(quote).map_err(Untrusted::Layout)?;
    quote.check_attributes().map_err(Untrusted::Quote)?;
    let report = quote.report();
    let is_code = report.mr_enclave == payload.mrenclave
        && report.mr_enclave == peer.facts.measurement
        && report.isv_svn >= peer.facts.isv_svn;
    require(is_code, Untrusted::Measurement)?;
    let is_signed =
        account::verify_bytes(&report.report_data, &payload.message(), &payload.account);
    require(is_signed, Untrusted::ReportData)?;

    let hint = quote.pck_hint().map_err(Untrusted::Layout)?;
    let keys = [
        storage::allowed_measurement(&report.mr_enclave),
        storage::tcb_policy(),
        storage::attestation_root(),
        storage::root_crl(),
        storage::pck_crl(hint.ca),
        storage::tcb_info(&hint.fmspc),
        storage::qe_identity(),
    ];
    let at = At::Finalized(view.finalized.hash);
    let [allowed, policy, root, root_crl, pck_crl, tcb_info, qe_identity] =
        facts::read(chain, at, keys).await?;
    let allowed: Option<AllowedMeasurement> = facts::decode(allowed)?;
    let is_allowed = allowed.is_some_and(|allowed| {
        allowed.acts_from <= view.finalized.number
            && allowed.mr_signer == report.mr_signer
            && allowed.isv_prod_id == report.isv_prod_id
            && allowed.min_isv_svn <= report.isv_svn
    });
    require(is_allowed, Untrusted::NotAllowed)?;
    let policy: TcbPolicy = facts::decode(policy)?.unwrap_or_default();
    let root: Vec<u8> = facts::decode(root)?.ok_or(Untrusted::NoCollateral)?;
    let root_crl: Crl = facts::decode(root_crl)?.ok_or(Untrusted::NoCollateral)?;
    let pck_crl: Crl = facts::decode(pck_crl)?.ok_or(Untrusted::NoCollateral)?;
    let tcb_info: Evaluated<TcbInfo> = facts::decode(tcb_info)?.ok_or(Untrusted::NoCollateral)?;
    let qe_identity: Evaluated<QeIdentity> =
        facts::decode(qe_identity)?.ok_or(Untrusted::NoCollateral)?;
    let (tcb_info, qe_identity) = (tcb_info.at(view.now), qe_identity.at(view.now));
    let collateral = Collateral {
        root_crl: &root_crl,
        pck_crl: &pck_crl,
        tcb_info: &tcb_info,
        qe_identity: &qe_identity,
    };
    let verdict = verify_quote(&quote, &root, &collateral, view.now).map_err(Untrusted::Quote)?;
    require(verdict.platform == peer.facts.platform, Untrusted::Platform)?;
    require(policy.check(&verdict.tcb, view.now).is_ok(), Untrusted::Tcb)?;
    Ok(())
}
