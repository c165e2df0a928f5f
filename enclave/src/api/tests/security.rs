// SPDX-License-Identifier: Apache-2.0
//! The security table: who gets which answer, in which state of the chain.
//!
//! A cell is one request to the router, and the world that it comes into; `security/table.txt` says
//! for each what is answered. The table is written from the specification and not by this code: where
//! the two differ, one of them is wrong. Its sections are full products, each around a request
//! without a fault:
//!
//! | section | product |
//! |---|---|
//! | `callers` | operation × caller × claimed role × state of the NFT |
//! | `signatures` | of secrets: signature × token × form, and the two tokens of a request to store with each other; of capsules each of them for itself |
//! | `services` | state of the enclave's service × operation × whether the NFT lets it be granted |
//! | `replays` | what happened since a request was granted × operation × form × role |
//! | `bound` | of bound requests: what they are bound to × signature × token × form; caller × claimed role × state × how the share was stored; each of the other dimensions for itself |
//!
//! Of removals it makes no difference who asks, so that four callers stand for all; nor of requests
//! to store at which of a capsule's two routes. Tokens are tried with everything else by one of each
//! kind of answer.
//!
//! Beside the answer, each cell shows that
//! * a share is given only to whom [`may_have`] names, and it is the one of the synced version;
//! * what is refused changes nothing in the store, and what is granted no more than it must;
//! * answers have TIP-500's fields and no others, but those to bound requests, which are signed.

use std::collections::{BTreeMap, BTreeSet};

use base64::{engine::general_purpose::STANDARD, Engine};
use codec::{DecodeAll, Encode};
use sp_crypto_hashing::blake2_256;
use tee_primitives::{
    authorisation::Role,
    keyshare::KeyshareStatus,
    packet::{
        answer::{GivenShare, Receipt},
        sealed,
    },
    Hash,
};

use super::*;
use crate::store::{Access, LogEntry};

use cells::{cells, Cell};
use dimensions::{
    Binding, Caller, Claim, Form, Operation, Replay, Seal, Section, Service, State, Stored, Token,
    Verb,
};
use requests::{account_of, pending_version, sent_share, Sent, ONE_TIME_SECRET};
use world::{Snapshot, World};

mod cells;
mod dimensions;
mod requests;
mod world;

const TABLE: &str = include_str!("security/table.txt");

/// Cells that are tried in the same world: snapshots take longer the more was stored.
const CELLS_OF_A_WORLD: usize = 64;

/// A section of the table: what is answered to each cell.
fn expected(section: Section) -> BTreeMap<&'static str, &'static str> {
    let mut answers = BTreeMap::new();
    let mut is_in_it = false;
    for line in TABLE.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            assert!(Section::ALL.iter().any(|it| it.to_string() == name), "no section: {name}");
            is_in_it = name == section.to_string();
            continue;
        }
        let (cell, answer) = line.split_once(" = ").unwrap_or_else(|| panic!("no cell: {line}"));
        if is_in_it {
            assert!(answers.insert(cell, answer).is_none(), "twice in the table: {cell}");
        }
    }
    answers
}

/// What the request is in the end that a cell is about.
fn asked(cell: &Cell) -> (Verb, KeyshareKind) {
    let (verb, kind) = (cell.operation.verb(), cell.operation.kind());
    match (cell.replay, kind) {
        (Replay::OtherKind, KeyshareKind::Secret) => (verb, KeyshareKind::Capsule),
        (Replay::OtherKind, KeyshareKind::Capsule) => (verb, KeyshareKind::Secret),
        (Replay::AsRemoval, _) => (Verb::RemoveSigned, kind),
        (Replay::AsRetrieval, _) => (Verb::Retrieve, kind),
        _ => (verb, kind),
    }
}

