// SPDX-License-Identifier: Apache-2.0
//! What the committee decides about attestation, as arguments.

use anyhow::{bail, ensure};
use clap::Args;
use tee_primitives::attestation::{
    collateral::CollateralId,
    tcb::{Advisories, AdvisoryId, TcbPolicy, MAX_ADVISORIES, MAX_ADVISORY_LEN, MAX_PATCH_AGE},
};
use tee_wallet::chain::{
    calls::{self, Call},
    Chain,
};

use super::Session;
use crate::{
    attestation::{self, DAY},
    report::Report,
};

/// So many bytes, in hexadecimal digits on the command line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Bytes<const N: usize>(pub [u8; N]);

/// Reads bytes from hexadecimal digits, with or without `0x`.
pub(crate) fn parse_bytes<const N: usize>(text: &str) -> Result<Bytes<N>, String> {
    let mut bytes = [0; N];
    let digits = text.strip_prefix("0x").unwrap_or(text);
    match hex::decode_to_slice(digits, &mut bytes) {
        Ok(()) => Ok(Bytes(bytes)),
        Err(_) => Err(format!("not {N} bytes in hexadecimal digits")),
    }
}

/// The code of enclaves, and what else a quote must show.
#[derive(Args, Debug)]
pub(crate) struct MeasurementArgs {
    /// The measurement (MRENCLAVE), 32 bytes in hexadecimal digits.
    #[arg(long, value_name = "HEX", value_parser = parse_bytes::<32>)]
    mr_enclave: Bytes<32>,
    /// SHA-256 of the key that signed the enclave (MRSIGNER), 32 bytes in hexadecimal digits.
    #[arg(long, value_name = "HEX", value_parser = parse_bytes::<32>)]
    mr_signer: Bytes<32>,
    /// The product (ISVPRODID).
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    isv_prod_id: u16,
    /// The lowest security version that counts (ISVSVN).
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    min_isv_svn: u16,
}

impl MeasurementArgs {
    pub(super) fn call(&self) -> Call {
        let Self { mr_enclave, mr_signer, isv_prod_id, min_isv_svn } = self;
        calls::allow_measurement(&mr_enclave.0, &mr_signer.0, *isv_prod_id, *min_isv_svn)
    }
}

/// Which TCB levels are accepted.
#[derive(Args, Debug, Default)]
pub(crate) struct PolicyArgs {
    /// Accept platforms whose enclaves must mitigate advisories, if all of these are reviewed.
    #[arg(long, value_name = "true|false")]
    accept_sw_hardening: Option<bool>,
    /// Accept platforms that need another configuration, if all advisories are reviewed.
    #[arg(long, value_name = "true|false")]
    accept_configuration: Option<bool>,
    /// An advisory that was reviewed, for example INTEL-SA-00334. May be repeated; those that are
    /// given are all that count as reviewed from then on.
    #[arg(long = "reviewed-advisory", value_name = "ID", conflicts_with = "no_reviewed_advisory")]
    reviewed_advisories: Vec<String>,
    /// No advisory counts as reviewed from then on.
    #[arg(long)]
    no_reviewed_advisory: bool,
    /// For how many days a platform may lack patches; 0 accepts none that does.
    #[arg(
        long,
        value_name = "DAYS",
        value_parser = clap::value_parser!(u64).range(0..=MAX_PATCH_AGE / DAY)
    )]
    max_patch_age: Option<u64>,
    /// The lowest evaluation of TCBs that counts.
    #[arg(long, value_name = "NUMBER")]
    min_evaluation_number: Option<u32>,
}

impl PolicyArgs {
    /// The motion's call. It sets all of the policy, so it is told before it is proposed.
    pub(super) async fn call(&self, session: &Session, report: Report) -> anyhow::Result<Call> {
        let chain = Chain::connect(&session.node.rpc_url).await?;
        let policy = self.changed(chain.best().await?.tcb_policy().await?)?;
        report.line(format_args!("the motion sets: {}", attestation::policy(&policy)));
        Ok(calls::set_policy(&policy))
    }

    /// A policy with what was given.
    fn changed(&self, current: TcbPolicy) -> anyhow::Result<TcbPolicy> {
        let Self {
            accept_sw_hardening,
            accept_configuration,
            reviewed_advisories,
            no_reviewed_advisory,
            max_patch_age,
            min_evaluation_number,
        } = self;
        let reviewed = match (reviewed_advisories.as_slice(), no_reviewed_advisory) {
            ([], true) => Advisories::default(),
            ([], false) => current.reviewed_advisories.clone(),
            (given, _) => advisories(given)?,
        };
        let policy = TcbPolicy {
            accept_sw_hardening: accept_sw_hardening.unwrap_or(current.accept_sw_hardening),
            accept_configuration: accept_configuration.unwrap_or(current.accept_configuration),
            reviewed_advisories: reviewed,
            max_patch_age: max_patch_age.map_or(current.max_patch_age, |days| days * DAY),
            min_evaluation_number: min_evaluation_number.unwrap_or(current.min_evaluation_number),
        };
        ensure!(policy != current, "that is the policy already: {}", attestation::policy(&policy));
        Ok(policy)
    }
}

