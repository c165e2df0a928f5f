// SPDX-License-Identifier: Apache-2.0
//! tee-dcap and dcap-qvl, the published verifier, say the same of thousands of cases: they accept the
//! same, with the same facts about platform and time, and refuse the same.
//!
//! Where tee-dcap is stricter by design, the reason is known beforehand, or is one that the oracle
//! has not; `stricter.rs` shows each. Such cases are counted apart. There is none in which tee-dcap
//! accepts what the oracle refuses.

mod common;

use std::collections::{BTreeMap, HashMap};

use codec::Encode;
use common::{
    enclave, form, ids, name, oracle_date, oracle_ids, oracle_under,
    reasons::{reason_of_collateral, reason_of_quote},
    Stored, ISSUED, NOW, REPORT_DATA,
};
use dcap_qvl::{QuoteClaims, QuoteCollateralV3};
use rand::{rngs::StdRng, seq::IndexedRandom, Rng, SeedableRng};
use sp_crypto_hashing::blake2_256;
use tee_dcap::{Error, Verdict};
use tee_primitives::attestation::tcb::TcbStatus as Status;
use tee_simulator::{
    authority::{NOT_AFTER, NOT_BEFORE},
    collateral::DAY,
    layout, Authority, Collateral, CollateralFault, CollateralOptions, Document, Machine,
    MachineOptions, PckCa, PlatformFlags, QeLevel, QuoteFault, SgxType, TcbLevel, TcbStatus,
    DEVELOPMENT_FMSPC,
};

const SEED: u64 = 0x0071_5000_dca9;

/// Another model of machines.
const OTHER_FMSPC: [u8; 6] = [0x00, 0xde, 0x00, 0x00, 0xf0, 0x0e];

const AUTHORITIES: [PckCa; 2] = [PckCa::Processor, PckCa::Platform];

/// Sets of collateral in which nothing is wrong.
const SETS: usize = 48;

/// Least number of cases for each status and for each reason that both have.
const LEAST: usize = 50;

/// Reasons that the oracle does not have.
const OURS_ALONE: [Error; 7] = [
    Error::ProvisioningEnclave,
    Error::EnclaveAttributesInvalid,
    Error::EnclaveReportUnexpected,
    Error::PceIdMismatch,
    Error::CrlNotYetValid,
    Error::CrlIssuerUnknown,
    Error::CollateralTooLarge,
];

/// A reason that the oracle has in other cases, but not for this fault.
fn quote_alone(fault: QuoteFault) -> Option<Error> {
    use QuoteFault::*;
    match fault {
        TrailingByte | TrailingByteInside => Some(Error::QuoteLengthWrong),
        PckByRoot => Some(Error::PckIssuerWrong),
        PckPpidLength => Some(Error::SgxExtensionMalformed),
        QeReportTail => Some(Error::QeReportDataMismatch),
        _ => None,
    }
}

/// The same for collateral.
fn collateral_alone(fault: CollateralFault) -> Option<Error> {
    use CollateralFault::*;
    match fault {
        VersionTooHigh(Document::TcbInfo) | UnknownTcbType => {
            Some(Error::CollateralKindUnsupported)
        }
        CrlChainEmpty => Some(Error::CertificateMalformed),
        _ => None,
    }
}

/// What was counted.
#[derive(Default)]
struct Counts {
    /// Cases of each kind, and how many of them both accept.
    kinds: BTreeMap<&'static str, (usize, usize)>,
    accepted: BTreeMap<Status, usize>,
    refused: BTreeMap<Error, usize>,
    alone: BTreeMap<Error, usize>,
    kept: BTreeMap<&'static str, usize>,
}

