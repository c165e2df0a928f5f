// SPDX-License-Identifier: Apache-2.0
//! What to do about the own attestation, from what one finalized block says.

use tee_primitives::attestation::collateral::CollateralId;

use super::Problem;
use crate::{
    chain::facts::Record,
    identity::Identity,
    quotes::Report,
    view::{View, Why},
};

/// What to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// Bring this document first.
    Bring(CollateralId),
    /// Bring the attestation.
    Attest,
}

/// The record, if it is one for the own operator.
fn record<'a>(own: &Identity, view: &'a View) -> Option<&'a Record> {
    view.record.as_deref().filter(|record| record.operator == own.operator)
}

/// Whether the chain should have another attestation of the enclave: it has none for its operator,
/// one that says something else than the enclave would, or one of whose life less than half is left.
///
/// One that was superseded does not fight the other for the record.
pub fn is_due(own: &Identity, view: &View) -> bool {
    if view.attestation == Err(Why::Superseded) {
        return false;
    }
    record(own, view).is_none_or(|record| {
        let life = record.expires_at.saturating_sub(record.attested_at);
        let left = record.expires_at.saturating_sub(view.now);
        record.session != own.session
            || record.encryption_key != own.encryption_key
            || record.tls_spki_hash != own.tls_spki_hash
            || record.facts.measurement != own.measurement
            || left.saturating_mul(2) < life
    })
}

/// Whether the chain would take an attestation, as far as is known without a quote: what it refuses
/// costs the fee.
///
/// An approved successor, which is no longer named but has attested before, cannot be told from an
/// enclave that was given up: it may.
pub fn may_attest(own: &Identity, view: &View, is_named: bool) -> Result<(), Problem> {
    let has_attested = record(own, view).is_some();
    if !is_named && !has_attested {
        return Err(Problem::NotNamed);
    }
    let allowed = view.measurement.ok_or(Problem::NotAllowed)?;
    if allowed.acts_from > view.finalized.number {
        return Err(Problem::NotYetAllowed(allowed.acts_from));
    }
    // The account is sealed to the machine: the record's machine is this one.
    if has_attested && view.is_platform_banned {
        return Err(Problem::Banned);
    }
    Ok(())
}

