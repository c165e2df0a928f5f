// SPDX-License-Identifier: Apache-2.0
//! Collateral: what is kept of it, and which document replaces which.

use frame_support::{
    dispatch::{DispatchResultWithPostInfo, Pays},
    ensure,
    pallet_prelude::{DispatchResult, Weight},
    traits::Get,
};
use tee_dcap::{verify_pck_crl, verify_qe_identity, verify_root_crl, verify_tcb_info, Crl};
use tee_primitives::attestation::collateral::{CollateralId, CollateralItem};

use crate::{
    Config, Dated, Error, Evaluated, Event, Pallet, PckCrls, Policy, QeIdentity, Root, RootCrl,
    TcbInfos, Waiting, WeightInfo,
};

impl<T: Config> Pallet<T> {
    /// What it weighs to take a document.
    pub(crate) fn weight_of(item: &CollateralItem) -> Weight {
        match item {
            CollateralItem::RootCrl { .. } => T::WeightInfo::submit_root_crl(),
            CollateralItem::PckCrl { .. } => T::WeightInfo::submit_pck_crl(),
            CollateralItem::TcbInfo { .. } => T::WeightInfo::submit_tcb_info(),
            CollateralItem::QeIdentity { .. } => T::WeightInfo::submit_qe_identity(),
        }
    }

    /// Verifies and keeps a document.
    pub(crate) fn do_submit_collateral(item: CollateralItem) -> DispatchResultWithPostInfo {
        let now = Self::now();
        let root = Root::<T>::get().ok_or(Error::<T>::RootMissing)?;
        let is_due = match item {
            CollateralItem::RootCrl { crl } => {
                let crl = verify_root_crl(&root, &crl, now).map_err(Error::<T>::from)?;
                let is_due = Self::check_newer(RootCrl::<T>::get(), &crl, now)?;
                Self::announce(CollateralId::RootCrl, &crl);
                RootCrl::<T>::put(crl);
                is_due
            }
            CollateralItem::PckCrl { crl, issuer_chain } => {
                let (ca, crl) = verify_pck_crl(&root, &Self::root_crl()?, &crl, &issuer_chain, now)
                    .map_err(Error::<T>::from)?;
                let is_due = Self::check_newer(PckCrls::<T>::get(ca), &crl, now)?;
                Self::announce(CollateralId::PckCrl(ca), &crl);
                PckCrls::<T>::insert(ca, crl);
                is_due
            }
            CollateralItem::TcbInfo { json, signature, issuer_chain } => {
                let root_crl = Self::root_crl()?;
                let info = verify_tcb_info(&root, &root_crl, &json, &signature, &issuer_chain, now)
                    .map_err(Error::<T>::from)?;
                let fmspc = info.fmspc;
                let known = TcbInfos::<T>::get(fmspc);
                let (known, is_due) =
                    Self::take_document(CollateralId::TcbInfo(fmspc), known, info, now)?;
                TcbInfos::<T>::insert(fmspc, known);
                is_due
            }
            CollateralItem::QeIdentity { json, signature, issuer_chain } => {
                let root_crl = Self::root_crl()?;
                let identity =
                    verify_qe_identity(&root, &root_crl, &json, &signature, &issuer_chain, now)
                        .map_err(Error::<T>::from)?;
                let (known, is_due) = Self::take_document(
                    CollateralId::QeIdentity,
                    QeIdentity::<T>::get(),
                    identity,
                    now,
                )?;
                QeIdentity::<T>::put(known);
                is_due
            }
        };
        Ok(if is_due { Pays::No } else { Pays::Yes }.into())
    }

    /// Lets the document that waits count.
    pub(crate) fn do_enact_evaluation(id: CollateralId) -> DispatchResult {
        let number = match id {
            CollateralId::TcbInfo(fmspc) => TcbInfos::<T>::mutate(fmspc, Self::enact)?,
            CollateralId::QeIdentity => QeIdentity::<T>::mutate(Self::enact)?,
            CollateralId::RootCrl | CollateralId::PckCrl(_) => {
                return Err(Error::<T>::NothingIsWaiting.into())
            }
        };
        Self::deposit_event(Event::EvaluationEnacted { id, evaluation_number: number });
        Ok(())
    }

