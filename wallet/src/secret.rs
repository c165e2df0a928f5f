// SPDX-License-Identifier: Apache-2.0
//! The whole path of a secret NFT: minting it and viewing it (TIP-520).
//!
//! Minting, in the order of its durable steps:
//!
//! 1. the media is sealed under a fresh key, whole and durable;
//! 2. the key goes into a [recovery file](crate::recovery);
//! 3. the NFT is created; its id is added to the recovery file;
//! 4. the key is split and the five shares are stored, right after the NFT's inclusion;
//! 5. once the finalized chain says that the shares are synced, the recovery file is removed.
//!
//! Whatever stops it after step 2, [`Wallet::resume`] goes on from the recovery file.

use std::{
    fs::remove_file,
    path::{Path, PathBuf},
    time::Duration,
};

use codec::Decode;
use subxt_signer::sr25519::Keypair;
use tee_primitives::{
    cluster::ClusterId,
    keyshare::{KeyshareKind, SyncedKeyshare},
    nft::NftId,
    packet::RequesterType,
    BlockNumber,
};
use tokio::{task::spawn_blocking, time::Instant};

use crate::{
    chain::{calls, Chain, ChainError, WaitFor},
    cluster::{self, IncompleteCluster, Members, NotInService, NotRecovered, StoreReport},
    enclave::{EnclaveClient, EnclaveError},
    media::{decrypt_file, encrypt_file, MediaError, MediaHeader, MediaKey},
    packets::{retrieve_packet, AttemptError, StoreAttempt},
    recovery::{PendingSecret, RecoveryError, RecoveryFile},
};

/// How long the NFT's inclusion may take.
pub const MINT_LIMIT: Duration = Duration::from_secs(120);

/// How long one splitting is offered to the enclaves before the key is split again.
pub const ATTEMPT_LIMIT: Duration = Duration::from_secs(60);

/// How long a wallet waits for all enclaves of a cluster to be in service.
pub const HEALTH_LIMIT: Duration = Duration::from_secs(30);

/// How often the key is split at most: an enclave keeps three splits of one version.
pub const MAX_ATTEMPTS: u32 = 3;

/// How long the confirmations may take.
pub const SYNC_LIMIT: Duration = Duration::from_secs(180);

/// How long the enclaves may take to give their shares.
pub const RETRIEVE_LIMIT: Duration = Duration::from_secs(40);

const KIND: KeyshareKind = KeyshareKind::Secret;

