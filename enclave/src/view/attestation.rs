// SPDX-License-Identifier: Apache-2.0
//! Whether the own attestation counts, and why it does not.

use tee_primitives::{
    attestation::{
        record::{NotLive, Standards},
        tcb::TcbStatus,
    },
    BlockNumber,
};

use crate::{chain::facts::OwnAttestation, identity::Identity};

/// The own attestation counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Live {
    /// From when on it no longer does, in seconds since the Unix epoch.
    pub expires_at: u64,
    /// How up to date the machine is.
    pub tcb_status: TcbStatus,
}

/// Why the own attestation does not count.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Why {
    /// The chain has none that was made for the own operator.
    Missing,
    /// The chain has one of another start of this account: usually the one before this.
    AnotherSession,
    /// Another start of this account has attested since this one did. A copy of the disk is in
    /// service, and may know what this one does not: this one never serves again.
    Superseded,
    /// By the chain's rules.
    NotLive(NotLive),
}

impl Why {
    /// The same, for people. Stable.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Missing | Self::NotLive(NotLive::Missing) => "The enclave has not attested.",
            Self::AnotherSession => {
                "The chain has the attestation of another start of this enclave only."
            }
            Self::Superseded => {
                "Another start of this enclave has attested since: this one has ended its service."
            }
            Self::NotLive(NotLive::Expired) => "The enclave's attestation has expired.",
            Self::NotLive(NotLive::MeasurementNotAllowed) => {
                "The chain does not allow this enclave's measurement."
            }
            Self::NotLive(NotLive::PlatformBanned) => {
                "The chain has banned this enclave's machine."
            }
            Self::NotLive(NotLive::Tcb(_)) => {
                "The enclave's machine is not as up to date as the chain demands."
            }
        }
    }
}

/// Judges the own attestation at a block, by the chain's own function.
pub fn judge(own: &Identity, facts: &OwnAttestation, block: BlockNumber) -> Result<Live, Why> {
    let record = facts
        .record
        .as_ref()
        .filter(|record| record.operator == own.operator)
        .ok_or(Why::Missing)?;
    // The session is random and in what the chain has verified: who has it is this very process.
    if record.session != own.session {
        return Err(Why::AnotherSession);
    }
    let standards = Standards {
        measurement: facts.measurement,
        is_platform_banned: facts.is_platform_banned,
        policy: &facts.policy,
        block,
        now: facts.now,
    };
    record.check(&standards).map_err(Why::NotLive)?;
    Ok(Live { expires_at: record.expires_at, tcb_status: record.tcb.status })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::scripted::{attesting, NOW, OWN};
    use tee_primitives::attestation::{record::AllowedMeasurement, tcb::TcbRejection};

    fn facts() -> OwnAttestation {
        OwnAttestation {
            abi: None,
            root: Some(attesting::root()),
            now: NOW,
            record: Some(attesting::record(&OWN, 10)),
            measurement: Some(attesting::allowed()),
            is_platform_banned: false,
            policy: Default::default(),
        }
    }

    #[test]
    fn each_reason_why_an_attestation_does_not_count() {
        let check = |change: fn(&mut OwnAttestation)| {
            let mut facts = facts();
            change(&mut facts);
            judge(&OWN, &facts, 10)
        };
        let live = check(|_| ()).unwrap();
        assert_eq!(live.tcb_status, TcbStatus::UpToDate);
        assert!(live.expires_at > NOW);
        assert_eq!(check(|facts| facts.record = None), Err(Why::Missing));
        let for_another = |facts: &mut OwnAttestation| {
            facts.record.as_mut().unwrap().operator = [9; 32];
        };
        assert_eq!(check(for_another), Err(Why::Missing));
        let of_another_start = |facts: &mut OwnAttestation| {
            facts.record.as_mut().unwrap().session = [9; 32];
        };
        assert_eq!(check(of_another_start), Err(Why::AnotherSession));
        let not_live = |reason| Err(Why::NotLive(reason));
        assert_eq!(
            check(|facts| facts.now = facts.record.as_ref().unwrap().expires_at),
            not_live(NotLive::Expired)
        );
        assert_eq!(
            check(|facts| facts.measurement = None),
            not_live(NotLive::MeasurementNotAllowed)
        );
        assert_eq!(
            check(|facts| facts.is_platform_banned = true),
            not_live(NotLive::PlatformBanned)
        );
        assert_eq!(
            check(|facts| facts.policy.min_evaluation_number = u32::MAX),
            not_live(NotLive::Tcb(TcbRejection::EvaluationTooOld))
        );
        // It counts from its block on.
        let mut later = facts();
        later.measurement = Some(AllowedMeasurement { acts_from: 11, ..attesting::allowed() });
        assert_eq!(judge(&OWN, &later, 10), not_live(NotLive::MeasurementNotAllowed));
        assert!(judge(&OWN, &later, 11).is_ok());
    }

    /// Clients and operators look for these sentences.
    #[test]
    fn every_sentence_says_something_else() {
        let reasons = [
            Why::Missing,
            Why::AnotherSession,
            Why::Superseded,
            Why::NotLive(NotLive::Expired),
            Why::NotLive(NotLive::MeasurementNotAllowed),
            Why::NotLive(NotLive::PlatformBanned),
            Why::NotLive(NotLive::Tcb(TcbRejection::Revoked)),
        ];
        let sentences: std::collections::HashSet<_> =
            reasons.iter().map(|why| why.sentence()).collect();
        assert_eq!(sentences.len(), reasons.len());
    }
}
