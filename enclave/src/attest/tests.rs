// SPDX-License-Identifier: Apache-2.0

use tee_primitives::{attestation::collateral::CollateralItem, cluster::ClusterType};
use tee_simulator::pccs::{router, PccsOptions};
use tokio::{net::TcpListener, task::JoinHandle};

use super::*;
use crate::{
    account::Account,
    chain::scripted::{
        attesting::{self, id_of, COLLATERAL, VALIDITY},
        Fate, Scripted, Sent, NOW,
    },
    platform::testing::Machine,
    seal::Sealer,
    view::{self, Why},
};

const OPERATOR: [u8; 32] = [2; 32];
const DEADLINE: Duration = Duration::from_secs(20);

/// Pauses that a test sees, and those that none waits for.
const SHORT: Pauses = Pauses {
    first: Duration::from_millis(1),
    last: Duration::from_millis(2),
    last_paid: Duration::from_millis(2),
};

struct Setup {
    pccs: Option<String>,
    push: bool,
    pauses: Pauses,
}

impl Default for Setup {
    fn default() -> Self {
        Self { pccs: None, push: true, pauses: SHORT }
    }
}

/// An account and its chain, at block 10. The operator has named nobody.
struct World {
    chain: Arc<Scripted>,
    account: Arc<Account>,
    _folder: tempfile::TempDir,
}

/// A start of the enclave, as far as attesting goes.
struct Start {
    chain: Arc<Scripted>,
    own: Identity,
    machine: Arc<Machine>,
    problem: watch::Receiver<Option<Problem>>,
    outlook: watch::Receiver<Outlook>,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Start {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let account = Account::load_or_create(folder.path(), &Sealer::new(&[1; 32])).unwrap();
        let chain = Scripted::new(account.id());
        chain.finalize(10);
        Self { chain, account: Arc::new(account), _folder: folder }
    }

    fn start(&self, setup: Setup) -> Start {
        self.start_as(self.account.session(), setup)
    }

    fn start_as(&self, session: [u8; 32], setup: Setup) -> Start {
        let chain = self.chain.clone();
        let own =
            Identity { session, ..Identity::new(&self.account, OPERATOR, attesting::MEASUREMENT) };
        let machine = Machine::good();
        let (sender, outlook) = watch::channel(Outlook::default());
        let follow = view::follow(chain.clone(), own, attesting::build(), view::MAX_LAG, sender);
        let (submitter, _) = Submitter::start(chain.clone());
        let (quotes, _) = {
            let log = watch::channel(crate::store::LogState::default()).1;
            Quotes::start(self.account.clone(), own, machine.clone(), log)
        };
        let attester = Attester {
            chain: chain.clone(),
            submitter,
            quotes,
            own,
            root: attesting::root(),
            pccs: setup.pccs.map(|url| Pccs::new(&url).unwrap()),
            push: setup.push,
            pauses: setup.pauses,
        };
        let (problem_sender, problem) = watch::channel(None);
        let attest = run(attester, outlook.clone(), problem_sender);
        let tasks = vec![tokio::spawn(follow), tokio::spawn(attest)];
        Start { chain, own, machine, problem, outlook, tasks }
    }
}

impl Start {
    /// Lets the chain go on until a condition holds.
    async fn eventually(&self, condition: impl Fn(&Self) -> bool) {
        let reached = time::timeout(DEADLINE, async {
            while !condition(self) {
                self.chain.finalize(self.chain.finalized() + 1);
                time::sleep(Duration::from_millis(2)).await;
            }
        });
        if reached.await.is_err() {
            panic!("not in time: {:?}, {:?}", self.problem(), self.outlook.borrow());
        }
    }

    /// Lets the chain go on for some blocks, and everybody see them.
    async fn blocks(&self, number: u32) {
        for _ in 0..number {
            let next = self.chain.finalized() + 1;
            self.chain.finalize(next);
            time::sleep(Duration::from_millis(2)).await;
        }
    }

    fn is_live(&self) -> bool {
        matches!(&*self.outlook.borrow(), Outlook::Known(view) if view.attestation.is_ok())
    }

    fn problem(&self) -> Option<Problem> {
        self.problem.borrow().clone()
    }

    async fn has_problem(&self, problem: &Problem) {
        self.eventually(|start| start.problem().as_ref() == Some(problem)).await;
    }
}

