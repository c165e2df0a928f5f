// SPDX-License-Identifier: Apache-2.0
//! Collateral from a Provisioning Certificate Caching Service (PCCS), or from Intel's own service,
//! which answer alike (Intel SGX and TDX Provisioning Certification Service API, version 4).

use alloc::{format, string::String, vec::Vec};

use frame_support::dispatch::Pays;
use tee_dcap::{
    pccs::{self, AnswerError},
    Crl,
};
use tee_primitives::attestation::{
    collateral::{ChainBytes, CollateralId, CollateralItem, PckCa},
    record::Fmspc,
};

use super::{
    http::{self, Answer, HttpError},
    is_moment,
    sender::Sender,
    settings::Settings,
    LOG,
};
use crate::{
    types::MAX_LISTED, Call, Config, Dated, Evaluated, Pallet, PckCrls, QeIdentity, RootCrl,
    TcbInfos,
};

/// Why there is no collateral.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PccsError {
    /// The service did not answer.
    Http(HttpError),
    /// The answer lacks the signer's certificates.
    NoIssuerChain,
    /// The answer is of no use.
    Answer(AnswerError),
}

impl From<HttpError> for PccsError {
    fn from(error: HttpError) -> Self {
        Self::Http(error)
    }
}

impl From<AnswerError> for PccsError {
    fn from(error: AnswerError) -> Self {
        Self::Answer(error)
    }
}

/// Which evaluation of TCBs is asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Evaluation {
    /// The one that Intel recommends. It publishes others before and after.
    Standard,
    /// The one of this number.
    Number(u32),
}

impl Evaluation {
    fn query(self) -> String {
        match self {
            Self::Standard => "update=standard".into(),
            Self::Number(number) => format!("tcbEvaluationDataNumber={number}"),
        }
    }
}

/// A document that the chain has.
struct Known {
    id: CollateralId,
    issued: u64,
    expires: u64,
    /// Its evaluation number, if it has one.
    number: u32,
    /// Whether a standard of a higher number would be new to the chain.
    takes_higher: bool,
}

/// What the chain has: what counts, and what waits to.
fn known<T: Config>(now: u64) -> Vec<Known> {
    fn list(id: CollateralId, crl: &Crl) -> Known {
        Known { id, issued: crl.issued, expires: crl.expires, number: 0, takes_higher: false }
    }
    fn both<D: Dated>(id: CollateralId, known: Evaluated<D>, now: u64) -> Vec<Known> {
        let known = known.settled(now);
        let next = known.next.map(|next| next.document);
        let takes_higher = next.as_ref().is_none_or(|next| next.is_expired(now));
        [Some(known.current), next]
            .into_iter()
            .flatten()
            .map(|document| Known {
                id,
                issued: document.issued(),
                expires: document.expires(),
                number: document.evaluation_number(),
                takes_higher,
            })
            .collect()
    }
    // The root's list comes first: everything else is checked against it.
    let mut all: Vec<Known> =
        RootCrl::<T>::get().iter().map(|crl| list(CollateralId::RootCrl, crl)).collect();
    all.extend(PckCrls::<T>::iter().map(|(ca, crl)| list(CollateralId::PckCrl(ca), &crl)));
    if let Some(identity) = QeIdentity::<T>::get() {
        all.extend(both(CollateralId::QeIdentity, identity, now));
    }
    for (fmspc, info) in TcbInfos::<T>::iter().take(MAX_LISTED) {
        all.extend(both(CollateralId::TcbInfo(fmspc), info, now));
    }
    all
}

/// Brings what the chain has and what will expire.
pub(crate) fn refresh<T: Config>(sender: &mut Sender<T>, settings: &Settings) {
    let Some(pccs_url) = &settings.pccs_url else { return };
    let now = Pallet::<T>::now();
    for known in known::<T>(now) {
        let life = known.expires.saturating_sub(known.issued);
        let left = known.expires.saturating_sub(now);
        if sender.is_done() {
            return;
        }
        if !is_moment(life, left, sender.seed(&known.id)) {
            continue;
        }
        let (id, number) = (known.id, known.number);
        match fetch(pccs_url, &known) {
            Ok(items) => items.into_iter().for_each(|item| submit(sender, id, item)),
            Err(error) => {
                log::warn!(
                    target: LOG,
                    "no new collateral {id:?} ({number}), which expires in {left} s: {error:?}"
                );
                // A service that does not answer one question answers none.
                if matches!(error, PccsError::Http(HttpError::Timeout | HttpError::NotSent)) {
                    return;
                }
            }
        }
    }
}

