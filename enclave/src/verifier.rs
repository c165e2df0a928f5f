// SPDX-License-Identifier: Apache-2.0
//! Verification of sr25519 signatures, of several requests at once.
//!
//! Whether all of a batch are good costs about six tenths of asking for each. Nobody waits for a
//! batch to become full: whoever comes to the turn verifies what is there, its own and others'. If
//! one of a batch is bad, each is verified for itself: that changes no other's answer, but the batch
//! was in vain. So batches become smaller while bad signatures come ([`batch`]): those who send them
//! take the benefit of batches from others, and hardly more.
//!
//! What a request leaves behind that is given up costs nothing: it is thrown away, not verified.

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

mod batch;

use batch::BatchSize;

/// So many signatures may wait before those are looked for that nobody waits for any more.
const MANY: usize = 256;

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

impl Check {
    /// Whether the request that asked still waits.
    fn is_wanted(&self) -> bool {
        !self.answer.is_closed()
    }

    fn verify(self) -> (bool, oneshot::Sender<bool>) {
        (self.account.verify(self.message, &self.signature).is_ok(), self.answer)
    }
}

/// Verifies signatures.
pub struct Verifier {
    context: SigningContext,
    queue: Mutex<Queue>,
}

/// What waits, in the order in which it came.
struct Queue {
    checks: VecDeque<Check>,
    batch: BatchSize,
    /// At this length the queue is searched for what nobody waits for any more.
    search_at: usize,
}

impl Queue {
    /// Puts a signature at the end. At any time at most about twice as many are kept as somebody
    /// waits for.
    fn push(&mut self, check: Check) {
        if self.checks.len() >= self.search_at {
            self.checks.retain(Check::is_wanted);
            self.search_at = self.checks.len().saturating_mul(2).max(MANY);
        }
        self.checks.push_back(check);
    }

    /// Takes the next batch; empty if nothing waits.
    fn take(&mut self) -> Vec<Check> {
        let size = self.batch.size();
        let mut batch = Vec::with_capacity(size.min(self.checks.len()));
        while batch.len() < size {
            let Some(check) = self.checks.pop_front() else { break };
            if check.is_wanted() {
                batch.push(check);
            }
        }
        batch
    }
}

impl Default for Verifier {
    fn default() -> Self {
        let queue = Queue { checks: VecDeque::new(), batch: BatchSize::default(), search_at: MANY };
        Self { context: signing_context(CONTEXT), queue: Mutex::new(queue) }
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
        self.queue().push(Check { message, signature, account, answer });
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

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Verifies some of what waits; `false` if nothing does.
    fn verify_some(&self) -> bool {
        let batch = self.queue().take();
        let count = batch.len();
        if count == 0 {
            return false;
        }
        if count > 1 {
            let are_good = are_good(&batch);
            self.queue().batch.was(count, are_good);
            if are_good {
                for check in batch {
                    // Nobody waits any more if the request was given up.
                    let _ = check.answer.send(true);
                }
                return true;
            }
        }
        for check in batch {
            let (is_good, answer) = check.verify();
            if count == 1 {
                self.queue().batch.was(1, is_good);
            }
            let _ = answer.send(is_good);
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
mod tests;