/// Whether the caller may have the share. It says so of cells alone, and knows nothing of how the
/// enclave decides: the role is truly held, the kind is synced, the enclave is in service, and what
/// was signed is this, now.
fn may_have(cell: &Cell) -> bool {
    let (verb, kind) = asked(cell);
    let holds_the_role = match (cell.claim, cell.caller) {
        // Whoever retrieves what was signed to remove claims to be the owner.
        (Some(Claim::Owner) | None, Caller::Owner) => {
            !matches!(cell.state, State::Absent | State::Burnt)
        }
        (Some(Claim::Delegatee), Caller::Delegatee) => cell.state == State::Delegated,
        (Some(Claim::Rentee), Caller::Rentee) => cell.state == State::Rented,
        _ => false,
    };
    let still_holds_it = !matches!(cell.replay, Replay::AfterLoss | Replay::AfterBurn);
    let is_synced = match cell.state {
        State::SecretSynced | State::CapsuleAdded => kind == KeyshareKind::Secret,
        State::CapsuleSynced | State::SecretAdded => kind == KeyshareKind::Capsule,
        State::HybridSynced
        | State::Updating
        | State::Listed
        | State::Delegated
        | State::Rented
        | State::RentOffered
        | State::RentOver
        | State::Elsewhere => true,
        State::Absent
        | State::Burnt
        | State::Plain
        | State::SecretSyncing
        | State::CapsuleSyncing
        | State::HybridSyncing => false,
    };
    // What a cluster holds is served also when it takes nothing new.
    let is_in_service = matches!(
        cell.service,
        Service::Public | Service::Private | Service::Admin | Service::Disabled
    );
    let is_now = matches!(
        cell.token,
        Token::Good | Token::Soonest | Token::Oldest | Token::Longest | Token::NoTime
    ) && cell.replay != Replay::AfterExpiry;
    // A bound request is good for one enclave and one kind; what was stored in one is for one.
    let is_for_this = match cell.form.is_bound() {
        true => {
            cell.binding == Binding::Good
                && !matches!(cell.replay, Replay::OtherEnclave | Replay::OtherKind)
        }
        false => cell.stored == Stored::Plain,
    };
    verb == Verb::Retrieve
        && holds_the_role
        && still_holds_it
        && is_synced
        && is_in_service
        && cell.seal == Seal::Good
        && cell.form.is_whole()
        && is_for_this
        && is_now
}

/// Whether the answer is signed: that to a request that is of the bound form, whatever else is wrong
/// with it.
fn is_signed(cell: &Cell) -> bool {
    let is_astray = cell.binding == Binding::OtherKind || cell.replay == Replay::OtherKind;
    cell.form.is_bound()
        && !(is_astray && is_readable(cell))
        && cell.binding != Binding::PlainData
        && matches!(asked(cell).0, Verb::Store | Verb::Retrieve)
}

/// Whether the data can be read, so that it names an NFT.
fn is_readable(cell: &Cell) -> bool {
    let is_written_otherwise =
        matches!(cell.binding, Binding::UpperHex | Binding::LeadingZero | Binding::LongShare);
    let is_another_string = cell.form.is_bound() && cell.replay == Replay::AsRemoval;
    cell.operation.verb() == Verb::Remove
        || cell.form.is_whole()
            && cell.token.is_readable()
            && !is_written_otherwise
            && !is_another_string
}

/// How a cell went.
struct Tried {
    cell: Cell,
    /// The HTTP status and the name.
    answer: String,
    problems: Vec<String>,
}

async fn try_cell(world: &mut World, cell: Cell) -> Tried {
    let mut nft_id = world.mint(cell.state, cell.stored).await;
    let mut sent = world.request(&cell, nft_id);
    let mut problems = Vec::new();
    if cell.replay != Replay::First {
        let first = world.send(&sent).await;
        // Of what is signed to remove, the first is refused where a share could be retrieved.
        if first.code != StatusCode::OK && cell.replay != Replay::AsRetrieval {
            problems.push(format!("what is repeated was refused: {}", first.body));
        }
        (nft_id, sent) = world.repeat(&cell, nft_id, sent).await;
    }
    let elsewhere;
    let world = match cell.replay {
        Replay::OtherEnclave => {
            elsewhere = world.other(&cell, nft_id).await;
            &elsewhere
        }
        _ => &*world,
    };
    let before = world.snapshot();
    let answer = world.send(&sent).await;
    let after = world.snapshot();
    let about = About { world, cell: &cell, nft_id, sent: &sent };
    about.check_fields(&answer, &mut problems);
    about.check_effects(&answer, &before, &after, &mut problems);
    if is_signed(&cell) && !about.signature_is_good(&answer) {
        problems.push(format!("not signed for this request: {}", answer.body));
    }
    let status = answer.body["status"].as_str().unwrap_or_default();
    Tried { cell, answer: format!("{} {status}", answer.code.as_u16()), problems }
}

/// What is looked at after a request.
struct About<'a> {
    world: &'a World,
    cell: &'a Cell,
    nft_id: NftId,
    sent: &'a Sent,
}

