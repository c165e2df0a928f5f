// SPDX-License-Identifier: Apache-2.0
//! Hostile load: what honest clients notice while an enclave is attacked, and what it costs memory.
//!
//! How it is measured. One machine runs the node, the enclaves, the attackers and the honest clients,
//! so the attackers' own work would slow everybody down without telling anything of the enclave.
//! Therefore:
//! * attackers are a process of their own at the lowest priority (`tee-hostile`), at rates that are
//!   bounded, but exceed what the enclave's limits allow;
//! * an honest client's time during an attack is compared with its time while the same process does
//!   the same work on a sink, a socket that swallows everything, in the attackers' process: that is
//!   "its own p99";
//! * both are measured right after each other, in turns, and what belongs together is put together.
//!
//! Honest clients come from 127.0.0.1, attackers from 127.0.0.2. Every honest request must be
//! answered with the share.
//!
//! What is more than the processor can do, all attacks at once or a flood of signatures, is measured
//! on an enclave with bounds on each client, as production has them: nothing else can help there.

use std::{
    collections::BTreeMap,
    fmt, fs,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::Stdio,
    time::Duration,
};

use anyhow::{bail, ensure, Context};
use serde::{Deserialize, Serialize};
use subxt_signer::sr25519::{dev, Keypair};
use tee_cli::devnet::Devnet;
use tee_primitives::{nft::NftId, RawAccountId};
use tokio::{
    process::Command,
    time::{sleep, timeout, Instant},
};

use honest::{Honest, Latencies};

pub mod attacks;
pub mod honest;

/// Where attackers come from.
const FROM: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// How long attackers work before what is measured, and after it.
const BEFORE: Duration = Duration::from_millis(500);
const AFTER: Duration = Duration::from_millis(100);

/// Flags of an enclave that bound each client. Honest ones, who share one address here, stay below.
pub const BOUNDS: [&str; 6] =
    ["--rate-limit", "600", "--rate-burst", "600", "--client-requests", "32"];

/// Between two looks at an enclave's memory.
const SAMPLE: Duration = Duration::from_millis(200);

/// Ways to attack.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Attack {
    /// Heads of requests that come byte by byte.
    SlowHeads,
    /// Bodies that come byte by byte.
    SlowBodies,
    /// Requests whose signatures are well-formed and wrong.
    BadSignatures,
    /// Bodies of megabytes, and small ones that are hard to parse.
    HugeJson,
    /// Connections on which nothing is sent.
    IdleConnections,
    /// Connections whose client has stopped sending within a request.
    HalfOpen,
    /// Connections that are reset at once, within a request, or while it is answered.
    Resets,
    /// Many requests at once with garbage behind them.
    PipelinedGarbage,
    /// Clients that ask and do not read the answers.
    NeverReads,
}

impl Attack {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::SlowHeads,
        Self::SlowBodies,
        Self::BadSignatures,
        Self::HugeJson,
        Self::IdleConnections,
        Self::HalfOpen,
        Self::Resets,
        Self::PipelinedGarbage,
        Self::NeverReads,
    ];

    /// How many connections or requests are begun in a second at most.
    fn per_second(self) -> u32 {
        match self {
            Self::SlowHeads | Self::SlowBodies => 800,
            Self::BadSignatures => 1000,
            Self::HugeJson => 60,
            Self::IdleConnections => 3000,
            Self::HalfOpen => 500,
            Self::Resets => 600,
            Self::PipelinedGarbage => 40,
            Self::NeverReads => 600,
        }
    }
}

/// What attackers are told.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Plan {
    /// The enclave.
    pub enclave: SocketAddr,
    /// Whether they attack a sink instead.
    pub is_sink: bool,
    /// The address that they come from.
    pub from: Ipv4Addr,
    /// The account whose requests they forge.
    pub victim: RawAccountId,
    /// Its NFT.
    pub nft_id: NftId,
    /// What they do, all at the same time.
    pub attacks: Vec<Attack>,
    /// How many times as often as they do by themselves.
    pub as_often: u32,
    /// For how long.
    pub millis: u64,
}

/// Attacks that are made together.
#[derive(Clone, Debug)]
pub struct Wave {
    /// Its name, for people.
    pub name: String,
    /// What is done at the same time.
    pub attacks: Vec<Attack>,
    /// How many times as often as each attack is made by itself.
    pub as_often: u32,
}

