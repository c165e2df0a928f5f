// SPDX-License-Identifier: Apache-2.0
//! Small files that are there whole or not at all.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use zeroize::Zeroizing;

use crate::seal;

/// Longest file that is read.
const MAX_LEN: u64 = 64 * 1024;

/// Reads a file whole; `None` if there is none.
pub fn read(path: &Path) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut content = Zeroizing::new(Vec::new());
    file.take(MAX_LEN).read_to_end(&mut content)?;
    Ok(Some(content))
}

/// Writes a file that only its owner can read. In this order: content, its durability, the name,
/// the name's durability. A crash leaves the file as it was or as it shall be.
pub fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("new");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    match path.parent() {
        Some(folder) => sync_folder(folder),
        None => Ok(()),
    }
}

/// Makes the names in a folder durable.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Reads a secret of 32 bytes, made at random if there is none yet.
pub fn load_or_create_secret(path: &Path) -> io::Result<Zeroizing<[u8; 32]>> {
    if let Some(content) = read(path)? {
        return match <[u8; 32]>::try_from(content.as_slice()) {
            Ok(secret) => Ok(Zeroizing::new(secret)),
            Err(_) => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("{} does not hold 32 bytes", path.display()),
            )),
        };
    }
    let secret = seal::random().map_err(io::Error::other)?;
    write(path, &*secret)?;
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_made_once_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let made = load_or_create_secret(&path).unwrap();
        assert_ne!(*made, [0; 32]);
        assert_eq!(*load_or_create_secret(&path).unwrap(), *made);
    }

    #[test]
    fn a_truncated_secret_is_refused_and_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        write(&path, &[1; 31]).unwrap();
        let error = load_or_create_secret(&path).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert_eq!(read(&path).unwrap().unwrap().as_slice(), &[1; 31]);
    }

    #[test]
    fn what_a_crash_left_behind_does_not_count() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        fs::write(path.with_extension("new"), b"half").unwrap();
        assert!(read(&path).unwrap().is_none());
        write(&path, b"whole").unwrap();
        assert_eq!(read(&path).unwrap().unwrap().as_slice(), b"whole");
    }
}
