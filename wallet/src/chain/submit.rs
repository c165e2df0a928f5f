// SPDX-License-Identifier: Apache-2.0
//! Signing and following a transaction.

use std::time::Duration;

use subxt::{
    config::substrate::SubstrateExtrinsicParamsBuilder,
    error::{BackendError, DispatchError, ExtrinsicError, RpcError, TransactionEventsError},
    extrinsics::ExtrinsicEvents,
    tx::{TransactionInBlock, TransactionProgress, TransactionStatus},
    SubstrateConfig,
};
use subxt_rpcs::UserError;
use subxt_signer::sr25519::Keypair;
use tee_primitives::{BlockNumber, Hash};
use tokio::time::{sleep, timeout_at, Instant};

use super::{
    bounded,
    calls::{self, Call},
    error::explain,
    Chain, ChainError,
};

/// Blocks for which a signed transaction can be included.
const MORTALITY: u64 = 64;

/// How often a transaction is signed anew when another one took its nonce.
const NONCE_ATTEMPTS: u32 = 5;

const NONCE_RETRY: Duration = Duration::from_millis(300);

type Client = subxt::client::OnlineClientAtBlockImpl<SubstrateConfig>;

/// How far a transaction is followed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WaitFor {
    /// It stands in the best block, which may still be replaced.
    Inclusion,
    /// Its block is final.
    Finality,
}

/// A transaction that succeeded.
#[derive(Debug)]
pub struct Included {
    /// The block's number.
    pub block_number: BlockNumber,
    /// The block's hash.
    pub block_hash: Hash,
    /// What it did.
    pub events: ExtrinsicEvents<SubstrateConfig>,
}

impl Included {
    /// The SCALE-encoded fields of its first event of this name.
    pub fn event(&self, pallet: &str, name: &str) -> Option<Vec<u8>> {
        self.events.iter().flatten().find_map(|event| {
            let found = event.pallet_name() == pallet && event.event_name() == name;
            found.then(|| event.field_bytes().to_vec())
        })
    }
}

impl Chain {
    /// Signs a call, submits it, and follows it until it has succeeded as far as `wait` says.
    ///
    /// Nonces continue after what the account has in the node's pool, so calls of one account can
    /// be submitted one after another without waiting. A call that cannot be submitted because
    /// another program used its nonce is signed again.
    ///
    /// After any error but [`ChainError::Unknown`] the call has done nothing.
    pub async fn submit(
        &self,
        call: &Call,
        signer: &Keypair,
        wait: WaitFor,
        limit: Duration,
    ) -> Result<Included, ChainError> {
        let deadline = Instant::now() + limit;
        let name = calls::name(call);
        let progress = self.submit_once_free(call, &name, signer).await?;
        let block = match timeout_at(deadline, follow(progress, &name, wait)).await {
            Ok(block) => block?,
            Err(_) => {
                let reason = format!("it was not included within {} seconds", limit.as_secs());
                return Err(ChainError::Unknown { call: name, reason });
            }
        };
        self.outcome(&block, name).await
    }

    /// Submits with the next free nonce; returns when the node has taken the transaction.
    async fn submit_once_free(
        &self,
        call: &Call,
        name: &str,
        signer: &Keypair,
    ) -> Result<TransactionProgress<SubstrateConfig, Client>, ChainError> {
        let account = signer.public_key().to_account_id();
        let _submitting = self.submitting.lock().await;
        let mut attempt = 1;
        loop {
            let nonce =
                bounded("the next nonce", self.rpc.system_account_next_index(&account)).await?;
            let params = SubstrateExtrinsicParamsBuilder::<SubstrateConfig>::new()
                .mortal(MORTALITY)
                .nonce(nonce)
                .build();
            let rejected = |reason| ChainError::Rejected { call: name.to_owned(), reason };
            let mut tx = bounded("the chain's state", self.client.tx()).await?;
            let signed = bounded("what signing needs", tx.create_signed(call, signer, params));
            let signed = signed.await.map_err(|error| rejected(error.to_string()))?;
            let error = match bounded("the node's consent", signed.submit_and_watch()).await {
                Ok(progress) => return Ok(progress),
                Err(error) => error,
            };
            let Some(refusal) = Refusal::of(&error) else {
                // The node may have taken it before the connection broke.
                let reason = error.to_string();
                return Err(ChainError::Unknown { call: name.to_owned(), reason });
            };
            if attempt == NONCE_ATTEMPTS || !refusal.nonce_was_taken() {
                return Err(rejected(refusal.reason));
            }
            attempt += 1;
            sleep(NONCE_RETRY).await;
        }
    }

    async fn outcome(
        &self,
        block: &TransactionInBlock<SubstrateConfig, Client>,
        call: String,
    ) -> Result<Included, ChainError> {
        let block_hash = block.block_hash().0;
        let events = match bounded("the transaction's events", block.wait_for_success()).await {
            Ok(events) => events,
            Err(error) => {
                return Err(match dispatch_error(&error) {
                    Some(reason) => ChainError::Failed { call, reason },
                    None => ChainError::Unknown { call, reason: error.to_string() },
                })
            }
        };
        let block_number = match self.block(block_hash).await {
            Ok(block) => block.number(),
            Err(error) => return Err(ChainError::Unknown { call, reason: error.to_string() }),
        };
        Ok(Included { block_number, block_hash, events })
    }

