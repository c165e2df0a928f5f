// SPDX-License-Identifier: Apache-2.0
//! Child processes that do not outlive their owner, with their output in a log file.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::LazyLock,
    time::Duration,
};

use anyhow::{ensure, Context};
use nix::{
    sys::signal::{kill, Signal},
    unistd::Pid,
};
use tokio::time::{sleep, Instant};

/// Lines of a log that an error shows.
const TAIL_LINES: usize = 15;

/// Bytes at the end of a log in which those lines are looked for.
const TAIL_BYTES: u64 = 32 * 1024;

/// Bytes after the start in which a line that tells readiness is looked for.
const READY_BYTES: u64 = 4 * 1024 * 1024;

const POLL: Duration = Duration::from_millis(30);

/// Why a process does not run as it should.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// It could not be started.
    #[error("{name} cannot be started from {program}: {source}", program = .program.display())]
    Start {
        /// The process.
        name: String,
        /// Its program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Its log cannot be written or read.
    #[error("the log {path} of {name} cannot be used: {source}", path = .path.display())]
    Log {
        /// The process.
        name: String,
        /// The log.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Its data cannot be removed.
    #[error("the data {path} of {name} cannot be removed: {source}", path = .path.display())]
    Data {
        /// The process.
        name: String,
        /// Its data.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It ended by itself.
    #[error("{name} ended with {status}; its log {log} ends with:\n{tail}", log = .log.display())]
    Ended {
        /// The process.
        name: String,
        /// How it ended.
        status: ExitStatus,
        /// Its log.
        log: PathBuf,
        /// The log's last lines.
        tail: String,
    },
    /// It was not ready in time.
    #[error("{name} did not get ready within {} seconds; its log {log} ends with:\n{tail}", .limit.as_secs(), log = .log.display())]
    NotReady {
        /// The process.
        name: String,
        /// How long it had.
        limit: Duration,
        /// Its log.
        log: PathBuf,
        /// The log's last lines.
        tail: String,
    },
    /// It did not end when it was asked to, and was killed.
    #[error("{name} did not end within {} seconds and was killed; its log {log} ends with:\n{tail}", .limit.as_secs(), log = .log.display())]
    NotStopped {
        /// The process.
        name: String,
        /// How long it had.
        limit: Duration,
        /// Its log.
        log: PathBuf,
        /// The log's last lines.
        tail: String,
    },
    /// The system refused to signal it or to look at it.
    #[error("{name} cannot be signalled: {source}")]
    Signal {
        /// The process.
        name: String,
        /// Why.
        source: io::Error,
    },
}

/// A child process. Dropping it kills it.
///
/// It is in a process group of its own: a Ctrl-C on the terminal reaches its owner only, who then
/// ends the processes in order.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
    /// Where this run begins in the log.
    log_start: u64,
    /// Its owner killed it.
    killed: bool,
}

/// Whether util-linux's `setpriv` is there, which has a process killed when its parent ends. (The
/// `setpriv` of small systems cannot do it.)
static SETPRIV: LazyLock<bool> = LazyLock::new(|| {
    let mut probe = Command::new("setpriv");
    probe.args(["--pdeathsig", "KILL", "--", "true"]).stdin(Stdio::null());
    let status = probe.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
});

/// The command, killed by the system when the thread that starts it ends. `setpriv` becomes the
/// program itself and keeps its process id.
fn bound_to_this_thread(command: &Command) -> Command {
    let mut bound = Command::new("setpriv");
    bound.args(["--pdeathsig", "KILL", "--"]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => bound.env(name, value),
            None => bound.env_remove(name),
        };
    }
    if let Some(dir) = command.get_current_dir() {
        bound.current_dir(dir);
    }
    bound
}

impl Process {
    /// Starts a process whose output is appended to `log`.
    ///
    /// Where util-linux's `setpriv` is installed, the system kills the process when the *thread*
    /// that called this ends, however it ends. So call it from a thread that lives as long as the
    /// process should: the main thread, or a test's, not a worker thread of a runtime.
    pub fn spawn(
        name: impl Into<String>,
        command: Command,
        log: &Path,
    ) -> Result<Self, ProcessError> {
        let name = name.into();
        let open = || {
            let output = File::options().create(true).append(true).open(log)?;
            Ok((output.metadata()?.len(), output.try_clone()?, output))
        };
        let (log_start, stdout, stderr) = open().map_err(|source| ProcessError::Log {
            name: name.clone(),
            path: log.to_owned(),
            source,
        })?;
        let program = command.get_program().into();
        let mut command = if *SETPRIV { bound_to_this_thread(&command) } else { command };
        let child = command
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(stderr)
            .process_group(0)
            .spawn()
            .map_err(|source| ProcessError::Start { name: name.clone(), program, source })?;
        Ok(Self { name, child, log: log.to_owned(), log_start, killed: false })
    }

