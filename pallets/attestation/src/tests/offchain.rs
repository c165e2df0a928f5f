// SPDX-License-Identifier: Apache-2.0
//! The off-chain worker, with the network played by the test.

use std::sync::Arc;

use codec::{Decode, Encode};
use frame_support::{assert_ok, storage::with_transaction, traits::Hooks};
use sp_core::offchain::{
    testing::{OffchainState, PendingRequest, PoolState, TestOffchainExt, TestTransactionPoolExt},
    OffchainDbExt, OffchainWorkerExt, TransactionPoolExt,
};
use sp_keystore::{testing::MemoryKeystore, KeystoreExt};
use sp_runtime::{offchain::storage::StorageValueRef, DispatchError, TransactionOutcome};
use tee_primitives::attestation::collateral::CollateralItem;
use tee_simulator::{Collateral, CollateralOptions, DEVELOPMENT_FMSPC};

use crate::{
    mock::*,
    offchain::{settings, KEY_TYPE},
    Attestations, Call,
};

const PCCS: &str = "http://pccs.example:8081";
const STANDARD: &str = "update=standard";
const URI: &str = "https://enclave.example:8000";

type Shared<T> = Arc<parking_lot::RwLock<T>>;

/// What answers the worker, and what it submits.
struct Net {
    state: Shared<OffchainState>,
    pool: Shared<PoolState>,
}

impl Net {
    /// The worker will ask for this, and nothing else before it.
    fn expect(&self, url: String, body: Vec<u8>, headers: &[(&str, &str)]) {
        self.state.write().expect_request(PendingRequest {
            method: "GET".into(),
            uri: url,
            sent: true,
            response: Some(body),
            response_headers: headers
                .iter()
                .map(|(name, value)| ((*name).into(), percent_encoded(value)))
                .collect(),
            ..Default::default()
        });
    }

    /// The worker will ask for everything that the chain has.
    fn expect_all(&self, collateral: &Collateral) {
        let url = |rest: &str| format!("{PCCS}/sgx/certification/v4/{rest}");
        let hex = hex::encode(&collateral.root_crl);
        self.expect(url("rootcacrl"), hex.into_bytes(), &[]);
        self.expect(
            url("pckcrl?ca=processor&encoding=der"),
            collateral.pck_crl.clone(),
            &[("sgx-pck-crl-issuer-chain", &collateral.pck_crl_issuer_chain)],
        );
        self.expect_identity(collateral, STANDARD);
        self.expect_tcb_info(collateral, STANDARD);
    }

    fn expect_identity(&self, collateral: &Collateral, update: &str) {
        self.expect(
            format!("{PCCS}/sgx/certification/v4/qe/identity?{update}"),
            signed("enclaveIdentity", &collateral.qe_identity, &collateral.qe_identity_signature),
            &[("SGX-Enclave-Identity-Issuer-Chain", &collateral.qe_identity_issuer_chain)],
        );
    }

    fn expect_tcb_info(&self, collateral: &Collateral, update: &str) {
        let fmspc = hex::encode_upper(DEVELOPMENT_FMSPC);
        self.expect(
            format!("{PCCS}/sgx/certification/v4/tcb?fmspc={fmspc}&{update}"),
            signed("tcbInfo", &collateral.tcb_info, &collateral.tcb_info_signature),
            &[("TCB-Info-Issuer-Chain", &collateral.tcb_info_issuer_chain)],
        );
    }

    /// The worker runs once. What it changes in the state is not kept.
    #[allow(clippy::unused_self, reason = "the worker asks and submits through it")]
    fn work(&self) {
        let worked: Result<(), DispatchError> = with_transaction(|| {
            Attestation::offchain_worker(System::block_number());
            TransactionOutcome::Rollback(Ok(()))
        });
        worked.unwrap();
    }

    /// Nothing of what was submitted gets into a block.
    fn lose(&self) -> usize {
        self.submitted().len()
    }

    /// What was submitted since the last call of this function.
    fn submitted(&self) -> Vec<Call<Test>> {
        self.pool
            .write()
            .transactions
            .drain(..)
            .map(|transaction| {
                let extrinsic = Extrinsic::decode(&mut transaction.as_slice()).unwrap();
                let RuntimeCall::Attestation(call) = extrinsic.function else {
                    panic!("a call of this pallet")
                };
                call
            })
            .collect()
    }

