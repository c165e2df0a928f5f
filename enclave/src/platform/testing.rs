// SPDX-License-Identifier: Apache-2.0
//! A machine for tests, whose quotes are made by a function.

use std::sync::{
    atomic::{AtomicBool, AtomicU32, Ordering},
    Arc,
};

use super::{Measurement, Platform, PlatformError, Zeroizing};
use crate::chain::scripted::attesting;

type Make = dyn Fn(&[u8; 64]) -> Result<Vec<u8>, PlatformError> + Send + Sync;

/// The machine.
pub(crate) struct Machine {
    measurement: Measurement,
    make: Box<Make>,
    fails: AtomicBool,
    asked: AtomicU32,
}

impl Machine {
    /// One that makes quotes by this function, for code with this measurement.
    pub(crate) fn new(
        measurement: Measurement,
        make: impl Fn(&[u8; 64]) -> Result<Vec<u8>, PlatformError> + Send + Sync + 'static,
    ) -> Arc<Self> {
        let (fails, asked) = (AtomicBool::new(false), AtomicU32::new(0));
        Arc::new(Self { measurement, make: Box::new(make), fails, asked })
    }

    /// One whose quotes the scripted chain accepts.
    pub(crate) fn good() -> Arc<Self> {
        let measurement = attesting::MEASUREMENT;
        Self::new(measurement, move |report_data| Ok(attesting::quote(measurement, report_data)))
    }

    /// Whether it fails from now on.
    pub(crate) fn set_failing(&self, fails: bool) {
        self.fails.store(fails, Ordering::SeqCst);
    }

    /// How many quotes it was asked for.
    pub(crate) fn asked(&self) -> u32 {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Platform for Machine {
    fn kind(&self) -> &'static str {
        "simulated"
    }

    fn measurement(&self) -> Measurement {
        self.measurement
    }

    fn root(&self) -> &[u8] {
        &[]
    }

    fn seal_key(&self) -> Result<Zeroizing<[u8; 32]>, PlatformError> {
        Ok(Zeroizing::new([1; 32]))
    }

    fn quote(&self, report_data: &[u8; 64]) -> Result<Vec<u8>, PlatformError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.fails.load(Ordering::SeqCst) {
            return Err(PlatformError("made to fail".into()));
        }
        (self.make)(report_data)
    }
}
