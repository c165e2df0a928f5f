// SPDX-License-Identifier: Apache-2.0
//! What a node can tell that is not so. Each is named in the log; the node that told it is left for
//! the next one.

use tee_primitives::Hash;

/// What was wrong with what a node told.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Lie {
    /// Its first block is not that of the specification.
    #[error("the node is on another chain: its genesis hash is {}", hex::encode(.0))]
    AnotherChain(Hash),
    /// It is no justification.
    #[error("the node's justification is malformed")]
    MalformedJustification,
    /// The block is not newer than one that is known to be final.
    #[error("the node justifies a block that is not newer than the newest final one")]
    OldJustification,
    /// Too few of the authorities have voted.
    #[error("the node's justification lacks votes of two thirds of the authorities")]
    NotFinal,
    /// A vote is not signed by whom it names, or in another round or set.
    #[error("the node's justification has a vote with a signature that does not fit")]
    ForgedVote,
    /// The header has another hash or number than the block.
    #[error("the node gives another header than the justified block's")]
    AnotherHeader,
    /// The set of authorities has changed in a way that the former set does not vouch for.
    #[error(
        "the authorities were changed by force: this enclave cannot follow, a build with a newer \
         chain specification can"
    )]
    ForcedChange,
    /// It does not hold what was asked for, or it is not part of the block's state.
    #[error("the node's proof does not show what the block's state has")]
    FalseProof,
}
