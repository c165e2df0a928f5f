// SPDX-License-Identifier: Apache-2.0
//! With whom shares are exchanged, by the finalized chain: enclaves with the same slot in other
//! public clusters, and the approved successor of the own operator's enclave. All of them must have an
//! attestation that counts.

use tee_primitives::{
    abi::storage,
    attestation::{
        record::{AllowedMeasurement, Standards},
        tcb::TcbPolicy,
        LogHead,
    },
    cluster::{Cluster, ClusterId, ClusterType, Enclave, Migration, SlotId},
    traits::AttestationFacts,
    BlockNumber, Hash, RawAccountId,
};

use crate::{
    chain::{
        facts::{self, Record},
        At, Chain, ChainError,
    },
    store::Place,
    view::View,
};

/// Clusters that are looked at.
const MAX_CLUSTERS: ClusterId = 4096;

/// Values that are read at once.
const PAGE: usize = 256;

/// Peers that are asked in one round, at most.
pub const MAX_PEERS: usize = 8;

type Seat = Enclave<RawAccountId, Vec<u8>>;
type Succession = Migration<RawAccountId, Vec<u8>, BlockNumber>;
type Members = Cluster<Vec<(RawAccountId, SlotId)>>;

/// A cluster.
#[derive(Clone, Debug)]
pub struct Known {
    /// Which.
    pub id: ClusterId,
    /// Its members, and whom it serves now.
    pub cluster: Members,
    /// Whom it serves; of a disabled one, whom it served before.
    pub lasting: ClusterType,
}

/// Enclaves to exchange shares with.
#[derive(Clone, Debug, Default)]
pub struct Peers {
    /// Those whose attestation counts.
    pub live: Vec<Peer>,
    /// How many the chain names.
    pub named: usize,
    /// Others that may have the same, whose attestation counts.
    pub besides: Vec<Peer>,
}

/// An enclave to exchange shares with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Peer {
    /// Its account.
    pub account: RawAccountId,
    /// For whom it works.
    pub operator: RawAccountId,
    /// Where its API is, by its operator's word.
    pub url: String,
    /// Its X25519 key, which the chain has verified.
    pub encryption_key: [u8; 32],
    /// SHA-256 of its TLS key, which the chain has verified; zeros without TLS.
    pub tls_spki_hash: Hash,
    /// The start of it that the chain has verified.
    pub session: [u8; 32],
    /// Its code and machine, which the chain has verified.
    pub facts: AttestationFacts,
    /// Where its view log ended when it attested.
    pub log_head: LogHead,
}

impl Peer {
    /// Whether it is the same start of the same enclave on the same machine, wherever its API is, and
    /// however often it has attested.
    pub fn is_same(&self, other: &Self) -> bool {
        let Self { url, log_head, .. } = self;
        *self == Self { url: url.clone(), log_head: *log_head, ..other.clone() }
    }
}

/// What a slot is filled for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Mission {
    /// The slot.
    pub place: Place,
    /// Whom its cluster serves; of a disabled one, whom it served before.
    pub cluster_type: ClusterType,
    /// Whether another enclave still serves it, whose approved successor this one is.
    pub is_successor: bool,
}

/// Reads any number of values, a page at a time.
async fn read_all(
    chain: &dyn Chain,
    view: &View,
    keys: Vec<Vec<u8>>,
) -> Result<Vec<Option<Vec<u8>>>, ChainError> {
    let mut values = Vec::with_capacity(keys.len());
    for page in keys.chunks(PAGE) {
        let at = At::Finalized(view.finalized.hash);
        values.extend(facts::values(chain, at, page.to_vec()).await?);
    }
    Ok(values)
}

/// The clusters.
pub async fn clusters(chain: &dyn Chain, view: &View) -> Result<Vec<Known>, ChainError> {
    let at = At::Finalized(view.finalized.hash);
    let [count] = facts::read(chain, at, [storage::next_cluster_id()]).await?;
    let count: ClusterId = facts::decode(count)?.unwrap_or_default();
    if count > MAX_CLUSTERS {
        tracing::warn!(
            count,
            looked_at = MAX_CLUSTERS,
            "there are more clusters than are looked at"
        );
    }
    known(chain, view, (0..count.min(MAX_CLUSTERS)).collect()).await
}

/// Those of these clusters that there are.
pub async fn known(
    chain: &dyn Chain,
    view: &View,
    ids: Vec<ClusterId>,
) -> Result<Vec<Known>, ChainError> {
    let keys =
        ids.iter().flat_map(|id| [storage::cluster_data(*id), storage::disabled_cluster(*id)]);
    let mut values = read_all(chain, view, keys.collect()).await?.into_iter();
    let mut clusters = Vec::new();
    for id in ids {
        let cluster: Option<Members> = facts::decode(values.next().flatten())?;
        let before: Option<ClusterType> = facts::decode(values.next().flatten())?;
        clusters.extend(cluster.map(|cluster| {
            let lasting = before.unwrap_or(cluster.cluster_type);
            Known { id, cluster, lasting }
        }));
    }
    Ok(clusters)
}

