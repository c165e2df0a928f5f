// SPDX-License-Identifier: Apache-2.0
//! Calls of operators and enclaves, and what governance decides about them.

use pallet_tee::{Call, ConfirmationBatch, MetricsServer, UriOf};
use tee_primitives::{
    cluster::{ClusterId, ClusterType, CLUSTER_SIZE},
    keyshare::KeyshareConfirmation,
};

use super::{account, is_now, Generator, Play, ENCLAVES, MOST_CLUSTERS, OPERATORS};
use crate::{
    tests::random_calls::model::{
        machine, Caller, Cluster, Model, Operator, Seat, BAD_URIS, GOOD_URIS,
    },
    AccountId, Runtime, UNIT,
};

const TYPES: [ClusterType; 4] =
    [ClusterType::Disabled, ClusterType::Admin, ClusterType::Public, ClusterType::Private];

/// Most entries of a batch.
const MOST_ENTRIES: u32 = 24;

impl Generator {
    /// Mostly an operator of which this holds.
    fn operator(&mut self, model: &Model, fits: impl Fn(&Operator) -> bool) -> AccountId {
        let fitting = model.operators.iter().filter(|(_, operator)| fits(operator));
        match self.dice.any(fitting) {
            Some((account, _)) if !self.dice.one_in(7) => account.clone(),
            _ if self.dice.one_in(10) => self.anybody(),
            _ => account(self.dice.any(OPERATORS).unwrap()),
        }
    }

    fn operator_with_seat(&mut self, model: &Model, fits: impl Fn(&Seat) -> bool) -> AccountId {
        self.operator(model, |operator| operator.seat.as_ref().is_some_and(&fits))
    }

    fn uri(&mut self) -> UriOf<Runtime> {
        let uris = if self.dice.one_in(16) { &BAD_URIS[..] } else { &GOOD_URIS[..] };
        UriOf::<Runtime>::truncate_from(self.dice.any(uris).unwrap().to_vec())
    }

    /// Mostly an account of an enclave that serves nobody.
    fn enclave(&mut self, model: &Model) -> AccountId {
        if self.dice.one_in(6) {
            // One that is to serve somebody.
            let approved = model.seats().filter_map(|(_, seat)| seat.migration.as_ref());
            if let Some((enclave, _)) = self.dice.any(approved) {
                return enclave.enclave_address.clone();
            }
        }
        let unused = ENCLAVES.map(account).filter(|account| model.operator_of(account).is_none());
        match self.dice.any(unused) {
            Some(account) if !self.dice.one_in(7) => account,
            _ if self.dice.one_in(4) => self.anybody(),
            _ => account(self.dice.any(ENCLAVES).unwrap()),
        }
    }

    fn cluster(&mut self, model: &Model) -> ClusterId {
        match self.dice.any(model.clusters.keys()) {
            Some(cluster_id) if !self.dice.one_in(12) => *cluster_id,
            _ => self.dice.below(model.next_cluster + 2),
        }
    }

    /// Mostly one that takes keyshares.
    fn cluster_type(&mut self) -> ClusterType {
        match self.dice.below(8) {
            0..4 => ClusterType::Public,
            4 => ClusterType::Private,
            _ => self.dice.any(TYPES).unwrap(),
        }
    }

    pub(super) fn register_enclave(&mut self, model: &Model) -> Play {
        let newcomers = OPERATORS.map(account).filter(|account| {
            model.operators.get(account).is_none_or(|operator| operator.stake.is_none())
        });
        let operator = match self.dice.any(newcomers) {
            Some(operator) if !self.dice.one_in(6) => operator,
            _ if self.dice.one_in(2) => self.anybody(),
            _ => account(self.dice.any(OPERATORS).unwrap()),
        };
        let call = Call::<Runtime>::register_enclave {
            enclave_address: self.enclave(model),
            api_uri: self.uri(),
        };
        (self.by(operator), call.into())
    }

    pub(super) fn unregister_enclave(&mut self, model: &Model) -> Play {
        let again = self.dice.one_in(6);
        let operator = self.operator(model, |operator| match &operator.seat {
            Some(seat) => seat.leaving_since.is_some() == again,
            None => operator.registered.is_some(),
        });
        (self.by(operator), Call::<Runtime>::unregister_enclave {}.into())
    }