impl About<'_> {
    fn check_fields(&self, answer: &Answer, problems: &mut Vec<String>) {
        let Self { world, cell, nft_id, .. } = self;
        let is_given = answer.body["status"] == "RETRIEVESUCCESS";
        let mut fields = BTreeSet::from(["status", "nft_id", "enclave_account", "description"]);
        let is_receipt = is_signed(cell) && answer.body["status"] == "STORESUCCESS";
        fields.extend((is_given || is_receipt).then_some("keyshare_data"));
        fields.extend(is_signed(cell).then_some("signature"));
        let found = answer.body.as_object().unwrap().keys().map(String::as_str);
        if found.collect::<BTreeSet<_>>() != fields {
            problems.push(format!("other fields than TIP-500's: {}", answer.body));
        }
        let named = if is_readable(cell) { *nft_id } else { 0 };
        let account = world.enclave.context.account.address();
        if answer.body["nft_id"] != named || answer.body["enclave_account"] != account {
            problems.push(format!("of another NFT or enclave: {}", answer.body));
        }
        let is_refusal = !answer.code.is_success();
        let text = answer.body["description"].as_str().unwrap_or_default();
        if text.is_empty() || is_refusal && !text.starts_with("TEE Key-share ") {
            problems.push(format!("described as: {text}"));
        }
        let is_for_now = answer.code == StatusCode::SERVICE_UNAVAILABLE;
        if answer.headers.contains_key(header::RETRY_AFTER) != is_for_now {
            problems.push("when to try again is said to the wrong requests".into());
        }
        if is_given != (may_have(cell) && cell.state != State::Elsewhere) {
            problems.push(format!("given: {is_given}, to whom may have it: {}", may_have(cell)));
        }
    }

    fn check_effects(
        &self,
        answer: &Answer,
        before: &Snapshot,
        after: &Snapshot,
        problems: &mut Vec<String>,
    ) {
        let Self { world, cell, nft_id, .. } = self;
        let kind = asked(cell).1;
        let is_right = match answer.body["status"].as_str().unwrap_or_default() {
            "STORESUCCESS" => {
                if is_signed(cell) && !self.receipt_is_right(answer) {
                    problems.push(format!("another receipt: {}", answer.body));
                }
                match cell.replay {
                    Replay::First
                    | Replay::AfterRestart
                    | Replay::OtherKind
                    | Replay::OtherNft
                    | Replay::OtherEnclave => self.one_was_stored(before, after),
                    _ => before == after,
                }
            }
            "RETRIEVESUCCESS" => {
                let share = world.synced_share(*nft_id, kind).cloned().unwrap_or_default();
                let is_it = match is_signed(cell) {
                    true => self.given(answer).is_some_and(|given| given == share),
                    false => {
                        let data = format!("{nft_id}_{share}_{}_15", world.now());
                        answer.body["keyshare_data"] == data
                    }
                };
                if share.is_empty() || !is_it {
                    problems.push(format!("another share: {}", answer.body));
                }
                let log = Snapshot { log: after.log, ..before.clone() };
                log == *after && after.log.count == before.log.count + 1 && self.view_is_logged()
            }
            "REMOVESUCCESS" => {
                let mut rest = before.clone();
                let is_of_it =
                    |version: &VersionKey| version.nft_id == *nft_id && version.kind == kind;
                rest.records.retain(|held| !is_of_it(&held.key.version));
                rest.outbox.retain(|(_, key)| !is_of_it(&key.version));
                rest.unsynced.retain(|(version, _)| !is_of_it(version));
                rest.wanted.retain(|(version, _)| !is_of_it(version));
                rest == *after
            }
            // What somebody may have, and is not here, is to be fetched.
            "KEYNOTEXIST" => {
                let version = VersionKey { nft_id: *nft_id, kind, version: 1 };
                let mut wanted = before.clone();
                wanted.wanted.push((version, world.now()));
                wanted.wanted.sort();
                may_have(cell) && wanted == *after
            }
            _ => before == after,
        };
        if !is_right {
            problems.push(format!("the store is left as {after:?} and was {before:?}"));
        }
    }

    fn one_was_stored(&self, before: &Snapshot, after: &Snapshot) -> bool {
        let store = &self.world.enclave.context.store;
        let new: Vec<_> =
            after.records.iter().filter(|held| !before.records.contains(held)).collect();
        let [new] = new[..] else { return false };
        let VersionKey { nft_id, kind, .. } = new.key.version;
        let record = store.record(&new.key).unwrap().unwrap();
        after.records.len() == before.records.len() + 1
            && after.outbox.len() == before.outbox.len() + 1
            && after.outbox.last().unwrap().1 == new.key
            && after.unsynced.iter().any(|(version, _)| *version == new.key.version)
            && after.wanted == before.wanted
            && after.log.count == before.log.count + 1
            && (nft_id, kind) == (self.nft_id, asked(self.cell).1)
            && *record.share == *self.brought().as_bytes()
            && record.owner == account_of(self.cell.caller)
            && record.is_bound == self.cell.form.is_bound()
    }

    fn request_hash(&self) -> Hash {
        let fields: &[&str] = match asked(self.cell).0 {
            Verb::Store => &["owner_address", "signer_address", "signersig", "data", "signature"],
            _ => &["requester_address", "requester_type", "data", "signature"],
        };
        let fields: Vec<&str> =
            fields.iter().map(|field| self.sent.body[field].as_str().unwrap()).collect();
        blake2_256(&(b"TIP500-REQUEST/1", fields).encode())
    }

    fn signature_is_good(&self, answer: &Answer) -> bool {
        let field = |name: &str| answer.body[name].as_str();
        let Some(signature) = field("signature").and_then(|it| it.strip_prefix("0x")) else {
            return false;
        };
        let mut bytes = [0; 64];
        hex::decode_to_slice(signature, &mut bytes).unwrap();
        let (http, status) = (answer.code.as_u16(), field("status").unwrap());
        let nft_id = answer.body["nft_id"].as_u64().unwrap() as NftId;
        let content = (status, nft_id, field("keyshare_data"));
        let signed = blake2_256(&(b"TIP500-ANSWER/1", self.request_hash(), http, content).encode());
        let account = self.world.enclave.context.account.id();
        account::verify_bytes(&bytes, &signed, &account)
    }

    fn keyshare_data(answer: &Answer) -> Vec<u8> {
        STANDARD.decode(answer.body["keyshare_data"].as_str().unwrap_or_default()).unwrap()
    }

    /// The share in a sealed answer, if it is the one that the chain has the commitment of.
    fn given(&self, answer: &Answer) -> Option<String> {
        let (nft_id, kind) = (self.nft_id, asked(self.cell).1);
        let chain = &self.world.enclave.chain;
        let account = self.world.enclave.context.account.id();
        let info = (b"TIP500-GIVEN/1", account, self.request_hash()).encode();
        let opened = sealed::open(&ONE_TIME_SECRET, &info, &Self::keyshare_data(answer))?;
        let given = GivenShare::decode_all(&mut opened.as_slice()).ok()?;
        let status: KeyshareStatus = chain.get(&storage::keyshares(nft_id, kind))?;
        let synced = status.synced?;
        let committed = synced.commitments[SLOT as usize];
        let is_committed = [true, false]
            .into_iter()
            .any(|is_bound| committed == given.commitment(GENESIS, nft_id, kind, is_bound))
            && (given.version, given.slot_id) == (synced.version, SLOT)
            && given.decided_at == self.world.now();
        let share = String::from_utf8(given.share.clone()).ok()?;
        is_committed.then_some(share)
    }

    /// Whether the receipt is for what is held now.
    fn receipt_is_right(&self, answer: &Answer) -> bool {
        let receipt = Receipt::decode_all(&mut Self::keyshare_data(answer).as_slice()).unwrap();
        let Receipt { version, split, slot_id, commitment, decided_at } = receipt;
        let (nft_id, kind) = (self.nft_id, asked(self.cell).1);
        let key = RecordKey { version: VersionKey { nft_id, kind, version }, split };
        let record = self.world.enclave.context.store.record(&key).unwrap().unwrap();
        version == pending_version(self.cell.state)
            && commitment == record.commitment(GENESIS, &key)
            && *record.share == *self.brought().as_bytes()
            && (slot_id, decided_at) == (SLOT, self.world.now())
    }

    /// The share in the request.
    fn brought(&self) -> String {
        sent_share(self.nft_id)
    }

    fn view_is_logged(&self) -> bool {
        let log = self.world.enclave.context.store.log_of(self.nft_id, None, 100).unwrap();
        let Some((_, LogEntry::Viewed(Access { version, account, role, block, .. }))) = log.last()
        else {
            return false;
        };
        let claimed = match self.cell.claim {
            Some(Claim::Owner) | None => Role::Owner,
            Some(Claim::Delegatee) => Role::Delegatee,
            Some(Claim::Rentee) => Role::Rentee,
        };
        version.kind == asked(self.cell).1
            && *account == account_of(self.cell.caller)
            && *role == claimed
            && *block == self.world.now()
    }
}