/// Compares both answers, and says whether both accept.
fn compare(
    case: &str,
    ours: &Result<Verdict, Error>,
    theirs: &Result<QuoteClaims, String>,
    alone: Option<Error>,
) -> bool {
    match (ours, theirs) {
        (Ok(ours), Ok(theirs)) => {
            let (tcb, platform) = (&theirs.tcb, &theirs.platform);
            assert_eq!(name(ours.tcb.status), tcb.status.to_string(), "{case}");
            assert_eq!(ids(ours), oracle_ids(theirs), "{case}");
            assert_eq!(ours.tcb.evaluation_number, tcb.eval_data_number, "{case}");
            assert_eq!(ours.tcb.date, oracle_date(theirs), "{case}");
            assert_eq!(ours.valid_until, theirs.earliest_expiration_date, "{case}");
            assert_eq!(ours.fmspc, platform.pck.fmspc, "{case}");
            let named = [&b"TIP500-PLATFORM/1"[..], &platform.pck.ppid].concat();
            assert_eq!(ours.platform, blake2_256(&named), "{case}");
            true
        }
        (Err(_), Err(_)) => false,
        (Err(reason), Ok(_)) => {
            let is_known = alone == Some(*reason) || OURS_ALONE.contains(reason);
            assert!(is_known, "{case}: {reason:?}, but the oracle accepts");
            false
        }
        (Ok(_), Err(theirs)) => panic!("{case}: accepted, but the oracle says: {theirs}"),
    }
}

impl Counts {
    /// Compares, and counts.
    fn add(
        &mut self,
        kind: &'static str,
        case: &str,
        ours: &Result<Verdict, Error>,
        theirs: &Result<QuoteClaims, String>,
        alone: Option<Error>,
    ) {
        let is_accepted = compare(&format!("{kind}: {case}"), ours, theirs, alone);
        let (cases, accepted) = self.kinds.entry(kind).or_default();
        *cases += 1;
        *accepted += usize::from(is_accepted);
        match (ours, theirs) {
            (Ok(verdict), _) => *self.accepted.entry(verdict.tcb.status).or_default() += 1,
            (Err(reason), Err(_)) => *self.refused.entry(*reason).or_default() += 1,
            (Err(reason), Ok(_)) => *self.alone.entry(*reason).or_default() += 1,
        }
    }

    fn print(&self) {
        println!("{:<28} {:>6} {:>9}", "kind", "cases", "accepted");
        for (kind, (cases, accepted)) in &self.kinds {
            println!("{kind:<28} {cases:>6} {accepted:>9}");
        }
        println!("accepted by both:");
        for (status, count) in &self.accepted {
            println!("    {:<36} {count:>6}", name(*status));
        }
        println!("refused by both, by our reason:");
        for (reason, count) in &self.refused {
            println!("    {:<36} {count:>6}", format!("{reason:?}"));
        }
        println!("refused by us alone, by reason:");
        for (reason, count) in &self.alone {
            println!("    {:<36} {count:>6}", format!("{reason:?}"));
        }
        println!("judged later, by kept collateral:");
        for (answer, count) in &self.kept {
            println!("    {answer:<36} {count:>6}");
        }
    }
}

/// Collateral, in all forms.
struct Set {
    /// What it is, for messages.
    case: String,
    options: CollateralOptions,
    signed: Collateral,
    form: QuoteCollateralV3,
    /// Verified at a time.
    stored: HashMap<u64, Result<Stored, Error>>,
}

impl Set {
    fn new(case: String, options: CollateralOptions, signed: Collateral) -> Self {
        let form = form(&signed);
        Self { case, options, signed, form, stored: HashMap::new() }
    }

    fn at(&mut self, root: &[u8], now: u64) -> &Result<Stored, Error> {
        self.stored.entry(now).or_insert_with(|| Stored::new(root, &self.signed, now))
    }

    /// A time in which all of it is valid, if nothing else is wrong.
    fn inside(&self, rng: &mut StdRng) -> u64 {
        // Few, so that verified collateral is used again.
        let CollateralOptions { issued, valid_for, root_crl_valid_for, .. } = self.options;
        issued + valid_for.min(root_crl_valid_for) / 4 * rng.random_range(1..4)
    }