    /// All that was submitted is in a block.
    fn include(&self) -> Vec<Call<Test>> {
        let calls = self.submitted();
        for call in calls.clone() {
            assert_ok!(frame_support::traits::UnfilteredDispatchable::dispatch_bypass_filter(
                call,
                anybody()
            ));
        }
        calls
    }
}

fn percent_encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn signed(name: &str, json: &str, signature: &[u8; 64]) -> Vec<u8> {
    format!(r#"{{"{name}":{json},"signature":"{}"}}"#, hex::encode(signature)).into_bytes()
}

/// Runs a test on a chain with collateral as of the start.
fn with_worker(has_key: bool, test: impl FnOnce(&Net)) {
    let (offchain, state) = TestOffchainExt::new();
    let (transactions, pool) = TestTransactionPoolExt::new();
    let mut chain = new_chain();
    chain.register_extension(OffchainDbExt::new(offchain.clone()));
    chain.register_extension(OffchainWorkerExt::new(offchain));
    chain.register_extension(TransactionPoolExt::new(transactions));
    chain.register_extension(KeystoreExt::new(MemoryKeystore::new()));
    chain.execute_with(|| {
        if has_key {
            sp_io::crypto::sr25519_generate(KEY_TYPE, None);
        }
        submit_all(&collateral_of(START));
        StorageValueRef::persistent(settings::PCCS_URL).set(&PCCS.as_bytes().to_vec());
        test(&Net { state, pool });
    });
}

fn attested(number: u8, uri: &str) -> Enclave {
    let enclave = Enclave::new(number);
    enclave.attest().unwrap();
    let mut uris = Uris::get();
    uris.insert(enclave.account(), uri.as_bytes().to_vec());
    Uris::set(&uris);
    enclave
}

/// What the enclave answers now.
fn answer(enclave: &Enclave) -> Vec<u8> {
    let payload = enclave.payload();
    let mut data = enclave.quote(&payload).into_inner();
    payload.encode_to(&mut data);
    serde_json::to_vec(&serde_json::json!({
        "block_number": payload.block_number,
        "data": hex::encode(data),
        "signature": "0x",
    }))
    .unwrap()
}

#[test]
fn without_a_key_the_worker_does_nothing() {
    with_worker(false, |net| {
        pass(29 * DAY);
        net.work();
        assert!(net.submitted().is_empty());
    });
}

#[test]
fn fresh_collateral_is_left_alone() {
    with_worker(true, |net| {
        pass(14 * DAY);
        net.work();
        assert!(net.submitted().is_empty());
    });
}

#[test]
fn ageing_collateral_is_refreshed_before_it_expires() {
    with_worker(true, |net| {
        pass(25 * DAY);
        let fresh = collateral_of(now());
        net.expect_all(&fresh);
        net.work();
        let brought: Vec<CollateralItem> = net
            .include()
            .into_iter()
            .map(|call| match call {
                Call::submit_collateral { item } => item,
                other => panic!("collateral, and not {other:?}"),
            })
            .collect();
        let order = |item: &CollateralItem| item.encode()[0];
        let mut sorted = brought;
        sorted.sort_by_key(order);
        assert_eq!(sorted, items(&fresh));
        // Now there is nothing to do.
        pass(1);
        net.work();
        assert!(net.submitted().is_empty());
    });
}

#[test]
fn what_was_sent_is_waited_for() {
    with_worker(true, |net| {
        let enclave = attested(1, URI);
        pass(VALIDITY);
        let url = format!("{URI}/api/quote");
        net.expect(url.clone(), answer(&enclave), &[]);
        net.work();
        assert_eq!(net.lose(), 1);
        // It is not in a block yet.
        for _ in 0..9 {
            pass(1);
            net.work();
            assert!(net.submitted().is_empty());
        }
        // It was lost.
        pass(1);
        net.expect(url, answer(&enclave), &[]);
        net.work();
        assert_eq!(net.lose(), 1);
    });
}

#[test]
fn an_expiring_attestation_is_renewed() {
    with_worker(true, |net| {
        let enclave = attested(1, URI);
        let first = Attestations::<Test>::get(enclave.account()).unwrap();
        pass(VALIDITY / 2 - 10);
        net.work();
        assert!(net.submitted().is_empty(), "half of its time is left");
        pass(VALIDITY / 2 - 10);
        net.expect(format!("{URI}/api/quote"), answer(&enclave), &[]);
        net.work();
        assert_eq!(net.include().len(), 1);
        let renewed = Attestations::<Test>::get(enclave.account()).unwrap();
        assert!(renewed.expires_at > first.expires_at);
    });
}

#[test]
fn private_addresses_are_asked_only_with_the_flag() {
    with_worker(true, |net| {
        let enclave = attested(1, "http://127.0.0.1:8000");
        pass(VALIDITY);
        net.work();
        assert!(net.submitted().is_empty());
        StorageValueRef::persistent(settings::ALLOW_PRIVATE).set(&Vec::<u8>::new());
        net.expect("http://127.0.0.1:8000/api/quote".into(), answer(&enclave), &[]);
        net.work();
        assert_eq!(net.submitted().len(), 1);
    });
}

#[test]
fn what_the_chain_would_refuse_is_not_submitted() {
    with_worker(true, |net| {
        let enclave = attested(1, URI);
        let other = Enclave::new(2);
        let old = answer(&enclave);
        pass(VALIDITY);
        let mut broken = answer(&enclave);
        // A digit of the quote's signature.
        let digit = broken.iter().position(|byte| *byte == b'"').unwrap() + 2_000;
        broken[digit] = if broken[digit] == b'0' { b'1' } else { b'0' };
        for body in [
            b"".to_vec(),
            b"not json".to_vec(),
            br#"{"data":"zz"}"#.to_vec(),
            br#"{"data":""}"#.to_vec(),
            br#"{"data":"00"}"#.to_vec(),
            vec![b'1'; 20_000],
            answer(&other),
            old,
            broken,
        ] {
            net.expect(format!("{URI}/api/quote"), body, &[]);
            net.work();
            assert!(net.submitted().is_empty());
        }
    });
}

#[test]
fn a_service_that_answers_nonsense_changes_nothing() {
    with_worker(true, |net| {
        pass(25 * DAY);
        let fresh = collateral_of(now());
        let url = |rest: &str| format!("{PCCS}/sgx/certification/v4/{rest}");
        net.expect(url("rootcacrl"), b"nonsense".to_vec(), &[]);
        // No chain, a document that was changed, no document at all.
        net.expect(url("pckcrl?ca=processor&encoding=der"), fresh.pck_crl.clone(), &[]);
        let changed = fresh.qe_identity.replace("UpToDate", "OutOfDate");
        net.expect(
            url("qe/identity?update=standard"),
            signed("enclaveIdentity", &changed, &fresh.qe_identity_signature),
            &[("SGX-Enclave-Identity-Issuer-Chain", &fresh.qe_identity_issuer_chain)],
        );
        let fmspc = hex::encode_upper(DEVELOPMENT_FMSPC);
        net.expect(
            url(&format!("tcb?fmspc={fmspc}&update=standard")),
            b"{}".to_vec(),
            &[("TCB-Info-Issuer-Chain", &fresh.tcb_info_issuer_chain)],
        );
        net.work();
        assert!(net.submitted().is_empty());
    });
}

fn evaluated(issued: u64, evaluation_number: u32) -> Collateral {
    let options = CollateralOptions { evaluation_number, ..CollateralOptions::new(issued) };
    authority().collateral(&options)
}

/// TCB levels of an evaluation are brought, and the others refreshed so that nobody asks for them.
fn with_levels(number: u32, test: impl FnOnce(&Net, u32)) {
    with_worker(true, |net| {
        let first = CollateralOptions::new(START).evaluation_number;
        pass(20 * DAY);
        let [root_crl, pck_crl, _, identity] = items(&evaluated(now(), first));
        let [.., tcb_info, _] = items(&evaluated(START + 1, first + number));
        for item in [root_crl, pck_crl, identity, tcb_info] {
            assert_ok!(submit(item));
        }
        test(net, first);
    });
}

fn brought_levels(net: &Net) -> Vec<Vec<u8>> {
    let levels = |call| match call {
        Call::submit_collateral { item: CollateralItem::TcbInfo { json, .. } } => json.into_inner(),
        other => panic!("TCB levels, and not {other:?}"),
    };
    net.include().into_iter().map(levels).collect()
}

#[test]
fn where_the_standard_is_behind_the_evaluation_that_counts_is_asked_for() {
    with_levels(1, |net, first| {
        let id = tee_primitives::attestation::collateral::CollateralId::TcbInfo(DEVELOPMENT_FMSPC);
        assert_ok!(Attestation::enact_evaluation(RuntimeOrigin::root(), id));
        pass(5 * DAY);
        let fresh = evaluated(now(), first + 1);
        net.expect_tcb_info(&evaluated(now(), first), STANDARD);
        net.expect_tcb_info(&fresh, &format!("tcbEvaluationDataNumber={}", first + 1));
        net.work();
        assert_eq!(brought_levels(net), [fresh.tcb_info.into_bytes()]);
    });
}

/// Otherwise nobody could attest from when the old one expires until the new one counts.
#[test]
fn where_the_standard_is_ahead_both_are_brought() {
    with_levels(0, |net, first| {
        pass(5 * DAY);
        let (same, ahead) = (evaluated(now(), first), evaluated(now(), first + 2));
        net.expect_tcb_info(&ahead, STANDARD);
        net.expect_tcb_info(&same, &format!("tcbEvaluationDataNumber={first}"));
        net.work();
        let both = [same.tcb_info, ahead.tcb_info].map(String::into_bytes);
        assert_eq!(brought_levels(net), both);
        // Now one counts and one waits, and both are fresh.
        pass(1);
        net.work();
        assert!(net.submitted().is_empty());
        let levels = crate::TcbInfos::<Test>::get(DEVELOPMENT_FMSPC).unwrap();
        let waiting = levels.next.as_ref().map(|next| next.document.evaluation_number);
        assert_eq!((levels.current.evaluation_number, waiting), (first, Some(first + 2)));
    });
}

#[test]
fn a_document_that_waits_is_refreshed_too() {
    with_levels(0, |net, first| {
        let [.., tcb_info, _] = items(&evaluated(now(), first + 1));
        assert_ok!(submit(tcb_info));
        // What counts is refreshed by somebody.
        for days in [8, 12] {
            pass(days * DAY);
            let [root_crl, pck_crl, tcb_info, identity] = items(&evaluated(now(), first));
            for item in [root_crl, pck_crl, tcb_info, identity] {
                assert_ok!(submit(item));
            }
        }
        pass(5 * DAY);
        let fresh = evaluated(now(), first + 1);
        net.expect_tcb_info(&evaluated(now(), first), STANDARD);
        net.expect_tcb_info(&fresh, &format!("tcbEvaluationDataNumber={}", first + 1));
        net.work();
        assert_eq!(brought_levels(net), [fresh.tcb_info.into_bytes()]);
    });
}

#[test]
fn those_that_do_not_answer_do_not_keep_others_from_being_asked() {
    with_worker(true, |net| {
        let enclaves: Vec<_> = (1..=9)
            .map(|number| attested(number, &format!("https://enclave-{number}.example")))
            .collect();
        pass(VALIDITY);
        let mut asked = std::collections::BTreeSet::new();
        let order: Vec<_> = Attestations::<Test>::iter_keys().collect();
        for _ in 0..9 {
            pass(1);
            // In which order the worker asks follows from the block.
            let start = (System::block_number() as usize * 4) % order.len();
            for turn in 0..4 {
                let account = &order[(start + turn) % order.len()];
                let uri = String::from_utf8(Uris::get()[account].clone()).unwrap();
                net.expect(format!("{uri}/api/quote"), b"no quote".to_vec(), &[]);
                asked.insert(account.clone());
            }
            net.work();
            assert!(net.submitted().is_empty());
        }
        assert_eq!(asked.len(), enclaves.len());
    });
}
