// SPDX-License-Identifier: Apache-2.0
//! `tee committee`: motions proposed, voted on, carried out.

use anyhow::{bail, Context};
use clap::{Args, Subcommand, ValueEnum};
use tee_primitives::{
    cluster::{ClusterId, ClusterType, SlotId},
    Hash, RawAccountId,
};
use tee_wallet::{
    chain::{
        calls::{self, Call},
        Chain,
    },
    packets::ss58,
};

use crate::{
    app::NodeArgs,
    attestation::{AttestationStatus, Root},
    committee::{self, Motion, OpenMotion, Outcome},
    keys::{account, MemberKeyArgs},
    report::Report,
    tokens::Tokens,
    words,
};

mod attestation;

use attestation::{parse_bytes, Bytes, EvaluationArgs, MeasurementArgs, PolicyArgs};

/// Motions of the technical committee. Each of the first commands proposes a motion, votes for it
/// with every key given, and carries it out if these are enough.
#[derive(Debug, Subcommand)]
pub(crate) enum CommitteeCommand {
    /// Create a cluster.
    CreateCluster {
        /// Whom the cluster serves.
        #[arg(long = "type", value_enum, default_value_t = TypeArg::Public)]
        cluster_type: TypeArg,
        #[command(flatten)]
        session: Session,
    },
    /// Change whom a cluster serves.
    UpdateCluster {
        /// The cluster.
        #[arg(long, value_name = "ID")]
        cluster: ClusterId,
        /// Whom it serves from then on.
        #[arg(long = "type", value_enum)]
        cluster_type: TypeArg,
        #[command(flatten)]
        session: Session,
    },
    /// Remove an empty cluster.
    RemoveCluster {
        /// The cluster.
        #[arg(long, value_name = "ID")]
        cluster: ClusterId,
        #[command(flatten)]
        session: Session,
    },
    /// Put an operator's enclave into a slot.
    Assign {
        #[command(flatten)]
        operator: OperatorArgs,
        /// The cluster.
        #[arg(long, value_name = "ID")]
        cluster: ClusterId,
        /// The slot, 0 to 4.
        #[arg(long, value_name = "SLOT")]
        slot: SlotId,
        #[command(flatten)]
        session: Session,
    },
    /// Refuse a registration; the operator gets its stake back.
    RemoveRegistration(OfOperator),
    /// Take an operator's enclave out of its slot, whether or not it asked to leave.
    RemoveEnclave(OfOperator),
    /// Let an operator go that asked to leave.
    ApproveExit(OfOperator),
    /// Allow an operator's update: its new enclave may copy the shares of the slot. The slot changes
    /// hands when the new enclave's program completes the update.
    ApproveUpdate(OfOperator),
    /// Refuse an operator's update.
    RejectUpdate(OfOperator),
    /// Set what operators bond.
    SetStake {
        /// The stake in tokens, for example 250000.
        #[arg(long, value_name = "TOKENS")]
        amount: Tokens,
        #[command(flatten)]
        session: Session,
    },
    /// Allow the code of enclaves: what a quote must show to count. It counts after a delay.
    AllowMeasurement {
        #[command(flatten)]
        measurement: MeasurementArgs,
        #[command(flatten)]
        session: Session,
    },
    /// Revoke a measurement, at once: no enclave with it is attested from then on.
    RevokeMeasurement {
        /// The measurement (MRENCLAVE), 32 bytes in hexadecimal digits.
        #[arg(long, value_name = "HEX", value_parser = parse_bytes::<32>)]
        mr_enclave: Bytes<32>,
        #[command(flatten)]
        session: Session,
    },
    /// Set which TCB levels are accepted, at once. What is not given stays as it is.
    SetPolicy {
        #[command(flatten)]
        policy: PolicyArgs,
        #[command(flatten)]
        session: Session,
    },
    /// Ban a machine, at once: nothing on it is attested from then on.
    BanPlatform(OfPlatform),
    /// Take the ban of a machine back.
    UnbanPlatform(OfPlatform),
    /// Let collateral of a higher evaluation number count at once.
    EnactEvaluation {
        #[command(flatten)]
        id: EvaluationArgs,
        #[command(flatten)]
        session: Session,
    },
    /// List the open motions.
    Motions {
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Vote on an open motion, and close it if that decides it.
    Vote {
        /// The motion's hash.
        #[arg(long, value_name = "HASH")]
        motion: String,
        /// Vote against it.
        #[arg(long)]
        nay: bool,
        #[command(flatten)]
        session: Session,
    },
    /// Close a motion that its votes decide, or whose time is over; a carried one is carried out.
    Close {
        /// The motion's hash.
        #[arg(long, value_name = "HASH")]
        motion: String,
        #[command(flatten)]
        session: Session,
    },
}

/// Who acts, and where.
#[derive(Args, Clone, Debug)]
pub(crate) struct Session {
    #[command(flatten)]
    keys: MemberKeyArgs,
    #[command(flatten)]
    node: NodeArgs,
}

/// Arguments of motions about an operator.
#[derive(Args, Debug)]
pub(crate) struct OfOperator {
    #[command(flatten)]
    operator: OperatorArgs,
    #[command(flatten)]
    session: Session,
}

/// Whom a motion is about.
#[derive(Args, Debug)]
pub(crate) struct OperatorArgs {
    /// The operator's address.
    #[arg(long, value_name = "ADDRESS")]
    operator: String,
}

/// Whom a cluster serves.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum TypeArg {
    /// Takes no new keyshares.
    Disabled,
    /// Holds no keyshares.
    Admin,
    /// Open to every NFT, and replicated between clusters.
    Public,
    /// Never replicated to others.
    Private,
}

