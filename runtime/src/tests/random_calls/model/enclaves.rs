// SPDX-License-Identifier: Apache-2.0
//! Clusters, operators and their enclaves. Each account counts as a machine of its own.

use pallet_tee::{Call, EnclaveOf};
use tee_primitives::{
    attestation::PlatformId,
    cluster::{ClusterId, ClusterType, Enclave, SlotId, CLUSTER_SIZE},
    BlockNumber,
};

use super::{must, Caller, Contract, Model, Outcome};
use crate::{tests::attested::facts_of, AccountId, Balance, Runtime};

/// Of the preset `development`, in blocks.
const BONDING: BlockNumber = 60;
const MIGRATION: BlockNumber = 300;
const MOST_METRICS_SERVERS: usize = 10;

pub const GOOD_URIS: [&[u8]; 4] =
    [b"https://enclave.example:8000", b"http://10.0.0.1", b"https://[::1]:8000", b"http://a"];
pub const BAD_URIS: [&[u8]; 5] =
    [b"", b"https://", b"ftp://enclave.example", b"https://enclave example", b"https:///path"];

/// The machine that an enclave runs on.
pub fn machine(enclave: &AccountId) -> PlatformId {
    facts_of(enclave).platform
}

#[derive(Clone)]
pub struct Cluster {
    pub cluster_type: ClusterType,
    /// What it was before it was disabled.
    pub lasting_type: ClusterType,
    /// Whether an enclave of it ever confirmed anything.
    pub has_confirmed: bool,
}

#[derive(Clone, Default)]
pub struct Operator {
    pub registered: Option<EnclaveOf<Runtime>>,
    pub seat: Option<Seat>,
    pub stake: Option<Stake>,
}

#[derive(Clone)]
pub struct Seat {
    pub cluster: ClusterId,
    pub slot: SlotId,
    pub enclave: EnclaveOf<Runtime>,
    pub update: Option<EnclaveOf<Runtime>>,
    /// The approved successor, and the last block in which it can take over.
    pub migration: Option<(EnclaveOf<Runtime>, BlockNumber)>,
    pub leaving_since: Option<BlockNumber>,
}

impl Seat {
    /// The enclaves that hold, or copy, the slot's shares.
    pub fn enclaves(&self) -> impl Iterator<Item = &AccountId> {
        let successor = self.migration.as_ref().map(|(enclave, _)| &enclave.enclave_address);
        [&self.enclave.enclave_address].into_iter().chain(successor)
    }
}

#[derive(Clone, Copy)]
pub struct Stake {
    pub amount: Balance,
    pub unbonded_at: Option<BlockNumber>,
}

impl Model {
    pub(super) fn dispatch_tee(&mut self, caller: &Caller, call: &Call<Runtime>) -> Outcome {
        match call {
            Call::register_enclave { .. }
            | Call::unregister_enclave {}
            | Call::update_enclave { .. }
            | Call::cancel_update {}
            | Call::withdraw_unbonded {}
            | Call::bond_extra {}
            | Call::refund_excess {}
            | Call::confirm_keyshares { .. }
            | Call::complete_update { .. } => self.dispatch_of_account(caller.account()?, call),
            _ => {
                caller.must_govern()?;
                self.dispatch_of_governance(call)
            }
        }
    }

