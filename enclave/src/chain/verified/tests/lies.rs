// SPDX-License-Identifier: Apache-2.0
//! F1: what a lying node tells. A reader without proofs believes each of these lies; the enclave
//! believes none, names it, and leaves the node.

use sp_core::H256;
use sp_runtime::traits::Header as _;

use super::*;

fn hex(bytes: &[u8]) -> Value {
    json!(format!("0x{}", hex::encode(bytes)))
}

/// Believes what a node says.
struct Credulous(Node);

impl Credulous {
    async fn of(node: &Arc<Fake>) -> Self {
        Self(Node::new(Way(node.clone()).connect().await.unwrap()))
    }

    async fn read(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.0.read_best(&[key.to_vec()]).await.unwrap().pop().unwrap()
    }

    async fn finalized(&self) -> BlockNumber {
        self.0.finalized_number().await.unwrap()
    }
}

/// An honest node whose chain says who is the owner, and an enclave at its head.
async fn owned_by_alice() -> (Arc<Fake>, World, Head) {
    let node = Fake::new();
    for n in 0..100u32 {
        node.set(&n.to_be_bytes(), b"something else that takes some space in the state's trie");
    }
    node.finalize(1);
    node.set(KEY, b"alice");
    let head = node.finalize(1);
    let world = World::over(&[&node]);
    world.at(head).await;
    (node, world, head)
}

/// What a node answers when it wants this to stand at [`KEY`], with this proof.
fn claim(
    node: &Fake,
    value: Option<&'static [u8]>,
    prove: impl Fn(&Value, Value) -> Value + Send + 'static,
) {
    node.lie(move |method, params, honest| {
        Ok(match method {
            "state_queryStorageAt" => {
                json!([{ "block": hex(&[0; 32]), "changes": [[hex(KEY), value.map(hex)]] }])
            }
            "state_getReadProof" => prove(&params[1], honest),
            _ => honest,
        })
    });
}

