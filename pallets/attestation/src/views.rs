// SPDX-License-Identifier: Apache-2.0
//! Answers for people. Nothing of this is proven to whoever asks.

use alloc::vec::Vec;

use tee_primitives::attestation::collateral::CollateralId;

use crate::{
    types::MAX_LISTED, AttestationStatus, Attestations, CollateralStatus, Config, Dated, Evaluated,
    Pallet, PckCrls, QeIdentity, RootCrl, TcbInfos,
};

impl<T: Config> Pallet<T> {
    pub(crate) fn view_attestation(account: T::AccountId) -> Option<AttestationStatus> {
        let record = Attestations::<T>::get(account)?;
        let not_live = Self::check_live(&record).err();
        Some(AttestationStatus { record, not_live })
    }

    pub(crate) fn view_collateral() -> Vec<CollateralStatus> {
        let now = Self::now();
        let root = RootCrl::<T>::get().map(|crl| status(CollateralId::RootCrl, &crl, None));
        let pck =
            PckCrls::<T>::iter().map(|(ca, crl)| status(CollateralId::PckCrl(ca), &crl, None));
        let identity =
            QeIdentity::<T>::get().map(|known| evaluated(CollateralId::QeIdentity, known, now));
        let infos = TcbInfos::<T>::iter()
            .take(MAX_LISTED)
            .map(|(fmspc, known)| evaluated(CollateralId::TcbInfo(fmspc), known, now));
        root.into_iter().chain(pck).chain(identity).chain(infos).collect()
    }
}

fn evaluated<D: Dated>(id: CollateralId, known: Evaluated<D>, now: u64) -> CollateralStatus {
    let known = known.settled(now);
    let waiting = known.next.map(|next| (next.document.evaluation_number(), next.acts_from));
    status(id, &known.current, waiting)
}

fn status<D: Dated>(
    id: CollateralId,
    document: &D,
    waiting: Option<(u32, u64)>,
) -> CollateralStatus {
    CollateralStatus {
        id,
        issued: document.issued(),
        expires: document.expires(),
        evaluation_number: document.evaluation_number(),
        waiting,
    }
}