/// Tries every cell of a section, and tells all that differ from the table at once.
async fn try_section(section: Section) {
    let expected = expected(section);
    let cells = cells(section);
    let mut differences = Vec::new();
    let mut given = 0;
    let mut world: Option<(Service, usize, World)> = None;
    for cell in &cells {
        let (_, tried, of_service) = match &mut world {
            Some(world) if world.0 == cell.service && world.1 < CELLS_OF_A_WORLD => world,
            _ => world.insert((cell.service, 0, World::start(cell.service).await)),
        };
        *tried += 1;
        let Tried { cell, answer, problems } = try_cell(of_service, *cell).await;
        given += usize::from(answer == "200 RETRIEVESUCCESS");
        let cell = cell.to_string();
        match expected.get(cell.as_str()) {
            Some(expected) if **expected == answer => (),
            Some(expected) => differences.push(format!("{cell} = {answer}, not {expected}")),
            None => differences.push(format!("{cell} = {answer}, and not in the table")),
        }
        differences.extend(problems.into_iter().map(|problem| format!("{cell}: {problem}")));
    }
    let names: BTreeSet<String> = cells.iter().map(Cell::to_string).collect();
    let untried = expected.keys().filter(|cell| !names.contains(**cell));
    differences.extend(untried.map(|cell| format!("{cell}: in the table, and not tried")));
    assert!(
        differences.is_empty(),
        "{} differences in {} cells of {section}:\n{}",
        differences.len(),
        cells.len(),
        differences.join("\n")
    );
    // A world in which nothing is given would show little.
    assert!(given > 0, "no share was given in {section}");
}