impl Wave {
    /// Every attack for itself.
    pub fn one_by_one() -> Vec<Self> {
        let one = |attack: Attack| Self {
            name: format!("{attack:?}"),
            attacks: vec![attack],
            as_often: 1,
        };
        Attack::ALL.into_iter().map(one).collect()
    }

    /// All of them at the same time, and more bad signatures than can be verified. No bound on all
    /// clients together saves honest ones from that: only bounds on each do.
    pub fn beyond_capacity() -> Vec<Self> {
        let flood = Self {
            name: String::from("flood of bad signatures"),
            attacks: vec![Attack::BadSignatures],
            as_often: 20,
        };
        let all =
            Self { name: String::from("all at once"), attacks: Attack::ALL.to_vec(), as_often: 1 };
        vec![flood, all]
    }
}

/// What came of an attack.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub struct Tally {
    /// Requests, or connections where nothing is requested.
    pub sent: u64,
    /// Answers.
    pub answered: u64,
    /// Answers that there is no capacity.
    pub refused: u64,
    /// Connections that the enclave ended while the attack used them.
    pub ended: u64,
    /// Connections that could not be made.
    pub failed: u64,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.sent += other.sent;
        self.answered += other.answered;
        self.refused += other.refused;
        self.ended += other.ended;
        self.failed += other.failed;
    }
}

/// By attack.
pub type Tallies = BTreeMap<Attack, Tally>;

/// How long everything takes.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// Honest clients at an enclave that is not attacked.
    pub alone: Duration,
    /// A turn of an attack, and as long one on the sink.
    pub turn: Duration,
    /// Turns of each attack.
    pub turns: usize,
    /// How often all of it is done.
    pub rounds: usize,
    /// How many turns more an attack gets at most of which honest clients seem to notice too much:
    /// the p99 of few requests is a matter of chance. All turns count together.
    pub more: usize,
}

/// What was measured of an attack.
#[derive(Debug, Default)]
struct Row {
    tally: Tally,
    on_sink: Latencies,
    attacked: Latencies,
    /// The most memory during each round, in bytes.
    memory: Vec<u64>,
    /// How long the enclave's threads worked, and during how long a time.
    worked: Duration,
    time: Duration,
}

impl Row {
    /// Requests of honest clients in a round, on average.
    fn requests_per_round(&self) -> f64 {
        let requests = self.on_sink.count() + self.attacked.count();
        requests as f64 / self.memory.len().max(1) as f64
    }

    fn ratio(&self) -> f64 {
        let on_sink = self.on_sink.percentile(99).as_secs_f64();
        self.attacked.percentile(99).as_secs_f64() / on_sink.max(f64::MIN_POSITIVE)
    }
}

/// What was measured.
#[derive(Debug)]
pub struct Measured {
    alone: Latencies,
    /// Memory before the attacks, in bytes.
    before: u64,
    /// By how much an honest request lets memory grow without attacks, in bytes: each view is an
    /// entry of the log, and the store keeps the newest pages in memory, up to a bound.
    per_request: f64,
    rows: Vec<(String, Row)>,
}

/// An honest request lets memory grow by no more than so many bytes, whatever was measured.
const MOST_PER_REQUEST: f64 = 256.0;

/// Honest clients' p99 may become less than so many times as long.
const MOST: f64 = 2.0;

