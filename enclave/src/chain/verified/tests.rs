// SPDX-License-Identifier: Apache-2.0

use std::sync::atomic::Ordering;

use codec::Encode;
use serde_json::{json, Value};
use subxt_signer::sr25519::dev;

use super::{
    super::finality::tests::{on, Voters},
    fake::{Fake, Storage, Way},
    *,
};

mod lies;

const DEADLINE: Duration = Duration::from_secs(20);
/// Long enough for a node of its own in the state's trie.
const KEY: &[u8] = b"the owner of the NFT with the number seven";

/// An enclave's chain over some nodes.
struct World {
    chain: VerifiedChain,
    checkpoint: watch::Receiver<Finality>,
    task: JoinHandle<()>,
}

impl World {
    fn over(nodes: &[&Arc<Fake>]) -> Self {
        Self::from(nodes, nodes[0].finality())
    }

    fn from(nodes: &[&Arc<Fake>], finality: Finality) -> Self {
        let info = nodes[0].info();
        let way = |node: &&Arc<Fake>| Arc::new(Way(Arc::clone(node))) as Arc<dyn Connect>;
        let nodes = nodes.iter().map(way).collect();
        let (chain, checkpoint, task) = VerifiedChain::start(nodes, info, finality, dev::alice());
        Self { chain, checkpoint, task }
    }

    async fn at(&self, head: Head) {
        let mut heads = self.chain.heads();
        let is_it =
            |heads: &Option<Heads>| heads.as_ref().map(|heads| heads.finalized) == Some(head);
        in_time(heads.wait_for(is_it)).await.unwrap();
    }

    /// Waits until the node was left, with this reason.
    async fn left(&self, reason: &str) {
        let mut trouble = self.chain.trouble.clone();
        let is_it =
            |trouble: &Option<String>| trouble.as_ref().is_some_and(|why| why.contains(reason));
        in_time(trouble.wait_for(is_it)).await.unwrap();
    }