    pub(super) fn assign_enclave(&mut self, model: &Model) -> Play {
        let operator_address = self.operator(model, |operator| operator.registered.is_some());
        let members = |cluster: &ClusterId| {
            (0..CLUSTER_SIZE).filter(|slot| model.enclave_at(*cluster, *slot).is_some()).count()
        };
        // Only a full cluster syncs anything.
        let fullest = model.clusters.keys().copied().filter(|cluster| members(cluster) < 5);
        let cluster_id = match fullest.max_by_key(members) {
            Some(cluster_id) if !self.dice.one_in(3) => cluster_id,
            _ => self.cluster(model),
        };
        let free = (0..CLUSTER_SIZE).filter(|slot| model.enclave_at(cluster_id, *slot).is_none());
        let registered = model.operators.get(&operator_address);
        let registered = registered.and_then(|operator| operator.registered.as_ref());
        let served = registered.and_then(|enclave| {
            model.public_machines.get(&machine(&enclave.enclave_address)).copied()
        });
        let served = served.filter(|slot| model.enclave_at(cluster_id, *slot).is_none());
        let slot_id = match served.or_else(|| self.dice.any(free)) {
            Some(slot_id) if !self.dice.one_in(8) => slot_id,
            _ => self.dice.below(CLUSTER_SIZE + 2),
        };
        let call = Call::<Runtime>::assign_enclave { operator_address, cluster_id, slot_id };
        (self.by_governance(), call.into())
    }

    pub(super) fn remove_registration(&mut self, model: &Model) -> Play {
        let operator_address = self.operator(model, |operator| operator.registered.is_some());
        let call = Call::<Runtime>::remove_registration { operator_address };
        (self.by_governance(), call.into())
    }

    pub(super) fn approve_enclave_unregistration(&mut self, model: &Model) -> Play {
        let operator_address = self.operator_with_seat(model, |seat| seat.leaving_since.is_some());
        let call = Call::<Runtime>::approve_enclave_unregistration { operator_address };
        (self.by_governance(), call.into())
    }

    pub(super) fn force_remove_enclave(&mut self, model: &Model) -> Play {
        let operator_address = self.operator_with_seat(model, |_| true);
        let call = Call::<Runtime>::force_remove_enclave { operator_address };
        (self.by_governance(), call.into())
    }

    pub(super) fn update_enclave(&mut self, model: &Model) -> Play {
        let operator = self
            .operator_with_seat(model, |seat| seat.update.is_none() && seat.migration.is_none());
        let seat = model.operators.get(&operator).and_then(|found| found.seat.as_ref());
        let new_enclave_address = match seat {
            Some(seat) if self.dice.one_in(6) => seat.enclave.enclave_address.clone(),
            Some(_) if self.dice.one_in(20) => operator.clone(),
            _ => self.enclave(model),
        };
        let call = Call::<Runtime>::update_enclave { new_enclave_address, new_api_uri: self.uri() };
        (self.by(operator), call.into())
    }

    /// Mostly a machine that has served, and serves no longer.
    pub(super) fn forget_platform(&mut self, model: &Model) -> Play {
        let serving: Vec<_> =
            model.public_seats().flat_map(|(_, seat)| seat.enclaves()).map(machine).collect();
        let idle = model.public_machines.keys().filter(|platform| !serving.contains(platform));
        let platform = match self.dice.any(idle) {
            Some(platform) if !self.dice.one_in(6) => *platform,
            _ => machine(&self.anybody()),
        };
        (self.by_governance(), Call::<Runtime>::forget_platform { platform }.into())
    }

    pub(super) fn expect_enclave(&mut self, model: &Model) -> Play {
        let operator_address = self.operator(model, |operator| {
            let update = operator.seat.as_ref().and_then(|seat| seat.update.as_ref());
            operator.registered.is_some() || update.is_some()
        });
        let named = model.operators.get(&operator_address).and_then(|operator| {
            let update = operator.seat.as_ref().and_then(|seat| seat.update.as_ref());
            operator.registered.as_ref().or(update)
        });
        let enclave_address = match named {
            Some(enclave) if !self.dice.one_in(4) => enclave.enclave_address.clone(),
            _ => self.enclave(model),
        };
        let call = Call::<Runtime>::expect_enclave { operator_address, enclave_address };
        (self.by_governance(), call.into())
    }