impl Measured {
    /// Fails unless honest clients hardly noticed, attacks were attacks, and memory stays what it
    /// is: `memory` is how much more than before it may be at any time, in bytes, and `growth` how
    /// much more in the last round than in the first one, in bytes, besides what honest clients let it
    /// grow by themselves.
    pub fn judge(&self, memory: u64, growth: u64) -> anyhow::Result<()> {
        let mut wrong = Vec::new();
        for (name, row) in &self.rows {
            if row.tally.sent < 50 {
                wrong.push(format!("{name}: only {} were sent", row.tally.sent));
            }
            if row.ratio() >= MOST {
                wrong.push(format!(
                    "{name}: honest clients' p99 is {:.2} times as long",
                    row.ratio()
                ));
            }
            let most = row.memory.iter().copied().max().unwrap_or(u64::MAX);
            if most > self.before.saturating_add(memory) {
                wrong.push(format!("{name}: {} more of memory", Mebibytes(most - self.before)));
            }
        }
        // What one attack leaves behind the next one uses, so rounds are compared as wholes.
        let rounds = self.rows.iter().map(|(_, row)| row.memory.len()).min().unwrap_or_default();
        let most_in = |round: usize| {
            self.rows.iter().filter_map(|(_, row)| row.memory.get(round)).copied().max()
        };
        let most: Vec<u64> = (0..rounds).filter_map(most_in).collect();
        let per_round: f64 = self.rows.iter().map(|(_, row)| row.requests_per_round()).sum();
        let later = per_round * rounds.saturating_sub(1) as f64;
        let by_honest = self.per_request.min(MOST_PER_REQUEST) * later;
        let growth = growth.saturating_add(by_honest as u64);
        if let [first, .., last] = most[..] {
            if last > first.saturating_add(growth) {
                wrong.push(format!(
                    "memory grew by {}, {} more than allowed",
                    Mebibytes(last - first),
                    Mebibytes(last - first - growth)
                ));
            }
        }
        ensure!(wrong.is_empty(), "{}\n{self}", wrong.join("\n"));
        Ok(())
    }
}

struct Mebibytes(u64);

impl fmt::Display for Mebibytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} MiB", self.0 as f64 / (1024.0 * 1024.0))
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = |time: Duration| format!("{:.1}", time.as_secs_f64() * 1000.0);
        let pair = |all: &Latencies| [50, 99].map(|of| millis(all.percentile(of))).join(" / ");
        writeln!(
            f,
            "honest clients alone: p50 / p99 {} ms ({} requests, each of which lets memory grow by {:.0} \
             bytes); memory {}",
            pair(&self.alone),
            self.alone.count(),
            self.per_request,
            Mebibytes(self.before)
        )?;
        writeln!(
            f,
            "{:<24} {:>8} {:>8} {:>7} {:>6} {:>6}  {:>16} {:>16} {:>5} {:>4}  most memory by round",
            "attack",
            "sent",
            "answered",
            "refused",
            "ended",
            "failed",
            "sink p50/p99 ms",
            "attack p50/p99",
            "ratio",
            "CPU"
        )?;
        for (name, row) in &self.rows {
            let Tally { sent, answered, refused, ended, failed } = row.tally;
            let memory: Vec<_> =
                row.memory.iter().map(|&most| Mebibytes(most).to_string()).collect();
            writeln!(
                f,
                "{name:<24} {sent:>8} {answered:>8} {refused:>7} {ended:>6} {failed:>6}  {:>16} {:>16} {:>5.2} {:>4.2}  {}",
                pair(&row.on_sink),
                pair(&row.attacked),
                row.ratio(),
                row.worked.as_secs_f64() / row.time.as_secs_f64(),
                memory.join(", ")
            )?;
        }
        Ok(())
    }
}

/// What was measured in one turn.
struct Turn {
    tallies: Tallies,
    latencies: Latencies,
    /// The most memory that the enclave had, in bytes.
    memory: u64,
    /// How long its threads worked.
    worked: Duration,
}

struct Siege<'net> {
    /// `tee-hostile`.
    program: &'net Path,
    honest: Honest<'net>,
    enclave: SocketAddr,
    process: u32,
}

/// Attacks the enclave in a slot by these waves, one after the other, by `program`, which is
/// `tee-hostile`. Honest clients retrieve the share of an NFT that the [`victim`] owns.
pub async fn siege(
    devnet: &Devnet,
    slot: usize,
    program: &Path,
    nft_id: NftId,
    waves: &[Wave],
    times: Times,
) -> anyhow::Result<Measured> {
    let enclave = devnet.enclaves.get(slot).context("there is no such slot")?;
    let address = enclave.url().split_once("://").context("a URL has a scheme")?.1.parse()?;
    let siege = Siege {
        program,
        honest: Honest {
            chain: devnet.chain(),
            url: enclave.url().to_owned(),
            owner: victim(),
            nft_id,
        },
        enclave: address,
        process: enclave.process().id(),
    };
    siege.honest.work(times.alone / 2).await.context("before the attacks")?;
    let first = memory(siege.process)?;
    let alone = siege.honest.work(times.alone).await.context("before the attacks")?;
    let before = memory(siege.process)?;
    let per_request = before.saturating_sub(first) as f64 / alone.count().max(1) as f64;
    let mut rows: Vec<(String, Row)> =
        waves.iter().map(|wave| (wave.name.clone(), Row::default())).collect();
    for _ in 0..times.rounds {
        for (wave, (name, row)) in waves.iter().zip(&mut rows) {
            siege.round(wave, times, times.turns, row).await.with_context(|| name.clone())?;
        }
    }
    for (wave, (name, row)) in waves.iter().zip(&mut rows) {
        for _ in 0..times.more {
            if row.ratio() < MOST {
                break;
            }
            siege.round(wave, times, 1, row).await.with_context(|| name.clone())?;
        }
    }
    Ok(Measured { alone, before, per_request, rows })
}

