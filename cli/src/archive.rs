// SPDX-License-Identifier: Apache-2.0
//! Cold backups: an enclave's shares in a file that only enclaves can open, and back from there
//! (`docs/protocols/backup.md`).

use std::{fmt, path::Path, time::Duration};

use anyhow::{bail, Context};
use subxt_signer::sr25519::Keypair;
use tee_primitives::{
    archive::{
        BackupAnswer, BackupAsk, Header, OperatorPacket, Purpose, RestoreAnswer, RestoreAsk,
        Restored, MAX_CHUNKS,
    },
    BlockNumber, RawAccountId,
};
use tee_wallet::{
    archive::{ArchiveReader, ArchiveWriter},
    chain::Chain,
    enclave::{EnclaveClient, EnclaveError},
    packets::{operator_packet, ss58},
};
use tokio::time::{sleep, Instant};

/// How long the same request is repeated while what it fails of may pass.
const PATIENCE: Duration = Duration::from_secs(120);

/// Pause between two of them.
const PAUSE: Duration = Duration::from_secs(2);

/// How long the newest finalized block is taken for the newest.
const FRESH: Duration = Duration::from_secs(2);

/// An enclave, as its operator asks it.
pub struct Operated {
    chain: Chain,
    http: EnclaveClient,
    url: String,
    key: Keypair,
    enclave: RawAccountId,
    newest: Option<(Instant, BlockNumber)>,
}

/// What a backup is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BackedUp {
    /// How many shares are in it.
    pub shares: u64,
    /// How many the enclave lacks.
    pub missing: u64,
    /// Who can open it, the enclave that made it first.
    pub recipients: Vec<RawAccountId>,
}

/// What came of restoring one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BroughtBack {
    /// Which enclave has opened it.
    pub by: RawAccountId,
    /// What became of its shares.
    pub restored: Restored,
    /// How many chunks could not be read.
    pub damaged: u32,
}

impl Operated {
    /// The enclave that answers at the URL.
    pub async fn connect(chain: Chain, url: &str, key: Keypair) -> anyhow::Result<Self> {
        let http = EnclaveClient::of_operator()?;
        let enclave = crate::keys::account(&http.health(url).await?.enclave_address)?;
        let operator = key.public_key().0;
        let tls_key = chain.finalized().await?.tls_key(&enclave, &operator).await?;
        let http = http.with_key(tls_key);
        Ok(Self { chain, http, url: url.to_owned(), key, enclave, newest: None })
    }

    async fn packet(
        &mut self,
        purpose: Purpose,
        ask: &impl codec::Encode,
    ) -> anyhow::Result<OperatorPacket> {
        let fresh = self.newest.filter(|(read_at, _)| read_at.elapsed() < FRESH);
        let newest = match fresh {
            Some((_, newest)) => newest,
            None => self.chain.finalized().await?.number(),
        };
        if fresh.is_none() {
            self.newest = Some((Instant::now(), newest));
        }
        let names = (&self.chain.genesis_hash(), &self.enclave);
        Ok(operator_packet(&self.key, purpose, names, ask, newest))
    }

    async fn back_up(&mut self, ask: &BackupAsk) -> anyhow::Result<BackupAnswer> {
        let end = Instant::now() + PATIENCE;
        loop {
            let packet = self.packet(Purpose::Backup, ask).await?;
            match self.http.back_up(&self.url, &packet).await {
                Err(error) if error.is_transient() && Instant::now() < end => sleep(PAUSE).await,
                answer => return Ok(answer?),
            }
        }
    }

    async fn restore(&mut self, ask: &RestoreAsk) -> anyhow::Result<RestoreAnswer> {
        let end = Instant::now() + PATIENCE;
        loop {
            let packet = self.packet(Purpose::Restore, ask).await?;
            match self.http.restore(&self.url, &packet).await {
                Err(error) if error.is_transient() && Instant::now() < end => sleep(PAUSE).await,
                answer => return Ok(answer?),
            }
        }
    }

    /// Has the enclave make a backup, into a file that is not there yet.
    pub async fn back_up_into(&mut self, path: &Path) -> anyhow::Result<BackedUp> {
        let begun = self.back_up(&BackupAsk::Begin).await?;
        let BackupAnswer::Begun { header, ticket, missing } = begun else { bail!(OTHER_ANSWER) };
        let mut file = ArchiveWriter::create(path, &header)?;
        let recipients = Header::read(&header).context(OTHER_ANSWER)?.recipients;
        let recipients = recipients.iter().map(|recipient| recipient.account).collect();
        let mut made = BackedUp { shares: 0, missing, recipients };
        let (mut index, mut after) = (0u32, None);
        loop {
            let (header, ticket) = (header.clone(), ticket.clone());
            let ask = BackupAsk::Page { header, ticket, index, after: after.clone() };
            let page = self.back_up(&ask).await?;
            let BackupAnswer::Page { chunks, shares, next } = page else { bail!(OTHER_ANSWER) };
            // One that goes on without getting further would go on for ever.
            if chunks.len() > MAX_CHUNKS || (next.is_some() && next == after) {
                bail!(OTHER_ANSWER);
            }
            for chunk in &chunks {
                file.chunk(chunk)?;
                index = index.checked_add(1).context("the backup is too long")?;
            }
            made.shares = made.shares.saturating_add(shares.into());
            after = next;
            if after.is_none() {
                break;
            }
        }
        file.finish()?;
        Ok(made)
    }

