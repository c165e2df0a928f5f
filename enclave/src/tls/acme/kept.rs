// SPDX-License-Identifier: Apache-2.0
//! The account at the authority and the last certificate, sealed: authorities allow few new ones.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use codec::{Decode, DecodeAll, Encode};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{file, seal::Sealer};

const FILE_NAME: &str = "tls-acme";

const CONTEXT: &[u8] = b"TIP500-ACME/1";

/// What is kept.
#[derive(Clone, Decode, Encode, Eq, PartialEq, Zeroize, ZeroizeOnDrop)]
pub(super) struct Kept {
    /// The authority.
    pub(super) directory: String,
    /// What the certificate is for.
    pub(super) domains: Vec<String>,
    /// The account at the authority, with its key, in JSON.
    pub(super) credentials: String,
    /// The certificates in PEM; empty if there are none.
    pub(super) chain: String,
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("domains", &self.domains).finish_non_exhaustive()
    }
}

/// The file.
#[derive(Clone, Debug)]
pub(super) struct Keeping {
    path: PathBuf,
    sealer: Arc<Sealer>,
}

impl Keeping {
    pub(super) fn new(folder: &Path, sealer: Arc<Sealer>) -> Self {
        Self { path: folder.join(FILE_NAME), sealer }
    }

    /// `None` if there is nothing of use.
    pub(super) fn read(&self) -> Option<Kept> {
        let sealed = match file::read(&self.path) {
            Ok(sealed) => sealed?,
            Err(error) => {
                tracing::warn!(%error, "the kept TLS certificate cannot be read");
                return None;
            }
        };
        let opened = self.sealer.open(CONTEXT, &sealed).ok();
        let kept = opened.and_then(|bytes| DecodeAll::decode_all(&mut bytes.as_slice()).ok());
        if kept.is_none() {
            tracing::warn!("the kept TLS certificate does not open: the authority is asked anew");
        }
        kept
    }

    pub(super) fn write(&self, kept: &Kept) -> io::Result<()> {
        let encoded = Zeroizing::new(kept.encode());
        let sealed = self.sealer.seal(CONTEXT, &encoded).map_err(io::Error::other)?;
        file::write(&self.path, &sealed)
    }
}
