// SPDX-License-Identifier: Apache-2.0
//! How far finality was followed, kept across starts: the next one goes on from there instead of
//! from the first block.
//!
//! It is sealed, so that nobody can name other authorities. An older one that somebody puts back
//! leads to the same chain, a few steps later; one that does not open is ignored, and finality is
//! followed from the first block.

use std::{
    future::Future,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use codec::{DecodeAll, Encode};
use tee_primitives::{BlockNumber, Hash};
use tokio::{sync::watch, task};

use crate::{chain::finality::Finality, file, seal::Sealer};

const FILE_NAME: &str = "checkpoint";

const CONTEXT: &[u8] = b"TIP500-CHECKPOINT/1";

/// Written again after so many blocks, and after each change of the authorities.
const EVERY: BlockNumber = 256;

/// The file.
#[derive(Clone)]
pub struct Checkpoint {
    path: PathBuf,
    context: Vec<u8>,
    sealer: Arc<Sealer>,
}

impl Checkpoint {
    /// In `folder`, for the chain with this genesis hash.
    pub fn new(folder: &Path, sealer: Arc<Sealer>, genesis: &Hash) -> Self {
        Self { path: folder.join(FILE_NAME), context: [CONTEXT, genesis].concat(), sealer }
    }

    /// What was kept; `None` if there is nothing of use.
    pub fn read(&self) -> Option<Finality> {
        let sealed = match file::read(&self.path) {
            Ok(sealed) => sealed?,
            Err(error) => {
                tracing::warn!(%error, "the checkpoint cannot be read");
                return None;
            }
        };
        let opened = self.sealer.open(&self.context, &sealed).ok();
        let finality = opened.and_then(|bytes| DecodeAll::decode_all(&mut bytes.as_slice()).ok());
        if finality.is_none() {
            tracing::warn!(
                "the checkpoint does not open: finality is followed from the first block"
            );
        }
        finality
    }

    fn write(&self, finality: &Finality) -> io::Result<()> {
        let sealed = self.sealer.seal(&self.context, &finality.encode());
        file::write(&self.path, &sealed.map_err(io::Error::other)?)
    }

    /// Keeps what is told, now and then, until nothing more is. That it cannot be written is no
    /// reason to stop: the next start takes longer.
    pub fn keep(self, mut told: watch::Receiver<Finality>) -> impl Future<Output = ()> + Send {
        let mut kept = told.borrow_and_update().clone();
        async move {
            while told.changed().await.is_ok() {
                let finality = told.borrow_and_update().clone();
                let blocks = finality.head().number.saturating_sub(kept.head().number);
                if blocks < EVERY && finality.set_id() == kept.set_id() {
                    continue;
                }
                let (this, writing) = (self.clone(), finality.clone());
                match task::spawn_blocking(move || this.write(&writing)).await {
                    Ok(Ok(())) => kept = finality,
                    Ok(Err(error)) => tracing::warn!(%error, "the checkpoint cannot be written"),
                    Err(_) => return,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::finality::tests::{change, on, start, Voters};
    use std::time::Duration;
    use tokio::time;

    fn checkpoint(folder: &Path, key: u8, genesis: Hash) -> Checkpoint {
        Checkpoint::new(folder, Arc::new(Sealer::new(&[key; 32])), &genesis)
    }

    #[tokio::test]
    async fn each_new_set_of_authorities_is_kept_and_now_and_then_a_block() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoint = checkpoint(folder.path(), 1, [2; 32]);
        assert_eq!(checkpoint.read(), None);
        let (voters, mut finality) = start();
        let (sender, told) = watch::channel(finality.clone());
        tokio::spawn(checkpoint.clone().keep(told));
        let next = Voters::new(10..14, 1);
        let blocks =
            [(&voters, 10, None), (&voters, 10 + EVERY, None), (&voters, 500, Some(&next))];
        for (by, number, to) in blocks {
            let logs: Vec<_> = to.map(change).into_iter().collect();
            let block = on(Default::default(), number, &logs);
            let target = finality.verify(&by.justify(&block, 4)).unwrap();
            finality.advance(target, &block).unwrap();
            sender.send_replace(finality.clone());
            if number == 10 {
                continue;
            }
            let kept = time::timeout(Duration::from_secs(20), async {
                while checkpoint.read().as_ref() != Some(&finality) {
                    time::sleep(Duration::from_millis(5)).await;
                }
            });
            kept.await.expect("it is written");
        }
        let after = checkpoint.read().unwrap();
        let later = on(Default::default(), 600, &[]);
        assert!(after.verify(&next.justify(&later, 3)).is_ok());
        assert!(after.verify(&voters.justify(&later, 4)).is_err());
    }

    #[test]
    fn one_that_is_not_the_enclaves_own_is_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let (_, finality) = start();
        let own = checkpoint(folder.path(), 1, [2; 32]);
        own.write(&finality).unwrap();
        assert_eq!(own.read(), Some(finality));
        assert_eq!(checkpoint(folder.path(), 9, [2; 32]).read(), None);
        assert_eq!(checkpoint(folder.path(), 1, [9; 32]).read(), None);
        std::fs::write(folder.path().join(FILE_NAME), b"cut").unwrap();
        assert_eq!(own.read(), None);
    }
}
