//! What the window works on: one open database at most, the settings, and what the tasks behind it tell each other.
//! Knows nothing of Tauri, so that it can be tested without a desktop.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tidemark_core::{
    api::{BoardAnswer, BoardRequest, ReportAnswer, RowsAnswer, RowsRequest, StatusWord},
    board_spec::Board,
};
use tidemark_db::{Db, Error, ErrorInfo, LoadedBoard};
use tidemark_local::Settings;
use tokio::{
    runtime::Handle,
    sync::{Notify, Semaphore, watch},
    task::JoinHandle,
};

use crate::{
    args::Target,
    connection::{ConnectionKind, ConnectionState, Phase},
    demo, remember,
    session::Session,
};

/// Most bytes of boards that are kept for a change of zone. A cell takes 0.3 kB, and with the sketch of a busy bucket 3 kB.
const MOST_KEPT: usize = 64 << 20;

/// Who may read boards at once: half of the pool's connections.
const READERS: usize = 3;

/// A board as it was read.
type Read = Result<BoardAnswer, ErrorInfo>;

/// Everything that the commands and the tasks share.
pub struct Desk {
    pub(crate) connection: watch::Sender<ConnectionState>,
    /// Worst status word of the open database; `None` while unknown.
    pub(crate) worst: watch::Sender<Option<StatusWord>>,
    pub(crate) settings: watch::Sender<Settings>,
    pub(crate) settings_file: PathBuf,
    /// Ask the ticker to begin its next round now.
    pub(crate) tick_now: Notify,
    /// Ask the watchdog to look now.
    pub(crate) look_now: Notify,
    /// The person agreed and the set-up is done.
    pub(crate) set_up: Notify,
    /// Counts the lists of raw rows that were asked for or closed: only the newest is still of interest.
    pub(crate) rows: watch::Sender<u64>,
    /// The window numbers its readings: it waits for none up to this one.
    stopped: watch::Sender<u64>,
    pub(crate) demo: tokio::sync::Mutex<Option<demo::Demo>>,
    current: Mutex<Current>,
    /// Passwords that were typed, by connection, until the app ends.
    passwords: Mutex<HashMap<String, String>>,
    /// Turns of those who read boards.
    reading: Semaphore,
    /// Boards as they were last read from the open database, newest last.
    loaded: Mutex<Vec<LoadedBoard>>,
    /// Counts the pools that were taken away: whoever waits for an answer of one waits in vain.
    replaced: watch::Sender<u64>,
    runtime: Handle,
}

/// What is open, and the task that opened it and watches over it.
#[derive(Default)]
struct Current {
    id: u64,
    target: Option<(Target, bool)>,
    db: Option<Db>,
    task: Option<JoinHandle<()>>,
}

impl Desk {
    /// A desk with nothing open, and the settings of this file.
    #[must_use]
    pub fn new(settings_file: PathBuf, runtime: Handle) -> Arc<Desk> {
        Arc::new(Desk {
            connection: watch::Sender::new(ConnectionState::default()),
            worst: watch::Sender::new(None),
            settings: watch::Sender::new(remember::load(&settings_file)),
            settings_file,
            tick_now: Notify::new(),
            look_now: Notify::new(),
            set_up: Notify::new(),
            rows: watch::Sender::new(0),
            stopped: watch::Sender::new(0),
            demo: tokio::sync::Mutex::new(None),
            current: Mutex::default(),
            passwords: Mutex::default(),
            reading: Semaphore::new(READERS),
            loaded: Mutex::default(),
            replaced: watch::Sender::new(0),
            runtime,
        })
    }

    /// Open a database in the background, instead of whatever is open. `yes`: set it up without asking.
    pub fn open(self: &Arc<Self>, target: Target, yes: bool) {
        let mut current = self.current();
        self.end(&mut current);
        current.target = Some((target.clone(), yes));
        self.connection
            .send_replace(ConnectionState::new(Phase::Starting, &target, &self.settings()));
        let session = Session::new(Arc::clone(self), target, current.id);
        current.task = Some(self.runtime.spawn(session.run(yes)));
    }

    /// Try again to open what could not be opened, or look again at once for what is lost.
    pub fn retry(self: &Arc<Self>) {
        let target = self.current().target.clone();
        match (self.phase(), target) {
            (Phase::Lost, _) => self.look_now.notify_one(),
            (_, Some((target, yes))) => self.open(target, yes),
            (_, None) => {}
        }
    }

    /// Leave the database and stop what runs with it.
    pub async fn close(&self) {
        {
            let mut current = self.current();
            self.end(&mut current);
            self.connection.send_replace(ConnectionState::default());
        }
        demo::stop(self).await;
    }

    /// Whether this is what is open, or tried.
    #[must_use]
    pub fn is_open(&self, target: &Target) -> bool {
        self.current().target.as_ref().is_some_and(|(open, _)| open == target)
    }

    pub(crate) fn password(&self, connection: &str) -> Option<String> {
        self.passwords().get(connection).cloned()
    }

    pub(crate) fn remember_password(&self, connection: &str, password: String) {
        self.passwords().insert(connection.to_owned(), password);
    }

    pub(crate) fn forget_password(&self, connection: &str) {
        self.passwords().remove(connection);
    }

    fn passwords(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.passwords.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, current: &mut Current) {
        if let Some(task) = current.task.take() {
            task.abort();
        }
        *current = Current {
            id: current.id + 1,
            ..Current::default()
        };
        self.worst.send_replace(None);
        self.loaded().clear();
        self.replaced.send_modify(|count| *count += 1);
    }

    /// A poisoned lock still holds whole values: each is replaced in one assignment.
    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Let a session change what is shown. One that was aborted may still be on its way to its end: it is not heard.
    pub(crate) fn show(&self, session: u64, state: ConnectionState) {
        let current = self.current();
        if current.id == session {
            self.connection.send_replace(state);
        }
    }

