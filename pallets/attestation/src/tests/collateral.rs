// SPDX-License-Identifier: Apache-2.0
//! Collateral: which document replaces which.

use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;
use tee_primitives::attestation::collateral::{CollateralId, CollateralItem, PckCa};
use tee_simulator::{Authority, CollateralOptions, DEVELOPMENT_FMSPC};

use crate::{mock::*, Error, Event, TcbInfos};

/// Collateral of an evaluation.
fn evaluated(issued: u64, evaluation_number: u32) -> [CollateralItem; 4] {
    let options = CollateralOptions { evaluation_number, ..CollateralOptions::new(issued) };
    items(&authority().collateral(&options))
}

fn default_number() -> u32 {
    CollateralOptions::new(START).evaluation_number
}

fn number_in_force() -> u32 {
    let known = TcbInfos::<Test>::get(DEVELOPMENT_FMSPC).unwrap();
    known.at(now()).evaluation_number
}

#[test]
fn the_first_collateral_is_taken_from_anybody() {
    new_chain().execute_with(|| {
        let [root_crl, pck_crl, tcb_info, qe_identity] = items(&collateral_of(START));
        for item in [&pck_crl, &tcb_info, &qe_identity] {
            assert_noop!(submit(item.clone()), Error::<Test>::RootCrlMissing);
        }
        for (item, id) in [
            (root_crl, CollateralId::RootCrl),
            (pck_crl, CollateralId::PckCrl(PckCa::Processor)),
            (tcb_info, CollateralId::TcbInfo(DEVELOPMENT_FMSPC)),
            (qe_identity, CollateralId::QeIdentity),
        ] {
            assert!(is_free(submit(item)));
            let [Event::CollateralUpdated { id: told, issued, expires }] = events()[..] else {
                panic!("one event")
            };
            assert_eq!((told, issued), (id, START));
            assert!(expires > START);
        }
    });
}

#[test]
fn who_has_no_account_cannot_bring_anything() {
    run(|| {
        let [item, ..] = items(&collateral_of(START));
        assert_noop!(
            Attestation::submit_collateral(RuntimeOrigin::none(), item),
            DispatchError::BadOrigin
        );
    });
}

#[test]
fn the_same_and_older_collateral_is_not_taken() {
    run(|| {
        for issued in [START - 3_600, START - 3_601, START - 20 * DAY] {
            for item in items(&collateral_of(issued)) {
                assert_noop!(submit(item), Error::<Test>::CollateralNotNewer);
            }
        }
    });
}

#[test]
fn newer_collateral_is_taken_and_free_when_it_was_due() {
    run(|| {
        for item in items(&collateral_of(START)) {
            assert!(!is_free(submit(item)), "the known one is an hour old");
        }
        pass(16 * DAY);
        for item in items(&collateral_of(now())) {
            assert!(is_free(submit(item)), "more than half of its time has passed");
        }
    });
}

#[test]
fn collateral_of_another_root_is_not_taken() {
    run(|| {
        let mallory = Authority::from_seed([9; 32]).collateral(&CollateralOptions::new(START));
        let [root_crl, pck_crl, tcb_info, qe_identity] = items(&mallory);
        assert_noop!(submit(root_crl), Error::<Test>::CrlSignatureInvalid);
        for item in [pck_crl, tcb_info, qe_identity] {
            assert_noop!(submit(item), Error::<Test>::CertificateChainUntrusted);
        }
    });
}

#[test]
fn collateral_of_the_past_and_of_the_future_is_not_taken() {
    run(|| {
        let [root_crl, pck_crl, tcb_info, qe_identity] = items(&collateral_of(START + DAY));
        for item in [root_crl, pck_crl] {
            assert_noop!(submit(item), Error::<Test>::CrlNotYetValid);
        }
        for item in [tcb_info, qe_identity] {
            assert_noop!(submit(item), Error::<Test>::CollateralNotYetValid);
        }
        pass(60 * DAY);
        let [fresh_root_crl, ..] = items(&collateral_of(now()));
        assert_ok!(submit(fresh_root_crl));
        let [root_crl, pck_crl, tcb_info, qe_identity] = items(&collateral_of(START + DAY));
        for item in [root_crl, pck_crl] {
            assert_noop!(submit(item), Error::<Test>::CrlExpired);
        }
        for item in [tcb_info, qe_identity] {
            assert_noop!(submit(item), Error::<Test>::CollateralExpired);
        }
    });
}

#[test]
fn a_higher_evaluation_waits_for_the_grace_period() {
    run(|| {
        let first = default_number();
        let [.., tcb_info, qe_identity] = evaluated(START, first + 1);
        let acts_from = START + GRACE;
        for (item, id) in [
            (tcb_info, CollateralId::TcbInfo(DEVELOPMENT_FMSPC)),
            (qe_identity, CollateralId::QeIdentity),
        ] {
            assert!(is_free(submit(item)));
            assert_eq!(
                events(),
                [Event::EvaluationWaiting { id, evaluation_number: first + 1, acts_from }]
            );
        }
        assert_eq!(number_in_force(), first);
        // The evaluation in force is refreshed meanwhile, and so is the one that waits, which does
        // not wait longer for it.
        pass(20 * DAY);
        let [root_crl, _, tcb_info, _] = evaluated(now(), first);
        assert_ok!(submit(root_crl));
        assert_ok!(submit(tcb_info));
        let [.., tcb_info, _] = evaluated(now(), first + 1);
        assert_ok!(submit(tcb_info));
        pass(10 * DAY - 1);
        assert_eq!(number_in_force(), first);
        pass(1);
        assert_eq!(number_in_force(), first + 1);
        // From now on the old one cannot come back.
        let [.., tcb_info, _] = evaluated(now(), first);
        assert_noop!(submit(tcb_info), Error::<Test>::EvaluationTooLow);
        let [.., tcb_info, _] = evaluated(now(), first + 1);
        assert_ok!(submit(tcb_info));
    });
}

