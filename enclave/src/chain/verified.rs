// SPDX-License-Identifier: Apache-2.0
//! The chain over nodes that are not trusted.
//!
//! One task owns the connection and follows [`Finality`]: it catches up by the node's proofs, and
//! then takes justifications as blocks become final. Only what is proven is published. When a node
//! lies, falls silent, or shows no newer final block for `SILENCE`, the task names the reason in the
//! log and tries the next node, at growing intervals.
//!
//! Values are read by proof against a final block's state. Only [`At::Best`] is the node's word, and
//! so is the version of calls that transactions are signed for: with a wrong one they are worth
//! nothing. That a transaction is included is read from the account's nonce, by proof.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use codec::{Compact, Decode};
use futures::{future::BoxFuture, FutureExt};
use subxt_rpcs::methods::legacy::TransactionStatus;
use subxt_signer::sr25519::Keypair;
use tee_primitives::{
    abi::{
        extrinsic::{Binding, Nonce, ERA_BLOCKS},
        storage,
    },
    BlockNumber, Hash,
};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{self, Instant},
};

use super::{
    finality::Finality,
    lie::Lie,
    node::{Connect, Node, Statuses},
    proof, At, Chain, ChainError, ChainInfo, Head, Heads, Included, SubmitError, Values,
};

/// After so long without a newer final block another node is tried.
const SILENCE: Duration = Duration::from_secs(60);

/// Waits between attempts to connect: doubled from the first to the last.
const FIRST_RETRY: Duration = Duration::from_millis(250);
const LAST_RETRY: Duration = Duration::from_secs(15);

/// Final blocks whose states can be read: the newest ones. Nodes keep about as many.
const STATES: usize = 256;

/// Most keys in one question.
const MAX_KEYS: usize = 1024;

/// A proof of finality comes with the headers from the block that was asked for. When that is too
/// much for one answer, a block is asked for that is so many blocks later; so many times, before
/// something else is done for a while.
const STRIDE: BlockNumber = 16_384;
const STRIDES: usize = 256;

/// Longest time for catching up over one connection. What was reached by then is not lost.
const CATCH_UP: Duration = Duration::from_secs(300);

/// Longest wait until a transaction is final.
const FINALITY_TIMEOUT: Duration = Duration::from_secs(120);

/// The chain over nodes that are not trusted.
pub struct VerifiedChain {
    connection: watch::Receiver<Option<Arc<Node>>>,
    heads: watch::Receiver<Option<Heads>>,
    trouble: watch::Receiver<Option<String>>,
    states: Arc<States>,
    signer: Keypair,
}

/// Roots of the states of the newest final blocks.
#[derive(Default)]
struct States(Mutex<BTreeMap<BlockNumber, (Hash, Hash)>>);

impl States {
    fn add(&self, head: Head, root: Hash) {
        let mut states = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        states.insert(head.number, (head.hash, root));
        while states.len() > STATES {
            states.pop_first();
        }
    }

    fn root(&self, hash: &Hash) -> Option<Hash> {
        let states = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        states.values().rev().find(|(block, _)| block == hash).map(|(_, root)| *root)
    }
}

/// What the task tells.
struct Follower {
    info: Arc<ChainInfo>,
    finality: Finality,
    /// Up to which block the last one of a set was looked for.
    searched: (u64, BlockNumber),
    connection: watch::Sender<Option<Arc<Node>>>,
    heads: watch::Sender<Option<Heads>>,
    checkpoint: watch::Sender<Finality>,
    trouble: watch::Sender<Option<String>>,
    states: Arc<States>,
}

