// SPDX-License-Identifier: Apache-2.0
//! Attestations, for people.

use std::fmt;

use serde::Serialize;
use tee_primitives::{
    attestation::{
        collateral::CollateralId,
        record::{Fmspc, NotLive},
        tcb::{TcbPolicy, TcbRejection, TcbStatus},
    },
    BlockNumber, Hash, RawAccountId,
};
use tee_wallet::chain::{
    attestation::{Attested, CollateralStatus},
    ChainBlock,
};

/// SHA-256 of "Intel SGX Root CA", to which the quotes of real hardware lead.
const INTEL_ROOT: Hash = [
    0x44, 0xa0, 0x19, 0x6b, 0x2b, 0x99, 0xf8, 0x89, 0xb8, 0xe1, 0x49, 0xe9, 0x5b, 0x80, 0x7a, 0x35,
    0x0e, 0x74, 0x24, 0x96, 0x43, 0x99, 0xe8, 0x85, 0xa7, 0xcb, 0xb8, 0xcc, 0xfa, 0xb6, 0x74, 0xd3,
];

/// Seconds in a day.
pub const DAY: u64 = 24 * 60 * 60;

/// Whose hardware a chain trusts.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Intel's: the root is Intel's.
    Dcap,
    /// None: the root is another one, whose key may be known to everybody.
    Simulated,
}

/// The root of trust of a chain.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Root {
    /// SHA-256 of its certificate, in hexadecimal digits.
    pub fingerprint: String,
    /// Whose hardware the chain trusts.
    pub kind: Kind,
}

impl Root {
    /// The root with this fingerprint.
    pub fn new(fingerprint: &Hash) -> Self {
        let kind = if *fingerprint == INTEL_ROOT { Kind::Dcap } else { Kind::Simulated };
        Self { fingerprint: hex(fingerprint), kind }
    }
}

impl fmt::Display for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Dcap => f.write_str("Intel"),
            Kind::Simulated => write!(
                f,
                "development ({}): its enclaves are simulated and protect nothing",
                self.fingerprint
            ),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dcap => "dcap",
            Self::Simulated => "simulated",
        })
    }
}

/// How an enclave's attestation stands.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct AttestationStatus {
    /// Whose hardware it is.
    pub kind: Kind,
    /// Whether it counts.
    pub live: bool,
    /// How up to date the machine is.
    pub tcb_status: Option<TcbStatus>,
    /// The measurement, in hexadecimal digits.
    pub measurement: Option<String>,
    /// The security version.
    pub isv_svn: Option<u16>,
    /// The machine, in hexadecimal digits.
    pub platform: Option<String>,
    /// The type of platform, in hexadecimal digits.
    pub fmspc: Option<String>,
    /// From when on it no longer counts, in seconds since the Unix epoch.
    pub expires_at: Option<u64>,
    /// Seconds until then; 0 if that is over.
    pub expires_in: Option<u64>,
    /// Why it does not count, if it does not.
    pub problem: Option<String>,
}

impl AttestationStatus {
    /// Of what was read from a chain with this root.
    pub fn new(kind: Kind, attested: &Attested) -> Self {
        let record = attested.record.as_ref();
        Self {
            kind,
            live: attested.is_live(),
            tcb_status: record.map(|record| record.tcb.status),
            measurement: record.map(|record| hex(&record.facts.measurement)),
            isv_svn: record.map(|record| record.facts.isv_svn),
            platform: record.map(|record| hex(&record.facts.platform)),
            fmspc: record.map(|record| hex(&record.fmspc)),
            expires_at: record.map(|record| record.expires_at),
            expires_in: record.map(|record| record.expires_at.saturating_sub(attested.now)),
            problem: (!attested.is_live()).then(|| why_not_live(attested)),
        }
    }

    /// Reads it.
    pub async fn read(
        block: &ChainBlock,
        kind: Kind,
        enclave: &RawAccountId,
        operator: &RawAccountId,
    ) -> anyhow::Result<Self> {
        Ok(Self::new(kind, &block.attested(enclave, operator).await?))
    }
}

impl fmt::Display for AttestationStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind;
        match (&self.problem, self.tcb_status, self.expires_in) {
            (Some(problem), ..) => write!(f, "NOT attested ({kind}): {problem}"),
            (None, Some(status), Some(left)) => {
                let (status, left) = (tcb_status(status), duration(left));
                write!(f, "attested ({kind}), {status}, expires in {left}")
            }
            _ => write!(f, "attested ({kind})"),
        }
    }
}