    fn enact<D: Dated + Clone>(known: &mut Option<Evaluated<D>>) -> Result<u32, Error<T>> {
        let now = Self::now();
        let waiting = known.clone().and_then(|known| known.settled(now).next);
        let waiting = waiting.filter(|waiting| !waiting.document.is_expired(now));
        let document = waiting.ok_or(Error::<T>::NothingIsWaiting)?.document;
        let number = document.evaluation_number();
        *known = Some(Evaluated { current: document, next: None });
        Ok(number)
    }

    /// The lowest evaluation number that still counts: what governance says, and for TCB levels what
    /// is known of the quoting enclave. Nobody has a first document count that is older.
    fn lowest_number(id: CollateralId, now: u64) -> u32 {
        let demanded = Policy::<T>::get().min_evaluation_number;
        let known = match id {
            CollateralId::TcbInfo(_) => QeIdentity::<T>::get(),
            _ => None,
        };
        known.map_or(0, |known| known.at(now).evaluation_number).max(demanded)
    }

    fn root_crl() -> Result<Crl, Error<T>> {
        RootCrl::<T>::get().ok_or(Error::<T>::RootCrlMissing)
    }

    /// Whether a document may replace the known one, and whether it was time: then it is brought
    /// for free. One that itself will soon have to be replaced is no gain.
    fn check_newer<D: Dated>(known: Option<D>, new: &D, now: u64) -> Result<bool, Error<T>> {
        let Some(known) = known else { return Ok(true) };
        ensure!(new.issued() > known.issued(), Error::<T>::CollateralNotNewer);
        Ok(known.is_ageing(now) && !new.is_ageing(now))
    }

    /// Puts a document that judges TCBs where it belongs.
    fn take_document<D: Dated>(
        id: CollateralId,
        known: Option<Evaluated<D>>,
        new: D,
        now: u64,
    ) -> Result<(Evaluated<D>, bool), Error<T>> {
        let (number, lowest) = (new.evaluation_number(), Self::lowest_number(id, now));
        ensure!(number >= lowest, Error::<T>::EvaluationTooLow);
        let Some(known) = known else {
            Self::announce(id, &new);
            return Ok((Evaluated { current: new, next: None }, true));
        };
        let Evaluated { current, next } = known.settled(now);
        ensure!(number >= current.evaluation_number(), Error::<T>::EvaluationTooLow);
        if number == current.evaluation_number() {
            let is_due = Self::check_newer(Some(current), &new, now)?;
            Self::announce(id, &new);
            return Ok((Evaluated { current: new, next }, is_due));
        }
        // What waits and has expired is as good as nothing.
        let next = next.filter(|waiting| !waiting.document.is_expired(now));
        // To wait is for the benefit of those who are judged by what counts. Where that has expired,
        // or no longer counts, nobody is.
        if current.is_expired(now) || current.evaluation_number() < lowest {
            Self::announce(id, &new);
            let next = next.filter(|waiting| waiting.document.evaluation_number() > number);
            return Ok((Evaluated { current: new, next }, true));
        }
        let (acts_from, is_due) = match next {
            None => (now.saturating_add(T::EvaluationGrace::get()), true),
            Some(waiting) => {
                ensure!(
                    waiting.document.evaluation_number() == number,
                    Error::<T>::AnotherEvaluationIsWaiting
                );
                let is_due = Self::check_newer(Some(waiting.document), &new, now)?;
                (waiting.acts_from, is_due)
            }
        };
        Self::deposit_event(Event::EvaluationWaiting { id, evaluation_number: number, acts_from });
        let next = Some(Waiting { document: new, acts_from });
        Ok((Evaluated { current, next }, is_due))
    }

    fn announce<D: Dated>(id: CollateralId, new: &D) {
        let (issued, expires) = (new.issued(), new.expires());
        Self::deposit_event(Event::CollateralUpdated { id, issued, expires });
    }
}