/// Why a connection is given up.
#[derive(Debug, thiserror::Error)]
enum Setback {
    #[error(transparent)]
    Failed(#[from] ChainError),
    #[error("{0}")]
    Lied(#[from] Lie),
    #[error("the node shows no newer final block for {} seconds", SILENCE.as_secs())]
    Silent,
    #[error("the node's newest final block is too old")]
    Old,
}

impl VerifiedChain {
    /// Starts the task that follows the chain over one of `nodes`, from `finality` on. It ends when
    /// it is aborted. The receiver gets the newest state of finality, to begin with next time.
    pub fn start(
        nodes: Vec<Arc<dyn Connect>>,
        info: ChainInfo,
        finality: Finality,
        signer: Keypair,
    ) -> (Self, watch::Receiver<Finality>, JoinHandle<()>) {
        let (connection_sender, connection) = watch::channel(None);
        let (heads_sender, heads) = watch::channel(None);
        let (trouble_sender, trouble) = watch::channel(None);
        let (checkpoint_sender, checkpoint) = watch::channel(finality.clone());
        let states = Arc::new(States::default());
        let follower = Follower {
            info: Arc::new(info),
            finality,
            searched: (0, 0),
            connection: connection_sender,
            heads: heads_sender,
            checkpoint: checkpoint_sender,
            trouble: trouble_sender,
            states: states.clone(),
        };
        let task = tokio::spawn(follower.run(nodes));
        (Self { connection, heads, trouble, states, signer }, checkpoint, task)
    }

    fn connection(&self) -> Result<Arc<Node>, ChainError> {
        self.connection
            .borrow()
            .clone()
            .ok_or_else(|| ChainError::Unreachable("there is no connection to a node".into()))
    }

    async fn read_proven(&self, at: Hash, keys: &[Vec<u8>]) -> Result<Values, ChainError> {
        let root = self.states.root(&at);
        let root = root.ok_or(ChainError::Malformed("a block that is not known to be final"))?;
        let node = self.connection()?;
        let mut values = Vec::with_capacity(keys.len());
        for keys in keys.chunks(MAX_KEYS) {
            let nodes = node.read_proof(at, keys).await?;
            match proof::check(&root, nodes, keys) {
                Ok(proven) => values.extend(proven),
                Err(lie) => {
                    node.caught(lie);
                    return Err(ChainError::Lied(lie));
                }
            }
        }
        Ok(values)
    }

    /// What the next transaction is signed for: the account's nonce, and the runtime's version.
    async fn signing(&self, at: Hash) -> Result<(Nonce, u32), ChainError> {
        let keys = [storage::account(&self.signer.public_key().0), storage::last_runtime_upgrade()];
        let mut values =
            self.read_proven(at, &keys).await?.into_iter().map(Option::unwrap_or_default);
        let (account, upgrade) =
            (values.next().unwrap_or_default(), values.next().unwrap_or_default());
        // The rest of the account, and of the upgrade, is not of interest.
        let nonce = match account.is_empty() {
            true => Ok(0),
            false => Nonce::decode(&mut account.as_slice()),
        };
        let version = Compact::<u32>::decode(&mut upgrade.as_slice());
        match (nonce, version) {
            (Ok(nonce), Ok(Compact(version))) => Ok((nonce, version)),
            _ => Err(ChainError::Malformed("an account or a runtime's version of another form")),
        }
    }

    async fn send(
        &self,
        call: &[u8],
        at: Head,
        genesis_hash: Hash,
    ) -> Result<Included, SubmitError> {
        let node = self.connection()?;
        let (nonce, spec_version) = self.signing(at.hash).await?;
        let transaction_version = node.transaction_version().await?;
        let binding = Binding {
            genesis_hash,
            spec_version,
            transaction_version,
            made_at: (at.number, at.hash),
            nonce,
        };
        let signature = self.signer.sign(&binding.payload(call)).0;
        let transaction = binding.transaction(call, &self.signer.public_key().0, &signature);
        let statuses = node.submit(&transaction).await.map_err(SubmitError::Refused)?;
        let wait = self.wait_until_used(nonce, at.number, statuses);
        let wait = time::timeout(FINALITY_TIMEOUT, wait).await;
        Ok(Included { block: wait.map_err(|_| SubmitError::Timeout)?? })
    }

    /// Waits until a final block shows that a nonce is used up.
    async fn wait_until_used(
        &self,
        nonce: Nonce,
        made_at: BlockNumber,
        mut statuses: Statuses,
    ) -> Result<Head, SubmitError> {
        let mut heads = self.heads.clone();
        let mut is_watched = true;
        loop {
            tokio::select! {
                changed = heads.changed() => {
                    changed.map_err(|_| ChainError::Unreachable("the enclave is stopping".into()))?;
                    let newest = heads.borrow_and_update().as_ref().map(|heads| heads.finalized);
                    let Some(newest) = newest else { continue };
                    match self.signing(newest.hash).await {
                        Ok((now, _)) if now > nonce => return Ok(newest),
                        Ok(_) if newest.number > made_at.saturating_add(ERA_BLOCKS) => {
                            return Err(SubmitError::Timeout);
                        }
                        // A later block will tell.
                        Ok(_) | Err(_) => (),
                    }
                }
                status = statuses.next(), if is_watched => match status {
                    Some(Ok(TransactionStatus::Invalid)) => {
                        return Err(SubmitError::Refused("the transaction is invalid".into()));
                    }
                    Some(Ok(TransactionStatus::Dropped)) => {
                        return Err(SubmitError::Refused("the node has too many transactions".into()));
                    }
                    Some(Ok(TransactionStatus::Usurped(_))) => {
                        return Err(SubmitError::Refused("another transaction took its place".into()));
                    }
                    Some(Ok(_)) => (),
                    Some(Err(_)) | None => is_watched = false,
                }
            }
        }
    }
}

/// What came of asking for a proof.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Step {
    /// A newer block is final.
    Advanced,
    /// It is not what the present set has signed.
    Lied(Lie),
    /// There is none.
    Nothing,
}

impl Follower {
    async fn run(mut self, nodes: Vec<Arc<dyn Connect>>) {
        self.states.add(self.finality.head(), self.finality.state_root());
        let mut retry = FIRST_RETRY;
        // URLs can contain credentials: logs name nodes by their place in the list.
        for (place, node) in (1usize..).zip(&nodes).cycle() {
            let before = self.finality.head().number;
            let setback = match self.session(place, &**node).await {
                Ok(never) => match never {},
                Err(setback) => setback,
            };
            self.connection.send_replace(None);
            self.trouble.send_replace(Some(setback.to_string()));
            if self.finality.head().number > before {
                retry = FIRST_RETRY;
            }
            match setback {
                Setback::Lied(lie) => tracing::error!(node = place, "caught in a lie: {lie}"),
                Setback::Failed(_) | Setback::Silent | Setback::Old => {
                    tracing::warn!(node = place, reason = %setback, "no connection to the chain");
                }
            }
            time::sleep(retry).await;
            retry = (retry * 2).min(LAST_RETRY);
        }
    }