impl From<TypeArg> for ClusterType {
    fn from(arg: TypeArg) -> Self {
        match arg {
            TypeArg::Disabled => Self::Disabled,
            TypeArg::Admin => Self::Admin,
            TypeArg::Public => Self::Public,
            TypeArg::Private => Self::Private,
        }
    }
}

/// Arguments of motions about a machine.
#[derive(Args, Debug)]
pub(crate) struct OfPlatform {
    /// The machine, 32 bytes in hexadecimal digits, as `tee status` shows it.
    #[arg(long, value_name = "HEX", value_parser = parse_bytes::<32>)]
    platform: Bytes<32>,
    #[command(flatten)]
    session: Session,
}

/// Runs `tee committee`.
pub(crate) async fn run(command: CommitteeCommand, report: Report) -> anyhow::Result<()> {
    use CommitteeCommand as C;

    let (session, call) = match command {
        C::CreateCluster { cluster_type, session } => {
            (session, calls::create_cluster(cluster_type.into()))
        }
        C::UpdateCluster { cluster, cluster_type, session } => {
            (session, calls::update_cluster(cluster, cluster_type.into()))
        }
        C::RemoveCluster { cluster, session } => (session, calls::remove_cluster(cluster)),
        C::Assign { operator, cluster, slot, session } => {
            let operator = account(&operator.operator)?;
            let assign = calls::assign_enclave(&operator, cluster, slot);
            let call = of_named(&session, Named::Registration, &operator, assign, report);
            (session.clone(), call.await?)
        }
        C::RemoveRegistration(of) => of.motion(calls::remove_registration)?,
        C::RemoveEnclave(of) => of.motion(calls::force_remove_enclave)?,
        C::ApproveExit(of) => of.motion(calls::approve_enclave_unregistration)?,
        C::ApproveUpdate(of) => {
            let (session, approve) = of.motion(calls::approve_update_enclave)?;
            let operator = account(&of.operator.operator)?;
            let call = of_named(&session, Named::Update, &operator, approve, report);
            (session.clone(), call.await?)
        }
        C::RejectUpdate(of) => of.motion(calls::reject_update)?,
        C::SetStake { amount, session } => (session, calls::set_staking_amount(amount.0)),
        C::AllowMeasurement { measurement, session } => (session, measurement.call()),
        C::RevokeMeasurement { mr_enclave, session } => {
            (session, calls::revoke_measurement(&mr_enclave.0))
        }
        C::SetPolicy { policy, session } => {
            let call = policy.call(&session, report).await?;
            (session, call)
        }
        C::BanPlatform(of) => (of.session, calls::ban_platform(&of.platform.0)),
        C::UnbanPlatform(of) => (of.session, calls::unban_platform(&of.platform.0)),
        C::EnactEvaluation { id, session } => (session, calls::enact_evaluation(id.id())),
        C::Motions { node } => return list(&node, report).await,
        C::Vote { motion, nay, session } => return vote(&motion, !nay, &session, report).await,
        C::Close { motion, session } => return close(&motion, &session, report).await,
    };
    let keys = session.keys.keypairs()?;
    let chain = Chain::connect(&session.node.rpc_url).await?;
    let outcome = report.waiting("the motion", committee::pass(&chain, &keys, call)).await?;
    show(&chain, &outcome, &session.node, report).await
}

