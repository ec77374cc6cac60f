//! One thread that starts the server, watches it, and stops it.

use std::{
    fs::{self, File, OpenOptions},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::{
        prctl,
        signal::{Signal, kill},
    },
    unistd::{Pid, getppid},
};
use tokio::sync::oneshot;

use super::{DataDir, account::Account, cluster, pid_file::PidFile, programs::Programs};
use crate::{LocalError, Result};

/// Recovery after a crash in the middle of a bulk load takes a while; a healthy start takes a tenth of a second.
const START_WITHIN: Duration = Duration::from_secs(120);
/// A fast shutdown writes a checkpoint. After that long something hangs, and recovery at the next start is the lesser evil.
const STOP_WITHIN: Duration = Duration::from_secs(30);

/// The handle of the thread. When it is dropped, the server is stopped in the background.
#[derive(Debug)]
pub(super) struct Supervisor {
    stop: Sender<oneshot::Sender<()>>,
}

impl Supervisor {
    /// Starts the server and waits until it takes connections.
    ///
    /// The kernel sends a "parent died" signal when the *thread* that started a process ends, so the thread that starts
    /// the server lives as long as the app: after `kill -9` of the app the server shuts down by itself.
    pub async fn launch(data: &DataDir, account: &Account, programs: &Programs) -> Result<Self> {
        let mut command = command(data, account, programs)?;
        let (stop, stopped) = mpsc::channel();
        let (tell, ready) = oneshot::channel();
        let data = data.clone();
        thread::Builder::new()
            .name("tidemark-postgres".into())
            .spawn(move || match start(&mut command, &data) {
                Ok(child) => {
                    if tell.send(Ok(())).is_ok() {
                        watch(child, &stopped, &data);
                    } else {
                        end(child);
                    }
                }
                Err(problem) => drop(tell.send(Err(problem))),
            })
            .map_err(LocalError::file("start a thread for", programs.program("postgres")))?;
        match ready.await {
            Ok(started) => started.map(|()| Self { stop }),
            Err(_) => unreachable_thread(),
        }
    }

    /// Stops the server and waits until it has ended.
    pub async fn stop(self) {
        let (tell, ended) = oneshot::channel();
        if self.stop.send(tell).is_ok() {
            // An error means that the thread has ended, and the server with it.
            ended.await.ok();
        }
    }
}

/// The thread answers before it ends, unless it panicked; there is then no server to speak of.
fn unreachable_thread() -> Result<Supervisor> {
    Err(LocalError::Program {
        program: "the thread that starts PostgreSQL".into(),
        output: "it ended early".into(),
    })
}

fn command(data: &DataDir, account: &Account, programs: &Programs) -> Result<Command> {
    let log = open_log(&data.log())?;
    let socket = data.socket();
    let mut command = Command::new(programs.program("postgres"));
    command.arg("-D").arg(data.cluster()).current_dir(data.cluster());
    command
        .arg("-c")
        .arg(format!("unix_socket_directories={}", socket.display()));
    let settings = [
        "listen_addresses=",
        "port=5432",
        "unix_socket_permissions=0700",
        // Durable: these are the defaults, and a line in postgresql.conf can't take them away.
        "fsync=on",
        "full_page_writes=on",
        "synchronous_commit=on",
        // For one user and two million rows.
        "max_connections=60",
        "shared_buffers=256MB",
        "work_mem=32MB",
        "maintenance_work_mem=256MB",
        "max_wal_size=2GB",
        "jit=off",
        "timezone=UTC",
        "log_timezone=UTC",
        "logging_collector=off",
        "log_destination=stderr",
        "log_line_prefix=%m [%p] ",
    ];
    for setting in settings {
        command.args(["-c", setting]);
    }
    cluster::clean_environment(&mut command);
    account.run_as(&mut command);
    let copy = log.try_clone().map_err(LocalError::file("write", data.log()))?;
    // A group of its own: Ctrl-C in a terminal goes to the app, which then stops the server in order.
    command.stdin(Stdio::null()).stdout(copy).stderr(log).process_group(0);
    let app = Pid::this();
    let dies_with_app = move || {
        prctl::set_pdeathsig(Signal::SIGINT)?;
        // The app may have died before the line above; then nobody would send the signal.
        if getppid() == app {
            Ok(())
        } else {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
    };
    #[expect(
        unsafe_code,
        reason = "a child can ask for the signal of its parent's death only between fork and exec; the closure makes two system calls and allocates nothing"
    )]
    unsafe {
        command.pre_exec(dies_with_app);
    }
    Ok(command)
}

/// Opens the log for appending; a long one starts anew.
fn open_log(path: &Path) -> Result<File> {
    let long = fs::metadata(path).is_ok_and(|found| found.len() > 8 << 20);
    let mut options = OpenOptions::new();
    options.create(true).write(true);
    let options = if long {
        options.truncate(true)
    } else {
        options.append(true)
    };
    options.open(path).map_err(LocalError::file("write", path))
}

fn start(command: &mut Command, data: &DataDir) -> Result<Child> {
    let log_before = fs::metadata(data.log()).map_or(0, |found| found.len());
    let mut child = command
        .spawn()
        .map_err(LocalError::file("run", Path::new(command.get_program())))?;
    let begun = Instant::now();
    loop {
        if let Ok(Some(_)) = child.try_wait() {
            return Err(LocalError::DidNotStart {
                last_words: last_words(&data.log(), log_before),
                log: data.log(),
            });
        }
        let ours = PidFile::read(&data.cluster()).filter(|file| u32::try_from(file.pid) == Ok(child.id()));
        if ours.is_some_and(|file| file.is_ready()) {
            return Ok(child);
        }
        if begun.elapsed() > START_WITHIN {
            end(child);
            return Err(LocalError::NotReady {
                seconds: START_WITHIN.as_secs(),
                log: data.log(),
            });
        }
        thread::sleep(Duration::from_millis(15));
    }
}

fn watch(mut child: Child, stopped: &Receiver<oneshot::Sender<()>>, data: &DataDir) {
    let answer = loop {
        match stopped.recv_timeout(Duration::from_millis(500)) {
            Ok(answer) => break Some(answer),
            Err(RecvTimeoutError::Disconnected) => break None,
            Err(RecvTimeoutError::Timeout) => {
                if let Ok(Some(status)) = child.try_wait() {
                    tracing::warn!(%status, log = %data.log().display(), "the embedded PostgreSQL has ended by itself");
                    break None;
                }
            }
        }
    };
    end(child);
    fs::remove_file(data.url_file()).ok();
    if let Some(answer) = answer {
        answer.send(()).ok();
    }
}

/// Ends the server: connections first, then a checkpoint. At last without one.
fn end(mut child: Child) {
    let Ok(pid) = i32::try_from(child.id()) else { return };
    for signal in [Signal::SIGINT, Signal::SIGQUIT] {
        // A child that was not waited for keeps its number, so this can't hit another process.
        if matches!(child.try_wait(), Ok(Some(_))) {
            return;
        }
        kill(Pid::from_raw(pid), signal).ok();
        let begun = Instant::now();
        while begun.elapsed() < STOP_WITHIN {
            if matches!(child.try_wait(), Ok(Some(_))) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
    tracing::warn!(pid = child.id(), "the embedded PostgreSQL does not end");
}

/// The last lines of what the server wrote since `from`. What is wrong may stand in a line of any level.
fn last_words(log: &Path, from: u64) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(text.get(usize::try_from(from).unwrap_or(0)..).unwrap_or(&text)).into_owned();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    if lines.is_empty() {
        "none".into()
    } else {
        lines[lines.len().saturating_sub(5)..].join("\n")
    }
}