    /// Its name, for messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until a line of its output tells what `find` looks for.
    pub async fn wait_for_line<T>(
        &mut self,
        limit: Duration,
        find: impl Fn(&str) -> Option<T>,
    ) -> Result<T, ProcessError> {
        let deadline = Instant::now() + limit;
        loop {
            // Looked at before the log is read, so that nothing it wrote last is missed.
            let ended = self.status()?;
            let output = read_from(&self.log, self.log_start, READY_BYTES)
                .map_err(|source| self.log_error(source))?;
            let lines = output.split_inclusive('\n').filter(|line| line.ends_with('\n'));
            if let Some(found) = lines.map(str::trim_end).find_map(&find) {
                return Ok(found);
            }
            let (name, log, tail) = (self.name.clone(), self.log.clone(), tail(&self.log));
            if let Some(status) = ended {
                return Err(ProcessError::Ended { name, status, log, tail });
            }
            if Instant::now() >= deadline {
                return Err(ProcessError::NotReady { name, limit, log, tail });
            }
            sleep(POLL).await;
        }
    }

    /// Fails if it has ended.
    pub fn check_running(&mut self) -> Result<(), ProcessError> {
        match self.status()? {
            None => Ok(()),
            Some(status) => Err(self.ended(status)),
        }
    }

    /// Ends it at once (SIGKILL), as a crash would.
    pub fn kill(&mut self) -> Result<(), ProcessError> {
        self.killed = true;
        let killed = self.child.kill().and_then(|()| self.child.wait());
        killed.map(|_| ()).map_err(|source| self.signal_error(source))
    }

    /// Asks it to end (SIGTERM); after `limit` it is killed. Fails unless it ends with success in
    /// time. One that [`kill`](Self::kill) has ended is not looked at.
    pub async fn stop(&mut self, limit: Duration) -> Result<(), ProcessError> {
        if self.killed {
            return Ok(());
        }
        let deadline = Instant::now() + limit;
        if self.status()?.is_none() {
            self.signal(Signal::SIGTERM)?;
        }
        loop {
            if let Some(status) = self.status()? {
                return if status.success() { Ok(()) } else { Err(self.ended(status)) };
            }
            if Instant::now() >= deadline {
                self.kill()?;
                let (name, log, tail) = (self.name.clone(), self.log.clone(), tail(&self.log));
                return Err(ProcessError::NotStopped { name, limit, log, tail });
            }
            sleep(POLL).await;
        }
    }

    /// Stops its execution (SIGSTOP): it holds its connections and answers nothing.
    pub fn pause(&self) -> Result<(), ProcessError> {
        self.signal(Signal::SIGSTOP)
    }

    /// Lets it go on (SIGCONT).
    pub fn resume(&self) -> Result<(), ProcessError> {
        self.signal(Signal::SIGCONT)
    }

    /// How it ended, if it did. A child that was waited for keeps its status, so its id is never
    /// signalled after it was given to another process.
    fn status(&mut self) -> Result<Option<ExitStatus>, ProcessError> {
        self.child.try_wait().map_err(|source| self.signal_error(source))
    }

    fn signal(&self, signal: Signal) -> Result<(), ProcessError> {
        let id = i32::try_from(self.child.id()).map_err(io::Error::other);
        let sent = id.and_then(|id| Ok(kill(Pid::from_raw(id), signal)?));
        sent.map_err(|source| self.signal_error(source))
    }

    fn ended(&self, status: ExitStatus) -> ProcessError {
        let (name, log, tail) = (self.name.clone(), self.log.clone(), tail(&self.log));
        ProcessError::Ended { name, status, log, tail }
    }

    fn signal_error(&self, source: io::Error) -> ProcessError {
        ProcessError::Signal { name: self.name.clone(), source }
    }

    fn log_error(&self, source: io::Error) -> ProcessError {
        ProcessError::Log { name: self.name.clone(), path: self.log.clone(), source }
    }
}

/// Runs a program to its end; what it wrote to standard output. Fails with what it wrote to standard
/// error unless it succeeds in time.
pub async fn run_to_end(command: Command, limit: Duration) -> anyhow::Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut command = tokio::process::Command::from(command);
    command.stdin(Stdio::null()).kill_on_drop(true);
    let ended = tokio::time::timeout(limit, command.output()).await;
    let ended = ended
        .with_context(|| format!("{program} did not end within {} seconds", limit.as_secs()))?;
    let output = ended.with_context(|| format!("{program} cannot be started"))?;
    ensure!(
        output.status.success(),
        "{program} ended with {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    );
    String::from_utf8(output.stdout).with_context(|| format!("{program} does not write text"))
}