    /// A time at, or one second beside, a limit of collateral or of the machine's certificate.
    fn limit(&self, machine: &Machine, rng: &mut StdRng) -> u64 {
        let CollateralOptions { issued, valid_for, root_crl_valid_for, .. } = self.options;
        let MachineOptions { not_before, not_after, .. } = machine.options();
        let limits = [
            issued,
            issued + valid_for,
            issued + root_crl_valid_for,
            *not_before,
            *not_after,
            NOT_BEFORE,
            NOT_AFTER,
        ];
        match rng.random_range(0..40) {
            0 => 0,
            1 => u64::MAX / 2,
            _ => {
                let limit = limits[[0, 0, 1, 1, 2, 3, 4, 5, 6][rng.random_range(0..9)]];
                (limit + rng.random_range(0..3)).saturating_sub(1)
            }
        }
    }
}

/// A machine and its quote.
struct Quoted {
    machine: Machine,
    quote: Vec<u8>,
}

/// All that cases are made of.
struct World {
    authority: Authority,
    root: Vec<u8>,
    rng: StdRng,
    machines: Vec<Quoted>,
    counts: Counts,
}

impl World {
    fn new() -> Self {
        let mut rng = StdRng::seed_from_u64(SEED);
        let authority = Authority::development();
        let machines = (0..96)
            .map(|number| {
                let machine = authority.machine_with(number, &machine_options(number, &mut rng));
                let mut report_data = REPORT_DATA;
                rng.fill(&mut report_data[..]);
                let quote = machine.quote(&enclave(), &report_data);
                Quoted { machine, quote }
            })
            .collect();
        let root = authority.root_der().to_vec();
        Self { authority, root, rng, machines, counts: Counts::default() }
    }

    /// One that suits collateral, mostly.
    fn machine_for(&mut self, options: &CollateralOptions) -> usize {
        let suits = |quoted: &Quoted| {
            let machine = quoted.machine.options();
            machine.ca == options.ca && machine.fmspc == options.fmspc
        };
        let suitable: Vec<_> =
            (0..self.machines.len()).filter(|number| suits(&self.machines[*number])).collect();
        if self.rng.random_ratio(1, 20) {
            return self.rng.random_range(0..self.machines.len());
        }
        *suitable.choose(&mut self.rng).unwrap()
    }

    /// Lets both judge, and compares.
    fn judge(
        &mut self,
        kind: &'static str,
        set: &mut Set,
        (what, quote): (&str, &[u8]),
        now: u64,
        alone: Option<Error>,
    ) {
        let theirs = oracle_under(&self.root, quote, &set.form, now);
        let judge = |stored: &Stored| stored.judge(&self.root, quote, now);
        let stored = set.at(&self.root, now);
        // Faults of layout are seen before any collateral.
        let parsed = tee_dcap::Quote::parse(quote).map(|_| ());
        let ours = parsed.and_then(|()| stored.as_ref().map_err(|error| *error).and_then(judge));
        let case = format!("{what} by {} at {now}", set.case);
        self.counts.add(kind, &case, &ours, &theirs, alone);

        // The same when collateral was verified at another time, if it was valid then.
        if self.rng.random_ratio(2, 3) {
            return;
        }
        let before = set.inside(&mut self.rng);
        let case = format!("{case}, kept since {before}");
        if let Ok(stored) = set.at(&self.root, before) {
            let ours = stored.judge(&self.root, quote, now);
            let answer = if compare(&case, &ours, &theirs, alone) { "accepted" } else { "refused" };
            *self.counts.kept.entry(answer).or_default() += 1;
        }
    }
}