    /// Follows the chain over one node until something goes wrong.
    async fn session(
        &mut self,
        place: usize,
        connect: &dyn Connect,
    ) -> Result<std::convert::Infallible, Setback> {
        let node = Arc::new(Node::new(connect.connect().await?));
        let genesis_hash = node.genesis_hash().await?;
        if genesis_hash != self.info.genesis_hash {
            return Err(Lie::AnotherChain(genesis_hash).into());
        }
        // Before catching up, so that nothing is missed between.
        let mut justifications = node.justifications().await?;
        let mut best = node.best().await?;
        self.catch_up(&node).await?;
        self.connection.send_replace(Some(node.clone()));
        tracing::info!(node = place, finalized = self.finality.head().number, "follows the chain");

        let lost = || ChainError::Unreachable("the connection was lost".into());
        let mut deadline = Instant::now() + SILENCE;
        loop {
            tokio::select! {
                justification = justifications.next() => {
                    let justification = justification.ok_or_else(lost)?;
                    let justification = justification
                        .map_err(|_| ChainError::Malformed("a justification of another form"))?;
                    if self.take(&node, &justification.0).await? {
                        self.trouble.send_replace(None);
                        deadline = Instant::now() + SILENCE;
                    }
                }
                header = best.next() => {
                    let header = header.ok_or_else(lost)?;
                    let header = header.map_err(|_| ChainError::Malformed("a header of another form"))?;
                    self.tell_best(header.number()?);
                }
                lie = node.lies() => return Err(lie.into()),
                () = node.is_left() => return Err(Setback::Old),
                () = time::sleep_until(deadline) => return Err(Setback::Silent),
            }
        }
    }

    /// Takes a justification that the node brings. Whether it made a newer block final.
    async fn take(&mut self, node: &Node, justification: &[u8]) -> Result<bool, Setback> {
        match self.advance(node, justification).await {
            Err(Setback::Lied(Lie::OldJustification)) => Ok(false),
            // Perhaps of a set that is not known yet.
            Err(Setback::Lied(Lie::NotFinal | Lie::ForgedVote)) => {
                self.catch_up(node).await?;
                match self.advance(node, justification).await {
                    Err(Setback::Lied(Lie::OldJustification)) => Ok(true),
                    result => result.map(|()| true),
                }
            }
            result => result.map(|()| true),
        }
    }

    async fn advance(&mut self, node: &Node, justification: &[u8]) -> Result<(), Setback> {
        let target = self.finality.verify(justification)?;
        let header = node.header(target.head().hash).await?;
        self.finality.advance(target, &header)?;
        self.tell_final();
        Ok(())
    }