async fn pccs() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = router(PccsOptions::new(|| NOW));
    tokio::spawn(async { axum::serve(listener, router).await });
    url
}

#[tokio::test]
async fn an_enclave_attests_once_when_its_operator_has_named_it() {
    let world = World::new();
    let start = world.start(Setup::default());
    start.has_problem(&Problem::NotNamed).await;
    assert!(start.chain.sent().is_empty());
    start.chain.register(OPERATOR);
    start.eventually(Start::is_live).await;
    start.blocks(20).await;
    assert_eq!(start.problem(), None);
    let [payload] = start.chain.attestations()[..] else { panic!("one attestation") };
    assert_eq!((payload.session, payload.operator), (start.own.session, OPERATOR));
    let record = start.chain.record().unwrap();
    assert_eq!(record.session, start.own.session);
    assert_eq!(record.quote_block, payload.block_number);
}

/// As a successor, or in its slot.
#[tokio::test]
async fn an_update_and_a_slot_name_an_enclave_too() {
    for is_assigned in [true, false] {
        let world = World::new();
        if is_assigned {
            world.chain.assign(OPERATOR, ClusterType::Public);
        } else {
            world.chain.name_successor(OPERATOR);
        }
        world.chain.finalize(11);
        let start = world.start(Setup::default());
        start.eventually(Start::is_live).await;
    }
    // One that serves another operator works for no other, whoever names it.
    let world = World::new();
    world.chain.assign([9; 32], ClusterType::Public);
    world.chain.register(OPERATOR);
    world.chain.finalize(11);
    let start = world.start(Setup::default());
    start.has_problem(&Problem::NotNamed).await;
    assert!(start.chain.sent().is_empty());
}

#[tokio::test]
async fn it_is_renewed_past_half_of_its_life_and_not_before() {
    let world = World::new();
    world.chain.register(OPERATOR);
    let start = world.start(Setup::default());
    start.eventually(Start::is_live).await;
    for renewals in 1..4 {
        let last = start.chain.record().unwrap();
        start.chain.set_time(last.attested_at + VALIDITY / 2);
        start.blocks(10).await;
        assert_eq!(start.chain.attestations().len(), renewals);
        start.chain.set_time(last.attested_at + VALIDITY / 2 + 1);
        start.eventually(|start| start.chain.attestations().len() > renewals).await;
        start
            .eventually(|start| {
                start.chain.record().unwrap().quote_block > last.quote_block && start.is_live()
            })
            .await;
    }
}

#[tokio::test]
async fn another_start_attests_anew_and_ends_the_first_for_good() {
    let world = World::new();
    world.chain.register(OPERATOR);
    let first = world.start(Setup::default());
    first.eventually(Start::is_live).await;
    let second = world.start_as([0xc0; 32], Setup::default());
    second.eventually(Start::is_live).await;
    first.eventually(|first| !first.is_live()).await;
    // They do not fight for the record, however long the chain goes on.
    first.chain.set_time(NOW + VALIDITY);
    second.eventually(|second| second.chain.attestations().len() == 3).await;
    second.eventually(Start::is_live).await;
    second.blocks(20).await;
    let sessions: Vec<_> =
        second.chain.attestations().iter().map(|payload| payload.session).collect();
    assert_eq!(sessions, [first.own.session, [0xc0; 32], [0xc0; 32]]);
    assert!(matches!(
        &*first.outlook.borrow(),
        Outlook::Known(view) if view.attestation == Err(Why::Superseded)
    ));
    assert_eq!(first.problem(), None);
}

#[tokio::test]
async fn what_the_chain_lacks_is_brought_first_in_order_and_once() {
    let world = World::new();
    world.chain.register(OPERATOR);
    world.chain.forget_collateral();
    world.chain.finalize(11);
    let start = world.start(Setup { pccs: Some(pccs().await), ..Default::default() });
    start.eventually(Start::is_live).await;
    let brought: Vec<_> = start
        .chain
        .sent()
        .iter()
        .map(|sent| match sent {
            Sent::Collateral(item) => Some(id_of(item)),
            Sent::Attestation { .. } => None,
            sent => panic!("it attests: {sent:?}"),
        })
        .collect();
    let expected: Vec<_> = COLLATERAL.into_iter().map(Some).chain([None]).collect();
    assert_eq!(brought, expected);
    start.blocks(10).await;
    assert_eq!(start.chain.sent().len(), 5);
}