    fn dispatch_of_account(&mut self, who: &AccountId, call: &Call<Runtime>) -> Outcome {
        match call.clone() {
            Call::register_enclave { enclave_address, api_uri } => {
                must(GOOD_URIS.contains(&&api_uri[..]) && *who != enclave_address)?;
                must(self.operator_of(&enclave_address).is_none())?;
                let operator = self.operator(who);
                // Who has a registration or a slot has staked.
                must(operator.stake.is_none())?;
                operator.registered = Some(Enclave { enclave_address, api_uri });
                let amount = self.stake;
                self.operator(who).stake = Some(Stake { amount, unbonded_at: None });
                self.hold_stake(who, amount)
            }
            Call::unregister_enclave {} => {
                let now = self.now;
                let operator = self.operator(who);
                let Some(seat) = &mut operator.seat else {
                    return self.remove_registration(who);
                };
                must(seat.leaving_since.is_none())?;
                seat.leaving_since = Some(now);
                operator.stake.as_mut()?.unbonded_at = Some(now);
                Some(())
            }
            Call::update_enclave { new_enclave_address, new_api_uri } => {
                must(GOOD_URIS.contains(&&new_api_uri[..]))?;
                self.must_be_free_for(who, &new_enclave_address)?;
                let seat = self.seat(who)?;
                must(seat.update.is_none() && seat.migration.is_none())?;
                if new_enclave_address == seat.enclave.enclave_address {
                    seat.enclave.api_uri = new_api_uri;
                } else {
                    let enclave_address = new_enclave_address;
                    seat.update = Some(Enclave { enclave_address, api_uri: new_api_uri });
                }
                Some(())
            }
            Call::cancel_update {} => self.drop_update(who),
            Call::withdraw_unbonded {} => {
                let now = self.now;
                let operator = self.operator(who);
                must(now - operator.stake?.unbonded_at? >= BONDING && operator.seat.is_none())?;
                self.free_stake(who)
            }
            Call::bond_extra {} => {
                let target = self.stake;
                let stake = self.operator(who).stake.as_mut()?;
                must(stake.unbonded_at.is_none() && stake.amount < target)?;
                let amount = target - stake.amount;
                stake.amount = target;
                self.hold_stake(who, amount)
            }
            Call::refund_excess {} => {
                let target = self.stake;
                let stake = self.operator(who).stake.as_mut()?;
                must(stake.unbonded_at.is_none() && stake.amount > target)?;
                let amount = stake.amount - target;
                stake.amount = target;
                self.release_stake(who, amount);
                Some(())
            }
            Call::confirm_keyshares { batch } => self.confirm(who, &batch),
            Call::complete_update { operator_address, cursor } => {
                self.must_be_free_for(&operator_address, who)?;
                let now = self.now;
                let seat = self.seat(&operator_address)?;
                let (successor, until) = seat.migration.clone()?;
                must(successor.enclave_address == *who && now <= until)?;
                let cluster_id = seat.cluster;
                must((self.synced_until(cluster_id)..=self.syncs.len() as u64).contains(&cursor))?;
                let seat = self.seat(&operator_address)?;
                seat.enclave = successor;
                seat.migration = None;
                Some(())
            }
            _ => None,
        }
    }