    /// What a `DispatchResult` in an event says, if it is a failure.
    pub async fn dispatch_failure(
        &self,
        at: Hash,
        result: &[u8],
    ) -> Result<Option<String>, ChainError> {
        let Some((1, error)) = result.split_first() else { return Ok(None) };
        let block = self.block(at).await?;
        let error = DispatchError::decode_from(error, block.client().metadata());
        Ok(Some(error.map_or_else(|error| error.to_string(), |error| explain(&error))))
    }
}

fn dispatch_error(error: &ChainError) -> Option<String> {
    let ChainError::Node { source, .. } = error else { return None };
    match source.as_ref() {
        subxt::Error::TransactionEventsError(TransactionEventsError::ExtrinsicFailed(error)) => {
            Some(explain(error))
        }
        _ => None,
    }
}

/// The node's answer that it did not take a transaction.
struct Refusal {
    code: i32,
    reason: String,
}

impl Refusal {
    const INVALID: i32 = 1010;
    const TEMPORARILY_BANNED: i32 = 1012;
    const ALREADY_IMPORTED: i32 = 1013;
    const TOO_LOW_PRIORITY: i32 = 1014;

    /// The refusal in an error; `None` if the node may have taken the transaction.
    fn of(error: &ChainError) -> Option<Self> {
        let ChainError::Node { source, .. } = error else { return None };
        let subxt::Error::ExtrinsicError(ExtrinsicError::ErrorSubmittingTransaction(
            BackendError::Rpc(RpcError::ClientError(subxt_rpcs::Error::User(answer))),
        )) = source.as_ref()
        else {
            return None;
        };
        Self::of_answer(answer)
    }

    fn of_answer(answer: &UserError) -> Option<Self> {
        // The node knows this very transaction: it is, or was, in its pool.
        if [Self::TEMPORARILY_BANNED, Self::ALREADY_IMPORTED].contains(&answer.code) {
            return None;
        }
        let mut reason = answer.message.clone();
        // What is wrong stands in the data, usually as a string.
        if let Some(data) = &answer.data {
            let text = serde_json::from_str(data.get()).unwrap_or_else(|_| data.to_string());
            reason = format!("{reason}: {text}");
        }
        Some(Self { code: answer.code, reason })
    }

    /// Whether another transaction used the nonce, in the chain or in the node's pool.
    fn nonce_was_taken(&self) -> bool {
        self.code == Self::TOO_LOW_PRIORITY
            || (self.code == Self::INVALID && self.reason.contains("outdated"))
    }
}

async fn follow(
    mut progress: TransactionProgress<SubstrateConfig, Client>,
    call: &str,
    wait: WaitFor,
) -> Result<TransactionInBlock<SubstrateConfig, Client>, ChainError> {
    let unknown = |reason: String| ChainError::Unknown { call: call.to_owned(), reason };
    while let Some(status) = progress.next().await {
        match status.map_err(|error| unknown(error.to_string()))? {
            TransactionStatus::InBestBlock(block) if wait == WaitFor::Inclusion => {
                return Ok(block)
            }
            TransactionStatus::InFinalizedBlock(block) => return Ok(block),
            TransactionStatus::Error { message }
            | TransactionStatus::Invalid { message }
            | TransactionStatus::Dropped { message } => return Err(unknown(message)),
            TransactionStatus::InBestBlock(_)
            | TransactionStatus::NoLongerInBestBlock
            | TransactionStatus::Validated
            | TransactionStatus::Broadcasted => (),
        }
    }
    Err(unknown(String::from("the node stopped reporting")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(code: i32, data: &str) -> UserError {
        let data = serde_json::value::to_raw_value(data).unwrap();
        UserError { code, message: String::from("Invalid Transaction"), data: Some(data) }
    }

    #[test]
    fn only_a_taken_nonce_makes_a_call_be_signed_again() {
        let again = |code, data| Refusal::of_answer(&answer(code, data)).unwrap().nonce_was_taken();
        assert!(again(1010, "Transaction is outdated"));
        assert!(again(1014, "The transaction has too low priority to replace another"));
        assert!(!again(1010, "Inability to pay some fees"));
        assert!(!again(1016, "The transaction couldn't enter the pool because of the limit"));
    }

    #[test]
    fn a_refusal_says_what_the_node_says() {
        let refusal = Refusal::of_answer(&answer(1010, "Inability to pay some fees")).unwrap();
        assert_eq!(refusal.reason, "Invalid Transaction: Inability to pay some fees");
    }

    #[test]
    fn a_transaction_that_the_node_may_have_is_not_reported_as_rejected() {
        for code in [1012, 1013] {
            assert!(Refusal::of_answer(&answer(code, "")).is_none());
        }
        let lost = subxt_rpcs::Error::DisconnectedWillReconnect(String::new());
        let lost = ExtrinsicError::ErrorSubmittingTransaction(lost.into());
        assert!(Refusal::of(&ChainError::node("", lost)).is_none());
        let refused = subxt_rpcs::Error::User(answer(1010, "Transaction is outdated"));
        let refused = ExtrinsicError::ErrorSubmittingTransaction(refused.into());
        assert!(Refusal::of(&ChainError::node("", refused)).is_some());
    }
}