#[tokio::test]
async fn security_table_of_callers_and_states() {
    try_section(Section::Callers).await;
}

#[tokio::test]
async fn security_table_of_signatures_tokens_and_forms() {
    try_section(Section::Signatures).await;
}

#[tokio::test]
async fn security_table_of_the_enclaves_service() {
    try_section(Section::Services).await;
}

#[tokio::test]
async fn security_table_of_replays() {
    try_section(Section::Replays).await;
}

#[tokio::test]
async fn security_table_of_bound_requests() {
    try_section(Section::Bound).await;
}

/// As the table is: each name has one HTTP status, and every refusal that clients can cause by what
/// the table varies is in it.
#[test]
fn the_security_table_is_large_and_its_statuses_are_stable() {
    let mut codes: BTreeMap<&str, &str> = BTreeMap::new();
    let mut count = 0;
    for section in Section::ALL {
        for (cell, answer) in expected(*section) {
            let (code, name) = answer.split_once(' ').unwrap();
            assert_eq!(*codes.entry(name).or_insert(code), code, "{cell}");
            count += 1;
        }
    }
    assert!(count >= 3_000, "{count} cells");
    // Each value of a dimension is tried.
    let tried: Vec<Cell> = Section::ALL.iter().flat_map(|section| cells(*section)).collect();
    assert_eq!(tried.len(), count);
    let is_tried = |has: &dyn Fn(&Cell) -> bool| tried.iter().any(has);
    assert!(Caller::ALL.iter().all(|it| is_tried(&|cell| cell.caller == *it)));
    assert!(State::ALL.iter().all(|it| is_tried(&|cell| cell.state == *it)));
    assert!(Seal::ALL.iter().all(|it| is_tried(&|cell| cell.seal == *it)));
    assert!(Seal::ALL.iter().all(|it| is_tried(&|cell| cell.approval == *it)));
    assert!(Token::ALL.iter().all(|it| is_tried(&|cell| cell.token == *it)));
    assert!(Token::ALL.iter().all(|it| is_tried(&|cell| cell.approval_token == *it)));
    assert!(Replay::ALL.iter().all(|it| is_tried(&|cell| cell.replay == *it)));
    assert!(Service::ALL.iter().all(|it| is_tried(&|cell| cell.service == *it)));
    assert!(Binding::ALL.iter().all(|it| is_tried(&|cell| cell.binding == *it)));
    assert!(Form::ALL.iter().all(|it| is_tried(&|cell| cell.form == *it)));
    let operations = Operation::ALL.iter().map(|operation| format!("{operation} by "));
    for operation in operations {
        let granted = TABLE.lines().any(|line| {
            line.starts_with(&operation) && line.contains(" = 200 ") && line.ends_with("SUCCESS")
        });
        assert!(granted, "never granted: {operation}");
    }
    for status in Status::ALL {
        if let Some(code) = codes.remove(status.name()) {
            assert_eq!(code, status.code().as_str(), "{status:?}");
        }
    }
    let left: Vec<_> = codes.into_keys().collect();
    assert_eq!(left, ["REMOVESUCCESS", "RETRIEVESUCCESS", "STORESUCCESS"]);
}