    fn dispatch_of_governance(&mut self, call: &Call<Runtime>) -> Outcome {
        match call.clone() {
            Call::assign_enclave { operator_address, cluster_id, slot_id } => {
                let enclave = self.operator(&operator_address).registered.take()?;
                let account = enclave.enclave_address.clone();
                must(self.operator_of(&account).is_none())?;
                must(self.clusters.contains_key(&cluster_id) && slot_id < CLUSTER_SIZE)?;
                must(self.enclave_at(cluster_id, slot_id).is_none())?;
                self.serve(&account, cluster_id, slot_id, &operator_address)?;
                self.operator(&operator_address).seat = Some(Seat {
                    cluster: cluster_id,
                    slot: slot_id,
                    enclave,
                    update: None,
                    migration: None,
                    leaving_since: None,
                });
            }
            Call::remove_registration { operator_address } => {
                self.remove_registration(&operator_address)?;
            }
            Call::reject_update { operator_address } => self.drop_update(&operator_address)?,
            Call::approve_enclave_unregistration { operator_address } => {
                self.seat(&operator_address)?.leaving_since?;
                self.remove_enclave(&operator_address)?;
            }
            Call::force_remove_enclave { operator_address } => {
                self.remove_enclave(&operator_address)?;
            }
            Call::approve_update_enclave { operator_address } => {
                let until = self.now + MIGRATION;
                let seat = self.seat(&operator_address)?;
                let successor = seat.update.take()?;
                let (cluster_id, slot_id) = (seat.cluster, seat.slot);
                let account = &successor.enclave_address;
                self.must_be_free_for(&operator_address, account)?;
                self.serve(account, cluster_id, slot_id, &operator_address)?;
                self.seat(&operator_address)?.migration = Some((successor, until));
            }
            Call::force_update_enclave { operator_address, new_enclave_address, new_api_uri } => {
                must(new_enclave_address.is_some() || new_api_uri.is_some())?;
                let seat = self.seat(&operator_address)?;
                (seat.update, seat.migration) = (None, None);
                let (cluster_id, slot_id) = (seat.cluster, seat.slot);
                if let Some(uri) = new_api_uri {
                    must(GOOD_URIS.contains(&&uri[..]))?;
                    seat.enclave.api_uri = uri;
                }
                if let Some(account) = new_enclave_address {
                    self.must_be_free_for(&operator_address, &account)?;
                    self.serve(&account, cluster_id, slot_id, &operator_address)?;
                    self.seat(&operator_address)?.enclave.enclave_address = account;
                }
            }
            Call::create_cluster { cluster_type } => {
                let cluster =
                    Cluster { cluster_type, lasting_type: cluster_type, has_confirmed: false };
                self.clusters.insert(self.next_cluster, cluster);
                self.next_cluster += 1;
            }
            Call::update_cluster { cluster_id, cluster_type } => {
                self.update_cluster(cluster_id, cluster_type)?;
            }
            Call::remove_cluster { cluster_id } => {
                must(self.clusters.contains_key(&cluster_id))?;
                must((0..CLUSTER_SIZE).all(|slot| self.enclave_at(cluster_id, slot).is_none()))?;
                must(self.held_by(cluster_id) == 0)?;
                self.clusters.remove(&cluster_id);
            }
            Call::register_metrics_server { metrics_server } => {
                let account = metrics_server.metrics_server_address;
                let servers = &mut self.metrics_servers;
                must(servers.iter().all(|(other, _)| *other != account))?;
                must(servers.len() < MOST_METRICS_SERVERS)?;
                servers.push((account, metrics_server.supported_cluster_type));
            }
            Call::unregister_metrics_server { metrics_server_address: account } => {
                let servers = &mut self.metrics_servers;
                let index = servers.iter().position(|(other, _)| *other == account)?;
                servers.remove(index);
            }
            Call::force_update_metrics_server_type {
                metrics_server_address: account,
                new_supported_cluster_type,
            } => {
                let mut servers = self.metrics_servers.iter_mut();
                servers.find(|(other, _)| *other == account)?.1 = new_supported_cluster_type;
            }
            Call::forget_platform { platform } => {
                let is_serving = self
                    .public_seats()
                    .any(|(_, seat)| seat.enclaves().any(|enclave| machine(enclave) == platform));
                must(!is_serving)?;
                self.public_machines.remove(&platform)?;
            }
            Call::expect_enclave { operator_address, enclave_address } => {
                let operator = self.operator(&operator_address).clone();
                let update = operator.seat.and_then(|seat| seat.update);
                let named = operator.registered.or(update)?;
                must(named.enclave_address == enclave_address)?;
            }
            Call::set_staking_amount { staking_amount } => self.stake = staking_amount,
            _ => return None,
        }
        Some(())
    }

    fn update_cluster(&mut self, cluster_id: ClusterId, to: ClusterType) -> Outcome {
        let cluster = self.clusters.get_mut(&cluster_id)?;
        cluster.cluster_type = to;
        if to == ClusterType::Disabled || to == cluster.lasting_type {
            return Some(());
        }
        must(!cluster.has_confirmed)?;
        cluster.lasting_type = to;
        let seats = self.seats().filter(|(_, seat)| seat.cluster == cluster_id);
        let seats: Vec<_> =
            seats.map(|(operator, seat)| (operator.clone(), seat.clone())).collect();
        for (operator, seat) in seats {
            for enclave in seat.enclaves() {
                self.serve(enclave, cluster_id, seat.slot, &operator)?;
            }
        }
        Some(())
    }