/// Why an attestation does not count; empty if it does.
pub fn why_not_live(attested: &Attested) -> String {
    let Some(why) = attested.not_live else { return String::new() };
    let record = attested.record.as_ref();
    let measurement = record.map(|it| hex(&it.facts.measurement)).unwrap_or_default();
    match why {
        NotLive::Missing => {
            String::from("the enclave has not attested for the operator that names it")
        }
        NotLive::Expired => {
            let ago = record.map_or(0, |it| attested.now.saturating_sub(it.expires_at));
            format!(
                "its attestation, or the collateral that it was judged by, expired {} ago",
                duration(ago)
            )
        }
        NotLive::MeasurementNotAllowed => match (&attested.allowed, record) {
            (Some(allowed), Some(record)) if record.facts.isv_svn < allowed.min_isv_svn => format!(
                "its security version is {}, the committee allows {} and higher",
                record.facts.isv_svn, allowed.min_isv_svn
            ),
            (Some(allowed), _) => {
                format!("its measurement {measurement} counts from block #{} on", allowed.acts_from)
            }
            (None, _) => format!("the committee does not allow its measurement {measurement}"),
        },
        NotLive::PlatformBanned => {
            let platform = record.map(|it| hex(&it.facts.platform)).unwrap_or_default();
            format!("the committee has banned its machine {platform}")
        }
        NotLive::Tcb(rejection) => {
            let status = record.map(|it| tcb_status(it.tcb.status)).unwrap_or_default();
            format!("its machine is {status}: {}", rejected(rejection))
        }
    }
}

fn rejected(rejection: TcbRejection) -> &'static str {
    match rejection {
        TcbRejection::Revoked => "its keys are known to be compromised",
        TcbRejection::OutOfDate => "it lacks patches for longer than the policy accepts",
        TcbRejection::ConfigurationNeeded => {
            "it needs another configuration, which the policy does not accept"
        }
        TcbRejection::SwHardeningNeeded => {
            "the enclave's code would have to mitigate advisories, which the policy does not accept"
        }
        TcbRejection::AdvisoryNotReviewed => {
            "an advisory that concerns it is not among those that the committee has reviewed"
        }
        TcbRejection::EvaluationTooOld => {
            "it was judged by an evaluation of TCBs that no longer counts"
        }
    }
}

/// A status in the words of Intel's documents.
pub fn tcb_status(status: TcbStatus) -> String {
    match serde_json::to_value(status) {
        Ok(serde_json::Value::String(name)) => name,
        _ => format!("{status:?}"),
    }
}

/// A measurement that the committee allows.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct MeasurementStatus {
    /// The measurement, in hexadecimal digits.
    pub mr_enclave: String,
    /// SHA-256 of the key that signed the enclave, in hexadecimal digits.
    pub mr_signer: String,
    /// The product.
    pub isv_prod_id: u16,
    /// The lowest security version that counts.
    pub min_isv_svn: u16,
    /// The first block in which it counts.
    pub acts_from: BlockNumber,
    /// Whether it counts at the block that was read.
    pub acts: bool,
}

/// The measurements that the committee allows.
pub async fn measurements(block: &ChainBlock) -> anyhow::Result<Vec<MeasurementStatus>> {
    let allowed = block.allowed_measurements().await?.into_iter();
    let mut measurements: Vec<_> = allowed
        .map(|(mr_enclave, allowed)| MeasurementStatus {
            mr_enclave: hex(&mr_enclave),
            mr_signer: hex(&allowed.mr_signer),
            isv_prod_id: allowed.isv_prod_id,
            min_isv_svn: allowed.min_isv_svn,
            acts_from: allowed.acts_from,
            acts: allowed.acts_from <= block.number(),
        })
        .collect();
    measurements.sort_by(|a, b| a.mr_enclave.cmp(&b.mr_enclave));
    Ok(measurements)
}

impl fmt::Display for MeasurementStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mr_enclave, mr_signer, isv_prod_id, min_isv_svn, acts_from, acts } = self;
        write!(f, "{mr_enclave}, signed by {mr_signer}, ")?;
        write!(f, "product {isv_prod_id}, security version {min_isv_svn} or higher")?;
        if *acts {
            return Ok(());
        }
        write!(f, ", COUNTS FROM BLOCK #{acts_from} ON")
    }
}

/// A document by which quotes are judged.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Document {
    /// Which one.
    pub name: String,
    /// When it was issued, in seconds since the Unix epoch.
    pub issued: u64,
    /// When it expires, in seconds since the Unix epoch.
    pub expires_at: u64,
    /// Seconds until then; 0 if that is over.
    pub expires_in: u64,
    /// Whether it needs attention.
    pub state: Freshness,
    /// Its evaluation number; 0 for lists of revoked certificates.
    pub evaluation_number: u32,
    /// The evaluation number that waits.
    pub waiting_evaluation: Option<u32>,
    /// When that one begins to count, in seconds since the Unix epoch.
    pub waiting_until: Option<u64>,
}

/// How much of a document's life is left.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Freshness {
    /// More than a quarter.
    Fresh,
    /// Less than a quarter: a worker should have renewed it.
    Expiring,
    /// Nothing: no quote can be judged by it.
    Expired,
}