/// Those of these enclaves whose attestation counts.
async fn live(
    chain: &dyn Chain,
    view: &View,
    named: Vec<(RawAccountId, Seat)>,
) -> Result<Vec<Peer>, ChainError> {
    let keys = named.iter().map(|(_, seat)| storage::attestation(&seat.enclave_address)).collect();
    let mut found = Vec::new();
    for ((operator, seat), value) in named.into_iter().zip(read_all(chain, view, keys).await?) {
        let record: Option<Record> = facts::decode(value)?;
        // A URL that is no text leads nowhere.
        let url = String::from_utf8(seat.api_uri).unwrap_or_default();
        if let Some(record) = record.filter(|record| record.operator == operator) {
            found.push((seat.enclave_address, url, record));
        }
    }
    let mut keys = vec![storage::tcb_policy()];
    keys.extend(found.iter().flat_map(|(_, _, record)| {
        [
            storage::allowed_measurement(&record.facts.measurement),
            storage::banned_platform(&record.facts.platform),
        ]
    }));
    let mut values = read_all(chain, view, keys).await?.into_iter();
    let policy: TcbPolicy = facts::decode(values.next().flatten())?.unwrap_or_default();
    let mut peers = Vec::new();
    for (account, url, record) in found {
        let measurement: Option<AllowedMeasurement> = facts::decode(values.next().flatten())?;
        let is_platform_banned = values.next().flatten().is_some();
        let standards = Standards {
            measurement,
            is_platform_banned,
            policy: &policy,
            block: view.finalized.number,
            now: view.now,
        };
        if record.check(&standards).is_ok() {
            peers.push(Peer {
                account,
                operator: record.operator,
                url,
                encryption_key: record.encryption_key,
                tls_spki_hash: record.tls_spki_hash,
                session: record.session,
                facts: record.facts,
                log_head: record.log_head,
            });
        }
    }
    Ok(peers)
}

/// The enclaves with this slot in other public clusters.
pub async fn others(
    chain: &dyn Chain,
    view: &View,
    place: Place,
    clusters: &[Known],
) -> Result<Peers, ChainError> {
    let operators: Vec<_> = clusters
        .iter()
        .filter(|known| {
            known.id != place.cluster_id && known.cluster.cluster_type == ClusterType::Public
        })
        .flat_map(|known| &known.cluster.enclaves)
        .filter(|(_, slot_id)| *slot_id == place.slot_id)
        .map(|(operator, _)| *operator)
        .collect();
    let keys = operators.iter().map(storage::enclave_data).collect();
    let mut named = Vec::new();
    for (operator, value) in operators.into_iter().zip(read_all(chain, view, keys).await?) {
        named.extend(facts::decode::<Seat>(value)?.map(|seat| (operator, seat)));
    }
    let count = named.len();
    Ok(Peers { named: count, live: live(chain, view, named).await?, besides: Vec::new() })
}

/// The slot that an operator's enclave has.
async fn seat(
    chain: &dyn Chain,
    view: &View,
    operator: &RawAccountId,
) -> Result<Option<(Place, ClusterType)>, ChainError> {
    let at = At::Finalized(view.finalized.hash);
    let [cluster_id] = facts::read(chain, at, [storage::enclave_cluster_id(operator)]).await?;
    let Some(cluster_id) = facts::decode::<ClusterId>(cluster_id)? else { return Ok(None) };
    let [cluster] = facts::read(chain, at, [storage::cluster_data(cluster_id)]).await?;
    let cluster: Option<Members> = facts::decode(cluster)?;
    Ok(cluster.and_then(|cluster| {
        let (_, slot_id) = cluster.enclaves.iter().find(|(member, _)| member == operator)?;
        Some((Place { cluster_id, slot_id: *slot_id }, cluster.cluster_type))
    }))
}

/// The successor of an operator's enclave that may copy its shares now.
async fn successor(
    chain: &dyn Chain,
    view: &View,
    operator: &RawAccountId,
) -> Result<Option<Succession>, ChainError> {
    let at = At::Finalized(view.finalized.hash);
    let [migration] = facts::read(chain, at, [storage::migration(operator)]).await?;
    let migration: Option<Succession> = facts::decode(migration)?;
    Ok(migration.filter(|migration| view.finalized.number <= migration.until))
}

