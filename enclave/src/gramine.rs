// SPDX-License-Identifier: Apache-2.0
//! A machine with SGX, as Gramine shows it to programs: the pseudo-files below `/dev/attestation`
//! (Gramine's documentation, "Attestation and Secret Provisioning").
//!
//! The files belong to the whole process: between the writing of report data and the reading of the
//! quote nobody else may write. So one lock is around both. It blocks, as the machine does, and is
//! never held by a task.

use std::{
    fmt,
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use sp_crypto_hashing::blake2_256;
use tee_primitives::attestation::Measurement;
use zeroize::Zeroizing;

use crate::platform::{Platform, PlatformError};

/// Where Gramine has its pseudo-files.
pub const FOLDER: &str = "/dev/attestation";

/// Length of a report (Intel SDM vol. 3D, REPORT), and where MRENCLAVE is in it.
const REPORT_LEN: usize = 432;
const MR_ENCLAVE: usize = 64;

/// Longest quote that Gramine gives.
const MAX_QUOTE_LEN: usize = 8192;

/// Length of a seal key (Intel SDM vol. 3D, EGETKEY).
const SEAL_KEY_LEN: usize = 16;

/// Separates the sealing of this program's secrets from other uses of the machine's key.
const SEAL_CONTEXT: &[u8] = b"TIP500-SEAL/1";

/// A machine with SGX under Gramine, which makes DCAP quotes.
pub struct Gramine {
    folder: PathBuf,
    measurement: Measurement,
    /// Around the writing of report data and the reading of the quote.
    quoting: Mutex<()>,
}

impl fmt::Debug for Gramine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gramine").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Gramine {
    /// The machine that this program runs on. `folder` is [`FOLDER`]; tests have their own.
    pub fn open(folder: &Path) -> Result<Self, PlatformError> {
        let kind = match read(&folder.join("attestation_type"), 16) {
            Ok(kind) => kind,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(PlatformError(format!(
                    "there is no {}/attestation_type: this program runs only inside SGX, under \
                     gramine-sgx",
                    folder.display()
                )));
            }
            Err(error) => return Err(failed("attestation_type", &error)),
        };
        if kind.as_slice() != b"dcap" {
            return Err(PlatformError(format!(
                "Gramine's attestation type is `{}`: the manifest must say sgx.remote_attestation = \
                 \"dcap\"",
                kind.escape_ascii()
            )));
        }
        let report =
            read(&folder.join("report"), REPORT_LEN).map_err(|error| failed("report", &error))?;
        let report: &[u8; REPORT_LEN] =
            report.as_slice().try_into().map_err(|_| another_length("report", report.len()))?;
        let measurement = report
            .get(MR_ENCLAVE..)
            .and_then(|rest| rest.first_chunk())
            .copied()
            .ok_or_else(|| another_length("report", report.len()))?;
        Ok(Self { folder: folder.into(), measurement, quoting: Mutex::new(()) })
    }

    fn quote(&self, report_data: &[u8; 64]) -> Result<Vec<u8>, PlatformError> {
        // A caller that panicked has left nothing behind that matters: all of it is written anew.
        let _guard = self.quoting.lock().unwrap_or_else(PoisonError::into_inner);
        let name = "user_report_data";
        OpenOptions::new()
            .write(true)
            .open(self.folder.join(name))
            .and_then(|mut file| write_at_once(&mut file, report_data))
            .map_err(|error| failed(name, &error))?;
        // The quote is made when its file is opened.
        read(&self.folder.join("quote"), MAX_QUOTE_LEN)
            .map(|quote| quote.to_vec())
            .map_err(|error| failed("quote", &error))
    }
}

impl Platform for Gramine {
    fn kind(&self) -> &'static str {
        "dcap"
    }

    fn measurement(&self) -> Measurement {
        self.measurement
    }

    fn root(&self) -> &[u8] {
        tee_dcap::INTEL_ROOT_CA
    }

    fn seal_key(&self) -> Result<Zeroizing<[u8; 32]>, PlatformError> {
        let name = "keys/_sgx_mrenclave";
        let key =
            read(&self.folder.join(name), SEAL_KEY_LEN).map_err(|error| failed(name, &error))?;
        if key.len() != SEAL_KEY_LEN {
            return Err(another_length(name, key.len()));
        }
        let material = Zeroizing::new([SEAL_CONTEXT, &key].concat());
        Ok(Zeroizing::new(blake2_256(&material)))
    }

    fn quote(&self, report_data: &[u8; 64]) -> Result<Vec<u8>, PlatformError> {
        self.quote(report_data)
    }
}

