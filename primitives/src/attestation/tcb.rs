// SPDX-License-Identifier: Apache-2.0
//! How up to date a platform's trusted computing base (TCB) is, and which states are accepted.
//!
//! Statuses are those of Intel's TCB Info (Provisioning Certification Service API, version 4). They
//! are facts of the collateral; what follows from them is [`TcbPolicy`]'s decision.

use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// Most advisories of one TCB level, or on a list of reviewed ones.
pub const MAX_ADVISORIES: u32 = 64;

/// Longest identifier of an advisory, in bytes.
pub const MAX_ADVISORY_LEN: u32 = 32;

/// Longest time that a policy can let a platform stay behind, in seconds: 400 days.
pub const MAX_PATCH_AGE: u64 = 400 * 24 * 60 * 60;

/// Identifies a security advisory, for example `INTEL-SA-00334`.
pub type AdvisoryId = BoundedVec<u8, ConstU32<MAX_ADVISORY_LEN>>;

/// Identifiers of advisories.
pub type Advisories = BoundedVec<AdvisoryId, ConstU32<MAX_ADVISORIES>>;

/// Status of a TCB level, as Intel publishes it.
#[derive(
    Clone,
    Copy,
    Debug,
    Decode,
    DecodeWithMemTracking,
    Deserialize,
    Encode,
    Eq,
    Hash,
    MaxEncodedLen,
    Ord,
    PartialEq,
    PartialOrd,
    Serialize,
    TypeInfo,
)]
pub enum TcbStatus {
    /// Everything is patched.
    #[codec(index = 0)]
    UpToDate,
    /// The enclave's code must mitigate the advisories by itself.
    #[codec(index = 1)]
    #[serde(rename = "SWHardeningNeeded")]
    SwHardeningNeeded,
    /// The platform needs another configuration, for example without hyper-threading.
    #[codec(index = 2)]
    ConfigurationNeeded,
    /// Both of the above.
    #[codec(index = 3)]
    #[serde(rename = "ConfigurationAndSWHardeningNeeded")]
    ConfigurationAndSwHardeningNeeded,
    /// Microcode or platform software lacks a patch.
    #[codec(index = 4)]
    OutOfDate,
    /// Lacks a patch, and needs another configuration.
    #[codec(index = 5)]
    OutOfDateConfigurationNeeded,
    /// The platform's keys are known to be compromised.
    #[codec(index = 6)]
    Revoked,
}

/// The TCB level that a platform reaches.
#[derive(
    Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
pub struct Tcb {
    /// Its status, converged with that of the quoting enclave.
    pub status: TcbStatus,
    /// The advisories that concern it.
    pub advisories: Advisories,
    /// Up to when known weaknesses are patched, in seconds since the Unix epoch (`tcbDate`): the
    /// platform's, or the quoting enclave's if that is out of date for longer.
    pub date: u64,
    /// Which evaluation of TCBs judged it (`tcbEvaluationDataNumber`): the lower of that of the TCB
    /// Info and that of the quoting enclave's identity.
    pub evaluation_number: u32,
}

/// Which TCB levels are accepted. There is no value that accepts everything, and none that accepts
/// a revoked platform.
#[derive(
    Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
pub struct TcbPolicy {
    /// Accept platforms whose enclaves must mitigate advisories, if all of these are reviewed.
    pub accept_sw_hardening: bool,
    /// Accept platforms that need another configuration, if all advisories are reviewed.
    pub accept_configuration: bool,
    /// Advisories that were reviewed and found not to endanger the enclave's code.
    pub reviewed_advisories: Advisories,
    /// How old the patches of a platform that is out of date may be, in seconds; 0 accepts none.
    /// At most [`MAX_PATCH_AGE`].
    pub max_patch_age: u64,
    /// The lowest evaluation of TCBs that counts.
    pub min_evaluation_number: u32,
}

impl Default for TcbPolicy {
    /// Only what is up to date, or needs hardening by software against advisories that were
    /// reviewed: none yet.
    fn default() -> Self {
        Self {
            accept_sw_hardening: true,
            accept_configuration: false,
            reviewed_advisories: Advisories::default(),
            max_patch_age: 0,
            min_evaluation_number: 0,
        }
    }
}

/// Why a TCB level is not accepted.
#[derive(Clone, Copy, Debug, Decode, Encode, Eq, PartialEq, TypeInfo)]
pub enum TcbRejection {
    /// The platform's keys are known to be compromised.
    Revoked,
    /// The platform lacks patches for longer than is accepted.
    OutOfDate,
    /// The platform needs another configuration.
    ConfigurationNeeded,
    /// The enclave's code would have to mitigate advisories, which is not accepted.
    SwHardeningNeeded,
    /// An advisory that concerns the platform was not reviewed.
    AdvisoryNotReviewed,
    /// The level was judged by an evaluation of TCBs that no longer counts.
    EvaluationTooOld,
}

