// SPDX-License-Identifier: Apache-2.0
//! The whole path of a secret NFT: minting it and viewing it (TIP-520).
//!
//! Minting, in the order of its durable steps:
//!
//! 1. the media is sealed under a fresh key, whole and durable;
//! 2. the key goes into a [recovery file](crate::recovery);
//! 3. the NFT is created; its id is added to the recovery file;
//! 4. the key is split; the splitting is added to the recovery file;
//! 5. the five shares are stored, right after the NFT's inclusion;
//! 6. the finalized chain says that the shares are synced;
//! 7. the enclaves give the key back to the NFT's owner, then the recovery file is removed.
//!
//! The NFT's id comes from a block that is not final. Step 7 proves that the finalized chain has
//! the same NFT under it, with shares of this key.
//!
//! Whatever stops it after the NFT's creation was submitted, [`Wallet::resume`] goes on from the
//! recovery file. What stops it before leaves neither recovery file nor sealed media.
//!
//! An enclave keeps few splittings of one key, and there is no way to make it forget them before
//! the sync. So a splitting is offered again as long as its time is not over, also by
//! [`Wallet::resume`]: minting splits at most [`MINT_SPLITS`] times, resuming
//! [`RESUME_SPLITS`] times.

use std::{
    fs::remove_file,
    path::{Path, PathBuf},
    time::Duration,
};

use codec::Decode;
use subxt_signer::sr25519::Keypair;
use tee_primitives::{
    cluster::ClusterId,
    keyshare::{KeyshareKind, SyncedKeyshare, Version},
    nft::NftId,
    packet::RequesterType,
    BlockNumber, RawAccountId,
};
use tokio::{task::spawn_blocking, time::Instant};

use crate::{
    bound::Wanted,
    chain::{block::Nft, calls, Chain, ChainBlock, ChainError, Included, WaitFor},
    cluster::{
        self, IncompleteCluster, Members, Next, NotInService, NotRecovered, StoreReport,
        TakesNoShares,
    },
    enclave::{EnclaveClient, EnclaveError},
    media::{decrypt_file, encrypt_file, MediaError, MediaHeader, MediaKey},
    packets::{AttemptError, KeyVersion, StoreAttempt},
    recovery::{PendingSecret, RecoveryError, RecoveryFile},
};

/// How long the NFT's inclusion may take.
pub const MINT_LIMIT: Duration = Duration::from_secs(120);

/// How long the finality of the NFT may take.
pub const FINALITY_LIMIT: Duration = Duration::from_secs(120);

/// How long one offer of a splitting to the enclaves may take.
pub const ATTEMPT_LIMIT: Duration = Duration::from_secs(60);

/// How long a wallet waits for all enclaves of a cluster to be in service.
pub const HEALTH_LIMIT: Duration = Duration::from_secs(30);

/// How often minting splits the key at most. An enclave keeps three splittings of one version; one
/// is left to resuming.
pub const MINT_SPLITS: u32 = 2;

/// How often resuming splits the key at most.
pub const RESUME_SPLITS: u32 = 1;

/// How often splittings are offered at most, the same again or another.
const MAX_OFFERS: u32 = 6;

/// A splitting is offered again only if its time lasts for at least so many blocks more.
const LEAST_VALIDITY: BlockNumber = 2;

/// How long the confirmations may take.
pub const SYNC_LIMIT: Duration = Duration::from_secs(180);

/// How long the enclaves may take to give their shares.
pub const RETRIEVE_LIMIT: Duration = Duration::from_secs(40);

const KIND: KeyshareKind = KeyshareKind::Secret;

