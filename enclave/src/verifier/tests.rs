// SPDX-License-Identifier: Apache-2.0

use std::sync::Arc;

use futures::future::join_all;
use subxt_signer::sr25519::{dev, Keypair};

use super::{batch::MAX_BATCH, *};
use crate::account;

fn signed(pair: &Keypair, message: &str) -> ([u8; 64], String, RawAccountId) {
    (pair.sign(message.as_bytes()).0, message.into(), pair.public_key().0)
}

async fn verify(
    verifier: &Verifier,
    (signature, message, account): &([u8; 64], String, RawAccountId),
) -> bool {
    let is_good = verifier.verify(signature, message, account).await;
    assert_eq!(is_good, account::verify(signature, message, account));
    is_good
}

#[test]
fn a_batch_is_good_if_all_of_it_is() {
    let context = signing_context(CONTEXT);
    let check = |pair: &Keypair, message: &str, signed: &str| Check {
        message: context.bytes(message.as_bytes()),
        signature: Signature::from_bytes(&pair.sign(signed.as_bytes()).0).unwrap(),
        account: PublicKey::from_bytes(&pair.public_key().0).unwrap(),
        answer: oneshot::channel().0,
    };
    let mut batch: Vec<_> = (0..MAX_BATCH)
        .map(|index| check(&dev::alice(), &format!("{index}"), &format!("{index}")))
        .collect();
    assert!(are_good(&batch));
    batch[7] = check(&dev::alice(), "another", "7");
    assert!(!are_good(&batch));
}

/// As many at a time as a batch takes, fewer, and more.
#[tokio::test]
async fn each_of_a_batch_gets_its_own_answer() {
    let verifier = Verifier::default();
    for count in [1, 2, MAX_BATCH - 1, MAX_BATCH, MAX_BATCH + 1, 5 * MAX_BATCH] {
        let good: Vec<_> =
            (0..count).map(|index| signed(&dev::alice(), &format!("{index}"))).collect();
        let answers = join_all(good.iter().map(|it| verify(&verifier, it))).await;
        assert_eq!(answers, vec![true; count]);
        for bad in [0, count / 2, count - 1] {
            let mut some = good.clone();
            match bad % 4 {
                0 => some[bad].1.push('x'),
                1 => some[bad].2 = dev::bob().public_key().0,
                2 => some[bad].0[40] ^= 1,
                _ => some[bad].0 = signed(&dev::bob(), &some[bad].1).0,
            }
            let answers = join_all(some.iter().map(|it| verify(&verifier, it))).await;
            let expected: Vec<bool> = (0..count).map(|index| index != bad).collect();
            assert_eq!(answers, expected);
        }
    }
    assert!(verifier.queue().checks.is_empty());
}

#[tokio::test]
async fn what_is_no_signature_or_no_account_is_refused() {
    let verifier = Verifier::default();
    let (signature, message, account) = signed(&dev::alice(), "message");
    assert!(verifier.verify(&signature, &message, &account).await);
    assert!(!verifier.verify(&[0; 64], &message, &account).await);
    assert!(!verifier.verify(&[0xff; 64], &message, &account).await);
    assert!(!verifier.verify(&signature, &message, &[0xff; 32]).await);
}

/// Two bad signatures whose errors cancel each other out if both count alike.
#[tokio::test]
async fn two_that_are_bad_do_not_make_up_for_each_other() {
    let verifier = Verifier::default();
    let (mut first, mut second) = (signed(&dev::alice(), "1"), signed(&dev::alice(), "2"));
    first.0[32] = first.0[32].wrapping_add(1);
    second.0[32] = second.0[32].wrapping_sub(1);
    let answers = tokio::join!(verify(&verifier, &first), verify(&verifier, &second));
    assert_eq!(answers, (false, false));
}

/// Requests that are given up leave no one waiting.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_that_are_given_up_hold_up_nobody() {
    let verifier = Arc::new(Verifier::default());
    let tasks: Vec<_> = (0..200)
        .map(|index| {
            let verifier = verifier.clone();
            let task = tokio::spawn(async move {
                verify(&verifier, &signed(&dev::alice(), &format!("{index}"))).await
            });
            if index % 3 == 0 {
                task.abort();
            }
            task
        })
        .collect();
    for (index, task) in tasks.into_iter().enumerate() {
        match task.await {
            Ok(is_good) => assert!(is_good),
            Err(error) => assert!(error.is_cancelled() && index % 3 == 0, "{error}"),
        }
    }
}

/// Bad ones make batches smaller, and good ones make them large again.
#[tokio::test]
async fn a_flood_of_bad_signatures_ends_batches_until_it_is_over() {
    let verifier = Verifier::default();
    let mut bad = signed(&dev::alice(), "message");
    bad.1.push('x');
    let answers = join_all((0..200).map(|_| verify(&verifier, &bad))).await;
    assert_eq!(answers, vec![false; 200]);
    assert_eq!(verifier.queue().batch.size(), 1);
    let good = signed(&dev::alice(), "message");
    while verifier.queue().batch.size() < MAX_BATCH {
        let answers = join_all((0..64).map(|_| verify(&verifier, &good))).await;
        assert_eq!(answers, vec![true; 64]);
    }
}

/// Requests that are given up while they wait leave nothing to verify, and do not fill the queue.
#[tokio::test]
async fn what_is_given_up_is_thrown_away() {
    let verifier = Verifier::default();
    let good = signed(&dev::alice(), "message");
    for _ in 0..10 * MANY {
        let mut given_up = Box::pin(verify(&verifier, &good));
        assert!(futures::poll!(&mut given_up).is_pending());
        drop(given_up);
        assert!(verifier.queue().checks.len() <= MANY);
    }
    assert!(verifier.queue().checks.iter().all(|check| !check.is_wanted()));
    assert!(!verifier.verify_some());
    assert!(verifier.queue().checks.is_empty());
    assert!(verify(&verifier, &good).await);
}

/// Those who still wait lose nothing when the queue is searched for those who do not.
#[tokio::test]
async fn those_who_wait_keep_their_place() {
    let verifier = Verifier::default();
    let good: Vec<_> =
        (0..3 * MANY).map(|index| signed(&dev::alice(), &format!("{index}"))).collect();
    let answers = join_all(good.iter().map(|it| verify(&verifier, it)));
    tokio::pin!(answers);
    assert!(futures::poll!(&mut answers).is_pending());
    assert_eq!(answers.await, vec![true; good.len()]);
}