    /// Has the enclave keep what it lacks of a backup. Chunks that cannot be read are passed over.
    pub async fn restore_from(&mut self, path: &Path) -> anyhow::Result<BroughtBack> {
        let mut file = ArchiveReader::open(path)?;
        let header = file.header().to_vec();
        let opened = self.restore(&RestoreAsk::Open { header: header.clone() }).await?;
        let RestoreAnswer::Opened { ticket, by } = opened else { bail!(OTHER_ANSWER) };
        let mut back = BroughtBack { by, restored: Restored::default(), damaged: 0 };
        loop {
            let chunk = match file.chunk() {
                Ok(Some(chunk)) => chunk,
                Ok(None) => return Ok(back),
                Err(error) => return Err(error).context(back.so_far()),
            };
            let (header, ticket) = (header.clone(), ticket.clone());
            match self.restore(&RestoreAsk::Chunk { header, ticket, chunk }).await {
                Ok(RestoreAnswer::Restored(restored)) => back.restored.add(restored),
                Ok(_) => bail!(OTHER_ANSWER),
                Err(error) if is_damaged(&error) => back.damaged = back.damaged.saturating_add(1),
                Err(error) => return Err(error).context(back.so_far()),
            }
        }
    }
}

const OTHER_ANSWER: &str = "the enclave answers something else than it was asked";

/// Whether the enclave could not read a chunk.
fn is_damaged(error: &anyhow::Error) -> bool {
    let refused = error.downcast_ref::<EnclaveError>();
    matches!(refused, Some(EnclaveError::Refused { status, .. }) if status == "INVALIDARCHIVE")
}

impl BroughtBack {
    fn so_far(&self) -> String {
        format!("the backup was not restored to its end; so far: {self}")
    }
}

impl fmt::Display for BackedUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} shares, whose key is wrapped for", self.shares)?;
        for recipient in &self.recipients {
            write!(f, "\n  enclave {}", ss58(recipient))?;
        }
        if self.missing > 0 {
            write!(
                f,
                "\n{} shares are missing in the enclave, and so in the backup",
                self.missing
            )?;
        }
        if self.recipients.len() < 2 {
            write!(
                f,
                "\nWARNING: nobody but this very enclave can open it: if its machine or its seal key \
                 is lost, this backup is worth nothing"
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for BroughtBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Restored { kept, skipped, refused } = self.restored;
        write!(
            f,
            "{kept} kept, {skipped} skipped, {refused} refused (opened by enclave {})",
            ss58(&self.by)
        )?;
        if refused > 0 {
            write!(f, "\n{refused} shares are not what the chain's commitments say")?;
        }
        if self.damaged > 0 {
            write!(f, "\n{} parts of the backup are damaged and were passed over", self.damaged)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_alone_can_open_its_backup_is_warned() {
        let made = |recipients: &[RawAccountId]| BackedUp {
            shares: 3,
            missing: 0,
            recipients: recipients.to_vec(),
        };
        let alone = made(&[[1; 32]]).to_string();
        assert!(alone.starts_with("3 shares, ") && alone.contains(&ss58(&[1; 32])), "{alone}");
        assert!(alone.contains("WARNING: nobody but this very enclave"), "{alone}");
        let shared = made(&[[1; 32], [2; 32]]).to_string();
        assert!(shared.contains(&ss58(&[2; 32])) && !shared.contains("WARNING"), "{shared}");
        let lacking = BackedUp { missing: 2, ..made(&[[1; 32], [2; 32]]) }.to_string();
        assert!(lacking.contains("2 shares are missing in the enclave"), "{lacking}");
    }

    #[test]
    fn what_became_of_a_backup_is_told_in_numbers() {
        let restored = Restored { kept: 1, skipped: 2, refused: 3 };
        let told = BroughtBack { by: [1; 32], restored, damaged: 4 }.to_string();
        for expected in
            ["1 kept, 2 skipped, 3 refused", &ss58(&[1; 32]), "3 shares are not", "4 parts"]
        {
            assert!(told.contains(expected), "{told}");
        }
        let restored = Restored { kept: 1, ..Default::default() };
        let told = BroughtBack { by: [1; 32], restored, damaged: 0 }.to_string();
        assert_eq!(told.lines().count(), 1, "{told}");
    }

    #[test]
    fn only_a_chunk_that_does_not_open_is_passed_over() {
        let refused = |status: &str| {
            let (status, description) = (status.to_owned(), String::new());
            anyhow::Error::from(EnclaveError::Refused { http: 400, status, description })
        };
        assert!(is_damaged(&refused("INVALIDARCHIVE")));
        assert!(!is_damaged(&refused("UNKNOWNARCHIVE")));
        assert!(!is_damaged(&EnclaveError::TooLong.into()));
    }
}