impl OfOperator {
    fn motion(&self, call: impl FnOnce(&RawAccountId) -> Call) -> anyhow::Result<(Session, Call)> {
        Ok((self.session.clone(), call(&account(&self.operator.operator)?)))
    }
}

/// What names an enclave.
#[derive(Clone, Copy, Debug)]
enum Named {
    Registration,
    Update,
}

/// The call, tied to the enclave that the operator names now: should the operator name another
/// until the motion is carried, the call fails.
async fn of_named(
    session: &Session,
    named: Named,
    operator: &RawAccountId,
    call: Call,
    report: Report,
) -> anyhow::Result<Call> {
    let block = Chain::connect(&session.node.rpc_url).await?.best().await?;
    let named = match named {
        Named::Registration => block.registration(operator).await?,
        Named::Update => block.update(operator).await?,
    };
    // Without one the call itself says what is wrong.
    let Some(named) = named else { return Ok(call) };
    let enclave = named.enclave_address;
    report.line(format_args!(
        "the motion is about enclave {} at \"{}\" and no other",
        ss58(&enclave),
        named.api_uri.escape_ascii()
    ));
    let kind = Root::new(&block.root_fingerprint().await?).kind;
    let attestation = AttestationStatus::read(&block, kind, &enclave, operator).await?;
    report.line(format_args!("  {attestation}"));
    if let Some(measurement) = attestation.measurement.filter(|_| attestation.live) {
        report.line(format_args!("  measurement {measurement}"));
    }
    Ok(calls::batch_all([calls::expect_enclave(operator, &enclave), call]))
}

async fn vote(
    motion: &str,
    approve: bool,
    session: &Session,
    report: Report,
) -> anyhow::Result<()> {
    let hash = parse_hash(motion)?;
    let keys = session.keys.keypairs()?;
    let chain = Chain::connect(&session.node.rpc_url).await?;
    let voting = committee::vote_with(&chain, &keys, &hash, approve);
    let outcome = report.waiting("the vote", voting).await?;
    show(&chain, &outcome, &session.node, report).await
}

async fn close(motion: &str, session: &Session, report: Report) -> anyhow::Result<()> {
    let hash = parse_hash(motion)?;
    let keys = session.keys.keypairs()?;
    let signer = keys.first().context("closing needs a member's key")?;
    let chain = Chain::connect(&session.node.rpc_url).await?;
    let motion = committee::open_motion(&chain.best().await?, &hash).await?;
    let closing = committee::close(&chain, signer, motion);
    let outcome = report.waiting("closing the motion", closing).await?;
    show(&chain, &outcome, &session.node, report).await
}

/// Tells what came of a motion.
async fn show(
    chain: &Chain,
    outcome: &Outcome,
    node: &NodeArgs,
    report: Report,
) -> anyhow::Result<()> {
    match outcome {
        Outcome::Carried(included) => {
            for sentence in words::happened(chain, included).await? {
                report.line(sentence);
            }
            report.line(format_args!("carried out in block #{}", included.block_number));
        }
        Outcome::Failed { included, reason } => {
            let number = included.block_number;
            bail!("the motion was carried in block #{number}, and its call failed: {reason}");
        }
        Outcome::Rejected(included) => {
            report.line(format_args!("rejected in block #{}", included.block_number));
        }
        Outcome::Waiting { motion, missing } => report.line(waiting(*motion, *missing, node)),
    }
    Ok(())
}