/// What to do next with a quote that reports this. `missing` is what the chain lacks to judge it, in
/// the order in which it is to be brought.
pub fn next(
    view: &View,
    report: &Report,
    missing: &[CollateralId],
    has_pccs: bool,
) -> Result<Step, Problem> {
    if !view.measurement.is_some_and(|allowed| report.is_allowed(&allowed)) {
        return Err(Problem::AnotherBuild);
    }
    match missing.first() {
        None => Ok(Step::Attest),
        Some(_) if !has_pccs => Err(Problem::NoPccs(missing.to_vec())),
        Some(first) => Ok(Step::Bring(*first)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tee_primitives::attestation::record::{AllowedMeasurement, NotLive};

    use super::*;
    use crate::{
        chain::{
            scripted::{
                attesting::{self, COLLATERAL, SIGNER, VALIDITY},
                GENESIS, NOW, OWN,
            },
            ChainInfo, Head,
        },
        view::Live,
    };

    /// Attested at this moment.
    fn view() -> View {
        let record = attesting::record(&OWN, 9);
        View {
            chain: Arc::new(ChainInfo { name: "scripted".into(), genesis_hash: GENESIS }),
            finalized: Head { number: 10, hash: [10; 32] },
            now: NOW,
            assignment: None,
            attestation: Ok(Live { expires_at: record.expires_at, tcb_status: record.tcb.status }),
            record: Some(Arc::new(record)),
            measurement: Some(attesting::allowed()),
            is_platform_banned: false,
        }
    }

    fn with(change: impl FnOnce(&mut Record)) -> View {
        let mut view = view();
        let mut record = attesting::record(&OWN, 9);
        change(&mut record);
        view.record = Some(Arc::new(record));
        view
    }

    fn report() -> Report {
        Report {
            mr_signer: SIGNER,
            isv_prod_id: 0,
            isv_svn: 0,
            ca: attesting::CA,
            fmspc: attesting::FMSPC,
        }
    }

    #[test]
    fn an_attestation_that_says_the_same_is_left_alone_for_half_of_its_life() {
        assert!(!is_due(&OWN, &view()));
        assert!(!is_due(&OWN, &View { now: NOW + VALIDITY / 2, ..view() }));
        assert!(is_due(&OWN, &View { now: NOW + VALIDITY / 2 + 1, ..view() }));
        assert!(is_due(&OWN, &View { now: NOW + VALIDITY, ..view() }));
        assert!(is_due(&OWN, &View { now: u64::MAX, ..view() }));
        // A clock that goes back is no reason.
        assert!(!is_due(&OWN, &View { now: 0, ..view() }));
    }

    #[test]
    fn whatever_the_chain_has_wrong_makes_it_due() {
        assert!(is_due(&OWN, &View { record: None, ..view() }));
        let changes: [fn(&mut Record); 5] = [
            |record| record.operator = [9; 32],
            |record| record.session = [9; 32],
            |record| record.encryption_key = [9; 32],
            |record| record.tls_spki_hash = [9; 32],
            |record| record.facts.measurement = [9; 32],
        ];
        for change in changes {
            assert!(is_due(&OWN, &with(change)));
        }
    }

    #[test]
    fn one_that_was_superseded_does_not_come_back() {
        let mut view = with(|record| record.session = [9; 32]);
        view.attestation = Err(Why::AnotherSession);
        assert!(is_due(&OWN, &view));
        view.attestation = Err(Why::Superseded);
        assert!(!is_due(&OWN, &view));
        assert!(!is_due(&OWN, &View { record: None, ..view }));
    }

    /// Attesting again changes neither.
    #[test]
    fn what_governance_decides_is_no_reason_to_attest() {
        for why in [NotLive::MeasurementNotAllowed, NotLive::PlatformBanned] {
            assert!(!is_due(&OWN, &View { attestation: Err(Why::NotLive(why)), ..view() }));
        }
    }

    #[test]
    fn nobody_attests_whom_the_operator_has_not_named() {
        let never = View { record: None, ..view() };
        assert_eq!(may_attest(&OWN, &never, false), Err(Problem::NotNamed));
        assert_eq!(may_attest(&OWN, &never, true), Ok(()));
        let for_another = with(|record| record.operator = [9; 32]);
        assert_eq!(may_attest(&OWN, &for_another, false), Err(Problem::NotNamed));
        // An approved successor.
        assert_eq!(may_attest(&OWN, &view(), false), Ok(()));
    }

    #[test]
    fn what_the_chain_would_refuse_is_not_sent() {
        let without = View { measurement: None, ..view() };
        assert_eq!(may_attest(&OWN, &without, true), Err(Problem::NotAllowed));
        let allowed = AllowedMeasurement { acts_from: 11, ..attesting::allowed() };
        let later = View { measurement: Some(allowed), ..view() };
        assert_eq!(may_attest(&OWN, &later, true), Err(Problem::NotYetAllowed(11)));
        let banned = View { is_platform_banned: true, ..view() };
        assert_eq!(may_attest(&OWN, &banned, true), Err(Problem::Banned));

        assert_eq!(next(&view(), &report(), &[], false), Ok(Step::Attest));
        for report in
            [Report { mr_signer: [9; 32], ..report() }, Report { isv_prod_id: 1, ..report() }]
        {
            assert_eq!(next(&view(), &report, &[], true), Err(Problem::AnotherBuild));
        }
        let allowed = AllowedMeasurement { min_isv_svn: 1, ..attesting::allowed() };
        let newer = View { measurement: Some(allowed), ..view() };
        assert_eq!(next(&newer, &report(), &[], true), Err(Problem::AnotherBuild));
        let fixed = Report { isv_svn: 1, ..report() };
        assert_eq!(next(&newer, &fixed, &[], true), Ok(Step::Attest));
    }

    #[test]
    fn what_the_chain_lacks_is_brought_first_and_in_its_order() {
        let next = |missing: &[CollateralId]| next(&view(), &report(), missing, true);
        for first in 0..COLLATERAL.len() {
            assert_eq!(next(&COLLATERAL[first..]), Ok(Step::Bring(COLLATERAL[first])));
        }
        let problem = super::next(&view(), &report(), &COLLATERAL[2..], false).unwrap_err();
        assert_eq!(
            problem.to_string(),
            "The chain lacks TCB info of FMSPC 00de0000f00d, QE identity of this machine's type, \
             and the enclave was started without --pccs-url."
        );
    }
}