    async fn read(&self, at: Head, key: &[u8]) -> Result<Option<Vec<u8>>, ChainError> {
        let values = self.chain.read(At::Finalized(at.hash), vec![key.to_vec()]).await?;
        Ok(values.into_iter().next().unwrap())
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn in_time<T>(future: impl std::future::Future<Output = T>) -> T {
    time::timeout(DEADLINE, future).await.expect("in time")
}

#[tokio::test]
async fn values_are_read_at_blocks_that_are_proven_to_be_final() {
    let node = Fake::new();
    node.set(KEY, b"alice");
    let first = node.finalize(3);
    let world = World::over(&[&node]);
    world.at(first).await;
    node.set(KEY, b"bob");
    let second = node.finalize(1);
    world.at(second).await;
    assert_eq!(world.read(first, KEY).await, Ok(Some(b"alice".to_vec())));
    assert_eq!(world.read(second, KEY).await, Ok(Some(b"bob".to_vec())));
    assert_eq!(world.read(second, b"absent").await, Ok(None));
    assert!(world.chain.trouble().is_none());
    let unknown = world.read(Head { number: 9, hash: [9; 32] }, KEY).await;
    assert_eq!(unknown, Err(ChainError::Malformed("a block that is not known to be final")));
}

#[tokio::test]
async fn every_change_of_the_authorities_is_followed_before_and_after_connecting() {
    let node = Fake::new();
    node.finalize(5);
    for set in 1..4 {
        node.hand_over(Voters::new(set * 10..set * 10 + 4, set.into()));
        node.finalize(5);
    }
    let head = node.finalize(1);
    let world = World::over(&[&node]);
    world.at(head).await;
    assert_eq!(world.checkpoint.borrow().set_id(), 3);

    // Told, and the justification of the change itself missed.
    let head = node.hand_over(Voters::new(60..64, 4));
    world.at(head).await;
    node.lie(|method, _, honest| match method {
        "grandpa_proveFinality" => Err("later".into()),
        _ => Ok(honest),
    });
    node.be_honest();
    let head = node.finalize(2);
    world.at(head).await;
    assert_eq!(world.checkpoint.borrow().set_id(), 4);

    // The next start goes on where this one was.
    let finality = world.checkpoint.borrow().clone();
    drop(world);
    node.lie(|method, params, honest| match method {
        "grandpa_proveFinality" if params[0].as_u64().unwrap() < 20 => Err("pruned".into()),
        _ => Ok(honest),
    });
    let world = World::from(&[&node], finality);
    let head = node.finalize(2);
    world.at(head).await;
}

/// A set that lasted for long: proofs from its beginning are too large for an answer.
#[tokio::test]
async fn a_long_absence_costs_the_changes_of_the_set_and_not_the_blocks() {
    let node = Fake::with(Voters::new(0..4, 0), Storage::new());
    node.finalize(50_000);
    node.hand_over(Voters::new(10..14, 1));
    let head = node.finalize(3);
    let world = World::over(&[&node]);
    world.at(head).await;
    assert_eq!(world.checkpoint.borrow().set_id(), 1);
}

/// F35, F1: the next node is tried, with growing waits, and the height never falls.
#[tokio::test]
async fn f35_a_node_that_lags_or_is_lost_is_replaced_and_the_height_never_falls() {
    let node = Fake::new();
    let behind = Fake::new();
    node.finalize(5);
    behind.finalize(2);
    let head = node.finalize(1);
    let world = World::over(&[&node, &behind]);
    world.at(head).await;
    let mut heads = world.chain.heads();
    heads.mark_unchanged();
    node.lie(|_, _, _| Err("gone".into()));
    let read = world.read(head, KEY).await;
    assert!(matches!(read, Err(ChainError::Unreachable(_))), "{read:?}");
    // The connection says something that is no justification, and is left.
    node.send_justification(b"?");
    world.left("malformed").await;
    in_time(async {
        while behind.connections.load(Ordering::SeqCst) == 0 {
            time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    behind.finalize(1);
    assert_eq!(heads.borrow().as_ref().unwrap().finalized, head);
    node.be_honest();
    // The same blocks as the first node's, because they hold the same.
    let head = behind.finalize(10);
    world.at(head).await;
}

#[tokio::test]
async fn a_transaction_is_included_when_the_proven_nonce_says_so() {
    let node = Fake::new();
    let account = storage::account(&dev::alice().public_key().0);
    node.set(&account, &(7u32, [0u8; 76]).encode());
    let head = node.finalize(1);
    let world = World::over(&[&node]);
    world.at(head).await;

    let genesis_hash = node.info().genesis_hash;
    let sent = world.chain.submit(b"call".to_vec(), head, genesis_hash);
    let advance = async {
        while node.submitted().is_empty() {
            time::sleep(Duration::from_millis(5)).await;
        }
        let not_yet = node.finalize(1);
        world.at(not_yet).await;
        node.set(&account, &(8u32, [0u8; 76]).encode());
        node.finalize(1)
    };
    let (included, block) = in_time(async { tokio::join!(sent, advance) }).await;
    assert_eq!(included, Ok(Included { block }));
    let binding = Binding {
        genesis_hash,
        spec_version: 1,
        transaction_version: 1,
        made_at: (head.number, head.hash),
        nonce: 7,
    };
    let (made, signer) = (&node.submitted()[0], dev::alice());
    assert!(made.ends_with(b"call"));
    let signature: [u8; 64] = made[made.len() - 64 - 4 - 2 - 1 - 1..][..64].try_into().unwrap();
    assert_eq!(*made, binding.transaction(b"call", &signer.public_key().0, &signature));
    let signature = subxt_signer::sr25519::Signature(signature);
    let payload = binding.payload(b"call");
    assert!(subxt_signer::sr25519::verify(&signature, payload, &signer.public_key()));
}

#[tokio::test]
async fn what_the_node_refuses_or_drops_is_told() {
    let node = Fake::new();
    let head = node.finalize(1);
    let world = World::over(&[&node]);
    world.at(head).await;
    let genesis_hash = node.info().genesis_hash;
    for (says, expected) in [
        (Err("1010: Invalid Transaction".into()), "1010"),
        (Ok(json!("invalid")), "invalid"),
        (Ok(json!("dropped")), "too many"),
    ] {
        let says: Result<Value, String> = says;
        node.lie(move |method, _, honest| match method {
            "author_submitAndWatchExtrinsic" => says.clone(),
            _ => Ok(honest),
        });
        let sent = in_time(world.chain.submit(b"call".to_vec(), head, genesis_hash)).await;
        let Err(SubmitError::Refused(why)) = sent else { panic!("{sent:?}") };
        assert!(why.contains(expected), "{why}");
    }
}