impl TcbPolicy {
    /// Whether a TCB level is accepted at `now`, in seconds since the Unix epoch.
    pub fn check(&self, tcb: &Tcb, now: u64) -> Result<(), TcbRejection> {
        if tcb.evaluation_number < self.min_evaluation_number {
            return Err(TcbRejection::EvaluationTooOld);
        }
        let (hardening, configuration, out_of_date) = match tcb.status {
            // Advisories of a platform that is up to date are for information.
            TcbStatus::UpToDate => return Ok(()),
            TcbStatus::SwHardeningNeeded => (true, false, false),
            TcbStatus::ConfigurationNeeded => (false, true, false),
            TcbStatus::ConfigurationAndSwHardeningNeeded => (true, true, false),
            TcbStatus::OutOfDate => (false, false, true),
            TcbStatus::OutOfDateConfigurationNeeded => (false, true, true),
            TcbStatus::Revoked => return Err(TcbRejection::Revoked),
        };
        // Patches of which no age is accepted are too old on the day they appear.
        let too_old = self.max_patch_age == 0 || now > tcb.date.saturating_add(self.max_patch_age);
        if out_of_date && too_old {
            return Err(TcbRejection::OutOfDate);
        }
        if configuration && !self.accept_configuration {
            return Err(TcbRejection::ConfigurationNeeded);
        }
        if hardening && !self.accept_sw_hardening {
            return Err(TcbRejection::SwHardeningNeeded);
        }
        // Also of a platform that is behind: otherwise one that is refused for its advisories would be
        // accepted with older microcode.
        let reviewed = |id: &AdvisoryId| self.reviewed_advisories.contains(id);
        if !tcb.advisories.iter().all(reviewed) {
            return Err(TcbRejection::AdvisoryNotReviewed);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 24 * 60 * 60;
    const NOW: u64 = 1_000 * DAY;

    fn advisory(id: &str) -> AdvisoryId {
        AdvisoryId::truncate_from(id.as_bytes().to_vec())
    }

    fn tcb(status: TcbStatus) -> Tcb {
        Tcb {
            status,
            advisories: Advisories::default(),
            date: NOW - 10 * DAY,
            evaluation_number: 5,
        }
    }

    fn concerned(status: TcbStatus) -> Tcb {
        let advisories = Advisories::truncate_from([advisory("INTEL-SA-00334")].into());
        Tcb { advisories, ..tcb(status) }
    }

    #[test]
    fn by_default_only_patched_platforms_are_accepted() {
        let policy = TcbPolicy::default();
        let check = |status| policy.check(&tcb(status), NOW);
        assert_eq!(check(TcbStatus::UpToDate), Ok(()));
        assert_eq!(check(TcbStatus::SwHardeningNeeded), Ok(()));
        assert_eq!(check(TcbStatus::ConfigurationNeeded), Err(TcbRejection::ConfigurationNeeded));
        assert_eq!(
            check(TcbStatus::ConfigurationAndSwHardeningNeeded),
            Err(TcbRejection::ConfigurationNeeded)
        );
        assert_eq!(check(TcbStatus::OutOfDate), Err(TcbRejection::OutOfDate));
        assert_eq!(check(TcbStatus::OutOfDateConfigurationNeeded), Err(TcbRejection::OutOfDate));
        assert_eq!(check(TcbStatus::Revoked), Err(TcbRejection::Revoked));
    }

    #[test]
    fn advisories_count_unless_reviewed_or_for_information() {
        let mut policy = TcbPolicy::default();
        assert_eq!(policy.check(&concerned(TcbStatus::UpToDate), NOW), Ok(()));
        let concerned = concerned(TcbStatus::SwHardeningNeeded);
        assert_eq!(policy.check(&concerned, NOW), Err(TcbRejection::AdvisoryNotReviewed));
        policy.reviewed_advisories.try_push(advisory("INTEL-SA-00334")).unwrap();
        assert_eq!(policy.check(&concerned, NOW), Ok(()));
        policy.accept_sw_hardening = false;
        assert_eq!(policy.check(&concerned, NOW), Err(TcbRejection::SwHardeningNeeded));
    }

    #[test]
    fn platforms_may_be_behind_for_as_long_as_the_policy_says() {
        let policy = |max_patch_age| TcbPolicy { max_patch_age, ..TcbPolicy::default() };
        let behind = tcb(TcbStatus::OutOfDate);
        assert_eq!(
            policy(10 * DAY).check(&concerned(TcbStatus::OutOfDate), NOW),
            Err(TcbRejection::AdvisoryNotReviewed)
        );
        assert_eq!(policy(9 * DAY).check(&behind, NOW), Err(TcbRejection::OutOfDate));
        assert_eq!(policy(10 * DAY).check(&behind, NOW), Ok(()));
        assert_eq!(policy(10 * DAY).check(&behind, NOW + 1), Err(TcbRejection::OutOfDate));
        assert_eq!(
            policy(MAX_PATCH_AGE).check(&tcb(TcbStatus::OutOfDateConfigurationNeeded), NOW),
            Err(TcbRejection::ConfigurationNeeded)
        );
        assert_eq!(
            policy(u64::MAX).check(&tcb(TcbStatus::Revoked), NOW),
            Err(TcbRejection::Revoked)
        );
    }

    #[test]
    fn an_old_evaluation_does_not_count() {
        let policy = |min| TcbPolicy { min_evaluation_number: min, ..TcbPolicy::default() };
        assert_eq!(policy(5).check(&tcb(TcbStatus::UpToDate), NOW), Ok(()));
        assert_eq!(
            policy(6).check(&tcb(TcbStatus::UpToDate), NOW),
            Err(TcbRejection::EvaluationTooOld)
        );
    }
}
