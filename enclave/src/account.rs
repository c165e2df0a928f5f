// SPDX-License-Identifier: Apache-2.0
//! The enclave's account: made on its first start, sealed, and the same ever after.

use std::{fmt, io, path::Path};

use sp_crypto_hashing::blake2_256;
use subxt::utils::AccountId32;
use subxt_signer::sr25519::{Keypair, PublicKey, Signature};
use tee_primitives::RawAccountId;
use x25519_dalek::StaticSecret;
use zeroize::Zeroizing;

use crate::seal::{self, SealError, Sealer};

/// Its file in the data folder.
pub(crate) const FILE_NAME: &str = "account";
const CONTEXT: &[u8] = b"TIP500-ACCOUNT/1";
const SECRETS_LEN: usize = 64;

/// Longest SS58 address of an account of 32 bytes. Decoding takes time that grows with the square
/// of the length.
const MAX_ADDRESS_LEN: usize = 64;

/// Why there is no account.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The file cannot be read or written.
    #[error("the account's file cannot be read or written: {0}")]
    Io(#[from] io::Error),
    /// The file cannot be opened with this machine's seal key.
    #[error(
        "the account does not open with this machine's seal key: it was sealed by other code or on \
         another machine, or the file was changed"
    )]
    Sealed(#[from] SealError),
    /// There is a store but no account.
    #[error("there is a store but no account: the account's file was lost")]
    Lost,
    /// What the file holds is not a key.
    #[error("the account's file does not hold an account")]
    Malformed,
}

impl AccountError {
    /// Whether the account will never open again.
    pub fn is_loss(&self) -> bool {
        match self {
            Self::Sealed(error) => *error == SealError::DoesNotOpen,
            Self::Lost | Self::Malformed => true,
            Self::Io(_) => false,
        }
    }
}

/// The enclave's keys. The secret ones never leave it.
pub struct Account {
    keypair: Keypair,
    encryption_secret: StaticSecret,
    address: String,
    session: [u8; 32],
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Account {
    /// Opens the account in `folder`; makes one if there is none. It is durable when this returns.
    pub fn load_or_create(folder: &Path, sealer: &Sealer) -> Result<Self, AccountError> {
        let path = folder.join(FILE_NAME);
        let secrets = match crate::file::read(&path)? {
            Some(sealed) => sealer.open(CONTEXT, &sealed)?,
            None => {
                let secrets = seal::random::<SECRETS_LEN>()?;
                crate::file::write(&path, &sealer.seal(CONTEXT, &*secrets)?)?;
                Zeroizing::new(secrets.to_vec())
            }
        };
        Self::from_secrets(&secrets)
    }

    fn from_secrets(secrets: &[u8]) -> Result<Self, AccountError> {
        let secrets: &[u8; SECRETS_LEN] =
            secrets.try_into().map_err(|_| AccountError::Malformed)?;
        let (seed, rest) = secrets.split_first_chunk::<32>().ok_or(AccountError::Malformed)?;
        let encryption = rest.first_chunk::<32>().ok_or(AccountError::Malformed)?;
        let keypair = Keypair::from_secret_key(*seed).map_err(|_| AccountError::Malformed)?;
        let address = address(&keypair.public_key().0);
        let encryption_secret = StaticSecret::from(*encryption);
        Ok(Self { keypair, encryption_secret, address, session: *seal::random()? })
    }

    /// The account.
    pub fn id(&self) -> RawAccountId {
        self.keypair.public_key().0
    }

    /// The account as SS58 with prefix 42.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The X25519 key to which clients and other enclaves encrypt.
    pub fn encryption_key(&self) -> [u8; 32] {
        x25519_dalek::PublicKey::from(&self.encryption_secret).to_bytes()
    }

    /// The secret of [`encryption_key`](Self::encryption_key), for the channel to another enclave.
    pub(crate) fn encryption_secret(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.encryption_secret.to_bytes())
    }

    /// A secret of this start, for one use that `domain` names. Nobody else can make it, nor the next
    /// start.
    pub(crate) fn secret_of_start(&self, domain: &[u8]) -> Zeroizing<[u8; 32]> {
        let secret = self.encryption_secret();
        let mut preimage = Zeroizing::new(Vec::with_capacity(domain.len() + 64));
        preimage.extend_from_slice(domain);
        preimage.extend_from_slice(&*secret);
        preimage.extend_from_slice(&self.session);
        Zeroizing::new(blake2_256(&preimage))
    }

    /// Random for each start.
    pub fn session(&self) -> [u8; 32] {
        self.session
    }

    /// Signs with the account's key.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.keypair.sign(message).0
    }

    /// The key that signs transactions.
    pub fn signer(&self) -> Keypair {
        self.keypair.clone()
    }
}

/// Whether there is an account in `folder`.
pub fn exists(folder: &Path) -> io::Result<bool> {
    folder.join(FILE_NAME).try_exists()
}

/// An account as SS58 with prefix 42.
pub fn address(account: &RawAccountId) -> String {
    AccountId32(*account).to_string()
}

/// Reads an SS58 address with any prefix.
pub fn parse_address(address: &str) -> Option<RawAccountId> {
    if address.len() > MAX_ADDRESS_LEN {
        return None;
    }
    address.parse::<AccountId32>().ok().map(|account| account.0)
}

