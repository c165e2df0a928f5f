// SPDX-License-Identifier: Apache-2.0
//! What operators do.

use std::time::Duration;

use subxt_signer::sr25519::Keypair;
use tee_primitives::RawAccountId;
use tee_wallet::chain::{calls, Chain, ChainError, Included, WaitFor};

/// How long a registration may take.
pub const LIMIT: Duration = Duration::from_secs(90);

/// Registers an operator's enclave; the operator's bond is held from then on.
pub async fn register(
    chain: &Chain,
    operator: &Keypair,
    enclave: &RawAccountId,
    api_uri: &str,
) -> Result<Included, ChainError> {
    let call = calls::register_enclave(enclave, api_uri);
    chain.submit(&call, operator, WaitFor::Inclusion, LIMIT).await
}