/// How a machine is: most are as the default levels expect.
fn machine_options(number: u32, rng: &mut StdRng) -> MachineOptions {
    // One in 13 is revoked.
    let status = TcbStatus::ALL[number as usize % 13 % 7 * usize::from(number % 13 < 12)];
    let mut options = MachineOptions {
        ca: AUTHORITIES[rng.random_range(0..2)],
        fmspc: if rng.random_ratio(1, 4) { OTHER_FMSPC } else { DEVELOPMENT_FMSPC },
        sgx_type: *[SgxType::Standard, SgxType::Scalable, SgxType::ScalableWithIntegrity]
            .choose(rng)
            .unwrap(),
        flags: PlatformFlags {
            dynamic_platform: rng.random(),
            cached_keys: rng.random(),
            smt_enabled: rng.random(),
        },
        ..MachineOptions::with_status(status)
    };
    if rng.random_ratio(1, 4) {
        let part = rng.random_range(0..16);
        options.cpu_svn[part] =
            options.cpu_svn[part].saturating_add_signed(rng.random_range(-1..3));
        // The oracle cannot read a PCESVN above 32,767.
        options.pce_svn = *[0, 5, 12, 13, 14, 15, 16, 300, 32_767].choose(rng).unwrap();
    }
    if rng.random_ratio(1, 3) {
        options.qe_isv_svn = *[1, 5, 6, 7, 7, 8, 9, 300, 300, 65_535].choose(rng).unwrap();
    }
    if rng.random_ratio(1, 8) {
        options.not_before = NOW - rng.random_range(0..50 * DAY);
        options.not_after = NOW + rng.random_range(0..50 * DAY);
    } else if rng.random_ratio(1, 6) {
        options.not_before = NOT_BEFORE - 30 * DAY;
        options.not_after = NOT_AFTER + 400 * DAY;
    }
    options
}

fn random_advisories(rng: &mut StdRng) -> Vec<String> {
    let names = ["INTEL-SA-00334", "INTEL-SA-00615", "INTEL-SA-00828", "INTEL-SA-01", ""];
    (0..rng.random_range(0..5)).map(|_| (*names.choose(rng).unwrap()).into()).collect()
}

/// Levels around those of the default machines, in any order.
fn random_levels(rng: &mut StdRng) -> Vec<TcbLevel> {
    let from = CollateralOptions::new(ISSUED).levels;
    (0..rng.random_range(1..12))
        .map(|_| {
            let mut level = from.choose(rng).unwrap().clone();
            for svn in &mut level.components[..7] {
                if rng.random_ratio(1, 4) {
                    *svn = svn.saturating_add_signed(rng.random_range(-1..=1));
                }
            }
            level.pce_svn = *[0, 5, 13, 15, 16].choose(rng).unwrap();
            level.status = TcbStatus::ALL[rng.random_range(0..13) % 7];
            level.advisories = random_advisories(rng);
            level
        })
        .collect()
}

/// The same for the quoting enclave, with the statuses that it can have.
fn random_qe_levels(rng: &mut StdRng) -> Vec<QeLevel> {
    use TcbStatus::*;
    let statuses = [UpToDate, OutOfDate, ConfigurationNeeded, OutOfDateConfigurationNeeded];
    (0..rng.random_range(1..5))
        .map(|_| QeLevel {
            isv_svn: *[0, 2, 5, 6, 7, 8, 9].choose(rng).unwrap(),
            date: ISSUED - 300 * DAY,
            status: if rng.random_ratio(1, 12) { Revoked } else { *statuses.choose(rng).unwrap() },
            advisories: random_advisories(rng),
        })
        .collect()
}

