// SPDX-License-Identifier: Apache-2.0
//! A disk for tests. It stops at any write, forgets what was not synced, or is full.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard},
};

use redb::{DatabaseError, StorageBackend, StorageError};

use super::{
    database::{Backend, Medium},
    StoreError,
};

/// What a disk writes as one.
const SECTOR: usize = 512;

/// Something that was done since the last sync.
#[derive(Debug)]
enum Change {
    Write(usize, Vec<u8>),
    Length(usize),
}

#[derive(Debug, Default)]
struct State {
    /// What programs see.
    live: Vec<u8>,
    /// What has survived for certain.
    durable: Vec<u8>,
    /// What may survive, each for itself.
    changes: Vec<Change>,
    /// Writes, changes of length and syncs so far.
    calls: u64,
    /// The call that does not come back, and none after it.
    stops_at: Option<u64>,
    /// Longest file.
    capacity: Option<usize>,
    is_marked: bool,
}

/// A disk. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk(Arc<Mutex<State>>);

impl Disk {
    pub(crate) fn holding(content: Vec<u8>) -> Self {
        let disk = Self::default();
        disk.state().live = content.clone();
        disk.state().durable = content;
        disk
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub(crate) fn content(&self) -> Vec<u8> {
        self.state().live.clone()
    }

    /// Somebody puts another file there.
    pub(crate) fn replace(&self, content: Vec<u8>) {
        let mut state = self.state();
        state.live = content;
        state.changes.clear();
        state.durable = state.live.clone();
    }

    /// The machine stops at this call: it does nothing, and everything after it fails.
    pub(crate) fn stop_at(&self, call: u64) {
        self.state().stops_at = Some(call);
    }

    pub(crate) fn has_stopped(&self) -> bool {
        let state = self.state();
        state.stops_at.is_some_and(|stop| state.calls >= stop)
    }

    /// From now on the file does not grow beyond this, or grows again.
    pub(crate) fn limit(&self, capacity: Option<usize>) {
        self.state().capacity = capacity;
    }

    /// Changes that were not synced.
    pub(crate) fn unsynced(&self) -> usize {
        self.state().changes.len()
    }

    /// What is found after power was lost: what was synced, and of the rest what `survives`.
    pub(crate) fn after_power_loss(&self, survives: impl Fn(usize) -> bool) -> Self {
        let state = self.state();
        let mut content = state.durable.clone();
        for (index, change) in state.changes.iter().enumerate() {
            if survives(index) {
                apply(&mut content, change);
            }
        }
        Self::holding(content)
    }

    /// Counts a call. Fails from the one on at which the machine stops.
    fn call(&self) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.state();
        state.calls += 1;
        if state.stops_at.is_some_and(|stop| state.calls >= stop) {
            return Err(io::Error::other("the machine has stopped"));
        }
        Ok(state)
    }
}

fn apply(content: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Length(length) => content.resize(*length, 0),
        Change::Write(offset, bytes) => {
            let end = offset + bytes.len();
            content.resize(content.len().max(end), 0);
            content[*offset..end].copy_from_slice(bytes);
        }
    }
}

fn full() -> io::Error {
    io::ErrorKind::StorageFull.into()
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state().live.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.state();
        let offset = offset as usize;
        let bytes = offset.checked_add(out.len()).and_then(|end| state.live.get(offset..end));
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.call()?;
        let len = len as usize;
        if state.capacity.is_some_and(|capacity| len > capacity.max(state.live.len())) {
            return Err(full());
        }
        let change = Change::Length(len);
        apply(&mut state.live, &change);
        state.changes.push(change);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.call()?;
        let State { durable, changes, .. } = &mut *state;
        for change in changes.drain(..) {
            apply(durable, &change);
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.call()?;
        // What is written over takes no space on some disks; on those that copy it does.
        if state.capacity == Some(0) {
            return Err(full());
        }
        for (index, sector) in data.chunks(SECTOR).enumerate() {
            let change = Change::Write(offset as usize + index * SECTOR, sector.to_vec());
            apply(&mut state.live, &change);
            state.changes.push(change);
        }
        Ok(())
    }
}

impl Medium for Disk {
    fn exists(&self) -> io::Result<bool> {
        Ok(!self.state().live.is_empty())
    }

    /// As a folder does it: made elsewhere, and then there at once.
    fn create(
        &self,
        fill: &mut dyn FnMut(Backend) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let made = Self::default();
        fill(Box::new(made.clone()))?;
        let content = made.content();
        let mut state = self.call().map_err(StorageError::Io)?;
        state.live = content.clone();
        state.durable = content;
        Ok(())
    }

    fn open(&self) -> Result<Backend, DatabaseError> {
        Ok(Box::new(self.clone()))
    }

    fn sync_name(&self) -> io::Result<()> {
        Ok(())
    }

    fn mark_corrupt(&self) -> io::Result<()> {
        self.state().is_marked = true;
        Ok(())
    }

    fn is_marked_corrupt(&self) -> io::Result<bool> {
        Ok(self.state().is_marked)
    }
}
