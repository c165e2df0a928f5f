// SPDX-License-Identifier: Apache-2.0
//! Values of a block's state, by proof: a node cannot give another value, nor hide one.

use sp_core::{Blake2Hasher, H256};
use sp_trie::{LayoutV1, StorageProof, Trie, TrieDBBuilder};
use tee_primitives::Hash;

use super::{lie::Lie, Values};

/// The values of `keys` in the state with this root, by the nodes of its trie that lead to them.
/// `None` stands for a value that the state is proven not to have.
pub fn check(state_root: &Hash, nodes: Vec<Vec<u8>>, keys: &[Vec<u8>]) -> Result<Values, Lie> {
    // Nodes are found by their hashes: what does not belong to the state is never looked at.
    let nodes = StorageProof::new(nodes).into_memory_db::<Blake2Hasher>();
    let root = H256(*state_root);
    let trie = TrieDBBuilder::<LayoutV1<Blake2Hasher>>::new(&nodes, &root).build();
    keys.iter().map(|key| trie.get(key).map_err(|_| Lie::FalseProof)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sp_core::storage::StateVersion;
    use sp_runtime::traits::BlakeTwo256;
    use sp_state_machine::{prove_read, InMemoryBackend};

    type State = InMemoryBackend<BlakeTwo256>;

    /// A state with a long and many short values.
    fn state() -> State {
        let mut pairs: Vec<_> = (0..200u32)
            .map(|n| (n.to_be_bytes().to_vec(), Some(n.to_le_bytes().to_vec())))
            .collect();
        pairs.push((b"long".to_vec(), Some(vec![7; 3000])));
        State::from((vec![(None, pairs)], StateVersion::V1))
    }

    fn root(state: &State) -> Hash {
        use sp_state_machine::Backend;
        state.storage_root(std::iter::empty(), StateVersion::V1).0 .0
    }

    fn prove(state: State, keys: &[Vec<u8>]) -> Vec<Vec<u8>> {
        prove_read(state, keys).unwrap().into_iter_nodes().collect()
    }

    fn keys() -> Vec<Vec<u8>> {
        vec![7u32.to_be_bytes().to_vec(), b"long".to_vec(), b"absent".to_vec()]
    }

    #[test]
    fn values_and_their_absence_are_proven_in_any_order_of_nodes() {
        let (keys, root) = (keys(), root(&state()));
        let mut nodes = prove(state(), &keys);
        let expected = vec![Some(7u32.to_le_bytes().to_vec()), Some(vec![7; 3000]), None];
        assert_eq!(check(&root, nodes.clone(), &keys), Ok(expected.clone()));
        nodes.reverse();
        nodes.push(b"something else".to_vec());
        assert_eq!(check(&root, nodes, &keys), Ok(expected));
    }

    #[test]
    fn a_cut_or_changed_proof_proves_nothing_else() {
        let (keys, root) = (keys(), root(&state()));
        let nodes = prove(state(), &keys);
        let truth = check(&root, nodes.clone(), &keys).unwrap();
        assert!(nodes.len() > 3);
        for left_out in 0..nodes.len() {
            let mut cut = nodes.clone();
            cut.remove(left_out);
            assert_eq!(check(&root, cut, &keys), Err(Lie::FalseProof));
        }
        for (node, position) in
            (0..nodes.len()).flat_map(|n| (0..nodes[n].len()).map(move |p| (n, p)))
        {
            let mut changed = nodes.clone();
            changed[node][position] ^= 1;
            assert_eq!(check(&root, changed, &keys), Err(Lie::FalseProof));
        }
        assert_eq!(check(&root, Vec::new(), &keys), Err(Lie::FalseProof));
        assert_eq!(check(&[9; 32], nodes.clone(), &keys), Err(Lie::FalseProof));
        // A proof of something else.
        let others = prove(state(), &[8u32.to_be_bytes().to_vec()]);
        assert_eq!(check(&root, others, &keys), Err(Lie::FalseProof));
        assert_eq!(check(&root, nodes, &keys), Ok(truth));
    }

    #[test]
    fn a_proof_of_another_state_does_not_fit() {
        let mut other = state();
        other.insert(vec![(None, vec![(b"long".to_vec(), None)])], StateVersion::V1);
        let nodes = prove(other, &keys());
        assert_eq!(check(&root(&state()), nodes, &keys()), Err(Lie::FalseProof));
    }
}