/// The lie is believed without proofs, and refused with them; the node is left, and its truth is
/// taken again.
async fn is_refused(node: &Arc<Fake>, world: &World, head: Head, believed: Option<&[u8]>) {
    let credulous = Credulous::of(node).await;
    assert_eq!(credulous.read(KEY).await.as_deref(), believed);
    let connections = node.connections.load(Ordering::SeqCst);
    assert_eq!(world.read(head, KEY).await, Err(ChainError::Lied(Lie::FalseProof)));
    world.left("proof does not show").await;
    node.be_honest();
    in_time(async {
        while node.connections.load(Ordering::SeqCst) == connections {
            time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    in_time(async {
        while world.read(head, KEY).await != Ok(Some(b"alice".to_vec())) {
            time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn another_owner() {
    let (node, world, head) = owned_by_alice().await;
    claim(&node, Some(b"mallory"), |_, mut proof| {
        let text = proof["proof"].to_string();
        let (alice, mallory) = (hex::encode(b"alice"), hex::encode(b"mallo"));
        assert!(text.contains(&alice));
        proof["proof"] = serde_json::from_str(&text.replace(&alice, &mallory)).unwrap();
        proof
    });
    is_refused(&node, &world, head, Some(b"mallory")).await;
}

#[tokio::test]
async fn no_owner_at_all() {
    let (node, world, head) = owned_by_alice().await;
    claim(&node, None, |_, mut proof| {
        proof["proof"]
            .as_array_mut()
            .unwrap()
            .retain(|node| !node.to_string().contains(&hex::encode(b"alice")));
        proof
    });
    is_refused(&node, &world, head, None).await;
}

#[tokio::test]
async fn an_empty_proof() {
    let (node, world, head) = owned_by_alice().await;
    claim(&node, Some(b"mallory"), |_, mut proof| {
        proof["proof"] = json!([]);
        proof
    });
    is_refused(&node, &world, head, Some(b"mallory")).await;
}

/// The true state of a block before the sale.
#[tokio::test]
async fn an_old_owner_with_the_old_states_proof() {
    let (node, world, head) = owned_by_alice().await;
    let other = Fake::new();
    other.set(KEY, b"mallory");
    let old = other.finalize(1);
    let credulous = Credulous::of(&other).await;
    let proof = credulous.0.read_proof(old.hash, &[KEY.to_vec()]).await.unwrap();
    let proof: Vec<Value> = proof.iter().map(|node| hex(node)).collect();
    claim(&node, Some(b"mallory"), move |at, _| json!({ "at": at, "proof": proof }));
    is_refused(&node, &world, head, Some(b"mallory")).await;
}

#[tokio::test]
async fn a_proof_of_something_else() {
    let (node, world, head) = owned_by_alice().await;
    let credulous = Credulous::of(&node).await;
    let proof = credulous.0.read_proof(head.hash, &[b"same".to_vec()]).await.unwrap();
    let mut proof: Vec<Value> = proof.iter().map(|node| hex(node)).collect();
    // The root alone leads nowhere.
    proof.truncate(1);
    claim(&node, Some(b"mallory"), move |at, _| json!({ "at": at, "proof": proof }));
    is_refused(&node, &world, head, Some(b"mallory")).await;
}

#[tokio::test]
async fn another_chain() {
    let node = Fake::new();
    let other = Fake::with(Voters::new(50..54, 0), Storage::new());
    other.finalize(30);
    let world = World::over(&[&node, &other]);
    let head = node.finalize(1);
    world.at(head).await;
    assert_eq!(Credulous::of(&other).await.finalized().await, 30);
    // The good one is lost.
    node.lie(|_, _, _| Err("gone".into()));
    node.send_justification(b"?");
    world.left("on another chain").await;
    assert_eq!(world.chain.heads().borrow().as_ref().unwrap().finalized, head);
}

/// An enclave whose node justifies its newest block in this way.
async fn justified(justify: impl FnOnce(&Fake) -> Vec<u8>, reason: &str) {
    let (node, world, head) = owned_by_alice().await;
    // The newer block is on its way; what proves it is kept back.
    node.lie(|method, _, honest| match method {
        "grandpa_proveFinality" => Ok(Value::Null),
        _ => Ok(honest),
    });
    node.set(KEY, b"mallory");
    let newer = node.keep_back(1);
    assert_eq!(Credulous::of(&node).await.finalized().await, newer.number);
    node.send_justification(&justify(&node));
    world.left(reason).await;
    assert_eq!(world.chain.heads().borrow().as_ref().unwrap().finalized, head);
    node.be_honest();
    let last = node.finalize(1);
    world.at(last).await;
}

#[tokio::test]
async fn a_block_that_strangers_justify() {
    let justify = |node: &Fake| node.justified_by(&Voters::new(50..54, 0), 4);
    justified(justify, "lacks votes").await;
}

#[tokio::test]
async fn a_block_with_too_few_votes() {
    justified(|node| node.justified_by(&Voters::new(0..4, 0), 2), "lacks votes").await;
}

#[tokio::test]
async fn a_block_that_another_set_of_the_same_authorities_justifies() {
    justified(|node| node.justified_by(&Voters::new(0..4, 1), 4), "signature that does not fit")
        .await;
}

#[tokio::test]
async fn a_vote_with_a_changed_signature() {
    let justify = |node: &Fake| {
        let voters = Voters::new(0..4, 0);
        let good = node.justified_by(&voters, 3);
        let stolen = voters.justify(&on(H256::repeat_byte(9), 3, &[]), 3);
        // Of the same length: the last vote's signature is another vote's.
        let at = good.len() - 1 - 32 - 64;
        [&good[..at], &stolen[at..at + 64], &good[at + 64..]].concat()
    };
    justified(justify, "signature that does not fit").await;
}

#[tokio::test]
async fn bytes_that_are_no_justification() {
    justified(|_| b"trust me".to_vec(), "malformed").await;
}

/// The old authorities go on after they have handed over.
#[tokio::test]
async fn a_block_that_the_former_set_justifies() {
    let (node, world, _) = owned_by_alice().await;
    let head = node.hand_over(Voters::new(10..14, 1));
    world.at(head).await;
    node.keep_back(1);
    node.lie(|method, _, honest| match method {
        "grandpa_proveFinality" => Ok(Value::Null),
        _ => Ok(honest),
    });
    node.send_justification(&node.justified_by(&Voters::new(0..4, 0), 4));
    world.left("lacks votes").await;
    assert_eq!(world.chain.heads().borrow().as_ref().unwrap().finalized, head);
}

/// A true justification, with the header of a block that has another state.
#[tokio::test]
async fn another_state_for_a_justified_block() {
    let (node, world, head) = owned_by_alice().await;
    node.lie(|method, _, mut honest| {
        if method == "chain_getHeader" {
            honest["stateRoot"] = hex(&[6; 32]);
        }
        Ok(honest)
    });
    let newer = node.finalize(1);
    assert_eq!(
        Credulous::of(&node).await.0.header(newer.hash).await.unwrap().state_root().0,
        [6; 32]
    );
    world.left("another header").await;
    assert_eq!(world.chain.heads().borrow().as_ref().unwrap().finalized, head);
    node.be_honest();
    world.at(node.finalize(1)).await;
}

/// The header of a justified block with a list of authorities that the block does not announce.
#[tokio::test]
async fn authorities_that_the_chain_has_not_chosen() {
    let (node, world, head) = owned_by_alice().await;
    let usurpers =
        on(H256::default(), 3, &[crate::chain::finality::tests::change(&Voters::new(50..54, 1))]);
    let digest = serde_json::to_value(&usurpers).unwrap()["digest"].clone();
    node.lie(move |method, _, mut honest| {
        if method == "chain_getHeader" {
            honest["digest"] = digest.clone();
        }
        Ok(honest)
    });
    node.finalize(1);
    world.left("another header").await;
    assert_eq!(world.checkpoint.borrow().head(), head);
    assert_eq!(world.checkpoint.borrow().set_id(), 0);
}

/// News that cannot be proven: the node says that there are, and shows none.
#[tokio::test]
async fn newer_blocks_that_nobody_can_prove() {
    let (node, world, head) = owned_by_alice().await;
    node.lie(|method, _, honest| match method {
        "grandpa_proveFinality" => Err("Response is too big".into()),
        "chain_getHeader" => {
            let mut header = honest;
            header["number"] = json!("0xffffffff");
            Ok(header)
        }
        _ => Ok(honest),
    });
    assert_eq!(Credulous::of(&node).await.finalized().await, u32::MAX);
    node.keep_back(1);
    node.send_justification(&node.justified_by(&Voters::new(50..54, 0), 4));
    world.left("lacks votes").await;
    assert_eq!(world.chain.heads().borrow().as_ref().unwrap().finalized, head);
}

/// What is signed does not depend on what the node says that the chain is like: the metadata is not
/// asked for.
#[tokio::test]
async fn another_meaning_of_calls() {
    let (node, world, head) = owned_by_alice().await;
    node.lie(|method, _, honest| match method {
        "state_getMetadata" => panic!("the metadata is asked for"),
        _ => Ok(honest),
    });
    let genesis_hash = node.info().genesis_hash;
    let account = storage::account(&dev::alice().public_key().0);
    let sent = world.chain.submit(b"call".to_vec(), head, genesis_hash);
    let advance = async {
        while node.submitted().is_empty() {
            time::sleep(Duration::from_millis(5)).await;
        }
        node.set(&account, &(1u32, [0u8; 76]).encode());
        node.finalize(1)
    };
    let (included, block) = in_time(async { tokio::join!(sent, advance) }).await;
    assert_eq!(included, Ok(Included { block }));
}

/// That a transaction is final is not taken from the node either.
#[tokio::test]
async fn a_transaction_that_is_not_included() {
    let (node, world, head) = owned_by_alice().await;
    node.lie(|method, _, honest| match method {
        "author_submitAndWatchExtrinsic" => Ok(json!({ "finalized": hex(&[1; 32]) })),
        _ => Ok(honest),
    });
    let genesis_hash = node.info().genesis_hash;
    let sent = world.chain.submit(b"call".to_vec(), head, genesis_hash);
    let advance = async {
        while node.submitted().is_empty() {
            time::sleep(Duration::from_millis(5)).await;
        }
        // Its time passes.
        for _ in 0..=ERA_BLOCKS {
            world.at(node.finalize(1)).await;
        }
    };
    let (included, ()) = in_time(async { tokio::join!(sent, advance) }).await;
    assert_eq!(included, Err(SubmitError::Timeout));
}