    pub(super) fn cancel_update(&mut self, model: &Model) -> Play {
        let operator = self
            .operator_with_seat(model, |seat| seat.update.is_some() || seat.migration.is_some());
        (self.by(operator), Call::<Runtime>::cancel_update {}.into())
    }

    pub(super) fn reject_update(&mut self, model: &Model) -> Play {
        let operator_address = self
            .operator_with_seat(model, |seat| seat.update.is_some() || seat.migration.is_some());
        (self.by_governance(), Call::<Runtime>::reject_update { operator_address }.into())
    }

    pub(super) fn approve_update_enclave(&mut self, model: &Model) -> Play {
        let operator_address = self.operator_with_seat(model, |seat| seat.update.is_some());
        (self.by_governance(), Call::<Runtime>::approve_update_enclave { operator_address }.into())
    }

    pub(super) fn complete_update(&mut self, model: &Model) -> Play {
        let is_late = self.dice.one_in(3);
        let operator_address = self.operator_with_seat(model, |seat| {
            let mut approved = seat.migration.iter();
            approved.any(|(_, until)| !is_late || is_now(model, *until))
        });
        let seat = model.operators.get(&operator_address).and_then(|found| found.seat.as_ref());
        let needed = seat.map_or(0, |seat| model.synced_until(seat.cluster));
        let cursor = match self.dice.below(6) {
            0 => needed.saturating_sub(1),
            1 => model.syncs.len() as u64 + 1,
            2 => model.syncs.len() as u64,
            _ => needed,
        };
        let successor = seat.and_then(|seat| seat.migration.as_ref());
        let successor = match successor {
            Some((enclave, _)) => enclave.enclave_address.clone(),
            None => self.enclave(model),
        };
        let call = Call::<Runtime>::complete_update { operator_address, cursor };
        (self.by(successor), call.into())
    }

    pub(super) fn force_update_enclave(&mut self, model: &Model) -> Play {
        let operator_address = self.operator_with_seat(model, |_| true);
        let seat = model.operators.get(&operator_address).and_then(|found| found.seat.as_ref());
        let new_enclave_address = match self.dice.below(12) {
            0..4 => None,
            4 => Some(operator_address.clone()),
            5 => seat.map(|seat| seat.enclave.enclave_address.clone()),
            _ => Some(self.enclave(model)),
        };
        let new_api_uri = self.dice.one_in(2).then(|| self.uri());
        let call = Call::<Runtime>::force_update_enclave {
            operator_address,
            new_enclave_address,
            new_api_uri,
        };
        (self.by_governance(), call.into())
    }

    pub(super) fn create_cluster(&mut self, model: &Model) -> Play {
        let call = Call::<Runtime>::create_cluster { cluster_type: self.cluster_type() };
        let caller = if model.clusters.len() < MOST_CLUSTERS {
            self.by_governance()
        } else if self.dice.one_in(2) {
            return self.remove_cluster(model);
        } else {
            Caller::Account(self.anybody())
        };
        (caller, call.into())
    }

    pub(super) fn update_cluster(&mut self, model: &Model) -> Play {
        let is_disabled = |cluster: &Cluster| cluster.cluster_type == ClusterType::Disabled;
        let disabled = model.clusters.iter().filter(|(_, cluster)| is_disabled(cluster));
        let cluster_id = match self.dice.any(disabled) {
            Some((cluster_id, _)) if !self.dice.one_in(3) => *cluster_id,
            _ => self.cluster(model),
        };
        let lasting = model.clusters.get(&cluster_id).map(|cluster| cluster.lasting_type);
        let cluster_type = match lasting {
            // It takes keyshares again.
            Some(lasting) if !self.dice.one_in(2) => lasting,
            _ => self.cluster_type(),
        };
        let call = Call::<Runtime>::update_cluster { cluster_id, cluster_type };
        (self.by_governance(), call.into())
    }

    pub(super) fn remove_cluster(&mut self, model: &Model) -> Play {
        let empty = model.clusters.keys().filter(|cluster_id| {
            model.held_by(**cluster_id) == 0
                && model.seats().all(|(_, seat)| seat.cluster != **cluster_id)
        });
        let cluster_id = match self.dice.any(empty) {
            Some(cluster_id) if !self.dice.one_in(4) => *cluster_id,
            _ => self.cluster(model),
        };
        (self.by_governance(), Call::<Runtime>::remove_cluster { cluster_id }.into())
    }

