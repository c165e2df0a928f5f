// SPDX-License-Identifier: Apache-2.0
//! Who has stored and viewed the shares of an NFT, as the enclaves of a cluster have logged it
//! (TIP-500 "View logs of secret-nft").
//!
//! Each enclave logs what it has given; it also has copies of what its slot's enclaves in other
//! clusters have logged. One view of a key asks several enclaves, so it stands in several logs: what
//! was decided at about the same block for the same account is one *access* here.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use tee_primitives::{nft::NftId, BlockNumber};

use crate::{
    cluster::Members,
    enclave::{EnclaveClient, EnclaveError},
};

/// Events in one answer.
const LIMIT: usize = 100;

/// Answers that one enclave is asked for, at most.
const MAX_PARTS: usize = 1000;

/// Blocks that the enclaves asked for one view may be apart.
const APART: BlockNumber = 3;

/// An answer of `GET /api/secret-nft/get-views-log/{nft id}`.
#[derive(Clone, Debug, Deserialize)]
pub struct ViewsLog {
    /// The events.
    pub log: Histories,
    /// Where to go on.
    #[serde(default)]
    pub next: Option<String>,
}

/// Events by number.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Histories {
    /// Of the secret.
    pub secret_nft: BTreeMap<String, Event>,
}

/// That an enclave has stored a share, or given it to somebody.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
pub struct Event {
    /// The chain's time, UTC.
    pub date: String,
    /// The finalized block at which it was decided.
    pub block: BlockNumber,
    /// Who it was.
    pub account: Who,
    /// `STORE` or `VIEW`.
    pub event: String,
    /// The enclave that has logged it, SS58.
    pub enclave: String,
}

/// An account in a role.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd)]
pub struct Who {
    /// SS58.
    pub address: String,
    /// `OWNER`, `DELEGATEE` or `RENTEE`.
    pub role: String,
}

/// That somebody has stored or viewed a key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Access {
    /// The chain's time when the first enclave decided about it, UTC.
    pub date: String,
    /// The block at which it did.
    pub block: BlockNumber,
    /// `STORE` or `VIEW`.
    pub event: String,
    /// Who it was.
    pub account: Who,
    /// How many enclaves have logged it.
    pub enclaves: usize,
}

/// An NFT's history.
#[derive(Debug)]
pub struct History {
    /// The accesses, oldest first.
    pub accesses: Vec<Access>,
    /// The enclaves that did not tell, by slot: what only they have logged is not in it.
    pub silent: Vec<(u32, EnclaveError)>,
}

/// Asks all enclaves of a cluster.
pub async fn of_secret(client: &EnclaveClient, members: &Members, nft_id: NftId) -> History {
    let asked = members.enclaves.iter().map(|member| async {
        (member.slot_id, events(&client.of(member), &member.url, nft_id).await)
    });
    let mut history = History { accesses: Vec::new(), silent: Vec::new() };
    let mut all = Vec::new();
    for (slot, told) in futures::future::join_all(asked).await {
        match told {
            Ok(events) => all.extend(events),
            Err(error) => history.silent.push((slot, error)),
        }
    }
    history.accesses = accesses(all);
    history
}

async fn events(
    client: &EnclaveClient,
    url: &str,
    nft_id: NftId,
) -> Result<Vec<Event>, EnclaveError> {
    let mut events = Vec::new();
    let mut after = None;
    for _ in 0..MAX_PARTS {
        let part = client.history(url, nft_id, after.as_deref(), LIMIT).await?;
        events.extend(part.log.secret_nft.into_values());
        after = part.next;
        if after.is_none() {
            break;
        }
    }
    Ok(events)
}

/// Puts together what belongs together. The same enclave twice is another access.
fn accesses(mut events: Vec<Event>) -> Vec<Access> {
    let order = |event: &Event| {
        let Event { date, block, account, enclave, .. } = event.clone();
        (block, date, account, enclave)
    };
    events.sort_by_cached_key(order);
    let mut found: Vec<(Access, BTreeSet<String>)> = Vec::new();
    for event in events {
        let belongs = |(access, enclaves): &&mut (Access, BTreeSet<String>)| {
            access.event == event.event
                && access.account == event.account
                && event.block.saturating_sub(access.block) <= APART
                && !enclaves.contains(&event.enclave)
        };
        match found.iter_mut().rev().find(belongs) {
            Some((access, enclaves)) => {
                enclaves.insert(event.enclave);
                access.enclaves = enclaves.len();
            }
            None => {
                let Event { date, block, account, event, enclave } = event;
                let access = Access { date, block, event, account, enclaves: 1 };
                found.push((access, BTreeSet::from([enclave])));
            }
        }
    }
    found.into_iter().map(|(access, _)| access).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(block: BlockNumber, event: &str, who: &str, enclave: &str) -> Event {
        Event {
            date: format!("{block}"),
            block,
            account: Who { address: who.into(), role: "OWNER".into() },
            event: event.into(),
            enclave: enclave.into(),
        }
    }

    #[test]
    fn what_several_enclaves_log_of_one_view_is_one_access() {
        let mut events: Vec<_> =
            ["a", "b", "c"].iter().map(|enclave| event(10, "STORE", "owner", enclave)).collect();
        // Two views in a row, of the same five blocks; and somebody else's.
        events.extend([
            event(20, "VIEW", "owner", "a"),
            event(21, "VIEW", "owner", "b"),
            event(21, "VIEW", "owner", "a"),
            event(22, "VIEW", "owner", "b"),
            event(21, "VIEW", "rentee", "a"),
            event(40, "VIEW", "owner", "a"),
        ]);
        events.reverse();
        let accesses = accesses(events);
        let seen: Vec<_> = accesses
            .iter()
            .map(|it| (it.block, it.event.as_str(), it.account.address.as_str(), it.enclaves))
            .collect();
        assert_eq!(
            seen,
            [
                (10, "STORE", "owner", 3),
                (20, "VIEW", "owner", 2),
                (21, "VIEW", "owner", 2),
                (21, "VIEW", "rentee", 1),
                (40, "VIEW", "owner", 1),
            ]
        );
    }
}
