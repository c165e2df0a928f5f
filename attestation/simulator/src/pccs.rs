// SPDX-License-Identifier: Apache-2.0
//! A Provisioning Certificate Caching Service: the four requests of version 4 of Intel's API with
//! which verifiers get collateral. What it serves protects nothing.
//!
//! | request | answer | issuer chain |
//! |---|---|---|
//! | `tcb?fmspc=HEX` | `{"tcbInfo":…,"signature":"HEX"}` | `TCB-Info-Issuer-Chain` |
//! | `qe/identity` | `{"enclaveIdentity":…,"signature":"HEX"}` | `SGX-Enclave-Identity-Issuer-Chain` |
//! | `pckcrl?ca=processor` or `platform` | DER, or PEM with `encoding=pem` | `SGX-PCK-CRL-Issuer-Chain` |
//! | `rootcacrl` | DER in hexadecimal | – |
//!
//! below `/sgx/certification/v4/`. The first two also take `update=standard`, which is what they
//! give without it, or `update=early`; or `tcbEvaluationDataNumber=N`. Issuer chains are
//! URL-encoded PEM. The JSON of the documents is in the answers byte by byte as it was signed.
//!
//! Collateral is issued at the begin of a quarter of its validity, so that answers repeat for a
//! while, as a cache's do.

use std::{collections::HashMap, fmt, sync::Arc};

use axum::{
    extract::{Query, State},
    http::{header, HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
    routing::get,
    Router,
};
use percent_encoding::{utf8_percent_encode, AsciiSet, NON_ALPHANUMERIC};
use x509_cert::der::pem::{encode_string, LineEnding};

use crate::{
    collateral::{DAY, EVALUATION_NUMBER},
    Authority, Collateral, CollateralOptions, PckCa, Serial, DEVELOPMENT_FMSPC,
};

/// What a PCCS serves.
#[derive(Clone)]
pub struct PccsOptions {
    /// Who signs.
    pub authority: Authority,
    /// Life of collateral in seconds, at least 1.
    pub validity: u64,
    /// Evaluation number of `update=standard`.
    pub evaluation_number: u32,
    /// Evaluation number of `update=early`, if it is another.
    pub early_evaluation_number: Option<u32>,
    /// Models of machines that it has TCB info for.
    pub fmspcs: Vec<[u8; 6]>,
    /// Serial numbers in both PCK CRLs.
    pub revoked_pck: Vec<Serial>,
    /// The time, Unix, in seconds.
    pub now: Arc<dyn Fn() -> u64 + Send + Sync>,
}

impl PccsOptions {
    /// Of the development authority, for default machines, valid for 30 days.
    pub fn new(now: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self {
            authority: Authority::development(),
            validity: 30 * DAY,
            evaluation_number: EVALUATION_NUMBER,
            early_evaluation_number: None,
            fmspcs: vec![DEVELOPMENT_FMSPC],
            revoked_pck: Vec::new(),
            now: Arc::new(now),
        }
    }

    /// The collateral that it serves now.
    pub fn collateral(&self, fmspc: [u8; 6], ca: PckCa, evaluation_number: u32) -> Collateral {
        let step = (self.validity / 4).max(1);
        let now = (self.now)();
        self.authority.collateral(&CollateralOptions {
            valid_for: self.validity,
            evaluation_number,
            fmspc,
            ca,
            revoked_pck: self.revoked_pck.clone(),
            ..CollateralOptions::new(now - now % step)
        })
    }

    /// The evaluation number that a request asks for.
    fn evaluation_number(&self, query: &Parameters) -> Result<u32, Refusal> {
        let early = self.early_evaluation_number.unwrap_or(self.evaluation_number);
        match (query.get("update"), query.get("tcbEvaluationDataNumber")) {
            (None, None) => Ok(self.evaluation_number),
            (Some(update), None) => match update.as_str() {
                "standard" => Ok(self.evaluation_number),
                "early" => Ok(early),
                _ => Err(Refusal::Invalid),
            },
            (None, Some(number)) => {
                let number = number.parse().map_err(|_| Refusal::Invalid)?;
                let known = [self.evaluation_number, early].contains(&number);
                known.then_some(number).ok_or(Refusal::NotFound)
            }
            (Some(_), Some(_)) => Err(Refusal::Invalid),
        }
    }
}

impl fmt::Debug for PccsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PccsOptions")
            .field("authority", &self.authority)
            .field("validity", &self.validity)
            .field("evaluation_number", &self.evaluation_number)
            .field("early_evaluation_number", &self.early_evaluation_number)
            .finish_non_exhaustive()
    }
}

