// SPDX-License-Identifier: Apache-2.0
//! Why something was not finished that reads the chain and uses the store.

use crate::{chain::ChainError, store::StoreError};

/// Why a step was not finished.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The chain could not be read.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