/// Whether `account` signed exactly `message`.
pub fn verify(signature: &[u8; 64], message: &str, account: &RawAccountId) -> bool {
    verify_bytes(signature, message.as_bytes(), account)
}

/// Whether `account` signed exactly these bytes.
pub fn verify_bytes(signature: &[u8; 64], message: &[u8], account: &RawAccountId) -> bool {
    subxt_signer::sr25519::verify(&Signature(*signature), message, &PublicKey(*account))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_outlives_a_restart_and_the_session_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let sealer = Sealer::new(&[1; 32]);
        let first = Account::load_or_create(folder.path(), &sealer).unwrap();
        let second = Account::load_or_create(folder.path(), &sealer).unwrap();
        assert_eq!(first.id(), second.id());
        assert_eq!(first.encryption_key(), second.encryption_key());
        assert_ne!(first.session(), second.session());
        assert_eq!(parse_address(first.address()), Some(first.id()));
        assert!(verify(&first.sign(b"message"), "message", &second.id()));
    }

    #[test]
    fn another_machine_cannot_open_the_account_and_does_not_replace_it() {
        let folder = tempfile::tempdir().unwrap();
        let first = Account::load_or_create(folder.path(), &Sealer::new(&[1; 32])).unwrap();
        assert!(matches!(
            Account::load_or_create(folder.path(), &Sealer::new(&[2; 32])),
            Err(AccountError::Sealed(SealError::DoesNotOpen))
        ));
        let again = Account::load_or_create(folder.path(), &Sealer::new(&[1; 32])).unwrap();
        assert_eq!(first.id(), again.id());
    }

    #[test]
    fn the_file_and_debug_output_do_not_show_the_seed() {
        let folder = tempfile::tempdir().unwrap();
        let sealer = Sealer::new(&[1; 32]);
        let account = Account::load_or_create(folder.path(), &sealer).unwrap();
        let file = crate::file::read(&folder.path().join(FILE_NAME)).unwrap().unwrap();
        let secrets = sealer.open(CONTEXT, &file).unwrap();
        assert!(!file.windows(32).any(|window| window == &secrets[..32]));
        assert!(!format!("{account:?}").contains(&hex::encode(&secrets[..32])));
    }

    /// The packets that the published client's documentation shows.
    #[test]
    fn published_signatures_verify_and_changed_ones_do_not() {
        let vectors = [
            (
                "5HgQ621ngLGeegeXnMg6Qt14eZHSuMsbQYGwa7iTvGaAc9sh",
                "5HHBpZJk8ye19pWjA6as4TqKHf8hUKfX7srZ5Vwt4rJekEFm_16018_15",
                "c2df80285c036d9670309a5b78c8ffc3471d4ccb2dd6124a2ddc705f15ff6f4f01c9ce1a354d47b5f8\
                 ef2d8b05d34c19c87bcead4dc8a5e526eb3e0ada18548d",
            ),
            (
                "5HHBpZJk8ye19pWjA6as4TqKHf8hUKfX7srZ5Vwt4rJekEFm",
                "3_This-is-a-Sample-Secret!@#$%^&*()1234567890_16018_15",
                "2672233774dbecbc62d0097f99e4170ce9a82ffde54d4919c168638ba011a03fe14a5c3d4bf80fa363\
                 5770ad78f6718c6e9272921a85583a2601ccd52215488a",
            ),
            (
                "5CcqaTBwWvbB2MvmeteSDLVujL3oaFHtdf24pPVT3Xf8v7tC",
                "110_163844_10",
                "6825f8feef8a3897c7f2f7d2be7071b6e7c87d998a1ac36957379c311c29df7ec3ae7016dfc04b90ad\
                 f880b7c84fbd37fd275a65adb12f0d201c4a4993e8ef84",
            ),
            (
                "5CVZ4bQhwWaAQwk1SWZ5FzGTyEzU9PkXRiQEehsBhmyjJwDX",
                "344645_5896058_10",
                "76f276980fe142a13629a2e46529340f8fece391b14bd8801f662bd42af5bc757d164acb55889e4425\
                 3852d7702436d102d1e9d53fefa78aa556f0f746fec089",
            ),
        ];
        for (address, message, signature) in vectors {
            let account = parse_address(address).unwrap();
            let signature = hex::decode(signature).unwrap().try_into().unwrap();
            assert!(verify(&signature, message, &account));
            assert!(!verify(&signature, &format!("<Bytes>{message}</Bytes>"), &account));
            assert!(!verify(&signature, message, &[1; 32]));
            let mut changed = signature;
            changed[10] ^= 1;
            assert!(!verify(&changed, message, &account));
        }
    }

    #[test]
    fn what_is_not_an_address_is_refused() {
        for text in ["", "5", "0OIl", "5HgQ621ngLGeegeXnMg6Qt14eZHSuMsbQYGwa7iTvGaAc9sx", "\u{0}"] {
            assert_eq!(parse_address(text), None);
        }
        assert_eq!(parse_address(&"5".repeat(1 << 20)), None);
    }
}
