// SPDX-License-Identifier: Apache-2.0
//! Which chain the enclave serves: read from the chain's specification, which is a trusted file.
//!
//! Everything the enclave believes of the chain grows out of two things in it: the hash of the
//! genesis block, which is computed here from the genesis storage and from nothing else, and the
//! GRANDPA authorities in that storage, who finalize the first blocks.

use std::{collections::BTreeMap, fs::File, io, io::Read, path::Path};

use codec::DecodeAll;
use serde::Deserialize;
use sp_consensus_grandpa::AuthorityList;
use sp_core::Blake2Hasher;
use sp_runtime::traits::Header as _;
use sp_trie::{LayoutV1, TrieConfiguration};
use tee_primitives::{abi::storage, Hash};

use super::Header;

/// Largest specification, in bytes. Most of it is the runtime, as hexadecimal digits.
const MAX_FILE: u64 = 64 * 1024 * 1024;

/// Most authorities of a chain.
pub const MAX_AUTHORITIES: usize = 1000;

/// Where the chain that the enclave serves begins.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Genesis {
    /// The chain's name.
    pub name: String,
    /// Hash of its first block.
    pub hash: Hash,
    /// Root of its first block's state.
    pub state_root: Hash,
    /// Who finalizes its first blocks.
    pub authorities: AuthorityList,
}

/// Why a chain's specification cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SpecError {
    /// The file cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// The file is too large.
    #[error("it has more than {MAX_FILE} bytes")]
    TooLarge,
    /// The file is no raw specification.
    #[error("it is not a raw chain specification (made by `export-chain-spec --raw`): {0}")]
    NotRaw(serde_json::Error),
    /// A key or value is not hexadecimal.
    #[error("its genesis storage has a key or value that is not 0x and hexadecimal digits")]
    NotHexadecimal,
    /// It has storage that its genesis hash would not cover.
    #[error("its genesis has child tries, which this chain does not use")]
    ChildTries,
    /// It has no authorities, or what stands there is none.
    #[error("its genesis storage has no list of 1 to {MAX_AUTHORITIES} GRANDPA authorities")]
    NoAuthorities,
}

#[derive(Deserialize)]
struct Spec {
    name: String,
    genesis: Raw,
}

#[derive(Deserialize)]
struct Raw {
    raw: Storage,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Storage {
    top: BTreeMap<String, String>,
    #[serde(default)]
    children_default: BTreeMap<String, serde_json::Value>,
}

impl Genesis {
    /// Reads a raw specification.
    pub fn read(path: &Path) -> Result<Self, SpecError> {
        let mut text = Vec::new();
        File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut text)?;
        if text.len() as u64 > MAX_FILE {
            return Err(SpecError::TooLarge);
        }
        Self::parse(&text)
    }

    fn parse(text: &[u8]) -> Result<Self, SpecError> {
        let Spec { name, genesis: Raw { raw } } =
            serde_json::from_slice(text).map_err(SpecError::NotRaw)?;
        if !raw.children_default.is_empty() {
            return Err(SpecError::ChildTries);
        }
        let pairs = raw.top.iter().map(|(key, value)| Some((bytes(key)?, bytes(value)?)));
        let top: BTreeMap<Vec<u8>, Vec<u8>> =
            pairs.collect::<Option<_>>().ok_or(SpecError::NotHexadecimal)?;

        let authorities = top
            .get(&storage::grandpa_authorities())
            .and_then(|value| AuthorityList::decode_all(&mut value.as_slice()).ok())
            .filter(|list| (1..=MAX_AUTHORITIES).contains(&list.len()))
            .ok_or(SpecError::NoAuthorities)?;
        // As the SDK makes a genesis block under `system_version` 1, which the runtime's test holds.
        let state_root = LayoutV1::<Blake2Hasher>::trie_root(top);
        let no_extrinsics = LayoutV1::<Blake2Hasher>::trie_root::<_, Vec<u8>, Vec<u8>>([]);
        let header =
            Header::new(0, no_extrinsics, state_root, Default::default(), Default::default());
        Ok(Self { name, hash: header.hash().0, state_root: state_root.0, authorities })
    }
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    hex::decode(digits.strip_prefix("0x")?).ok()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use codec::Encode;
    use sp_consensus_grandpa::AuthorityId;
    use sp_core::crypto::UncheckedFrom;

    /// A specification with these authorities and one more entry.
    pub(crate) fn spec(authorities: &AuthorityList) -> String {
        let key = hex::encode(storage::grandpa_authorities());
        let value = hex::encode(authorities.encode());
        format!(
            r#"{{"name": "Test", "id": "test", "genesis": {{"raw": {{"top":
                {{"0x{key}": "0x{value}", "0x3a636f6465": "0x0061736d"}},
                "childrenDefault": {{}}}}}}}}"#
        )
    }

    fn authorities(count: u8) -> AuthorityList {
        let key = |seed| AuthorityId::unchecked_from([seed; 32]);
        (0..count).map(|seed| (key(seed), 1)).collect()
    }

    fn parse(text: &str) -> Result<Genesis, SpecError> {
        Genesis::parse(text.as_bytes())
    }

    #[test]
    fn everything_in_the_genesis_storage_changes_the_chain() {
        let text = spec(&authorities(4));
        let genesis = parse(&text).unwrap();
        assert_eq!((genesis.name.as_str(), &genesis.authorities), ("Test", &authorities(4)));
        // What is not in the storage does not.
        assert_eq!(parse(&text.replace("\"id\": \"test\"", "\"id\": \"x\"")).unwrap(), genesis);
        let mut others = vec![parse(&spec(&authorities(3))).unwrap()];
        for (from, to) in [("0061736d", "0061736e"), ("3a636f6465", "3a636f6464")] {
            others.push(parse(&text.replace(from, to)).unwrap());
        }
        for other in others {
            assert_ne!(other.hash, genesis.hash);
            assert_ne!(other.state_root, genesis.state_root);
        }
    }

    #[test]
    fn what_is_no_raw_specification_is_told_apart() {
        let text = spec(&authorities(1));
        for not_raw in ["", "{}", &text.replace("raw", "runtimeGenesis"), &text[..text.len() / 2]] {
            assert!(matches!(parse(not_raw), Err(SpecError::NotRaw(_))));
        }
        for broken in [text.replace("0x3a", "3a"), text.replace("0061736d", "0061736")] {
            assert!(matches!(parse(&broken), Err(SpecError::NotHexadecimal)));
        }
        let children = text.replace("Default\": {}", "Default\": {\"0x00\": {}}");
        assert!(matches!(parse(&children), Err(SpecError::ChildTries)));
        for count in [0, u8::MAX] {
            let text = spec(&authorities(count));
            assert_eq!(parse(&text).is_ok(), count > 0);
        }
        let other_key = text.replace(&hex::encode(storage::grandpa_authorities()), "00");
        assert!(matches!(parse(&other_key), Err(SpecError::NoAuthorities)));
        let folder = tempfile::tempdir().unwrap();
        let missing = Genesis::read(&folder.path().join("missing"));
        assert!(matches!(missing, Err(SpecError::Unreadable(_))));
    }
}