    /// The blocks in which something ends: a contract, a bonding period, a migration.
    pub fn ends(&self) -> impl Iterator<Item = BlockNumber> + '_ {
        let stakes = self.operators.values().filter_map(|operator| operator.stake);
        let migrations = self.seats().filter_map(|(_, seat)| seat.migration.as_ref());
        (self.contracts.values().map(Contract::deadline))
            .chain(stakes.filter_map(|stake| stake.unbonded_at).map(|at| at + BONDING))
            .chain(migrations.map(|(_, until)| *until))
    }

    fn operator(&mut self, account: &AccountId) -> &mut Operator {
        self.operators.entry(account.clone()).or_default()
    }

    fn seat(&mut self, operator: &AccountId) -> Option<&mut Seat> {
        self.operators.get_mut(operator)?.seat.as_mut()
    }

    pub fn seats(&self) -> impl Iterator<Item = (&AccountId, &Seat)> {
        self.operators
            .iter()
            .filter_map(|(account, operator)| Some((account, operator.seat.as_ref()?)))
    }

    /// For whom an enclave serves.
    pub fn operator_of(&self, enclave: &AccountId) -> Option<AccountId> {
        let of = self.seats().find(|(_, seat)| seat.enclave.enclave_address == *enclave);
        of.map(|(operator, _)| operator.clone())
    }

    pub fn enclave_at(&self, cluster: ClusterId, slot: SlotId) -> Option<AccountId> {
        let at = self.seats().find(|(_, seat)| (seat.cluster, seat.slot) == (cluster, slot));
        at.map(|(_, seat)| seat.enclave.enclave_address.clone())
    }

    /// An account that is nobody's enclave, or the operator's own.
    fn must_be_free_for(&self, operator: &AccountId, account: &AccountId) -> Outcome {
        must(operator != account)?;
        must(self.operator_of(account).is_none_or(|of| of == *operator))
    }

    /// Lets an enclave's machine serve a slot. None is in two slots of a cluster, and none ever has
    /// two slot numbers in public clusters.
    fn serve(
        &mut self,
        enclave: &AccountId,
        cluster_id: ClusterId,
        slot: SlotId,
        operator: &AccountId,
    ) -> Outcome {
        let is_in_cluster = self.seats().any(|(other, seat)| {
            other != operator
                && seat.cluster == cluster_id
                && seat.enclaves().any(|other| other == enclave)
        });
        must(!is_in_cluster)?;
        if self.clusters.get(&cluster_id)?.lasting_type == ClusterType::Public {
            let served = self.public_machines.entry(machine(enclave)).or_insert(slot);
            must(*served == slot)?;
        }
        Some(())
    }

    /// The seats in clusters that are public, or were before they were disabled.
    pub fn public_seats(&self) -> impl Iterator<Item = (&AccountId, &Seat)> {
        self.seats().filter(|(_, seat)| {
            let cluster = self.clusters.get(&seat.cluster);
            cluster.is_some_and(|found| found.lasting_type == ClusterType::Public)
        })
    }

    fn drop_update(&mut self, operator: &AccountId) -> Outcome {
        let seat = self.seat(operator)?;
        must(seat.update.take().is_some() | seat.migration.take().is_some())
    }

    fn remove_registration(&mut self, operator: &AccountId) -> Outcome {
        self.operator(operator).registered.take()?;
        self.free_stake(operator)
    }

    fn remove_enclave(&mut self, operator: &AccountId) -> Outcome {
        let now = self.now;
        let operator = self.operator(operator);
        operator.seat.take()?;
        operator.stake.as_mut()?.unbonded_at = Some(now);
        Some(())
    }

    fn hold_stake(&mut self, operator: &AccountId, amount: Balance) -> Outcome {
        let purse = self.purse(operator);
        // Not even nothing is held in an account that does not exist.
        must(purse.free > 0)?;
        purse.spend(amount)?;
        purse.staked += amount;
        Some(())
    }

    fn release_stake(&mut self, operator: &AccountId, amount: Balance) {
        let purse = self.purse(operator);
        purse.staked -= amount;
        purse.free += amount;
    }

    fn free_stake(&mut self, operator: &AccountId) -> Outcome {
        let stake = self.operator(operator).stake.take()?;
        self.release_stake(operator, stake.amount);
        Some(())
    }
}