    pub(super) fn withdraw_unbonded(&mut self, model: &Model) -> Play {
        let operator = self.operator(model, |operator| {
            operator.seat.is_none()
                && operator.stake.is_some_and(|stake| stake.unbonded_at.is_some())
        });
        (self.by(operator), Call::<Runtime>::withdraw_unbonded {}.into())
    }

    pub(super) fn change_stake(&mut self, model: &Model) -> Play {
        let raises = self.dice.one_in(2);
        let operator = self.operator(model, |operator| {
            operator.stake.is_some_and(|stake| {
                stake.unbonded_at.is_none()
                    && if raises { stake.amount < model.stake } else { stake.amount > model.stake }
            })
        });
        let call = if raises { Call::<Runtime>::bond_extra {} } else { Call::refund_excess {} };
        (self.by(operator), call.into())
    }

    pub(super) fn set_staking_amount(&mut self, _: &Model) -> Play {
        let staking_amount = match self.dice.below(8) {
            0 => self.amount(),
            1 => 0,
            2 => 100_000 * UNIT,
            3 => 400_000 * UNIT,
            _ => 250_000 * UNIT,
        };
        (self.by_governance(), Call::<Runtime>::set_staking_amount { staking_amount }.into())
    }

    pub(super) fn change_metrics_servers(&mut self, model: &Model) -> Play {
        let listed = self.dice.any(&model.metrics_servers).map(|(account, _)| account.clone());
        let other = self.anybody();
        let listed = listed.filter(|_| !self.dice.one_in(6)).unwrap_or(other);
        let cluster_type = self.dice.any(TYPES).unwrap();
        let call = match self.dice.below(5) {
            0 => Call::<Runtime>::unregister_metrics_server { metrics_server_address: listed },
            1 => Call::force_update_metrics_server_type {
                metrics_server_address: listed,
                new_supported_cluster_type: cluster_type,
            },
            _ => Call::register_metrics_server {
                metrics_server: MetricsServer {
                    metrics_server_address: self.anybody(),
                    supported_cluster_type: cluster_type,
                },
            },
        };
        (self.by_governance(), call.into())
    }

    pub(super) fn confirm_keyshares(&mut self, model: &Model) -> Play {
        let syncs = |cluster: ClusterId| {
            let found = model.clusters.get(&cluster);
            found.is_some_and(|found| found.cluster_type.takes_keyshares())
                && (0..CLUSTER_SIZE).all(|slot| model.enclave_at(cluster, slot).is_some())
        };
        let operator = self.operator_with_seat(model, |seat| syncs(seat.cluster));
        let seat = model.operators.get(&operator).and_then(|found| found.seat.as_ref());
        let enclave = match seat {
            Some(seat) => seat.enclave.enclave_address.clone(),
            None => self.enclave(model),
        };
        let entries = match self.dice.below(12) {
            0 => 0,
            1 => 1,
            _ => 1 + self.dice.below(MOST_ENTRIES),
        };
        let batch = (0..entries).filter_map(|_| self.confirmation(model, seat)).collect();
        let call =
            Call::<Runtime>::confirm_keyshares { batch: ConfirmationBatch::truncate_from(batch) };
        (self.by(enclave), call.into())
    }

    /// Mostly of a pending version, and of the split that all enclaves got.
    fn confirmation(&mut self, model: &Model, seat: Option<&Seat>) -> Option<KeyshareConfirmation> {
        let pending = model.keyshares.iter().filter(|(_, keyshare)| keyshare.pending.is_some());
        let mut chosen = self.dice.any(pending);
        if self.dice.one_in(10) || chosen.is_none() {
            chosen = self.dice.any(&model.keyshares);
        }
        let (&(nft_id, kind), keyshare) = chosen?;
        let slot = seat.map_or(0, |seat| seat.slot as u8);
        Some(KeyshareConfirmation {
            nft_id: if self.dice.one_in(40) { self.dice.below(model.next_nft + 3) } else { nft_id },
            kind,
            version: match self.dice.below(20) {
                0 => keyshare.last + 1,
                1 => keyshare.last.saturating_sub(1),
                _ => keyshare.last,
            },
            split: [if self.dice.one_in(20) { self.dice.below(3) as u8 } else { 1 }; 16],
            commitment: [if self.dice.one_in(20) { self.dice.below(256) as u8 } else { slot }; 32],
        })
    }
}