/// Collateral in which nothing is wrong: the first are for all default machines.
fn sets(world: &mut World) -> Vec<Set> {
    let World { authority, rng, machines, .. } = world;
    let mut all = Vec::new();
    for number in 0..SETS {
        let mut options = CollateralOptions {
            ca: AUTHORITIES[number % 2],
            fmspc: if number % 8 < 6 { DEVELOPMENT_FMSPC } else { OTHER_FMSPC },
            evaluation_number: rng.random_range(0..30),
            crl_number: rng.random_range(1..9),
            ..CollateralOptions::new(ISSUED)
        };
        if number >= 8 {
            options.issued = ISSUED - rng.random_range(0..60) * DAY / 2;
            options.valid_for = rng.random_range(40..80) * DAY;
            options.root_crl_valid_for = rng.random_range(40..400) * DAY;
            let serials = machines.iter().map(|quoted| quoted.machine.serial());
            options.revoked_pck = serials.filter(|_| rng.random_ratio(1, 16)).collect();
        }
        match number {
            // Around the first and the last second of the signers' certificates.
            8..12 => options.issued = NOT_BEFORE - 3 * DAY,
            12..16 => options.issued = NOT_AFTER - 30 * DAY,
            // Revoked by the root.
            16 => options.revoked_by_root = vec![authority.ca_serial(options.ca), [7; 20]],
            17 => options.revoked_by_root = vec![[7; 20], authority.tcb_signer_serial()],
            18 => options.revoked_by_root = vec![authority.root_serial()],
            19..32 => {
                options.levels = random_levels(rng);
                options.qe_levels = random_qe_levels(rng);
            }
            32..40 => options.levels = random_levels(rng),
            40..44 => options.qe_levels = random_qe_levels(rng),
            _ => (),
        }
        all.push(Set::new(
            format!("set {number}"),
            options.clone(),
            authority.collateral(&options),
        ));
    }
    all
}

/// Machines by collateral, in its time and around its limits.
fn good(world: &mut World, sets: &mut [Set]) {
    for case in 0..4_300 {
        // Most of the cases by the sets in which nothing is out of the way.
        let number = if world.rng.random_ratio(3, 4) {
            (world.rng.random_range(0..12) + SETS - 4) % SETS
        } else {
            world.rng.random_range(0..SETS)
        };
        let set = &mut sets[number];
        let number = world.machine_for(&set.options);
        let is_inside = case % 5 != 0;
        let machine = &world.machines[number].machine;
        let now =
            if is_inside { set.inside(&mut world.rng) } else { set.limit(machine, &mut world.rng) };
        let quote = world.machines[number].quote.clone();
        let kind = if is_inside { "in its time" } else { "around a limit" };
        world.judge(kind, set, (&format!("machine {number}"), &quote), now, None);
    }
}

/// How often each of the faults with the same reason is tried, so that the reason is seen often
/// enough.
fn rounds(sharing: usize) -> usize {
    (LEAST + 2).div_ceil(sharing).max(4)
}

/// Every fault of quotes, of machines of either authority.
fn faulty_quotes(world: &mut World, sets: &mut [Set]) {
    for &fault in QuoteFault::ALL {
        let reason = reason_of_quote(fault);
        let is_sharing = |other: &&QuoteFault| {
            reason_of_quote(**other) == reason && quote_alone(**other) == quote_alone(fault)
        };
        let rounds = rounds(QuoteFault::ALL.iter().filter(is_sharing).count());
        for maker in 0..4_u32 {
            let ca = AUTHORITIES[maker as usize % 2];
            let options = MachineOptions { ca, ..MachineOptions::default() };
            let machine = world.authority.machine_with(200 + maker, &options);
            let quote = machine.faulty_quote(&enclave(), &REPORT_DATA, fault);
            for round in 0..rounds.div_ceil(4) {
                // Of the sets with default levels and the machine's model.
                let set = &mut sets[maker as usize % 2 + [0, 2, 4][round % 3]];
                let now = set.inside(&mut world.rng);
                world.judge(
                    "fault of a quote",
                    set,
                    (&format!("{fault:?} of {maker}"), &quote),
                    now,
                    quote_alone(fault),
                );
            }
        }
    }
}

