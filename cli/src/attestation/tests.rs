// SPDX-License-Identifier: Apache-2.0

//! What people are told about attestations.

use tee_primitives::{
    attestation::{
        collateral::PckCa,
        record::{AllowedMeasurement, AttestationRecord},
        tcb::{Advisories, AdvisoryId, Tcb},
        LogHead,
    },
    traits::AttestationFacts,
};

use super::*;

const NOW: u64 = 1_000_000;

fn attested(not_live: Option<NotLive>) -> Attested {
    let record = AttestationRecord {
        operator: [1; 32],
        facts: AttestationFacts { measurement: [0xab; 32], isv_svn: 2, platform: [0xcd; 32] },
        fmspc: [0, 1, 2, 3, 4, 5],
        tcb: Tcb {
            status: TcbStatus::SwHardeningNeeded,
            advisories: Advisories::default(),
            date: 0,
            evaluation_number: 17,
        },
        encryption_key: [0; 32],
        tls_spki_hash: [0; 32],
        session: [0; 32],
        log_head: LogHead::default(),
        quote_block: 5,
        attested_at: NOW - 60,
        expires_at: NOW + 90,
    };
    Attested { record: Some(record), allowed: None, not_live, now: NOW }
}

#[test]
fn a_live_attestation_shows_its_state_and_its_end() {
    let status = AttestationStatus::new(Kind::Simulated, &attested(None));
    assert_eq!(
        status.to_string(),
        "attested (simulated), SWHardeningNeeded, expires in 1 min 30 s"
    );
    let json = serde_json::to_value(&status).unwrap();
    assert_eq!(json["kind"], "simulated");
    assert_eq!(json["tcb_status"], "SWHardeningNeeded");
    assert_eq!(json["fmspc"], "0x000102030405");
    assert_eq!((&json["expires_in"], &json["live"]), (&90.into(), &true.into()));
}

#[test]
fn every_reason_is_a_sentence_of_its_own() {
    let mut told = Vec::new();
    let mut tell = |attested: Attested, part: &str| {
        let status = AttestationStatus::new(Kind::Dcap, &attested).to_string();
        assert!(status.starts_with("NOT attested (dcap): ") && status.contains(part), "{status}");
        assert!(!told.contains(&status), "{status}");
        told.push(status);
    };
    let missing =
        Attested { record: None, allowed: None, not_live: Some(NotLive::Missing), now: NOW };
    tell(missing, "has not attested");
    let later = Attested { now: NOW + 100, ..attested(Some(NotLive::Expired)) };
    tell(later, "expired 10 s ago");
    let not_allowed = || attested(Some(NotLive::MeasurementNotAllowed));
    tell(not_allowed(), &format!("does not allow its measurement 0x{}", "ab".repeat(32)));
    let allowed =
        AllowedMeasurement { mr_signer: [0; 32], isv_prod_id: 0, min_isv_svn: 2, acts_from: 77 };
    tell(Attested { allowed: Some(allowed), ..not_allowed() }, "counts from block #77 on");
    let higher = AllowedMeasurement { min_isv_svn: 3, ..allowed };
    tell(Attested { allowed: Some(higher), ..not_allowed() }, "security version is 2");
    let banned = attested(Some(NotLive::PlatformBanned));
    tell(banned, &format!("banned its machine 0x{}", "cd".repeat(32)));
    for rejection in [
        TcbRejection::Revoked,
        TcbRejection::OutOfDate,
        TcbRejection::ConfigurationNeeded,
        TcbRejection::SwHardeningNeeded,
        TcbRejection::AdvisoryNotReviewed,
        TcbRejection::EvaluationTooOld,
    ] {
        tell(attested(Some(NotLive::Tcb(rejection))), "its machine is SWHardeningNeeded: ");
    }
}

#[test]
fn only_intels_root_is_intels() {
    let intel = Root::new(&INTEL_ROOT);
    assert_eq!((intel.kind, intel.to_string().as_str()), (Kind::Dcap, "Intel"));
    let other = Root::new(&[1; 32]);
    assert_eq!(other.kind, Kind::Simulated);
    assert!(other.to_string().contains("protect nothing"), "{other}");
}

fn document(id: CollateralId, left: i64) -> CollateralStatus {
    let expires = NOW.saturating_add_signed(left);
    CollateralStatus { id, issued: expires - 100, expires, evaluation_number: 0, waiting: None }
}

#[test]
fn collateral_says_first_what_needs_attention() {
    let shown = |documents: &[CollateralStatus]| {
        let documents = documents.iter().map(|status| Document::new(status, NOW)).collect();
        Collateral { now: NOW, documents }.to_string()
    };
    assert!(shown(&[]).starts_with("none"));
    let ca = CollateralId::PckCrl(PckCa::Platform);
    let fresh = document(CollateralId::RootCrl, 25);
    let expiring = document(ca, 24);
    let expired = document(CollateralId::QeIdentity, -5);
    assert_eq!(shown(&[fresh]), format!("1 document\n  {:<24} expires in 25 s", "root CRL"));
    let text = shown(&[fresh, expiring]);
    assert!(text.starts_with("less than a quarter of its life is left to: PCK CRL (platform)"));
    assert!(text.contains("EXPIRES IN 24 s"), "{text}");
    let text = shown(&[fresh, expiring, expired]);
    assert!(text.starts_with("EXPIRED: QE identity;"), "{text}");
    assert!(text.contains("EXPIRED 5 s ago"), "{text}");
    let waiting = CollateralStatus {
        evaluation_number: 17,
        waiting: Some((18, NOW + 3600)),
        ..document(CollateralId::TcbInfo([0, 1, 2, 3, 4, 5]), 90)
    };
    let text = shown(&[waiting]);
    let line = "TCB Info 000102030405    evaluation 17, expires in 1 min 30 s; \
                evaluation 18 counts in 1 h";
    assert!(text.contains(line), "{text}");
}

#[test]
fn a_time_span_has_at_most_two_units() {
    for (seconds, text) in [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (3601, "1 h"),
        (2 * DAY + 3 * 3600 + 59, "2 d 3 h"),
    ] {
        assert_eq!(duration(seconds), text);
    }
}

#[test]
fn a_policy_says_everything() {
    let strict = policy(&TcbPolicy::default());
    assert_eq!(
        strict,
        "hardening by software accepted, another configuration not accepted, advisories reviewed: \
         none, missing patches not accepted, evaluations from 0 on"
    );
    let ids = ["INTEL-SA-1", "INTEL-SA-2"].map(|id| AdvisoryId::truncate_from(id.into()));
    let lenient = TcbPolicy {
        reviewed_advisories: Advisories::truncate_from(ids.into()),
        max_patch_age: 30 * DAY,
        min_evaluation_number: 17,
        ..TcbPolicy::default()
    };
    let told = policy(&lenient);
    assert!(told.contains("INTEL-SA-1 INTEL-SA-2") && told.contains("accepted for 30 d"), "{told}");
}