#[tokio::test]
async fn what_somebody_else_is_bringing_is_not_brought_twice() {
    let world = World::new();
    world.chain.register(OPERATOR);
    world.chain.remove(&attesting::key_of(CollateralId::QeIdentity));
    world.chain.finalize(11);
    // In a block that is not final yet.
    world.chain.set(attesting::key_of(CollateralId::QeIdentity), 1u8);
    let start = world.start(Setup { pccs: Some(pccs().await), ..Default::default() });
    time::sleep(Duration::from_millis(50)).await;
    assert!(start.chain.sent().is_empty());
    start.eventually(Start::is_live).await;
    assert!(matches!(start.chain.sent()[..], [Sent::Attestation { .. }]));
}

#[tokio::test]
async fn without_a_pccs_it_says_what_the_chain_lacks_and_waits() {
    let world = World::new();
    world.chain.register(OPERATOR);
    world.chain.forget_collateral();
    world.chain.finalize(11);
    let start = world.start(Setup::default());
    start.has_problem(&Problem::NoPccs(COLLATERAL.to_vec())).await;
    start.blocks(10).await;
    assert!(start.chain.sent().is_empty());
    for id in COLLATERAL {
        start.chain.set(attesting::key_of(id), 1u8);
    }
    start.eventually(Start::is_live).await;
    start.eventually(|start| start.problem().is_none()).await;
}

#[tokio::test]
async fn a_pccs_that_does_not_answer_is_asked_again() {
    let world = World::new();
    world.chain.register(OPERATOR);
    world.chain.forget_collateral();
    world.chain.finalize(11);
    // Port 1 is privileged and nothing listens there.
    let start =
        world.start(Setup { pccs: Some("http://127.0.0.1:1".into()), ..Default::default() });
    start.eventually(|start| start.problem().is_some()).await;
    let problem = start.problem().unwrap().to_string();
    assert_eq!(problem, "The PCCS gave no usable root CRL: it does not answer (no connection).");
    assert!(start.chain.sent().is_empty());
}

#[tokio::test]
async fn nothing_is_pushed_where_that_is_turned_off() {
    let world = World::new();
    world.chain.register(OPERATOR);
    world.chain.finalize(11);
    let start = world.start(Setup { push: false, ..Default::default() });
    start.has_problem(&Problem::PushOff).await;
    start.blocks(10).await;
    assert!(start.chain.sent().is_empty());
    // Somebody else brings it.
    start.chain.attest(&start.own, 15);
    start.eventually(|start| start.is_live() && start.problem().is_none()).await;
}

#[tokio::test]
async fn what_governance_does_not_allow_is_not_sent() {
    let world = World::new();
    world.chain.register(OPERATOR);
    let key = tee_primitives::abi::storage::allowed_measurement(&attesting::MEASUREMENT);
    world.chain.remove(&key);
    world.chain.finalize(11);
    let start = world.start(Setup::default());
    start.has_problem(&Problem::NotAllowed).await;
    let mut allowed = attesting::allowed();
    allowed.acts_from = start.chain.finalized() + 30;
    start.chain.set(key.clone(), allowed);
    start.has_problem(&Problem::NotYetAllowed(allowed.acts_from)).await;
    assert!(start.chain.sent().is_empty());
    start.eventually(Start::is_live).await;
    assert!(start.chain.record().unwrap().quote_block >= allowed.acts_from);

    let world = World::new();
    world.chain.register(OPERATOR);
    allowed.acts_from = 0;
    allowed.mr_signer = [9; 32];
    world.chain.set(key, allowed);
    world.chain.finalize(11);
    let start = world.start(Setup::default());
    start.has_problem(&Problem::AnotherBuild).await;
    assert!(start.chain.sent().is_empty());
}

/// What happened to the transaction is not asked: the state tells.
#[tokio::test]
async fn a_lost_reply_does_not_attest_twice() {
    let world = World::new();
    world.chain.register(OPERATOR);
    world.chain.fate(Fate::ReplyLost);
    world.chain.finalize(11);
    let start = world.start(Setup::default());
    start.eventually(Start::is_live).await;
    start.blocks(20).await;
    assert_eq!(start.chain.attestations().len(), 1);
    assert_eq!(start.problem(), None);
}