/// Every fault of collateral, for either authority.
fn faulty_collateral(world: &mut World) {
    // Faults are about machine 0.
    let zero = AUTHORITIES.map(|ca| {
        let options = MachineOptions { ca, ..MachineOptions::default() };
        let machine = world.authority.machine_with(0, &options);
        [0, 1].map(|data| machine.quote(&enclave(), &[data; 64]))
    });
    for &fault in CollateralFault::ALL {
        let reason = reason_of_collateral(fault);
        let is_sharing = |other: &&CollateralFault| {
            reason_of_collateral(**other) == reason
                && collateral_alone(**other) == collateral_alone(fault)
        };
        let rounds = rounds(CollateralFault::ALL.iter().filter(is_sharing).count());
        for (ca, quotes) in AUTHORITIES.into_iter().zip(&zero) {
            let options = CollateralOptions { ca, ..CollateralOptions::new(ISSUED) };
            let collateral = world.authority.faulty_collateral(&options, fault);
            let mut set = Set::new(format!("{fault:?} of {}", ca.name()), options, collateral);
            for round in 0..rounds.div_ceil(2) {
                let (what, quote) = if round % 4 != 3 {
                    ("machine zero".into(), quotes[round % 2].clone())
                } else {
                    let number = world.machine_for(&set.options);
                    (format!("machine {number}"), world.machines[number].quote.clone())
                };
                let now = set.inside(&mut world.rng);
                let alone = collateral_alone(fault);
                world.judge("fault of collateral", &mut set, (&what, &quote), now, alone);
            }
        }
    }
}

/// Quotes with some bytes changed, removed, added or taken from another.
fn changed_quotes(world: &mut World, sets: &mut [Set]) {
    const PARTS: [usize; 8] = [
        0,
        layout::REPORT,
        layout::SIGNATURE,
        layout::ATTESTATION_KEY,
        layout::QE_REPORT,
        layout::QE_REPORT_SIGNATURE,
        layout::AUTH_DATA_LEN,
        layout::AUTH_DATA_LEN + 2 + 32,
    ];
    for case in 0..640 {
        let set = &mut sets[case % 8];
        let number = world.machine_for(&set.options);
        let other = world.machine_for(&set.options);
        let (rng, mut quote) = (&mut world.rng, world.machines[number].quote.clone());
        match case % 5 {
            0 => {
                let part = rng.random_range(0..PARTS.len());
                let end = PARTS.get(part + 1).copied();
                let other = &world.machines[other].quote;
                let from = end.map_or(&other[PARTS[part]..], |end| &other[PARTS[part]..end]);
                quote.splice(PARTS[part]..end.unwrap_or(quote.len()), from.iter().copied());
            }
            1 => quote.truncate(rng.random_range(0..quote.len())),
            2 => {
                // In what is no certificate, where most bytes have their own meaning.
                let place = rng.random_range(0..layout::AUTH_DATA_LEN + 2 + 32 + 6);
                quote[place] ^= 1 << rng.random_range(0..8);
            }
            _ => {
                for _ in 0..rng.random_range(1..4) {
                    let place = rng.random_range(0..quote.len());
                    quote[place] = rng.random();
                }
            }
        }
        let now = set.inside(rng);
        // The oracle reads no more than it needs: what is written again has another length.
        let read = dcap_qvl::quote::Quote::parse(&quote);
        let has_more = read.is_ok_and(|read| read.encode() != quote);
        let alone = has_more.then_some(Error::QuoteLengthWrong);
        let what = format!("change {case} of machine {number}");
        world.judge("changed quote", set, (&what, &quote), now, alone);
    }
}