    /// Goes as far as the node has proofs for.
    async fn catch_up(&mut self, node: &Node) -> Result<(), Setback> {
        time::timeout(CATCH_UP, self.prove_all(node)).await.map_err(|_| Setback::Silent)?
    }

    async fn prove_all(&mut self, node: &Node) -> Result<(), Setback> {
        loop {
            let next = self.finality.head().number.saturating_add(1);
            let claimed = node.finalized_number().await?;
            if next > claimed {
                return Ok(());
            }
            // Of the set that is the node's present one, this is a small answer.
            if self.prove(node, claimed).await? == Step::Advanced {
                continue;
            }
            // The last block of the present set has to be proven. Where it is, is not known.
            let set_id = self.finality.set_id();
            let mut asked = match self.searched {
                (set, asked) if set == set_id => asked.max(next),
                _ => next,
            };
            let mut strides = 0;
            loop {
                match self.prove(node, asked).await? {
                    Step::Advanced => break,
                    // A block that was asked for further on can belong to a later set; the next
                    // block cannot.
                    Step::Lied(lie) if asked == next => return Err(lie.into()),
                    Step::Lied(_) | Step::Nothing => (),
                }
                asked = asked.saturating_add(STRIDE);
                // A search that takes longer than a connection goes on over the next one.
                self.searched = (set_id, asked);
                strides += 1;
                if asked > claimed {
                    // What is newer has to come by subscription.
                    self.searched = (set_id, 0);
                    return Ok(());
                }
                if strides >= STRIDES {
                    return Ok(());
                }
            }
        }
    }

    /// Goes on to what the node proves of the set that a block belongs to.
    async fn prove(&mut self, node: &Node, number: BlockNumber) -> Result<Step, Setback> {
        let Ok(answer) = node.prove_finality(number).await else {
            // Perhaps too large an answer: if the connection is lost, this fails as well.
            node.genesis_hash().await?;
            return Ok(Step::Nothing);
        };
        let Some(justification) = answer else { return Ok(Step::Nothing) };
        match self.advance(node, &justification).await {
            Ok(()) => Ok(Step::Advanced),
            // What the node has of the present set is behind: its news come by subscription.
            Err(Setback::Lied(Lie::OldJustification)) => Ok(Step::Nothing),
            Err(Setback::Lied(lie @ (Lie::NotFinal | Lie::ForgedVote))) => Ok(Step::Lied(lie)),
            Err(setback) => Err(setback),
        }
    }

    fn tell_final(&self) {
        let head = self.finality.head();
        self.states.add(head, self.finality.state_root());
        self.checkpoint.send_replace(self.finality.clone());
        self.heads.send_modify(|heads| match heads {
            Some(heads) => {
                heads.finalized = head;
                heads.best = heads.best.max(head.number);
            }
            None => {
                let (chain, best) = (self.info.clone(), head.number);
                *heads = Some(Heads { chain, finalized: head, best });
            }
        });
    }

    fn tell_best(&self, number: BlockNumber) {
        self.heads.send_if_modified(|heads| match heads {
            Some(heads) if heads.best != number.max(heads.finalized.number) => {
                heads.best = number.max(heads.finalized.number);
                true
            }
            _ => false,
        });
    }
}

impl Chain for VerifiedChain {
    fn heads(&self) -> watch::Receiver<Option<Heads>> {
        self.heads.clone()
    }

    fn trouble(&self) -> Option<String> {
        if self.connection.borrow().is_some() {
            return None;
        }
        let trouble = self.trouble.borrow().clone();
        Some(trouble.unwrap_or_else(|| "no node has answered yet".into()))
    }

    fn leave(&self) {
        if let Some(node) = &*self.connection.borrow() {
            node.leave();
        }
    }

    fn read(&self, at: At, keys: Vec<Vec<u8>>) -> BoxFuture<'_, Result<Values, ChainError>> {
        async move {
            match at {
                At::Finalized(hash) => self.read_proven(hash, &keys).await,
                At::Best => self.connection()?.read_best(&keys).await,
            }
        }
        .boxed()
    }

    fn submit(
        &self,
        call: Vec<u8>,
        at: Head,
        genesis_hash: Hash,
    ) -> BoxFuture<'_, Result<Included, SubmitError>> {
        async move { self.send(&call, at, genesis_hash).await }.boxed()
    }
}

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;