fn advisories(given: &[String]) -> anyhow::Result<Advisories> {
    let mut ids = Vec::with_capacity(given.len());
    for id in given {
        // It is compared byte by byte with those in Intel's documents.
        let is_id = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        match AdvisoryId::try_from(id.clone().into_bytes()) {
            Ok(bytes) if is_id && !id.is_empty() => ids.push(bytes),
            _ => bail!(
                "{id:?} is not an advisory's identifier: letters, digits and hyphens, at most \
                 {MAX_ADVISORY_LEN}"
            ),
        }
    }
    ids.sort();
    ids.dedup();
    match Advisories::try_from(ids) {
        Ok(advisories) => Ok(advisories),
        Err(_) => bail!("at most {MAX_ADVISORIES} advisories can be on the list"),
    }
}

/// Which document's evaluation.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub(crate) struct EvaluationArgs {
    /// That of a type of platform (TCB Info), 6 bytes in hexadecimal digits.
    #[arg(long, value_name = "HEX", value_parser = parse_bytes::<6>)]
    fmspc: Option<Bytes<6>>,
    /// That of Intel's quoting enclave.
    #[arg(long)]
    qe_identity: bool,
}

impl EvaluationArgs {
    pub(super) fn id(&self) -> CollateralId {
        self.fmspc.map_or(CollateralId::QeIdentity, |fmspc| CollateralId::TcbInfo(fmspc.0))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Policy {
        #[command(flatten)]
        policy: PolicyArgs,
    }

    #[derive(Parser)]
    struct Evaluation {
        #[command(flatten)]
        id: EvaluationArgs,
    }

    fn changed(arguments: &[&str], current: &TcbPolicy) -> anyhow::Result<TcbPolicy> {
        let parsed = Policy::try_parse_from([&["set-policy"], arguments].concat())?;
        parsed.policy.changed(current.clone())
    }

    #[test]
    fn what_is_not_given_stays_as_it_is() {
        let current = TcbPolicy::default();
        let policy = changed(&["--max-patch-age", "30"], &current).unwrap();
        assert_eq!(policy, TcbPolicy { max_patch_age: 30 * DAY, ..current });
        let reviewed = ["--reviewed-advisory", "INTEL-SA-2", "--reviewed-advisory", "INTEL-SA-1"];
        let policy = changed(&reviewed, &policy).unwrap();
        let ids: Vec<_> = policy.reviewed_advisories.iter().map(|id| id.to_vec()).collect();
        assert_eq!(ids, [b"INTEL-SA-1", b"INTEL-SA-2"]);
        assert_eq!(policy.max_patch_age, 30 * DAY);
        let policy = changed(&["--accept-sw-hardening", "false"], &policy).unwrap();
        assert!(!policy.accept_sw_hardening && policy.reviewed_advisories.len() == 2);
        let policy = changed(&["--no-reviewed-advisory"], &policy).unwrap();
        assert!(policy.reviewed_advisories.is_empty());
        let policy = changed(&["--min-evaluation-number", "17"], &policy).unwrap();
        assert_eq!(policy.min_evaluation_number, 17);
    }

    #[test]
    fn a_policy_that_changes_nothing_or_cannot_be_is_refused() {
        let current = TcbPolicy::default();
        assert!(changed(&[], &current).is_err());
        assert!(changed(&["--accept-sw-hardening", "true"], &current).is_err());
        assert!(changed(&["--max-patch-age", "401"], &current).is_err());
        assert!(changed(&["--reviewed-advisory", ""], &current).is_err());
        assert!(changed(&["--reviewed-advisory", "INTEL SA"], &current).is_err());
        assert!(changed(&["--reviewed-advisory", &"A".repeat(33)], &current).is_err());
        let both = ["--reviewed-advisory", "A", "--no-reviewed-advisory"];
        assert!(changed(&both, &current).is_err());
    }

    #[test]
    fn an_evaluation_is_of_one_document() {
        let parse = |arguments: &[&str]| {
            Evaluation::try_parse_from([&["enact"], arguments].concat()).map(|it| it.id.id())
        };
        assert_eq!(parse(&["--qe-identity"]).unwrap(), CollateralId::QeIdentity);
        let fmspc = parse(&["--fmspc", "0x000102030405"]).unwrap();
        assert_eq!(fmspc, CollateralId::TcbInfo([0, 1, 2, 3, 4, 5]));
        assert!(parse(&[]).is_err());
        assert!(parse(&["--fmspc", "0001"]).is_err());
        assert!(parse(&["--fmspc", "000102030405", "--qe-identity"]).is_err());
    }
}