impl Document {
    /// Of what was read at a time.
    pub fn new(status: &CollateralStatus, now: u64) -> Self {
        let life = status.expires.saturating_sub(status.issued);
        let left = status.expires.saturating_sub(now);
        let state = match left {
            0 => Freshness::Expired,
            left if left < life / 4 => Freshness::Expiring,
            _ => Freshness::Fresh,
        };
        Self {
            name: collateral_name(status.id),
            issued: status.issued,
            expires_at: status.expires,
            expires_in: left,
            state,
            evaluation_number: status.evaluation_number,
            waiting_evaluation: status.waiting.map(|(number, _)| number),
            waiting_until: status.waiting.map(|(_, until)| until),
        }
    }

    /// What is to be said of it at a time, beside its name.
    fn line(&self, now: u64) -> String {
        let mut line = match self.state {
            Freshness::Expired => {
                format!("EXPIRED {} ago", duration(now.saturating_sub(self.expires_at)))
            }
            Freshness::Expiring => format!("EXPIRES IN {}", duration(self.expires_in)),
            Freshness::Fresh => format!("expires in {}", duration(self.expires_in)),
        };
        if self.evaluation_number > 0 {
            line = format!("evaluation {}, {line}", self.evaluation_number);
        }
        if let (Some(number), Some(until)) = (self.waiting_evaluation, self.waiting_until) {
            let left = duration(until.saturating_sub(now));
            line += &format!("; evaluation {number} counts in {left}");
        }
        line
    }
}

/// The documents that a chain has, and what needs attention.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Collateral {
    /// The block's time, in seconds since the Unix epoch.
    pub now: u64,
    /// The documents.
    pub documents: Vec<Document>,
}

impl Collateral {
    /// Reads it.
    pub async fn read(block: &ChainBlock) -> anyhow::Result<Self> {
        let (now, read) = (block.now().await?, block.collateral().await?);
        let documents = read.iter().map(|status| Document::new(status, now)).collect();
        Ok(Self { now, documents })
    }

    /// What is wrong with it, in a sentence.
    pub fn problem(&self) -> Option<String> {
        let of = |state| -> Vec<&str> {
            let documents = self.documents.iter().filter(|document| document.state == state);
            documents.map(|document| document.name.as_str()).collect()
        };
        let (expired, expiring) = (of(Freshness::Expired), of(Freshness::Expiring));
        if !expired.is_empty() {
            return Some(format!(
                "EXPIRED: {}; no enclave can attest until it is renewed",
                expired.join(", ")
            ));
        }
        if !expiring.is_empty() {
            return Some(format!(
                "less than a quarter of its life is left to: {}; is an off-chain worker with a \
                 PCCS running?",
                expiring.join(", ")
            ));
        }
        None
    }
}

impl fmt::Display for Collateral {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.documents.len(), self.problem()) {
            (0, _) => return f.write_str("none: it comes with the first enclave that attests"),
            (1, None) => f.write_str("1 document")?,
            (count, None) => write!(f, "{count} documents")?,
            (_, Some(problem)) => f.write_str(&problem)?,
        }
        for document in &self.documents {
            write!(f, "\n  {:<24} {}", document.name, document.line(self.now))?;
        }
        Ok(())
    }
}

/// A document, for people.
pub fn collateral_name(id: CollateralId) -> String {
    match id {
        CollateralId::RootCrl => String::from("root CRL"),
        CollateralId::PckCrl(ca) => format!("PCK CRL ({})", ca.name()),
        CollateralId::TcbInfo(fmspc) => format!("TCB Info {}", fmspc_text(&fmspc)),
        CollateralId::QeIdentity => String::from("QE identity"),
    }
}

fn fmspc_text(fmspc: &Fmspc) -> String {
    ::hex::encode(fmspc)
}

/// A policy, in words.
pub fn policy(policy: &TcbPolicy) -> String {
    let accepts = |accepts| if accepts { "accepted" } else { "not accepted" };
    let reviewed: Vec<_> =
        policy.reviewed_advisories.iter().map(|id| id.escape_ascii().to_string()).collect();
    let reviewed = if reviewed.is_empty() { String::from("none") } else { reviewed.join(" ") };
    let behind = match policy.max_patch_age {
        0 => String::from("not accepted"),
        age => format!("accepted for {}", duration(age)),
    };
    format!(
        "hardening by software {}, another configuration {}, advisories reviewed: {reviewed}, \
         missing patches {behind}, evaluations from {} on",
        accepts(policy.accept_sw_hardening),
        accepts(policy.accept_configuration),
        policy.min_evaluation_number
    )
}

/// A time span, in its two largest units.
pub fn duration(seconds: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(DAY, "d"), (60 * 60, "h"), (60, "min"), (1, "s")];
    let mut rest = seconds;
    let parts: Vec<String> = UNITS
        .iter()
        .map(|(unit, name)| {
            let count = rest / unit;
            rest %= unit;
            (count, *name)
        })
        .skip_while(|(count, _)| *count == 0)
        .take(2)
        .filter(|(count, _)| *count > 0)
        .map(|(count, name)| format!("{count} {name}"))
        .collect();
    if parts.is_empty() {
        String::from("0 s")
    } else {
        parts.join(" ")
    }
}

fn hex(bytes: &[u8]) -> String {
    format!("0x{}", ::hex::encode(bytes))
}

#[cfg(test)]
mod tests;
