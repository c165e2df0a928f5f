// SPDX-License-Identifier: Apache-2.0
//! RPCs beyond the standard ones: nonces, fees, and GRANDPA's justifications, by which light
//! clients follow finality.

use std::sync::Arc;

use jsonrpsee::RpcModule;
use sc_client_api::Backend;
use sc_consensus_grandpa::{
    FinalityProofProvider, GrandpaJustificationStream, SharedAuthoritySet, SharedVoterState,
};
use sc_consensus_grandpa_rpc::{Grandpa, GrandpaApiServer};
use sc_rpc::SubscriptionTaskExecutor;
use tee_runtime::{opaque::Block, BlockNumber, Hash};

use crate::service::{FullBackend, FullClient, FullPool};

/// What the GRANDPA RPCs need.
pub struct GrandpaDeps {
    /// The voter's state, filled in when it starts.
    pub voter_state: SharedVoterState,
    /// The authorities.
    pub authority_set: SharedAuthoritySet<Hash, BlockNumber>,
    /// New justifications.
    pub justifications: GrandpaJustificationStream<Block>,
    /// Proofs of finality for old blocks.
    pub finality_proofs: Arc<FinalityProofProvider<FullBackend, Block>>,
}

/// Makes the RPC module.
pub fn create(
    client: Arc<FullClient>,
    pool: Arc<FullPool>,
    grandpa: &GrandpaDeps,
    executor: SubscriptionTaskExecutor,
) -> Result<RpcModule<()>, Box<dyn std::error::Error + Send + Sync>> {
    use pallet_transaction_payment_rpc::{TransactionPayment, TransactionPaymentApiServer};
    use substrate_frame_rpc_system::{System, SystemApiServer};

    let mut module = RpcModule::new(());
    module.merge(System::new(client.clone(), pool).into_rpc())?;
    module.merge(TransactionPayment::new(client).into_rpc())?;
    module.merge(
        Grandpa::new(
            executor,
            grandpa.authority_set.clone(),
            grandpa.voter_state.clone(),
            grandpa.justifications.clone(),
            grandpa.finality_proofs.clone(),
        )
        .into_rpc(),
    )?;
    Ok(module)
}

/// Finality proofs need the backend, and no more of it than this.
pub fn finality_proofs(
    backend: Arc<FullBackend>,
    authority_set: &SharedAuthoritySet<Hash, BlockNumber>,
) -> Arc<FinalityProofProvider<FullBackend, Block>>
where
    FullBackend: Backend<Block>,
{
    FinalityProofProvider::new_for_service(backend, Some(authority_set.clone()))
}