/// Why a secret NFT could not be minted or viewed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WalletError {
    /// The chain could not be read, or refused.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The media could not be sealed or opened.
    #[error(transparent)]
    Media(#[from] MediaError),
    /// The recovery file could not be written or read.
    #[error(transparent)]
    Recovery(#[from] RecoveryError),
    /// The key could not be split.
    #[error(transparent)]
    Attempt(#[from] AttemptError),
    /// The HTTP client could not be made.
    #[error(transparent)]
    Enclave(#[from] EnclaveError),
    /// The cluster is not complete.
    #[error(transparent)]
    Cluster(#[from] IncompleteCluster),
    /// Not all enclaves of the cluster are in service.
    #[error(transparent)]
    NotInService(#[from] NotInService),
    /// Too few right shares came.
    #[error(transparent)]
    NotRecovered(#[from] NotRecovered),
    /// Metadata is longer than the chain takes.
    #[error("{what} is {length} bytes long, the chain takes at most {limit}")]
    TooLong {
        /// Which.
        what: &'static str,
        /// Its length in bytes.
        length: usize,
        /// The limit in bytes.
        limit: u32,
    },
    /// Not all five enclaves took their share.
    #[error("not all enclaves took their share ({report}); the key is kept in {recovery}, resume with it", recovery = .recovery.display())]
    NotStored {
        /// What each slot answered.
        report: StoreReport,
        /// Where the key is.
        recovery: PathBuf,
    },
    /// The recovery file is of another chain.
    #[error("the recovery file belongs to another chain")]
    OtherChain,
    /// The recovery file names no NFT.
    #[error("the recovery file does not say which NFT was created; look it up and name it")]
    UnknownNft,
    /// There is no such NFT, or it carries no secret.
    #[error("NFT {0} does not exist or carries no secret")]
    NoSecret(NftId),
    /// Its shares are not confirmed yet.
    #[error("the keyshares of NFT {0} are not synced yet")]
    NotSynced(NftId),
    /// A thread of this program was lost.
    #[error("a background task ended unexpectedly")]
    Task(#[from] tokio::task::JoinError),
}

/// What is minted.
#[derive(Clone, Debug)]
pub struct MintRequest {
    /// The file that becomes the secret.
    pub source: PathBuf,
    /// Where its sealed form is written; the file must not exist.
    pub sealed: PathBuf,
    /// The NFT's public metadata, usually a URI.
    pub offchain_data: Vec<u8>,
    /// Where the sealed media is, usually a URI; if absent `sha256:` and its hash.
    pub secret_offchain_data: Option<Vec<u8>>,
    /// The cluster that gets the shares.
    pub cluster_id: ClusterId,
}

/// How far minting has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Progress {
    /// The media is sealed; the SHA-256 of the sealed file.
    Sealed([u8; 32]),
    /// The NFT stands in a block.
    Minted {
        /// The NFT.
        nft_id: NftId,
        /// The block.
        block_number: BlockNumber,
    },
    /// All five enclaves hold their share.
    Stored,
    /// The finalized chain says that all five confirmed.
    Synced(SyncedKeyshare),
}

/// A minted and synced secret NFT.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Minted {
    /// The NFT.
    pub nft_id: NftId,
    /// Its keyshares as the finalized chain has them.
    pub synced: SyncedKeyshare,
}

/// An account with its connections.
#[derive(Clone)]
pub struct Wallet {
    chain: Chain,
    enclaves: EnclaveClient,
    account: Keypair,
}

impl std::fmt::Debug for Wallet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let account = crate::packets::ss58(&self.account.public_key().0);
        f.debug_struct("Wallet").field("account", &account).finish_non_exhaustive()
    }
}

impl Wallet {
    /// A wallet that signs with `account`.
    pub fn new(chain: Chain, account: Keypair) -> Result<Self, WalletError> {
        Ok(Self { chain, enclaves: EnclaveClient::new()?, account })
    }

    /// Its connection to the chain.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Mints a secret NFT; returns when its shares are synced on the finalized chain.
    pub async fn mint_secret(
        &self,
        request: MintRequest,
        on_progress: impl Fn(Progress),
    ) -> Result<Minted, WalletError> {
        // Whatever can be refused is refused before anything is paid.
        let block = self.chain.finalized().await?;
        let limit = block.constant::<u32>("NFT", "NFTOffchainDataLimit")?;
        let secret_data = request.secret_offchain_data.as_deref().unwrap_or_default();
        check_length("the NFT's metadata", &request.offchain_data, limit)?;
        check_length("the secret's metadata", secret_data, limit)?;
        let members = block.members(request.cluster_id).await?;
        members.check_complete()?;
        let deadline = Instant::now() + HEALTH_LIMIT;
        cluster::wait_in_service(&self.enclaves, &members, deadline).await?;

        let key = MediaKey::generate()?;
        let sealing = (key.clone(), request.source, request.sealed.clone());
        let hash =
            spawn_blocking(move || encrypt_file(&sealing.0, &sealing.1, &sealing.2)).await??;
        on_progress(Progress::Sealed(hash));

        let pending = PendingSecret {
            genesis_hash: self.chain.genesis_hash(),
            cluster_id: request.cluster_id,
            nft_id: None,
            key,
        };
        let mut recovery = RecoveryFile::create(RecoveryFile::path_for(&request.sealed), pending)?;

        let secret_data = match request.secret_offchain_data {
            Some(data) => data,
            None => format!("sha256:{}", hex::encode(hash)).into_bytes(),
        };
        let call = calls::create_secret_nft(&request.offchain_data, &secret_data);
        let submitted = self.chain.submit(&call, &self.account, WaitFor::Inclusion, MINT_LIMIT);
        let included = match submitted.await {
            Ok(included) => included,
            Err(error) => {
                // Nothing was created, so neither key nor sealed file is of use.
                if matches!(error, ChainError::Rejected { .. } | ChainError::Failed { .. }) {
                    remove_file(&request.sealed)
                        .map_err(MediaError::file("remove", &request.sealed))?;
                    recovery.remove()?;
                }
                return Err(error.into());
            }
        };
        let event = included.event("NFT", "NFTCreated");
        let event = event.ok_or(ChainError::Missing("the event of the new NFT"))?;
        // The id is the event's first field.
        let nft_id = NftId::decode(&mut event.as_slice())
            .map_err(|_| ChainError::Decode("NFT.NFTCreated"))?;
        recovery.set_nft(nft_id)?;
        on_progress(Progress::Minted { nft_id, block_number: included.block_number });

        self.store_and_sync(recovery, nft_id, &members, on_progress).await
    }

    /// Goes on with a minting that was interrupted. `nft_id` is needed only if the recovery file
    /// names none.
    pub async fn resume(
        &self,
        recovery: PathBuf,
        nft_id: Option<NftId>,
        on_progress: impl Fn(Progress),
    ) -> Result<Minted, WalletError> {
        let mut recovery = RecoveryFile::open(recovery)?;
        if recovery.pending().genesis_hash != self.chain.genesis_hash() {
            return Err(WalletError::OtherChain);
        }
        let nft_id = match (recovery.pending().nft_id, nft_id) {
            (Some(nft_id), _) => nft_id,
            (None, Some(nft_id)) => {
                recovery.set_nft(nft_id)?;
                nft_id
            }
            (None, None) => return Err(WalletError::UnknownNft),
        };
        let block = self.chain.finalized().await?;
        if let Some(synced) = block.keyshares(nft_id, KIND).await?.synced {
            recovery.remove()?;
            on_progress(Progress::Synced(synced));
            return Ok(Minted { nft_id, synced });
        }
        let members = block.members(recovery.pending().cluster_id).await?;
        self.store_and_sync(recovery, nft_id, &members, on_progress).await
    }

    async fn store_and_sync(
        &self,
        recovery: RecoveryFile,
        nft_id: NftId,
        members: &Members,
        on_progress: impl Fn(Progress),
    ) -> Result<Minted, WalletError> {
        let report = self.store(nft_id, &recovery.pending().key, members).await?;
        if !report.is_complete() {
            let recovery = recovery.path().to_owned();
            return Err(WalletError::NotStored { report, recovery });
        }
        on_progress(Progress::Stored);
        let synced = self.wait_until_synced(nft_id, SYNC_LIMIT).await?;
        recovery.remove()?;
        on_progress(Progress::Synced(synced));
        Ok(Minted { nft_id, synced })
    }

    /// Splits the key and stores its shares, once all enclaves are in service. Each splitting is
    /// offered until the enclaves took it,
    /// refused it, or its time is over; then the key is split again, for all five enclaves.
    pub async fn store(
        &self,
        nft_id: NftId,
        key: &MediaKey,
        members: &Members,
    ) -> Result<StoreReport, WalletError> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let deadline = Instant::now() + HEALTH_LIMIT;
            cluster::wait_in_service(&self.enclaves, members, deadline).await?;
            let finalized = self.chain.finalized().await?.number();
            let attempt = StoreAttempt::new(&self.account, nft_id, key, finalized)?;
            let deadline = Instant::now() + ATTEMPT_LIMIT;
            let report = cluster::store(&self.enclaves, members, &attempt, deadline).await?;
            if report.is_complete() || attempts == MAX_ATTEMPTS || !report.may_succeed_later() {
                return Ok(report);
            }
            tracing::info!(nft_id, %report, "the key is split again");
        }
    }

    /// Waits until the finalized chain says that the NFT's secret is synced.
    pub async fn wait_until_synced(
        &self,
        nft_id: NftId,
        limit: Duration,
    ) -> Result<SyncedKeyshare, WalletError> {
        let synced =
            self.chain.wait_for("the enclaves' confirmations", limit, |block| async move {
                Ok(block.keyshares(nft_id, KIND).await?.synced)
            });
        Ok(synced.await?)
    }

    /// Retrieves the key of a secret NFT from the cluster that holds it. The header of its sealed
    /// media tells the right key.
    pub async fn retrieve_key(
        &self,
        nft_id: NftId,
        requester_type: RequesterType,
        header: &MediaHeader,
    ) -> Result<MediaKey, WalletError> {
        let block = self.chain.finalized().await?;
        let nft = block.nft(nft_id).await?;
        nft.filter(|nft| nft.state.is_secret).ok_or(WalletError::NoSecret(nft_id))?;
        let synced = block.keyshares(nft_id, KIND).await?.synced;
        let synced = synced.ok_or(WalletError::NotSynced(nft_id))?;
        let members = block.members(synced.cluster_id).await?;
        let packet = retrieve_packet(&self.account, requester_type, nft_id, block.number());
        let deadline = Instant::now() + RETRIEVE_LIMIT;
        let opens = |key: &MediaKey| header.is_sealed_with(key);
        Ok(cluster::retrieve(&self.enclaves, &members, nft_id, &packet, opens, deadline).await?)
    }

    /// Retrieves the key of a secret NFT and opens its sealed media into the new file `target`.
    pub async fn view_secret(
        &self,
        nft_id: NftId,
        requester_type: RequesterType,
        sealed: &Path,
        target: &Path,
    ) -> Result<(), WalletError> {
        let sealed = sealed.to_owned();
        let header = {
            let sealed = sealed.clone();
            spawn_blocking(move || MediaHeader::of_file(&sealed)).await??
        };
        let key = self.retrieve_key(nft_id, requester_type, &header).await?;
        let target = target.to_owned();
        Ok(spawn_blocking(move || decrypt_file(&key, &sealed, &target)).await??)
    }
}

fn check_length(what: &'static str, data: &[u8], limit: u32) -> Result<(), WalletError> {
    if u32::try_from(data.len()).is_ok_and(|length| length <= limit) {
        return Ok(());
    }
    Err(WalletError::TooLong { what, length: data.len(), limit })
}
