// SPDX-License-Identifier: Apache-2.0
//! Signing and following a transaction.

use std::time::Duration;

use subxt::{
    config::substrate::SubstrateExtrinsicParamsBuilder,
    error::{BackendError, DispatchError, ExtrinsicError, RpcError, TransactionEventsError},
    extrinsics::ExtrinsicEvents,
    tx::{TransactionInBlock, TransactionProgress, TransactionStatus},
    utils::H256,
    SubstrateConfig,
};
use subxt_rpcs::UserError;
use subxt_signer::sr25519::Keypair;
use tee_primitives::{BlockNumber, Hash};
use tokio::{
    time::{sleep, timeout_at, Instant},
    try_join,
};

use super::{
    bounded,
    calls::{self, Call},
    error::explain,
    Chain, ChainBlock, ChainError,
};

/// Blocks for which a signed transaction can be included.
const MORTALITY: u64 = 64;

/// How often a transaction is signed before it is given up, because another one took its nonce or
/// the runtime changed.
const ATTEMPTS: u32 = 5;

const RETRY: Duration = Duration::from_millis(300);

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
        self.events(pallet, name).next()
    }

    /// The fields of all its events of a kind, encoded, in order.
    pub fn events<'a>(
        &'a self,
        pallet: &'a str,
        name: &'a str,
    ) -> impl Iterator<Item = Vec<u8>> + 'a {
        self.events.iter().flatten().filter_map(move |event| {
            let found = event.pallet_name() == pallet && event.event_name() == name;
            found.then(|| event.field_bytes().to_vec())
        })
    }
}

/// What a signature is for: a transaction that is signed for one runtime is invalid under another.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct RuntimeVersion {
    spec: u32,
    transaction: u32,
}

impl RuntimeVersion {
    /// The runtime that checks transactions on top of a block.
    fn after(block: &ChainBlock) -> Self {
        let block = block.client();
        Self { spec: block.spec_version(), transaction: block.transaction_version() }
    }
}

/// A transaction that the node has taken.
struct Sent {
    progress: TransactionProgress<SubstrateConfig, Client>,
    nonce: u64,
    runtime: RuntimeVersion,
}

impl Chain {
    /// Signs a call, submits it, and follows it until it has succeeded as far as `wait` says.
    ///
    /// Nonces continue after what the account has in the node's pool, so calls of one account can
    /// be submitted one after another without waiting. A call that cannot be submitted because
    /// another program used its nonce is signed again.
    ///
    /// It is signed for the runtime of the best block, which is what the node checks it with, and
    /// again if the runtime is upgraded meanwhile. Once the node has taken it, it keeps its nonce:
    /// however often it is signed, the chain can include it once.
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
        let unknown = |reason| ChainError::Unknown { call: name.clone(), reason };
        let mut sent = self.send(call, &name, signer, None).await?;
        let mut attempt = 1;
        loop {
            let followed = timeout_at(deadline, follow(sent.progress, wait)).await;
            let reason = match followed {
                Ok(Followed::Included(block)) => return self.outcome(&block, name).await,
                Ok(Followed::Lost(reason)) => return Err(unknown(reason)),
                Ok(Followed::Invalid(reason)) => reason,
                Err(_) => {
                    let reason = format!("it was not included within {} seconds", limit.as_secs());
                    return Err(unknown(reason));
                }
            };
            if attempt == ATTEMPTS || !self.is_other_runtime(sent.runtime).await {
                return Err(unknown(reason));
            }
            attempt += 1;
            sleep(RETRY).await;
            // Some fork may hold what was sent before, also if the node refuses what replaces it.
            sent = self
                .send(call, &name, signer, Some(sent.nonce))
                .await
                .map_err(|error| unknown(format!("{reason}; signed anew: {error}")))?;
        }
    }

    /// Submits with this nonce, or with the next free one; returns when the node has taken the
    /// transaction.
    async fn send(
        &self,
        call: &Call,
        name: &str,
        signer: &Keypair,
        kept_nonce: Option<u64>,
    ) -> Result<Sent, ChainError> {
        let account = signer.public_key().to_account_id();
        let _submitting = self.submitting.lock().await;
        let mut attempt = 1;
        loop {
            let nonce = match kept_nonce {
                Some(nonce) => nonce,
                None => {
                    bounded("the next nonce", self.rpc.system_account_next_index(&account)).await?
                }
            };
            let (finalized, best) = try_join!(self.finalized(), self.best())?;
            let runtime = RuntimeVersion::after(&best);
            // Begins at a block that no fork replaces: the transaction would be invalid with it.
            let params = SubstrateExtrinsicParamsBuilder::<SubstrateConfig>::new()
                .mortal_from_unchecked(MORTALITY, finalized.number().into(), H256(finalized.hash()))
                .nonce(nonce)
                .build();
            let rejected = |reason| ChainError::Rejected { call: name.to_owned(), reason };
            let signed = best
                .client()
                .tx()
                .create_signable_offline(call, params)
                .and_then(|mut transaction| transaction.sign(signer))
                .map_err(|error| rejected(error.to_string()))?;
            let error = match bounded("the node's consent", signed.submit_and_watch()).await {
                Ok(progress) => return Ok(Sent { progress, nonce, runtime }),
                Err(error) => error,
            };
            let Some(refusal) = Refusal::of(&error) else {
                // The node may have taken it before the connection broke.
                let reason = error.to_string();
                return Err(ChainError::Unknown { call: name.to_owned(), reason });
            };
            let can_pass = if refusal.nonce_was_taken() {
                kept_nonce.is_none()
            } else {
                self.is_other_runtime(runtime).await
            };
            if attempt == ATTEMPTS || !can_pass {
                return Err(rejected(refusal.reason));
            }
            attempt += 1;
            sleep(RETRY).await;
        }
    }

    /// Whether the runtime is another one than a transaction was signed for, or is being upgraded:
    /// the node's pool follows the best block with a delay.
    async fn is_other_runtime(&self, signed_for: RuntimeVersion) -> bool {
        let heads = try_join!(self.finalized(), self.best());
        heads.is_ok_and(|(finalized, best)| {
            [finalized, best].iter().any(|head| RuntimeVersion::after(head) != signed_for)
        })
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

/// What became of a transaction that the node had taken.
enum Followed {
    Included(TransactionInBlock<SubstrateConfig, Client>),
    /// The node found it invalid; why.
    Invalid(String),
    /// The node follows it no longer; why.
    Lost(String),
}

async fn follow(
    mut progress: TransactionProgress<SubstrateConfig, Client>,
    wait: WaitFor,
) -> Followed {
    while let Some(status) = progress.next().await {
        match status {
            Ok(TransactionStatus::InBestBlock(block)) if wait == WaitFor::Inclusion => {
                return Followed::Included(block)
            }
            Ok(TransactionStatus::InFinalizedBlock(block)) => return Followed::Included(block),
            Ok(TransactionStatus::Invalid { message }) => return Followed::Invalid(message),
            Ok(TransactionStatus::Error { message } | TransactionStatus::Dropped { message }) => {
                return Followed::Lost(message)
            }
            Err(error) => return Followed::Lost(error.to_string()),
            Ok(
                TransactionStatus::InBestBlock(_)
                | TransactionStatus::NoLongerInBestBlock
                | TransactionStatus::Validated
                | TransactionStatus::Broadcasted,
            ) => (),
        }
    }
    Followed::Lost(String::from("the node stopped reporting"))
}

#[cfg(test)]
mod tests;