    /// Let a session change the pool. Who waits for the old one is told that it is gone.
    pub(crate) fn use_db(&self, session: u64, db: Option<Db>) {
        let mut current = self.current();
        if current.id == session {
            current.db = db;
            self.replaced.send_modify(|count| *count += 1);
        }
    }

    /// What the window shows, now and from now on.
    #[must_use]
    pub fn states(&self) -> watch::Receiver<ConnectionState> {
        self.connection.subscribe()
    }

    #[must_use]
    pub fn phase(&self) -> Phase {
        self.connection.borrow().phase
    }

    /// Whether the numbers are made up.
    #[must_use]
    pub fn is_demo(&self) -> bool {
        let state = self.connection.borrow();
        state.kind == Some(ConnectionKind::Demo) || state.server.as_ref().is_some_and(|server| server.demo)
    }

    #[must_use]
    pub fn settings(&self) -> Settings {
        self.settings.borrow().clone()
    }

    /// Ask the open database. Where it is lost, or gets lost meanwhile, the answer is that, at once: a connection that
    /// died in a sleeping laptop answers nothing for minutes.
    pub async fn ask<T, Asked>(&self, question: impl FnOnce(Db) -> Asked) -> Result<T, ErrorInfo>
    where
        Asked: Future<Output = Result<T, Error>>,
    {
        let mut replaced = self.replaced.subscribe();
        let db = self.db()?;
        tokio::select! {
            answer = question(db) => answer.map_err(|error| self.noticed(&error)),
            _ = replaced.changed() => Err(gone()),
        }
    }

    /// Read boards at one moment, and keep what was read for a change of zone. A reading with a number ends once it is stopped.
    pub async fn boards(&self, requests: &[BoardRequest], reading: Option<u64>) -> Result<Vec<Read>, ErrorInfo> {
        let mut stopped = self.stopped.subscribe();
        tokio::select! {
            read = self.read(requests) => read,
            Ok(_) = stopped.wait_for(|last| reading.is_some_and(|own| own <= *last)) => Err(unwanted()),
        }
    }

    async fn read(&self, requests: &[BoardRequest]) -> Result<Vec<Read>, ErrorInfo> {
        // Each holds one connection of the pool while it asks for another.
        let _turn = self.reading.acquire().await;
        let read = self.ask(|db| async move { db.load_boards(requests).await }).await?;
        Ok(read.into_iter().map(|board| self.keep(board)).collect())
    }

    /// Read what a report of a board draws.
    pub async fn report(&self, request: &BoardRequest, board: &Board) -> Result<ReportAnswer, ErrorInfo> {
        let _turn = self.reading.acquire().await;
        self.ask(|db| async move { db.report(request, board).await }).await
    }

    /// Nobody waits for this reading any more, nor for those before: they end, on the server too.
    pub fn stop_reading(&self, reading: u64) {
        self.stopped.send_modify(|last| *last = reading.max(*last));
    }

    /// Give a board's answer, and keep what it was cut from.
    fn keep(&self, read: Result<LoadedBoard, Error>) -> Read {
        let read = read.map_err(|error| self.noticed(&error))?;
        let answer = read.answer();
        let mut loaded = self.loaded();
        let mut gone: Vec<LoadedBoard> = loaded.extract_if(.., |other| other.answers(read.request())).collect();
        loaded.push(read);
        while loaded.iter().map(LoadedBoard::bytes).sum::<usize>() > MOST_KEPT {
            gone.push(loaded.remove(0));
        }
        // Nobody need wait until a hundred thousand cells are freed.
        self.runtime.spawn_blocking(move || drop(gone));
        Ok(answer)
    }

    /// Have a lost connection looked for, and say what was wrong.
    fn noticed(&self, error: &Error) -> ErrorInfo {
        if matches!(error, Error::Unreachable { .. }) {
            self.look_now.notify_one();
        }
        error.info()
    }

    /// The board's question in another zone, answered from what was read, without a query; `None` where that can't be.
    #[must_use]
    pub fn recut(&self, request: &BoardRequest) -> Option<BoardAnswer> {
        self.loaded().iter().find_map(|loaded| loaded.recut(request))
    }

    fn loaded(&self) -> MutexGuard<'_, Vec<LoadedBoard>> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// List raw rows, until another list is asked for or this one is closed.
    pub async fn rows(&self, request: &RowsRequest) -> Result<RowsAnswer, ErrorInfo> {
        self.close_rows();
        let mut newest = self.rows.subscribe();
        tokio::select! {
            rows = self.ask(|db| async move { db.rows(request).await }) => rows,
            _ = newest.changed() => Err(unwanted()),
        }
    }

    /// Nobody looks at raw rows any more: a list that is still being read ends.
    pub fn close_rows(&self) {
        self.rows.send_modify(|count| *count += 1);
    }

    /// The open database.
    pub(crate) fn db(&self) -> Result<Db, ErrorInfo> {
        if self.phase() == Phase::Lost {
            return Err(gone());
        }
        self.current().db.clone().ok_or_else(|| ErrorInfo {
            code: "not_connected".into(),
            message: "No database is open. Choose one first.".into(),
            details: None,
        })
    }
}

/// Heard by nobody.
fn unwanted() -> ErrorInfo {
    ErrorInfo {
        code: "cancelled".into(),
        message: "Reading was cancelled.".into(),
        details: None,
    }
}

fn gone() -> ErrorInfo {
    ErrorInfo {
        code: "unreachable".into(),
        message: "The connection to the database is gone. Tidemark goes on trying, and reads again when it is back."
            .into(),
        details: None,
    }
}