/// The version that an NFT's key begins with.
const FIRST_VERSION: Version = 1;

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
    /// The cluster's type takes no shares.
    #[error(transparent)]
    TakesNoShares(#[from] TakesNoShares),
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
    #[error("not all enclaves took their share ({0})")]
    NotStored(StoreReport),
    /// The NFT's shares are synced, but they were not shown to be shares of this key.
    #[error("the keyshares of NFT {nft_id} are synced, but were not shown to be those of this key: {answers}")]
    NotProven {
        /// The NFT.
        nft_id: NftId,
        /// What the enclaves answered.
        answers: NotRecovered,
    },
    /// Minting stopped after its transaction was submitted, or resuming did.
    #[error("{error}; the key is kept in {recovery}", recovery = .recovery.display())]
    Kept {
        /// What stopped it.
        error: Box<WalletError>,
        /// Where the key is.
        recovery: PathBuf,
        /// The NFT that the recovery file names.
        nft_id: Option<NftId>,
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
    /// The NFT is another account's.
    #[error("NFT {0} belongs to another account")]
    NotOwner(NftId),
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
        members.check_type()?;
        members.check_complete()?;
        self.wait_in_service(&members).await?;

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
            attempt: None,
        };
        let remove_sealed =
            || remove_file(&request.sealed).map_err(MediaError::file("remove", &request.sealed));
        let recovery = match RecoveryFile::create(RecoveryFile::path_for(&request.sealed), pending)
        {
            Ok(recovery) => recovery,
            Err(error) => {
                // Its key exists nowhere else.
                remove_sealed()?;
                return Err(error.into());
            }
        };

        let secret_data = match request.secret_offchain_data {
            Some(data) => data,
            None => format!("sha256:{}", hex::encode(hash)).into_bytes(),
        };
        let call = calls::create_secret_nft(&request.offchain_data, &secret_data);
        let submitted = self.chain.submit(&call, &self.account, WaitFor::Inclusion, MINT_LIMIT);
        let included = match submitted.await {
            Ok(included) => included,
            Err(error) if may_have_created(&error) => return Err(kept(error.into(), &recovery)),
            Err(error) => {
                // Nothing was created, so neither key nor sealed file is of use.
                remove_sealed()?;
                recovery.remove()?;
                return Err(error.into());
            }
        };
        let keep = async |recovery: &mut RecoveryFile| {
            let nft_id = created_nft(&included)?;
            recovery.set_nft(nft_id)?;
            on_progress(Progress::Minted { nft_id, block_number: included.block_number });
            self.store_and_sync(recovery, nft_id, &members, MINT_SPLITS, &on_progress).await
        };
        keep_until_done(recovery, keep).await
    }

    /// Goes on with a minting that was interrupted. `nft_id` takes precedence over what the
    /// recovery file names, and is needed if it names none.
    pub async fn resume(
        &self,
        recovery: PathBuf,
        nft_id: Option<NftId>,
        on_progress: impl Fn(Progress),
    ) -> Result<Minted, WalletError> {
        let recovery = RecoveryFile::open(recovery)?;
        if recovery.pending().genesis_hash != self.chain.genesis_hash() {
            return Err(WalletError::OtherChain);
        }
        let nft_id = nft_id.or(recovery.pending().nft_id).ok_or(WalletError::UnknownNft)?;
        let go_on = async |recovery: &mut RecoveryFile| {
            self.check_owned(nft_id).await?;
            let block = self.chain.finalized().await?;
            if let Some(synced) = block.keyshares(nft_id, KIND).await?.synced {
                self.prove_held(nft_id, &recovery.pending().key).await?;
                on_progress(Progress::Synced(synced));
                return Ok(Minted { nft_id, synced });
            }
            let members = block.members(recovery.pending().cluster_id).await?;
            if recovery.pending().nft_id != Some(nft_id) {
                recovery.set_nft(nft_id)?;
            }
            self.store_and_sync(recovery, nft_id, &members, RESUME_SPLITS, &on_progress).await
        };
        keep_until_done(recovery, go_on).await
    }

    async fn store_and_sync(
        &self,
        recovery: &mut RecoveryFile,
        nft_id: NftId,
        members: &Members,
        splits: u32,
        on_progress: &impl Fn(Progress),
    ) -> Result<Minted, WalletError> {
        let report = self.store(recovery, nft_id, members, splits).await?;
        if !report.is_complete() {
            // The enclaves may have synced what an earlier offer gave them.
            let block = self.chain.finalized().await?;
            if block.keyshares(nft_id, KIND).await?.synced.is_none() {
                return Err(WalletError::NotStored(report));
            }
        }
        on_progress(Progress::Stored);
        let synced = self.wait_until_synced(nft_id, SYNC_LIMIT).await?;
        self.prove_held(nft_id, &recovery.pending().key).await?;
        on_progress(Progress::Synced(synced));
        Ok(Minted { nft_id, synced })
    }

    /// Offers the key's shares to the enclaves, whenever all are in service, by bound requests: the
    /// splitting that the recovery file keeps as long as its time lasts and its version waits for
    /// shares, then new ones, at most `splits`.
    async fn store(
        &self,
        recovery: &mut RecoveryFile,
        nft_id: NftId,
        members: &Members,
        splits: u32,
    ) -> Result<StoreReport, WalletError> {
        let (mut splits_left, mut offers_left) = (splits, MAX_OFFERS);
        let mut last = None;
        let mut attempt = recovery
            .pending()
            .attempt
            .as_ref()
            .and_then(|saved| StoreAttempt::restore(&self.account, saved));
        loop {
            self.wait_in_service(members).await?;
            let of = self.waiting(nft_id).await?;
            let block = self.chain.finalized().await?;
            let members = &block.members(members.cluster_id).await?;
            let is_usable =
                |attempt: &StoreAttempt| attempt.is_for(&of) && may_offer(attempt, block.number());
            let offered = match (attempt.take().filter(is_usable), last.take()) {
                (Some(attempt), _) => attempt,
                // While enclaves were waited for, the last splitting's time has run out.
                (None, Some(report)) if splits_left == 0 => return Ok(report),
                (None, _) => {
                    let key = &recovery.pending().key;
                    let new = StoreAttempt::bound(&self.account, &of, key, block.number())?;
                    // Kept before an enclave may hold it.
                    recovery.set_attempt(&new)?;
                    splits_left = splits_left.saturating_sub(1);
                    new
                }
            };
            let was_final = block.nft(nft_id).await?.is_some()
                && newest(&block, nft_id).await? >= Some(of.version);
            let deadline = Instant::now() + ATTEMPT_LIMIT;
            let report = cluster::store(&self.enclaves, members, &offered, deadline).await?;
            offers_left -= 1;

            let next = report.next(was_final);
            if next == Next::SameAgain && !was_final {
                self.wait_until_final(nft_id).await?;
            }
            let finalized = self.chain.finalized().await?.number();
            let same = next == Next::SameAgain && may_offer(&offered, finalized);
            let another = next <= Next::SplitAgain && splits_left > 0;
            if next == Next::Done || offers_left == 0 || !(same || another) {
                return Ok(report);
            }
            tracing::info!(nft_id, %report, again = ?next, "shares are offered again");
            attempt = same.then_some(offered);
            last = Some(report);
        }
    }

    /// The version that shares are for, by the best block: the NFT may be too new to be final.
    async fn waiting(&self, nft_id: NftId) -> Result<KeyVersion, WalletError> {
        let newest = newest(&self.chain.best().await?, nft_id).await?;
        let version = newest.unwrap_or(FIRST_VERSION);
        let genesis_hash = self.chain.genesis_hash();
        Ok(KeyVersion { genesis_hash, kind: KIND, nft_id, version })
    }

    async fn wait_in_service(&self, members: &Members) -> Result<(), WalletError> {
        let finalized = self.chain.finalized().await?.number();
        let deadline = Instant::now() + HEALTH_LIMIT;
        Ok(cluster::wait_in_service(&self.enclaves, members, finalized, deadline).await?)
    }

    /// Waits until the finalized chain has the NFT.
    async fn wait_until_final(&self, nft_id: NftId) -> Result<Nft, WalletError> {
        let limit = FINALITY_LIMIT;
        let nft = self
            .chain
            .wait_for("the NFT's finality", limit, |block| async move { block.nft(nft_id).await });
        Ok(nft.await?)
    }

    /// Fails unless the finalized chain has the NFT, with a secret, as this account's. An NFT that
    /// only the best block has is waited for.
    async fn check_owned(&self, nft_id: NftId) -> Result<(), WalletError> {
        let account = self.account.public_key().0;
        let nft = self.chain.best().await?.nft(nft_id).await?;
        check_secret_of(&account, nft_id, nft.as_ref())?;
        let nft = self.wait_until_final(nft_id).await?;
        check_secret_of(&account, nft_id, Some(&nft))
    }

    /// Fails unless the NFT is this account's and the enclaves give back `key` for it.
    async fn prove_held(&self, nft_id: NftId, key: &MediaKey) -> Result<(), WalletError> {
        self.check_owned(nft_id).await?;
        let is_key = |found: &MediaKey| found.as_bytes() == key.as_bytes();
        match self.retrieve(nft_id, RequesterType::Owner, is_key).await {
            Err(WalletError::NotRecovered(answers)) => {
                Err(WalletError::NotProven { nft_id, answers })
            }
            retrieved => retrieved.map(|_| ()),
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
        self.retrieve(nft_id, requester_type, |key| header.is_sealed_with(key)).await
    }

    async fn retrieve(
        &self,
        nft_id: NftId,
        requester_type: RequesterType,
        opens: impl Fn(&MediaKey) -> bool,
    ) -> Result<MediaKey, WalletError> {
        let block = self.chain.finalized().await?;
        let nft = block.nft(nft_id).await?;
        nft.filter(|nft| nft.state.is_secret).ok_or(WalletError::NoSecret(nft_id))?;
        let synced = block.keyshares(nft_id, KIND).await?.synced;
        let synced = synced.ok_or(WalletError::NotSynced(nft_id))?;
        let members = block.members(synced.cluster_id).await?;
        let wanted = Wanted {
            genesis_hash: self.chain.genesis_hash(),
            kind: KIND,
            nft_id,
            role: requester_type,
            synced,
            finalized: block.number(),
        };
        let deadline = Instant::now() + RETRIEVE_LIMIT;
        let key =
            cluster::retrieve(&self.enclaves, &members, &self.account, &wanted, opens, deadline);
        Ok(key.await?)
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

/// Works on what the recovery file is kept for. It is removed only on success.
async fn keep_until_done<T>(
    mut recovery: RecoveryFile,
    work: impl AsyncFnOnce(&mut RecoveryFile) -> Result<T, WalletError>,
) -> Result<T, WalletError> {
    match work(&mut recovery).await {
        Ok(done) => {
            recovery.remove()?;
            Ok(done)
        }
        Err(error) => Err(kept(error, &recovery)),
    }
}

fn kept(error: WalletError, recovery: &RecoveryFile) -> WalletError {
    WalletError::Kept {
        error: Box::new(error),
        recovery: recovery.path().to_owned(),
        nft_id: recovery.pending().nft_id,
    }
}

/// Whether the NFT may exist although its creation failed.
fn may_have_created(error: &ChainError) -> bool {
    matches!(error, ChainError::Unknown { .. })
}

fn created_nft(included: &Included) -> Result<NftId, ChainError> {
    let event = included.event("NFT", "NFTCreated");
    let event = event.ok_or(ChainError::Missing("the event of the new NFT"))?;
    // The id is the event's first field.
    NftId::decode(&mut event.as_slice()).map_err(|_| ChainError::Decode("NFT.NFTCreated"))
}

/// The version of an NFT's key that waits for shares at a block, or has got them.
async fn newest(block: &ChainBlock, nft_id: NftId) -> Result<Option<Version>, ChainError> {
    let keyshares = block.keyshares(nft_id, KIND).await?;
    let pending = keyshares.pending.map(|pending| pending.version);
    Ok(pending.or(keyshares.synced.map(|synced| synced.version)))
}

/// Whether enclaves will take the attempt for some time.
fn may_offer(attempt: &StoreAttempt, finalized: BlockNumber) -> bool {
    attempt.token().check(finalized.saturating_add(LEAST_VALIDITY)).is_ok()
}

fn check_secret_of(
    account: &RawAccountId,
    nft_id: NftId,
    nft: Option<&Nft>,
) -> Result<(), WalletError> {
    let nft = nft.filter(|nft| nft.state.is_secret).ok_or(WalletError::NoSecret(nft_id))?;
    if nft.owner != *account {
        return Err(WalletError::NotOwner(nft_id));
    }
    Ok(())
}

fn check_length(what: &'static str, data: &[u8], limit: u32) -> Result<(), WalletError> {
    if u32::try_from(data.len()).is_ok_and(|length| length <= limit) {
        return Ok(());
    }
    Err(WalletError::TooLong { what, length: data.len(), limit })
}

#[cfg(test)]
mod tests {
    use subxt_signer::sr25519::dev;
    use tee_primitives::{nft::NftState, packet::MAX_VALIDITY};

    use super::*;

    fn recovery(folder: &Path) -> RecoveryFile {
        let pending = PendingSecret {
            genesis_hash: [7; 32],
            cluster_id: 0,
            nft_id: Some(5),
            key: MediaKey::generate().unwrap(),
            attempt: None,
        };
        RecoveryFile::create(folder.join("media.recovery"), pending).unwrap()
    }

    #[tokio::test]
    async fn a_recovery_file_is_kept_unless_the_work_is_done() {
        let folder = tempfile::tempdir().unwrap();
        let recovery = recovery(folder.path());
        let path = recovery.path().to_owned();
        let fails = async |_: &mut RecoveryFile| Err::<(), _>(WalletError::NotOwner(5));
        let error = keep_until_done(recovery, fails).await.unwrap_err();
        assert!(error.to_string().contains("media.recovery"), "{error}");
        assert!(matches!(error, WalletError::Kept { nft_id: Some(5), .. }));

        let recovery = RecoveryFile::open(path.clone()).unwrap();
        keep_until_done(recovery, async |_| Ok(())).await.unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn only_ones_own_secret_nft_is_resumed() {
        let nft = |owner, is_secret| Nft {
            owner,
            creator: owner,
            offchain_data: Vec::new(),
            collection_id: None,
            royalty: Default::default(),
            state: NftState { is_secret, ..NftState::default() },
        };
        let check = |nft: Option<&Nft>| check_secret_of(&[1; 32], 5, nft);
        assert!(check(Some(&nft([1; 32], true))).is_ok());
        assert!(matches!(check(Some(&nft([2; 32], true))), Err(WalletError::NotOwner(5))));
        assert!(matches!(check(Some(&nft([1; 32], false))), Err(WalletError::NoSecret(5))));
        assert!(matches!(check(None), Err(WalletError::NoSecret(5))));
    }

    #[test]
    fn a_splitting_is_offered_again_as_long_as_its_time_lasts() {
        let key = MediaKey::generate().unwrap();
        let attempt = StoreAttempt::new(&dev::alice(), 5, &key, 100).unwrap();
        assert!(may_offer(&attempt, 100));
        assert!(may_offer(&attempt, 100 + MAX_VALIDITY - LEAST_VALIDITY));
        assert!(!may_offer(&attempt, 101 + MAX_VALIDITY - LEAST_VALIDITY));
    }

    #[test]
    fn only_an_unknown_outcome_leaves_a_key_behind() {
        let (call, reason) = (String::new(), String::new());
        assert!(may_have_created(&ChainError::Unknown { call, reason }));
        let (call, reason) = (String::new(), String::new());
        for error in [ChainError::Rejected { call, reason }, ChainError::Missing("the nonce")] {
            assert!(!may_have_created(&error));
        }
    }
}