/// Who owns the NFT of honest clients, and whose requests attackers forge.
pub fn victim() -> Keypair {
    dev::dave()
}

impl Siege<'_> {
    /// Turns of an attack; more of them only until honest clients do not seem to notice.
    async fn round(
        &self,
        wave: &Wave,
        times: Times,
        turns: usize,
        row: &mut Row,
    ) -> anyhow::Result<()> {
        let mut most = 0;
        for _ in 0..turns {
            row.on_sink
                .extend(self.turn(wave, true, times.turn).await.context("on the sink")?.latencies);
            let turn = self.turn(wave, false, times.turn).await?;
            row.attacked.extend(turn.latencies);
            turn.tallies.values().for_each(|tally| row.tally.add(tally));
            row.worked += turn.worked;
            row.time += times.turn;
            most = most.max(turn.memory);
        }
        row.memory.push(most);
        Ok(())
    }

    /// Honest clients work while the attackers do.
    async fn turn(&self, wave: &Wave, is_sink: bool, time: Duration) -> anyhow::Result<Turn> {
        let plan = Plan {
            enclave: self.enclave,
            is_sink,
            from: FROM,
            victim: self.honest.owner.public_key().0,
            nft_id: self.honest.nft_id,
            attacks: wave.attacks.clone(),
            as_often: wave.as_often,
            millis: u64::try_from((BEFORE + time + AFTER).as_millis())?,
        };
        let working = async {
            sleep(BEFORE).await;
            let before = worked(self.process)?;
            let latencies = self.honest.work(time).await?;
            Ok((latencies, worked(self.process)?.saturating_sub(before)))
        };
        let watching = self.most_memory(BEFORE + time);
        let (tallies, (latencies, worked), memory) =
            tokio::try_join!(self.attack(&plan), working, watching)?;
        Ok(Turn { tallies, latencies, memory, worked })
    }

    async fn attack(&self, plan: &Plan) -> anyhow::Result<Tallies> {
        // As many connections as the system allows, at the lowest priority.
        const SCRIPT: &str = r#"ulimit -n "$(ulimit -Hn)"; exec nice -n 19 "$0" "$1""#;
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT]).arg(self.program).arg(serde_json::to_string(plan)?);
        command.stdin(Stdio::null()).kill_on_drop(true);
        let limit = Duration::from_millis(plan.millis) + Duration::from_secs(20);
        let output = timeout(limit, command.output()).await.context("attackers do not end")??;
        if !output.status.success() {
            bail!("attackers failed: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    async fn most_memory(&self, time: Duration) -> anyhow::Result<u64> {
        let end = Instant::now() + time;
        let mut most = 0;
        while Instant::now() < end {
            most = most.max(memory(self.process)?);
            sleep(SAMPLE).await;
        }
        Ok(most)
    }
}

/// How long a process's threads have worked.
fn worked(process: u32) -> anyhow::Result<Duration> {
    /// Linux tells it in hundredths of a second.
    const TICK: Duration = Duration::from_millis(10);

    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name, in parentheses, may have spaces in it. The 14th and 15th of all are meant.
    let fields = stat.rsplit_once(')').context("no name")?.1;
    let ticks: Vec<u32> =
        fields.split_whitespace().skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
    Ok(TICK * ticks.iter().sum::<u32>())
}

/// The memory of a process that is in use, in bytes.
fn memory(process: u32) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")).context("no VmRSS")?;
    Ok(kibibytes.trim().parse::<u64>()? * 1024)
}