/// The server's routes.
pub fn router(options: PccsOptions) -> Router {
    Router::new()
        .route("/sgx/certification/v4/tcb", get(tcb_info))
        .route("/sgx/certification/v4/qe/identity", get(qe_identity))
        .route("/sgx/certification/v4/pckcrl", get(pck_crl))
        .route("/sgx/certification/v4/rootcacrl", get(root_crl))
        .with_state(Arc::new(options))
}

type Options = State<Arc<PccsOptions>>;
type Parameters = HashMap<String, String>;

/// Why a request gets nothing, in the words of Intel's PCCS.
enum Refusal {
    Invalid,
    NotFound,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Invalid => (StatusCode::BAD_REQUEST, "Invalid request parameters."),
            Self::NotFound => (StatusCode::NOT_FOUND, "No cache data for this platform."),
        }
        .into_response()
    }
}

async fn tcb_info(
    State(options): Options,
    Query(query): Query<Parameters>,
) -> Result<Response, Refusal> {
    let mut fmspc = [0; 6];
    let wanted = query.get("fmspc").ok_or(Refusal::Invalid)?;
    hex::decode_to_slice(wanted, &mut fmspc).map_err(|_| Refusal::Invalid)?;
    let number = options.evaluation_number(&query)?;
    if !options.fmspcs.contains(&fmspc) {
        return Err(Refusal::NotFound);
    }
    let collateral = options.collateral(fmspc, PckCa::Processor, number);
    let signature = hex::encode(collateral.tcb_info_signature);
    let body = format!(r#"{{"tcbInfo":{},"signature":"{signature}"}}"#, collateral.tcb_info);
    let chain = issuer_chain(&collateral.tcb_info_issuer_chain);
    Ok((chain_header("tcb-info-issuer-chain", chain), json(body)).into_response())
}

async fn qe_identity(
    State(options): Options,
    Query(query): Query<Parameters>,
) -> Result<Response, Refusal> {
    let number = options.evaluation_number(&query)?;
    let collateral = options.collateral(DEVELOPMENT_FMSPC, PckCa::Processor, number);
    let signature = hex::encode(collateral.qe_identity_signature);
    let identity = &collateral.qe_identity;
    let body = format!(r#"{{"enclaveIdentity":{identity},"signature":"{signature}"}}"#);
    let chain = issuer_chain(&collateral.qe_identity_issuer_chain);
    Ok((chain_header("sgx-enclave-identity-issuer-chain", chain), json(body)).into_response())
}

async fn pck_crl(
    State(options): Options,
    Query(query): Query<Parameters>,
) -> Result<Response, Refusal> {
    let ca = match query.get("ca").map(|ca| ca.to_ascii_lowercase()).as_deref() {
        Some("processor") => PckCa::Processor,
        Some("platform") => PckCa::Platform,
        _ => return Err(Refusal::Invalid),
    };
    let collateral = options.collateral(DEVELOPMENT_FMSPC, ca, options.evaluation_number);
    let list = collateral.pck_crl;
    let (kind, body) = match query.get("encoding").map(|name| name.to_ascii_lowercase()).as_deref()
    {
        None | Some("der") => ("application/pkix-crl", list),
        Some("pem") => {
            let pem = encode_string("X509 CRL", LineEnding::LF, &list);
            ("application/x-pem-file", pem.expect("a CRL fits PEM").into_bytes())
        }
        Some(_) => return Err(Refusal::Invalid),
    };
    let chain = issuer_chain(&collateral.pck_crl_issuer_chain);
    let kind = [(header::CONTENT_TYPE, kind)];
    Ok((chain_header("sgx-pck-crl-issuer-chain", chain), kind, body).into_response())
}

async fn root_crl(State(options): Options) -> Response {
    let number = options.evaluation_number;
    let collateral = options.collateral(DEVELOPMENT_FMSPC, PckCa::Processor, number);
    // Intel's PCCS says that of any text.
    let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    (kind, hex::encode(collateral.root_crl)).into_response()
}

fn json(body: String) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json; charset=utf-8")], body)
}

fn chain_header(name: &'static str, chain: String) -> [(HeaderName, HeaderValue); 1] {
    let value = HeaderValue::try_from(chain).expect("URL-encoded text fits a header");
    [(HeaderName::from_static(name), value)]
}

/// URL-encoded as Intel's services do it: everything but letters, digits, `-`, `.`, `_` and `~`.
fn issuer_chain(pem: &str) -> String {
    const RESERVED: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(pem, RESERVED).to_string()
}