/// Writes in one call: each call replaces all of the report data.
fn write_at_once(file: &mut impl Write, report_data: &[u8; 64]) -> io::Result<()> {
    match file.write(report_data)? {
        64 => Ok(()),
        written => Err(io::Error::other(format!("only {written} of 64 bytes were taken"))),
    }
}

/// Reads a file of at most `max_len` bytes. It can hold a secret.
fn read(path: &Path, max_len: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    let limit = u64::try_from(max_len).unwrap_or(u64::MAX);
    // Never moved while it grows: a copy would not be wiped.
    let mut content = Zeroizing::new(Vec::with_capacity(max_len.saturating_add(1)));
    File::open(path)?.take(limit.saturating_add(1)).read_to_end(&mut content)?;
    if content.len() > max_len {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("it is longer than {max_len} bytes"),
        ));
    }
    Ok(content)
}

fn failed(name: &str, error: &io::Error) -> PlatformError {
    PlatformError(format!("Gramine's {name} cannot be used: {error}"))
}

fn another_length(name: &str, length: usize) -> PlatformError {
    PlatformError(format!("Gramine's {name} has {length} bytes, which is not its length"))
}

#[cfg(test)]
mod manifest;

#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::unix::fs::{symlink, OpenOptionsExt},
        process::Command,
        sync::mpsc::channel,
        thread,
        time::{Duration, Instant},
    };

    use tempfile::TempDir;

    use super::*;

    const KEY: [u8; 16] = *b"a key of 16 byte";

    /// Files as Gramine has them. Where `quote` is a link to what was written, its content tells
    /// whose report data it was made for.
    fn pseudo_files() -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("keys")).unwrap();
        fs::write(path("attestation_type"), "dcap").unwrap();
        fs::write(path("user_report_data"), [0; 64]).unwrap();
        symlink(path("user_report_data"), path("quote")).unwrap();
        fs::write(path("keys/_sgx_mrenclave"), KEY).unwrap();
        let mut report = [0; REPORT_LEN];
        report[MR_ENCLAVE..MR_ENCLAVE + 32].fill(0x3e);
        fs::write(path("report"), report).unwrap();
        folder
    }

    fn error_of<T>(result: Result<T, PlatformError>) -> String {
        result.err().expect("it fails").to_string()
    }

    #[test]
    fn the_machine_says_what_runs_on_it() {
        let folder = pseudo_files();
        let machine = Gramine::open(folder.path()).unwrap();
        assert_eq!((machine.kind(), machine.measurement()), ("dcap", [0x3e; 32]));
        assert_eq!(machine.root(), tee_dcap::INTEL_ROOT_CA);
        assert_eq!(machine.quote(&[7; 64]).unwrap(), [7; 64]);
        assert_eq!(fs::read(folder.path().join("user_report_data")).unwrap(), [7; 64]);
    }

    #[test]
    fn outside_of_sgx_it_does_not_start_and_says_why() {
        // Under gramine-direct there are keys only.
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("keys")).unwrap();
        let error = error_of(Gramine::open(folder.path()));
        assert!(error.contains("runs only inside SGX, under gramine-sgx"), "{error}");

        let folder = pseudo_files();
        for kind in ["none", "epid", "dcap\n", "", "a much longer word than any"] {
            fs::write(folder.path().join("attestation_type"), kind).unwrap();
            let error = error_of(Gramine::open(folder.path()));
            assert!(error.contains("attestation") && !error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn what_is_missing_or_of_another_length_is_an_error() {
        for length in [0, 31, REPORT_LEN - 1, REPORT_LEN + 1] {
            let folder = pseudo_files();
            fs::write(folder.path().join("report"), vec![1; length]).unwrap();
            assert!(error_of(Gramine::open(folder.path())).contains("report"));
        }
        for name in ["report", "user_report_data", "quote", "keys/_sgx_mrenclave"] {
            let folder = pseudo_files();
            fs::remove_file(folder.path().join(name)).unwrap();
            let error = match Gramine::open(folder.path()) {
                Err(error) => error.to_string(),
                Ok(machine) if name.starts_with("keys") => error_of(machine.seal_key()),
                Ok(machine) => error_of(machine.quote(&[7; 64])),
            };
            assert!(error.contains(name), "{name}: {error}");
            // A file that should be there is not made.
            assert!(!folder.path().join(name).exists());
        }
        let folder = pseudo_files();
        let machine = Gramine::open(folder.path()).unwrap();
        fs::remove_file(folder.path().join("quote")).unwrap();
        fs::write(folder.path().join("quote"), vec![1; MAX_QUOTE_LEN + 1]).unwrap();
        assert!(error_of(machine.quote(&[7; 64])).contains("longer than 8192 bytes"));
    }

    #[test]
    fn the_seal_key_follows_from_the_machines_and_is_not_it() {
        let folder = pseudo_files();
        let machine = Gramine::open(folder.path()).unwrap();
        let key = machine.seal_key().unwrap();
        assert_eq!(*machine.seal_key().unwrap(), *key);
        assert!(!key.windows(16).any(|window| window == KEY));
        let path = folder.path().join("keys/_sgx_mrenclave");
        for length in [0, 15, 17, 32] {
            fs::write(&path, vec![1; length]).unwrap();
            assert!(machine.seal_key().is_err());
        }
        fs::write(&path, [9; 16]).unwrap();
        assert_ne!(*machine.seal_key().unwrap(), *key);
    }

    /// The machine takes its time for each quote, so that whoever does not wait for the one before
    /// changes its report data.
    #[test]
    fn concurrent_callers_never_get_each_others_quote() {
        const CALLERS: u8 = 4;
        const O_NONBLOCK: i32 = 0o4000;
        let deadline = Instant::now() + Duration::from_secs(20);
        let folder = pseudo_files();
        let quote = folder.path().join("quote");
        fs::remove_file(&quote).unwrap();
        assert!(Command::new("mkfifo").arg(&quote).status().unwrap().success());
        let machine = Gramine::open(folder.path()).unwrap();
        let (served, waits) = channel();
        thread::scope(|scope| {
            for caller in 0..CALLERS {
                let (machine, served) = (&machine, served.clone());
                scope.spawn(move || {
                    let quote = machine.quote(&[caller; 64]);
                    served.send(()).unwrap();
                    assert_eq!(quote.unwrap(), [caller; 64]);
                });
            }
            for _ in 0..CALLERS {
                // Opens when somebody has opened it to read.
                let mut quote = loop {
                    let open = OpenOptions::new().write(true).custom_flags(O_NONBLOCK).open(&quote);
                    match open {
                        Ok(quote) => break quote,
                        Err(error) => assert!(Instant::now() < deadline, "{error}"),
                    }
                    thread::yield_now();
                };
                thread::sleep(Duration::from_millis(50));
                let report_data = fs::read(folder.path().join("user_report_data")).unwrap();
                quote.write_all(&report_data).unwrap();
                drop(quote);
                waits.recv_timeout(Duration::from_secs(20)).unwrap();
            }
        });
    }

    /// Takes at most so many bytes in a call, and counts the calls.
    struct Taking {
        most: usize,
        calls: Vec<usize>,
    }

    impl Write for Taking {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.calls.push(bytes.len());
            Ok(bytes.len().min(self.most))
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn report_data_is_written_in_exactly_one_call_or_not_at_all() {
        let mut all = Taking { most: 64, calls: Vec::new() };
        write_at_once(&mut all, &[7; 64]).unwrap();
        assert_eq!(all.calls, [64]);
        // Writing the rest in a second call would replace the first.
        let mut half = Taking { most: 32, calls: Vec::new() };
        assert!(write_at_once(&mut half, &[7; 64]).is_err());
        assert_eq!(half.calls, [64]);
    }
}