#[tokio::test]
async fn failures_are_told_and_tried_again() {
    for (fate, told) in [
        (Fate::Refused, "Attesting failed: the transaction was refused: scripted."),
        (
            Fate::FailsOnChain,
            "The chain refused what the enclave brought: the events of its blocks say why.",
        ),
    ] {
        let world = World::new();
        world.chain.register(OPERATOR);
        world.chain.fate(fate);
        world.chain.finalize(11);
        let start = world.start(Setup::default());
        start.eventually(|start| start.chain.attestations().len() >= 3).await;
        assert_eq!(start.problem().unwrap().to_string(), told);
        start.chain.fate(Fate::Works);
        start.eventually(|start| start.is_live() && start.problem().is_none()).await;
    }
}

#[tokio::test]
async fn a_machine_without_a_quote_is_told_and_asked_again() {
    let world = World::new();
    world.chain.register(OPERATOR);
    let start = world.start(Setup::default());
    start.machine.set_failing(true);
    // The first start may have been quicker.
    start.chain.forget_attestation();
    start.chain.finalize(11);
    start.eventually(|start| start.problem().is_some()).await;
    assert_eq!(
        start.problem().unwrap().to_string(),
        "There is no quote: the platform failed: made to fail."
    );
    start.machine.set_failing(false);
    start.eventually(|start| start.is_live() && start.problem().is_none()).await;
}

#[tokio::test]
async fn after_a_failure_it_waits_before_it_tries_again() {
    let world = World::new();
    world.chain.register(OPERATOR);
    world.chain.fate(Fate::FailsOnChain);
    world.chain.finalize(11);
    let pauses = Pauses { first: DEADLINE, last: DEADLINE, last_paid: DEADLINE };
    let start = world.start(Setup { pauses, ..Default::default() });
    start.eventually(|start| start.problem().is_some()).await;
    start.blocks(30).await;
    assert_eq!(start.chain.attestations().len(), 1);
}

#[test]
fn pauses_double_up_to_their_bounds() {
    let pauses = Pauses::default();
    let free: Vec<_> = (1..=8).map(|n| pauses.after(n, false).as_secs()).collect();
    assert_eq!(free, [1, 2, 4, 8, 16, 32, 60, 60]);
    let paid: Vec<_> = (8..=11).map(|n| pauses.after(n, true).as_secs()).collect();
    assert_eq!(paid, [128, 256, 512, 600]);
    assert_eq!(pauses.after(u32::MAX, false).as_secs(), 60);
    assert_eq!(pauses.after(u32::MAX, true).as_secs(), 600);
    assert_eq!(pauses.after(0, false).as_secs(), 1);
}

/// Only what was signed is brought, exactly as it was.
#[tokio::test]
async fn what_is_brought_is_what_was_signed() {
    let world = World::new();
    world.chain.register(OPERATOR);
    world.chain.forget_collateral();
    world.chain.finalize(11);
    let start = world.start(Setup { pccs: Some(pccs().await), ..Default::default() });
    start.eventually(|start| start.chain.sent().len() >= 4).await;
    let root = attesting::root();
    let mut root_crl = None;
    for sent in start.chain.sent() {
        let Sent::Collateral(item) = sent else { continue };
        match item {
            CollateralItem::RootCrl { crl } => {
                root_crl = Some(tee_dcap::verify_root_crl(&root, &crl, NOW).unwrap());
            }
            CollateralItem::PckCrl { crl, issuer_chain } => {
                let root_crl = root_crl.as_ref().unwrap();
                tee_dcap::verify_pck_crl(&root, root_crl, &crl, &issuer_chain, NOW).unwrap();
            }
            CollateralItem::TcbInfo { json, signature, issuer_chain } => {
                let root_crl = root_crl.as_ref().unwrap();
                tee_dcap::verify_tcb_info(&root, root_crl, &json, &signature, &issuer_chain, NOW)
                    .unwrap();
            }
            CollateralItem::QeIdentity { json, signature, issuer_chain } => {
                let root_crl = root_crl.as_ref().unwrap();
                tee_dcap::verify_qe_identity(
                    &root,
                    root_crl,
                    &json,
                    &signature,
                    &issuer_chain,
                    NOW,
                )
                .unwrap();
            }
        }
    }
}