#[test]
fn only_one_evaluation_waits_at_a_time() {
    run(|| {
        let first = default_number();
        let [.., tcb_info, _] = evaluated(START, first + 1);
        assert_ok!(submit(tcb_info));
        let [.., tcb_info, _] = evaluated(START, first + 2);
        assert_noop!(submit(tcb_info), Error::<Test>::AnotherEvaluationIsWaiting);
        let [.., tcb_info, _] = evaluated(START, first + 1);
        assert_noop!(submit(tcb_info), Error::<Test>::CollateralNotNewer);
    });
}

#[test]
fn governance_lets_a_higher_evaluation_count_at_once() {
    run(|| {
        let first = default_number();
        let id = CollateralId::TcbInfo(DEVELOPMENT_FMSPC);
        let enact = |id| Attestation::enact_evaluation(RuntimeOrigin::root(), id);
        for nothing in [id, CollateralId::QeIdentity, CollateralId::RootCrl] {
            assert_noop!(enact(nothing), Error::<Test>::NothingIsWaiting);
        }
        let [.., tcb_info, qe_identity] = evaluated(START, first + 1);
        assert_ok!(submit(tcb_info));
        assert_ok!(submit(qe_identity));
        assert_noop!(Attestation::enact_evaluation(anybody(), id), DispatchError::BadOrigin);
        events();
        assert_ok!(enact(id));
        assert_eq!(events(), [Event::EvaluationEnacted { id, evaluation_number: first + 1 }]);
        assert_ok!(enact(CollateralId::QeIdentity));
        assert_eq!(number_in_force(), first + 1);
        assert_noop!(enact(id), Error::<Test>::NothingIsWaiting);
    });
}

/// Nobody is served by a number that has expired: the higher one takes its place before its time.
#[test]
fn a_higher_evaluation_counts_at_once_where_the_current_one_has_expired() {
    run(|| {
        let first = default_number();
        pass(25 * DAY);
        let [root_crl, _, tcb_info, _] = evaluated(now(), first + 1);
        assert_ok!(submit(root_crl));
        assert_ok!(submit(tcb_info));
        assert_eq!(number_in_force(), first);
        pass(10 * DAY);
        assert_eq!(number_in_force(), first + 1);
        // Also one that comes only now.
        pass(30 * DAY);
        let [.., tcb_info, _] = evaluated(now(), first + 3);
        assert_ok!(submit(tcb_info));
        assert_eq!(number_in_force(), first + 3);
    });
}

/// A document that waits and is forgotten by everybody does not put one that counts out of force.
#[test]
fn an_expired_document_never_begins_to_count() {
    run(|| {
        let first = default_number();
        let [.., tcb_info, _] = evaluated(START - 20 * DAY, first + 1);
        assert_ok!(submit(tcb_info));
        pass(20 * DAY);
        let [root_crl, _, tcb_info, _] = evaluated(now(), first);
        assert_ok!(submit(root_crl));
        assert_ok!(submit(tcb_info));
        pass(20 * DAY);
        assert_eq!(number_in_force(), first);
        let id = CollateralId::TcbInfo(DEVELOPMENT_FMSPC);
        assert_noop!(
            Attestation::enact_evaluation(RuntimeOrigin::root(), id),
            Error::<Test>::NothingIsWaiting
        );
        // And it does not keep a third one from waiting.
        let [.., tcb_info, _] = evaluated(now(), first + 2);
        assert_ok!(submit(tcb_info));
    });
}

/// Otherwise the first to bring the levels of a new type of platform could choose the oldest that
/// Intel still serves, under which an unpatched machine is up to date.
#[test]
fn the_first_levels_are_not_of_an_older_evaluation_than_what_is_known() {
    run(|| {
        let first = default_number();
        let of = |number| {
            let options = CollateralOptions {
                evaluation_number: number,
                fmspc: [9; 6],
                ..CollateralOptions::new(START)
            };
            let [.., tcb_info, _] = items(&authority().collateral(&options));
            tcb_info
        };
        assert_noop!(submit(of(first - 1)), Error::<Test>::EvaluationTooLow);
        crate::Policy::<Test>::mutate(|policy| policy.min_evaluation_number = first + 2);
        assert_noop!(submit(of(first)), Error::<Test>::EvaluationTooLow);
        assert_noop!(submit(of(first + 1)), Error::<Test>::EvaluationTooLow);
        assert_ok!(submit(of(first + 2)));
        // What is below governance's demand gives its place up at once.
        let [.., tcb_info, _] = evaluated(START, first + 2);
        assert_ok!(submit(tcb_info));
        assert_eq!(number_in_force(), first + 2);
    });
}

/// Somebody who has kept documents of many days cannot bring them one after the other for free.
#[test]
fn what_will_soon_be_old_is_not_free() {
    run(|| {
        pass(25 * DAY);
        for item in items(&collateral_of(START + DAY)) {
            assert!(!is_free(submit(item)));
        }
        for item in items(&collateral_of(now())) {
            assert!(is_free(submit(item)));
        }
    });
}