impl Drop for Process {
    fn drop(&mut self) {
        // It fails only if the process has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The last lines of a log; empty if it cannot be read.
pub fn tail(log: &Path) -> String {
    let length = fs::metadata(log).map(|metadata| metadata.len()).unwrap_or(0);
    let text = read_from(log, length.saturating_sub(TAIL_BYTES), TAIL_BYTES).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let shown = lines.get(lines.len().saturating_sub(TAIL_LINES)..).unwrap_or_default();
    shown.iter().map(|line| format!("    {line}\n")).collect()
}

fn read_from(log: &Path, start: u64, limit: u64) -> io::Result<String> {
    let mut file = File::open(log)?;
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    fn shell(script: &str, log: &Path) -> Process {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Process::spawn("shell", command, log).unwrap()
    }

    fn is_alive(id: u32) -> bool {
        kill(Pid::from_raw(i32::try_from(id).unwrap()), None).is_ok()
    }

    #[tokio::test]
    async fn readiness_is_found_in_either_output_of_this_run_only() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let ready = |line: &str| line.strip_prefix("ready at ").map(str::to_owned);
        for (script, expected) in
            [("echo ready at 1; sleep 60", "1"), ("echo ready at 2 >&2; sleep 60", "2")]
        {
            let mut process = shell(script, &log);
            assert_eq!(process.wait_for_line(LIMIT, ready).await.unwrap(), expected);
        }
    }

    #[tokio::test]
    async fn a_process_that_ends_before_it_is_ready_shows_its_log() {
        let folder = tempfile::tempdir().unwrap();
        let mut process = shell("echo the reason; exit 3", &folder.path().join("log"));
        let error = process.wait_for_line(LIMIT, |_| None::<()>).await.unwrap_err();
        assert!(matches!(&error, ProcessError::Ended { status, .. } if status.code() == Some(3)));
        assert!(error.to_string().contains("the reason"));
    }

    #[tokio::test]
    async fn a_process_that_is_never_ready_is_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let mut process = shell("sleep 60", &folder.path().join("log"));
        let limit = Duration::from_millis(100);
        let error = process.wait_for_line(limit, |_| None::<()>).await.unwrap_err();
        assert!(matches!(error, ProcessError::NotReady { .. }));
    }

    #[test]
    fn a_dropped_process_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let process = shell("exec sleep 60", &folder.path().join("log"));
        let id = process.id();
        assert!(is_alive(id));
        drop(process);
        assert!(!is_alive(id));
    }

    #[tokio::test]
    async fn only_a_process_that_ends_with_success_in_time_has_stopped_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let ready = |line: &str| (line == "ready").then_some(());

        let start = async |on_term: &str| {
            let script = format!("trap '{on_term}' TERM; echo ready; while :; do sleep 0.05; done");
            let mut process = shell(&script, &log);
            process.wait_for_line(LIMIT, ready).await.unwrap();
            process
        };

        start("exit 0").await.stop(LIMIT).await.unwrap();

        let error = start("exit 7").await.stop(LIMIT).await.unwrap_err();
        assert!(matches!(error, ProcessError::Ended { status, .. } if status.code() == Some(7)));

        let mut deaf = start("").await;
        let error = deaf.stop(Duration::from_millis(200)).await.unwrap_err();
        assert!(matches!(error, ProcessError::NotStopped { .. }));
        assert!(!is_alive(deaf.id()));

        let mut killed = start("exit 0").await;
        killed.kill().unwrap();
        killed.stop(LIMIT).await.unwrap();
    }

    #[tokio::test]
    async fn a_program_that_runs_to_its_end_gives_what_it_wrote() {
        let shell = |script: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            command
        };
        assert_eq!(run_to_end(shell("echo it"), LIMIT).await.unwrap(), "it\n");
        let error = run_to_end(shell("echo why >&2; exit 3"), LIMIT).await.unwrap_err();
        assert!(error.to_string().contains("why"), "{error}");
        let limit = Duration::from_millis(100);
        let error = run_to_end(shell("sleep 60"), limit).await.unwrap_err();
        assert!(error.to_string().contains("did not end"), "{error}");
    }

    #[test]
    fn a_tail_is_the_end_of_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        fs::write(&log, (0..1000).map(|n| format!("line {n}\n")).collect::<String>()).unwrap();
        let tail = tail(&log);
        assert_eq!(tail.lines().count(), TAIL_LINES);
        assert!(tail.ends_with("line 999\n"));
        assert_eq!(super::tail(&folder.path().join("absent")), "");
    }
}