fn waiting(motion: Motion, missing: u32, node: &NodeArgs) -> String {
    let votes = if missing == 1 { "vote" } else { "votes" };
    format!(
        "motion {} needs {missing} more {votes}; with another member's key:\n  tee committee vote \
         --motion 0x{} --rpc-url {} --suri-file FILE",
        motion.index,
        hex::encode(motion.hash),
        node.rpc_url
    )
}

async fn list(node: &NodeArgs, report: Report) -> anyhow::Result<()> {
    let block = Chain::connect(&node.rpc_url).await?.best().await?;
    let motions = committee::motions(&block).await?;
    if motions.is_empty() {
        report.line("no motion is open");
    }
    for motion in &motions {
        // A motion may hold a call that only another program can read.
        let call = words::call(&block.client().metadata(), &motion.call)
            .unwrap_or_else(|_| format!("0x{}", hex::encode(&motion.call)));
        report.line(described(motion, &call));
    }
    Ok(())
}

fn described(motion: &OpenMotion, call: &str) -> String {
    let OpenMotion { hash, votes, .. } = motion;
    let names = |accounts: &[_]| -> String {
        accounts.iter().map(|account| format!("\n    {}", ss58(account))).collect()
    };
    let mut text = format!(
        "motion {}  0x{}\n  {call}\n  {} of {} votes for it, lapses after block #{}{}",
        votes.index,
        hex::encode(hash),
        votes.ayes.len(),
        votes.threshold,
        votes.end,
        names(&votes.ayes)
    );
    if !votes.nays.is_empty() {
        text += &format!("\n  {} against it{}", votes.nays.len(), names(&votes.nays));
    }
    text
}

fn parse_hash(text: &str) -> anyhow::Result<Hash> {
    let mut hash = Hash::default();
    let digits = text.strip_prefix("0x").unwrap_or(text);
    hex::decode_to_slice(digits, &mut hash)
        .with_context(|| format!("{text} is not a hash of 32 bytes"))?;
    Ok(hash)
}

#[cfg(test)]
mod tests {
    use subxt_signer::sr25519::dev;

    use super::*;
    use crate::committee::Votes;

    #[test]
    fn a_hash_is_read_with_and_without_its_prefix() {
        let digits = "11".repeat(32);
        assert_eq!(parse_hash(&digits).unwrap(), [0x11; 32]);
        assert_eq!(parse_hash(&format!("0x{digits}")).unwrap(), [0x11; 32]);
        assert!(parse_hash("0x11").is_err());
    }

    #[test]
    fn a_waiting_motion_tells_the_next_command() {
        let node = NodeArgs { rpc_url: String::from("ws://127.0.0.1:1") };
        let told = waiting(Motion { index: 3, hash: [0x11; 32] }, 1, &node);
        let hash = "11".repeat(32);
        assert_eq!(
            told,
            format!(
                "motion 3 needs 1 more vote; with another member's key:\n  tee committee vote \
                 --motion 0x{hash} --rpc-url ws://127.0.0.1:1 --suri-file FILE"
            )
        );
    }

    #[test]
    fn a_listed_motion_shows_its_call_and_who_voted_how() {
        let [alice, bob] = [dev::alice(), dev::bob()].map(|key| key.public_key().0);
        let votes = Votes { index: 3, threshold: 2, ayes: vec![alice], nays: vec![bob], end: 40 };
        let motion = OpenMotion { hash: [0x11; 32], call: Vec::new(), votes };
        let expected = format!(
            "motion 3  0x{}\n  System.remark()\n  1 of 2 votes for it, lapses after block #40\n    \
             {}\n  1 against it\n    {}",
            "11".repeat(32),
            ss58(&alice),
            ss58(&bob)
        );
        assert_eq!(described(&motion, "System.remark()"), expected);
    }
}