/// Collateral with bytes changed behind its signer's back. The issuer chain of the list of revoked
/// platforms is left out: the oracle does not read it.
fn changed_collateral(world: &mut World, sets: &[Set]) {
    fn change_bytes(rng: &mut StdRng, bytes: &mut [u8]) {
        for _ in 0..rng.random_range(1..3) {
            let place = rng.random_range(0..bytes.len());
            bytes[place] ^= 1 << rng.random_range(0..8);
        }
    }
    fn change_text(rng: &mut StdRng, text: &mut String) {
        let place = rng.random_range(0..text.len());
        let with = rng.random_range(' '..='~').to_string();
        text.replace_range(place..=place, &with);
    }
    for case in 0..480 {
        let from = &sets[case % 8];
        let mut signed = from.signed.clone();
        let rng = &mut world.rng;
        match case % 8 {
            0 => change_bytes(rng, &mut signed.root_crl),
            1 => change_bytes(rng, &mut signed.pck_crl),
            2 => change_text(rng, &mut signed.tcb_info),
            3 => change_bytes(rng, &mut signed.tcb_info_signature),
            4 => change_text(rng, &mut signed.tcb_info_issuer_chain),
            5 => change_text(rng, &mut signed.qe_identity),
            6 => change_bytes(rng, &mut signed.qe_identity_signature),
            _ => change_text(rng, &mut signed.qe_identity_issuer_chain),
        }
        let mut set = Set::new(format!("change {case}"), from.options.clone(), signed);
        let number = world.machine_for(&set.options);
        let now = set.inside(&mut world.rng);
        let quote = world.machines[number].quote.clone();
        let what = format!("machine {number}");
        world.judge("changed collateral", &mut set, (&what, &quote), now, None);
    }
}

/// Parts of several sets together, each verified with its own set and time.
fn mixed(world: &mut World, sets: &mut [Set]) {
    let root = world.root.clone();
    // Those of another time are left out, and those that revoke authorities.
    let valid: Vec<usize> = (0..SETS).filter(|set| !(8..19).contains(set)).collect();
    let mut cases = 0;
    while cases < 1_000 {
        let rng = &mut world.rng;
        // Revocations by the root come in later.
        let root_set = if rng.random_ratio(1, 6) {
            rng.random_range(16..18)
        } else {
            *valid.choose(rng).unwrap()
        };
        let mut pick = || *valid.choose(rng).unwrap();
        let [pck_set, tcb_set, qe_set] = [pick(), pick(), pick()];
        if sets[pck_set].options.ca != sets[tcb_set].options.ca && cases % 4 != 0 {
            continue;
        }
        cases += 1;
        let mut stored = |number: usize, rng: &mut StdRng| {
            let now = sets[number].inside(rng);
            sets[number].at(&root, now).clone()
        };
        let kept = [pck_set, tcb_set, qe_set].map(|number| stored(number, &mut world.rng).unwrap());
        let [pck_kept, tcb_kept, qe_kept] = kept;
        // All of them are valid for at least ten days from now on.
        let now = NOW + world.rng.random_range(0..10) * DAY;
        // What the root's list is itself does not depend on what it revokes.
        let Ok(root_crl) = tee_dcap::verify_root_crl(
            &root,
            &sets[root_set].signed.root_crl,
            sets[root_set].options.issued,
        ) else {
            panic!("the root's list is valid when it is issued");
        };
        let kept = Stored {
            ca: pck_kept.ca,
            root_crl,
            pck_crl: pck_kept.pck_crl,
            tcb_info: tcb_kept.tcb_info,
            qe_identity: qe_kept.qe_identity,
        };
        let (pck, tcb, qe) = (&sets[pck_set].form, &sets[tcb_set].form, &sets[qe_set].form);
        let mixture = QuoteCollateralV3 {
            pck_crl_issuer_chain: pck.pck_crl_issuer_chain.clone(),
            root_ca_crl: sets[root_set].form.root_ca_crl.clone(),
            pck_crl: pck.pck_crl.clone(),
            tcb_info_issuer_chain: tcb.tcb_info_issuer_chain.clone(),
            tcb_info: tcb.tcb_info.clone(),
            tcb_info_signature: tcb.tcb_info_signature.clone(),
            qe_identity_issuer_chain: qe.qe_identity_issuer_chain.clone(),
            qe_identity: qe.qe_identity.clone(),
            qe_identity_signature: qe.qe_identity_signature.clone(),
            pck_certificate_chain: None,
        };
        let options = sets[tcb_set].options.clone();
        let number = world.machine_for(&options);
        let now = if cases % 4 == 0 {
            sets[qe_set].limit(&world.machines[number].machine, &mut world.rng)
        } else {
            now
        };
        let quote = &world.machines[number].quote;
        let theirs = oracle_under(&root, quote, &mixture, now);
        let ours = kept.judge(&root, quote, now);
        let case =
            format!("machine {number} by sets {root_set}, {pck_set}, {tcb_set}, {qe_set} at {now}");
        world.counts.add("mixed collateral", &case, &ours, &theirs, None);
    }
}

