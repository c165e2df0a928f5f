// SPDX-License-Identifier: Apache-2.0
//! Verification of sr25519 signatures, of several requests at once.
//!
//! Whether all of a batch are good costs about six tenths of asking for each. Nobody waits for a
//! batch to become full: whoever comes to the turn verifies what is there, its own and others'. If
//! one of a batch is bad, each is verified for itself; so bad signatures cost their verification, and
//! at most once more that of the good ones beside them, and change no other's answer.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use merlin::Transcript;
use schnorrkel::{context::SigningContext, signing_context, verify_batch, PublicKey, Signature};
use tee_primitives::RawAccountId;
use tokio::{
    sync::oneshot::{self, error::TryRecvError},
    task,
};

/// Signatures that are verified at once: more cost hardly less each, and take their thread longer.
const MAX_BATCH: usize = 16;

/// The context in which accounts of Substrate sign.
const CONTEXT: &[u8] = b"substrate";

/// A signature that waits.
struct Check {
    /// What was signed, as far as it goes into the signature.
    message: Transcript,
    signature: Signature,
    account: PublicKey,
    answer: oneshot::Sender<bool>,
}

/// Verifies signatures.
pub struct Verifier {
    context: SigningContext,
    /// Hardly longer than there are requests at the same time: what a request leaves behind that is
    /// given up, the next one verifies.
    waiting: Mutex<VecDeque<Check>>,
}

impl Default for Verifier {
    fn default() -> Self {
        Self { context: signing_context(CONTEXT), waiting: Mutex::default() }
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier")
    }
}

impl Verifier {
    /// Whether `account` signed exactly `message`.
    pub async fn verify(
        &self,
        signature: &[u8; 64],
        message: &str,
        account: &RawAccountId,
    ) -> bool {
        let Ok(signature) = Signature::from_bytes(signature) else { return false };
        let Ok(account) = PublicKey::from_bytes(account) else { return false };
        let message = self.context.bytes(message.as_bytes());
        let (answer, mut answered) = oneshot::channel();
        self.waiting().push_back(Check { message, signature, account, answer });
        loop {
            // Requests that are ready to run add theirs, and others than this one have their turn.
            task::yield_now().await;
            match answered.try_recv() {
                Ok(is_good) => return is_good,
                Err(TryRecvError::Closed) => return false,
                // Nothing waits, so another request has taken this one's.
                Err(TryRecvError::Empty) if !self.verify_some() => {
                    return answered.await.unwrap_or(false);
                }
                Err(TryRecvError::Empty) => (),
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Check>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Verifies some of what waits; `false` if nothing does.
    fn verify_some(&self) -> bool {
        let batch: Vec<Check> = {
            let mut waiting = self.waiting();
            let count = waiting.len().min(MAX_BATCH);
            waiting.drain(..count).collect()
        };
        if batch.is_empty() {
            return false;
        }
        let all_are_good = batch.len() > 1 && are_good(&batch);
        for check in batch {
            let is_good =
                all_are_good || check.account.verify(check.message, &check.signature).is_ok();
            // Nobody waits any more if the request was given up.
            let _ = check.answer.send(is_good);
        }
        true
    }
}

/// Whether every signature of a batch is good.
fn are_good(batch: &[Check]) -> bool {
    let messages = batch.iter().map(|check| check.message.clone());
    let signatures: Vec<Signature> = batch.iter().map(|check| check.signature).collect();
    let accounts: Vec<PublicKey> = batch.iter().map(|check| check.account).collect();
    verify_batch(messages, &signatures, &accounts, false).is_ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures::future::join_all;
    use subxt_signer::sr25519::{dev, Keypair};

    use super::*;
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
        assert!(verifier.waiting().is_empty());
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
}