/// Which slot this enclave is to fill, if any.
pub async fn mission(
    chain: &dyn Chain,
    view: &View,
    account: &RawAccountId,
    operator: &RawAccountId,
    clusters: &[Known],
) -> Result<Option<Mission>, ChainError> {
    if view.attestation.is_err() {
        return Ok(None);
    }
    let lasting = |cluster_id| clusters.iter().find(|it| it.id == cluster_id).map(|it| it.lasting);
    if let Some(assignment) = view.assignment {
        let place = Place { cluster_id: assignment.cluster_id, slot_id: assignment.slot_id };
        let cluster_type = lasting(place.cluster_id).unwrap_or(assignment.cluster_type);
        return Ok(Some(Mission { place, cluster_type, is_successor: false }));
    }
    let named = successor(chain, view, operator).await?;
    // With other code or another machine than was approved, the chain would not give it the slot.
    let shows = view.record.as_ref().map(|record| record.facts);
    if named
        .is_none_or(|named| named.enclave.enclave_address != *account || shows != Some(named.facts))
    {
        return Ok(None);
    }
    Ok(seat(chain, view, operator).await?.map(|(place, cluster_type)| {
        let cluster_type = lasting(place.cluster_id).unwrap_or(cluster_type);
        Mission { place, cluster_type, is_successor: true }
    }))
}

/// The enclave that an approved successor succeeds.
pub async fn predecessor(
    chain: &dyn Chain,
    view: &View,
    operator: &RawAccountId,
) -> Result<Peers, ChainError> {
    let at = At::Finalized(view.finalized.hash);
    let [seat] = facts::read(chain, at, [storage::enclave_data(operator)]).await?;
    let named: Vec<_> =
        facts::decode::<Seat>(seat)?.map(|seat| (*operator, seat)).into_iter().collect();
    let count = named.len();
    Ok(Peers { named: count, live: live(chain, view, named).await?, besides: Vec::new() })
}

/// An enclave that may ask the one in `place`, which works for `operator`; `None` if it may not.
pub async fn requester(
    chain: &dyn Chain,
    view: &View,
    own: Place,
    own_type: ClusterType,
    operator: &RawAccountId,
    account: &RawAccountId,
) -> Result<Option<Peer>, ChainError> {
    let at = At::Finalized(view.finalized.hash);
    let [works_for] = facts::read(chain, at, [storage::enclave_account_operator(account)]).await?;
    let Some(works_for) = facts::decode::<RawAccountId>(works_for)? else {
        return approved(chain, view, operator, account).await;
    };
    if !is_replica(chain, view, own, own_type, &works_for).await? {
        return Ok(None);
    }
    let [seat] = facts::read(chain, at, [storage::enclave_data(&works_for)]).await?;
    let seat = facts::decode::<Seat>(seat)?.filter(|seat| seat.enclave_address == *account);
    let named = seat.into_iter().map(|seat| (works_for, seat)).collect();
    Ok(live(chain, view, named).await?.pop())
}

/// The approved successor of an operator's enclave, if it is this account and still what was approved:
/// the chain gives the slot to no other.
async fn approved(
    chain: &dyn Chain,
    view: &View,
    operator: &RawAccountId,
    account: &RawAccountId,
) -> Result<Option<Peer>, ChainError> {
    let named = successor(chain, view, operator).await?;
    let Some(Migration { enclave, facts, .. }) = named else { return Ok(None) };
    if enclave.enclave_address != *account {
        return Ok(None);
    }
    let peer = live(chain, view, vec![(*operator, enclave)]).await?.pop();
    Ok(peer.filter(|peer| peer.facts == facts))
}

/// Whether an operator's enclave has the same slot in another cluster, both being public.
async fn is_replica(
    chain: &dyn Chain,
    view: &View,
    own: Place,
    own_type: ClusterType,
    operator: &RawAccountId,
) -> Result<bool, ChainError> {
    if own_type != ClusterType::Public {
        return Ok(false);
    }
    Ok(seat(chain, view, operator).await?.is_some_and(|(place, cluster_type)| {
        place.slot_id == own.slot_id
            && place.cluster_id != own.cluster_id
            && cluster_type == ClusterType::Public
    }))
}

/// The approved successor of an enclave with the same slot in another public cluster, if that is who
/// asks the one in `own`. It is entitled to what its slot holds, and its predecessor may be gone.
pub async fn successor_elsewhere(
    chain: &dyn Chain,
    view: &View,
    own: Place,
    own_type: ClusterType,
    account: &RawAccountId,
) -> Result<Option<Peer>, ChainError> {
    let at = At::Finalized(view.finalized.hash);
    let [record] = facts::read(chain, at, [storage::attestation(account)]).await?;
    let Some(Record { operator, .. }) = facts::decode(record)? else { return Ok(None) };
    match is_replica(chain, view, own, own_type, &operator).await? {
        true => approved(chain, view, &operator, account).await,
        false => Ok(None),
    }
}
