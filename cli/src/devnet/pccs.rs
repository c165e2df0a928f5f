// SPDX-License-Identifier: Apache-2.0
//! The process that serves the simulated hardware's collateral, as a PCCS does.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::process::{Process, ProcessError};

const NAME: &str = "pccs";

/// How long it may take to open its port.
const READY_LIMIT: Duration = Duration::from_secs(30);

/// What it serves.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct PccsOptions {
    /// Life of collateral in seconds; the simulator's default if not given.
    pub validity: Option<u64>,
    /// Evaluation number of collateral; the simulator's default if not given.
    pub evaluation_number: Option<u32>,
}

/// A running PCCS, or one that ended and can be started again at its address. Dropping it kills it.
#[derive(Debug)]
pub struct PccsProcess {
    program: PathBuf,
    dir: PathBuf,
    options: PccsOptions,
    listen: String,
    process: Process,
}

impl PccsProcess {
    /// Starts it and waits until it listens; port 0 takes a free one.
    pub(super) async fn spawn(
        program: &Path,
        dir: &Path,
        port: u16,
        options: PccsOptions,
    ) -> Result<Self, ProcessError> {
        let listen = format!("127.0.0.1:{port}");
        let process = start(program, dir, &listen, options)?;
        let (program, dir) = (program.to_owned(), dir.to_owned());
        let mut pccs = Self { program, dir, options, listen, process };
        pccs.wait_until_ready().await?;
        Ok(pccs)
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://{}", self.listen)
    }

    /// Its process, to pause it or to look at it.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Fails if it has ended by itself.
    pub fn check_running(&mut self) -> Result<(), ProcessError> {
        self.process.check_running()
    }

    /// Ends it at once (SIGKILL).
    pub fn kill(&mut self) -> Result<(), ProcessError> {
        self.process.kill()
    }

    /// Asks it to end (SIGTERM), see [`Process::stop`].
    pub async fn stop(&mut self, limit: Duration) -> Result<(), ProcessError> {
        self.process.stop(limit).await
    }

    /// Ends it, if it runs, and starts it again at the same address; returns when it listens. It
    /// serves what `options` say from then on.
    pub async fn restart(&mut self, options: PccsOptions) -> Result<(), ProcessError> {
        self.process.kill()?;
        self.options = options;
        self.process = start(&self.program, &self.dir, &self.listen, options)?;
        self.wait_until_ready().await
    }

    /// What it serves.
    pub fn options(&self) -> PccsOptions {
        self.options
    }

    async fn wait_until_ready(&mut self) -> Result<(), ProcessError> {
        let listening = |line: &str| line.strip_prefix("listening on http://").map(str::to_owned);
        self.listen = self.process.wait_for_line(READY_LIMIT, listening).await?;
        Ok(())
    }
}

fn start(
    program: &Path,
    dir: &Path,
    listen: &str,
    options: PccsOptions,
) -> Result<Process, ProcessError> {
    let mut command = Command::new(program);
    // It has no files; the folder tells which network it belongs to.
    command.current_dir(dir).args(["pccs", "--listen", listen]);
    if let Some(validity) = options.validity {
        command.args(["--validity", &validity.to_string()]);
    }
    if let Some(number) = options.evaluation_number {
        command.args(["--evaluation-number", &number.to_string()]);
    }
    Process::spawn(NAME, command, &dir.join(format!("{NAME}.log")))
}