/// Submits what the chain will take for free: whoever asks a service that is behind learns it here,
/// and not by paying for it.
fn submit<T: Config>(sender: &mut Sender<T>, id: CollateralId, item: CollateralItem) {
    // A worker's changes of the state are not kept.
    match Pallet::<T>::do_submit_collateral(item.clone()) {
        Ok(taken) if taken.pays_fee == Pays::No => {
            log::info!(target: LOG, "bringing new collateral {id:?}");
            sender.send(Call::submit_collateral { item });
        }
        Ok(_) => log::debug!(target: LOG, "nothing is gained by the new collateral {id:?}"),
        Err(error) => {
            log::warn!(target: LOG, "the collateral {id:?} would be refused: {:?}", error.error)
        }
    }
}

fn fetch(pccs_url: &str, known: &Known) -> Result<Vec<CollateralItem>, PccsError> {
    match known.id {
        CollateralId::RootCrl => root_crl(pccs_url).map(|item| [item].into()),
        CollateralId::PckCrl(ca) => pck_crl(pccs_url, ca).map(|item| [item].into()),
        CollateralId::TcbInfo(fmspc) => {
            evaluated(known, |evaluation| tcb_info(pccs_url, fmspc, evaluation))
        }
        CollateralId::QeIdentity => {
            evaluated(known, |evaluation| qe_identity(pccs_url, evaluation))
        }
    }
}

/// The same document anew, and the standard one if that is of a higher evaluation that is new to the
/// chain. Where the service no longer has the evaluation that counts, the standard one comes in time to
/// take its place when it expires.
fn evaluated(
    known: &Known,
    fetch: impl Fn(Evaluation) -> Result<(u32, CollateralItem), PccsError>,
) -> Result<Vec<CollateralItem>, PccsError> {
    let (number, standard) = fetch(Evaluation::Standard)?;
    if number == known.number {
        return Ok([standard].into());
    }
    let same = fetch(Evaluation::Number(known.number));
    let higher = (number > known.number && known.takes_higher).then_some(standard);
    match (same, higher) {
        (Err(error), None) => Err(error),
        (same, higher) => Ok(same.ok().map(|(_, item)| item).into_iter().chain(higher).collect()),
    }
}

/// Where Intel publishes the root's list, which its own service does not have.
const INTEL_ROOT_CRL: &str = "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der";

fn root_crl(pccs_url: &str) -> Result<CollateralItem, PccsError> {
    let limit = pccs::MAX_CRL_ANSWER;
    let answer = match http::get(&format!("{pccs_url}/sgx/certification/v4/rootcacrl"), limit) {
        Err(HttpError::Status(404)) => http::get(INTEL_ROOT_CRL, limit)?,
        answer => answer?,
    };
    Ok(CollateralItem::RootCrl { crl: pccs::crl(&answer.body)? })
}

fn pck_crl(pccs_url: &str, ca: PckCa) -> Result<CollateralItem, PccsError> {
    let url = format!("{pccs_url}/sgx/certification/v4/pckcrl?ca={}&encoding=der", ca.name());
    let answer = http::get(&url, pccs::MAX_CRL_ANSWER)?;
    let issuer_chain = issuer_chain(&answer, pccs::PCK_CRL_CHAIN)?;
    Ok(CollateralItem::PckCrl { crl: pccs::crl(&answer.body)?, issuer_chain })
}

fn tcb_info(
    pccs_url: &str,
    fmspc: Fmspc,
    evaluation: Evaluation,
) -> Result<(u32, CollateralItem), PccsError> {
    let url = format!(
        "{pccs_url}/sgx/certification/v4/tcb?fmspc={}&{}",
        hex::encode_upper(fmspc),
        evaluation.query()
    );
    let answer = http::get(&url, pccs::MAX_JSON_ANSWER)?;
    let issuer_chain = issuer_chain(&answer, pccs::TCB_INFO_CHAIN)?;
    let (json, signature) = pccs::signed_json(&answer.body)?;
    Ok((pccs::evaluation_number(&json)?, CollateralItem::TcbInfo { json, signature, issuer_chain }))
}

fn qe_identity(pccs_url: &str, evaluation: Evaluation) -> Result<(u32, CollateralItem), PccsError> {
    let url = format!("{pccs_url}/sgx/certification/v4/qe/identity?{}", evaluation.query());
    let answer = http::get(&url, pccs::MAX_JSON_ANSWER)?;
    let issuer_chain = issuer_chain(&answer, pccs::QE_IDENTITY_CHAIN)?;
    let (json, signature) = pccs::signed_json(&answer.body)?;
    Ok((
        pccs::evaluation_number(&json)?,
        CollateralItem::QeIdentity { json, signature, issuer_chain },
    ))
}

/// The signer's certificates.
fn issuer_chain(answer: &Answer, names: &[&str]) -> Result<ChainBytes, PccsError> {
    let header = names.iter().find_map(|name| answer.header(name));
    Ok(pccs::issuer_chain(header.ok_or(PccsError::NoIssuerChain)?.as_bytes())?)
}