/// Another root, and what is none.
fn other_roots(world: &mut World, sets: &[Set]) {
    let other = Authority::from_seed([9; 32]);
    let foreign = form(&other.collateral(&CollateralOptions::new(ISSUED)));
    for case in 0..165_usize {
        let set = &sets[case % 2];
        let number = world.machine_for(&set.options);
        let quote = &world.machines[number].quote.clone();
        let root = match case % 3 {
            0 => world.root[..world.rng.random_range(0..world.root.len())].to_vec(),
            1 => other.root_der().to_vec(),
            _ => {
                // The names and the key: what else a root says does not matter.
                let mut root = world.root.clone();
                let place = world.rng.random_range(0..32);
                root[place] ^= 1 << world.rng.random_range(0..8);
                root
            }
        };
        let theirs = oracle_under(&root, quote, &set.form, NOW);
        let ours =
            Stored::new(&root, &set.signed, NOW).and_then(|stored| stored.judge(&root, quote, NOW));
        // A serial number that has become negative is one for the oracle.
        let alone = (case % 3 == 2).then_some(Error::RootMalformed);
        world.counts.add("other root", &format!("root {case}"), &ours, &theirs, alone);
        // Collateral is the other's, the quote is not.
        if case % 3 == 1 {
            let signed = other.collateral(&CollateralOptions::new(ISSUED));
            let stored = Stored::new(&root, &signed, NOW).unwrap();
            let theirs = oracle_under(&root, quote, &foreign, NOW);
            let ours = stored.judge(&root, quote, NOW);
            world.counts.add("other root", &format!("quote {case}"), &ours, &theirs, None);
        }
    }
}

#[test]
fn both_verifiers_say_the_same() {
    let mut world = World::new();
    let mut sets = sets(&mut world);
    good(&mut world, &mut sets);
    faulty_quotes(&mut world, &mut sets);
    faulty_collateral(&mut world);
    changed_quotes(&mut world, &mut sets);
    changed_collateral(&mut world, &sets);
    mixed(&mut world, &mut sets);
    other_roots(&mut world, &sets);

    let counts = world.counts;
    counts.print();
    let cases: usize = counts.kinds.values().map(|(cases, _)| cases).sum();
    let accepted: usize = counts.accepted.values().sum();
    println!("{cases} cases, of which both accept {accepted}");
    assert!(cases >= 10_000);
    assert!(accepted * 10 >= cases * 3, "both accept {accepted} of {cases}");
    let statuses = [
        Status::UpToDate,
        Status::SwHardeningNeeded,
        Status::ConfigurationNeeded,
        Status::ConfigurationAndSwHardeningNeeded,
        Status::OutOfDate,
        Status::OutOfDateConfigurationNeeded,
    ];
    for status in statuses {
        let count = counts.accepted.get(&status).copied().unwrap_or(0);
        assert!(count >= LEAST, "{status:?}: {count}");
    }
    for reason in Error::ALL.iter().filter(|reason| !OURS_ALONE.contains(reason)) {
        let count = counts.refused.get(reason).copied().unwrap_or(0);
        assert!(count >= LEAST, "{reason:?}: {count}");
    }
}
