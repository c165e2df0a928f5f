// SPDX-License-Identifier: Apache-2.0
//! The enclave's server on a machine without SGX: for development only.

use std::{env, process::ExitCode};

use clap::Parser;
use tee_enclave::{
    command,
    config::{
        layers::{self, Sources},
        Config,
    },
    logging,
};
use tee_enclave_simulated::Simulated;

#[derive(Parser)]
#[command(
    version,
    about = "TIP-500 enclave on a machine without SGX. FOR DEVELOPMENT: NOTHING IS PROTECTED.",
    after_help = command::EXIT_CODES
)]
struct Flags {
    #[command(flatten)]
    sources: Sources,

    #[command(flatten)]
    config: Config,

    /// Which simulated machine this is. The same number is the same machine.
    #[arg(long, env = "TEE_ENCLAVE_MACHINE", default_value_t = 1)]
    machine: u32,

    /// Measurement of the code, 64 hexadecimal digits [default: blake2_256("tee-enclave-simulated")]
    #[arg(long, env = "TEE_ENCLAVE_MEASUREMENT", value_parser = parse_measurement)]
    measurement: Option<[u8; 32]>,

    /// Security version of the code.
    #[arg(long, env = "TEE_ENCLAVE_ISV_SVN", default_value_t = 0)]
    isv_svn: u16,

    /// Another interface of the chain that the code knows, as a build before an upgrade of the runtime
    /// does.
    #[arg(long, env = "TEE_ENCLAVE_NEXT_ABI")]
    next_abi: Option<u32>,
}

impl Flags {
    fn machine(&self) -> Simulated {
        Simulated::new(&self.config.data_dir, self.machine, self.measurement, self.isv_svn)
            .knowing(self.next_abi)
    }
}

fn parse_measurement(digits: &str) -> Result<[u8; 32], &'static str> {
    let mut measurement = [0; 32];
    hex::decode_to_slice(digits.strip_prefix("0x").unwrap_or(digits), &mut measurement)
        .map_err(|_| "a measurement has 64 hexadecimal digits")?;
    Ok(measurement)
}

fn main() -> ExitCode {
    let parsed = match layers::parse::<Flags>(env::args_os()) {
        Ok(parsed) => parsed,
        Err(error) => return error.report(),
    };
    if parsed.value.sources.print_config {
        return command::print(&parsed);
    }
    eprintln!("WARNING: simulated enclave: NOTHING IS PROTECTED. Never give it real secrets.");
    let flags = parsed.value;
    let simulated = flags.machine();
    let Config { log_format, log_level, .. } = flags.config;
    logging::start(log_format, logging::filter_of_environment(log_level));
    command::run(flags.config, simulated)
}

#[cfg(test)]
mod tests {
    use sp_crypto_hashing::blake2_256;
    use tee_enclave::{
        account::{Account, AccountError},
        platform::Platform,
        seal::Sealer,
    };

    use super::*;

    const FLAGS: [&str; 9] = [
        "x",
        "--data-dir",
        "d",
        "--chain-spec",
        "s",
        "--rpc-url",
        "ws://127.0.0.1:9944",
        "--operator",
        "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
    ];

    fn simulated(data_dir: &std::path::Path, more: &[&str]) -> Simulated {
        let mut flags = Flags::try_parse_from(FLAGS.iter().chain(more)).unwrap();
        flags.config.data_dir = data_dir.into();
        flags.machine()
    }

    fn account(machine: &Simulated, folder: &std::path::Path) -> Result<Account, AccountError> {
        Account::load_or_create(folder, &Sealer::new(&machine.seal_key().unwrap()))
    }

    #[test]
    fn neither_other_code_nor_another_machine_opens_the_account() {
        let folder = tempfile::tempdir().unwrap();
        let at = |more: &[&str]| simulated(folder.path(), more);
        let id = account(&at(&[]), folder.path()).unwrap().id();
        let measurement = "0x".to_owned() + &"3e".repeat(32);
        for more in [["--measurement", &measurement], ["--machine", "2"]] {
            assert!(matches!(account(&at(&more), folder.path()), Err(AccountError::Sealed(_))));
        }
        // A newer security version of the same code is the same code.
        for more in [&[][..], &["--machine", "1", "--isv-svn", "3"]] {
            assert_eq!(account(&at(more), folder.path()).unwrap().id(), id);
        }
    }

    #[test]
    fn quotes_say_what_the_flags_say() {
        let folder = tempfile::tempdir().unwrap();
        let measurement = "3e".repeat(32);
        let machine = simulated(
            folder.path(),
            &["--measurement", &measurement, "--isv-svn", "3", "--machine", "7"],
        );
        let quote = machine.quote(&[7; 64]).unwrap();
        let report = tee_dcap::Quote::parse(&quote).unwrap().report().clone();
        assert_eq!((report.mr_enclave, report.report_data), ([0x3e; 32], [7; 64]));
        assert_eq!(report.mr_signer, blake2_256(b"tee-enclave-simulated signer"));
        assert_eq!((report.isv_prod_id, report.isv_svn), (0, 3));
        assert_eq!(machine.kind(), "simulated");
        assert_ne!(machine.root(), tee_dcap::INTEL_ROOT_CA);
        let default = simulated(folder.path(), &[]);
        assert_eq!(default.measurement(), blake2_256(b"tee-enclave-simulated"));
    }

    #[test]
    fn a_measurement_has_64_digits() {
        for digits in ["", "3e", "0x", &"3e".repeat(33), &"zz".repeat(32)] {
            assert!(parse_measurement(digits).is_err(), "{digits}");
        }
    }
}
