// SPDX-License-Identifier: Apache-2.0
//! The account's transactions: one after the other.
//!
//! One task owns the account's nonce. Who wants a transaction sent queues it and waits for what
//! becomes of it; the next one is sent when that is known. So what two parts of the enclave send
//! never races, and none of them keeps the other from its turn for longer than a transaction takes.

use std::sync::Arc;

use tee_primitives::Hash;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

use crate::chain::{Chain, ChainError, Head, Included, SubmitError};

/// Transactions that wait for their turn. Who comes when there are so many waits before the queue.
const QUEUE: usize = 8;

/// Which state's nonce a transaction has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Nonce {
    /// Of the state at which it was decided, even if that can no longer be included.
    Decided,
    /// Of the state at which it was decided, or of the account's last transaction if that is newer.
    Newest,
}

struct Request {
    call: Vec<u8>,
    at: Head,
    genesis_hash: Hash,
    nonce: Nonce,
    reply: oneshot::Sender<Result<Included, SubmitError>>,
}

/// Queues transactions.
#[derive(Clone, Debug)]
pub struct Submitter(mpsc::Sender<Request>);

impl Submitter {
    /// Starts the task. It ends when nobody can queue any more.
    pub fn start(chain: Arc<dyn Chain>) -> (Self, JoinHandle<()>) {
        let (sender, requests) = mpsc::channel(QUEUE);
        (Self(sender), tokio::spawn(run(chain, requests)))
    }

    /// Sends a call, which was decided at the finalized block `at`, and waits until it is in a
    /// finalized block.
    pub async fn submit(
        &self,
        call: Vec<u8>,
        at: Head,
        genesis_hash: Hash,
    ) -> Result<Included, SubmitError> {
        self.queue(call, at, genesis_hash, Nonce::Newest).await
    }

    /// The same, but of all the calls that are decided at one state, and sent like this, at most one
    /// is ever included: also when it is not known what became of one. Fails with
    /// [`SubmitError::Outdated`] where this cannot be promised: decide again then.
    pub async fn submit_once(
        &self,
        call: Vec<u8>,
        at: Head,
        genesis_hash: Hash,
    ) -> Result<Included, SubmitError> {
        self.queue(call, at, genesis_hash, Nonce::Decided).await
    }

    async fn queue(
        &self,
        call: Vec<u8>,
        at: Head,
        genesis_hash: Hash,
        nonce: Nonce,
    ) -> Result<Included, SubmitError> {
        let stopping = || ChainError::Unreachable("the enclave is stopping".into());
        let (reply, result) = oneshot::channel();
        let request = Request { call, at, genesis_hash, nonce, reply };
        self.0.send(request).await.map_err(|_| stopping())?;
        result.await.map_err(|_| stopping())?
    }
}

async fn run(chain: Arc<dyn Chain>, mut requests: mpsc::Receiver<Request>) {
    // The newest block that is known to hold a transaction of the account.
    let mut last: Option<Head> = None;
    while let Some(Request { call, at, genesis_hash, nonce, reply }) = requests.recv().await {
        if reply.is_closed() {
            continue;
        }
        let newer = last.filter(|last| last.number > at.number);
        let result = match (newer, nonce) {
            (Some(_), Nonce::Decided) => Err(SubmitError::Outdated),
            (newer, _) => chain.submit(call, newer.unwrap_or(at), genesis_hash).await,
        };
        if let Ok(included) = &result {
            last = Some(included.block);
        }
        // Nobody waits any more: what became of it is in the chain's state.
        let _ = reply.send(result);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::scripted::{Fate, Scripted, GENESIS, OWN};
    use tee_primitives::abi::calls;

    fn head(chain: &Scripted) -> Head {
        chain.heads().borrow().as_ref().unwrap().finalized
    }

    fn call() -> Vec<u8> {
        calls::confirm_keyshares(&[])
    }

    #[tokio::test]
    async fn f14_transactions_that_are_queued_together_are_included_one_after_the_other() {
        let chain = Scripted::at(10, &OWN);
        let (submitter, _task) = Submitter::start(chain.clone());
        let at = head(&chain);
        let results =
            futures::future::join_all((0..5).map(|_| submitter.submit(call(), at, GENESIS))).await;
        let blocks: Vec<_> = results.into_iter().map(|sent| sent.unwrap().block.number).collect();
        assert_eq!(blocks, [11, 12, 13, 14, 15]);
    }

    #[tokio::test]
    async fn of_what_was_decided_at_one_state_at_most_one_is_included() {
        let chain = Scripted::at(10, &OWN);
        let (submitter, _task) = Submitter::start(chain.clone());
        let at = head(&chain);
        submitter.submit_once(call(), at, GENESIS).await.unwrap();
        let again = submitter.submit_once(call(), at, GENESIS).await;
        assert_eq!(again, Err(SubmitError::Outdated));
        submitter.submit_once(call(), head(&chain), GENESIS).await.unwrap();

        // Included, but nobody knows: the nonce is used up.
        chain.fate(Fate::ReplyLost);
        let at = head(&chain);
        assert_eq!(submitter.submit_once(call(), at, GENESIS).await, Err(SubmitError::Timeout));
        chain.fate(Fate::Works);
        let again = submitter.submit_once(call(), at, GENESIS).await;
        assert!(matches!(again, Err(SubmitError::Refused(_))), "{again:?}");
        assert_eq!(chain.included(), 3);
    }

    #[tokio::test]
    async fn who_no_longer_waits_gets_nothing_sent_and_the_next_one_does() {
        let chain = Scripted::at(10, &OWN);
        let (submitter, _task) = Submitter::start(chain.clone());
        let at = head(&chain);
        // Nothing runs between queueing and dropping.
        let given_up = submitter.submit(call(), at, GENESIS);
        assert!(futures::FutureExt::now_or_never(given_up).is_none());
        submitter.submit(call(), at, GENESIS).await.unwrap();
        assert_eq!(chain.batches(), 1);
    }

    #[tokio::test]
    async fn without_the_task_it_is_an_error() {
        let chain = Scripted::at(10, &OWN);
        let at = head(&chain);
        let (submitter, task) = Submitter::start(chain);
        task.abort();
        let _ = task.await;
        let sent = submitter.submit(call(), at, GENESIS).await;
        assert!(matches!(sent, Err(SubmitError::Chain(ChainError::Unreachable(_)))));
    }
}
