//! What the window works on: one open database at most, the settings, and what the tasks behind it tell each other.
//! Knows nothing of Tauri, so that it can be tested without a desktop.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use tidemark_core::api::StatusWord;
use tidemark_db::{Db, Error, ErrorInfo};
use tidemark_local::Settings;
use tokio::{
    runtime::Handle,
    sync::{Notify, watch},
    task::JoinHandle,
};

use crate::{
    args::Target,
    connection::{ConnectionKind, ConnectionState, Phase},
    demo, open,
};

/// Everything that the commands and the tasks share.
pub struct Desk {
    pub(crate) connection: watch::Sender<ConnectionState>,
    /// Worst status word of the open database; `None` while unknown.
    pub(crate) worst: watch::Sender<Option<StatusWord>>,
    pub(crate) settings: watch::Sender<Settings>,
    /// Ask the ticker to begin its next round now.
    pub(crate) tick_now: Notify,
    /// Ask the watchdog to look now.
    pub(crate) look_now: Notify,
    /// The person agreed and the set-up is done.
    pub(crate) set_up: Notify,
    pub(crate) demo: tokio::sync::Mutex<Option<demo::Demo>>,
    db: RwLock<Option<Db>>,
    target: Mutex<Option<Target>>,
    session: Mutex<Option<JoinHandle<()>>>,
    runtime: Handle,
}

/// A poisoned lock still holds a whole value: each is replaced in one assignment.
fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Desk {
    #[must_use]
    pub fn new(settings: Settings, runtime: Handle) -> Arc<Desk> {
        Arc::new(Desk {
            connection: watch::Sender::new(ConnectionState::default()),
            worst: watch::Sender::new(None),
            settings: watch::Sender::new(settings),
            tick_now: Notify::new(),
            look_now: Notify::new(),
            set_up: Notify::new(),
            demo: tokio::sync::Mutex::new(None),
            db: RwLock::new(None),
            target: Mutex::new(None),
            session: Mutex::new(None),
            runtime,
        })
    }

    /// Open a database in the background, instead of whatever is open. `yes`: set it up without asking.
    pub fn open(self: &Arc<Self>, target: Target, yes: bool) {
        self.end_session();
        *held(&self.target) = Some(target.clone());
        let desk = Arc::clone(self);
        *held(&self.session) = Some(self.runtime.spawn(open::session(desk, target, yes)));
    }

    /// Try again to open what could not be opened, or look again at once for what is lost.
    pub fn retry(self: &Arc<Self>) {
        if self.phase() == Phase::Lost {
            self.look_now.notify_one();
        } else if let Some(target) = held(&self.target).clone() {
            self.open(target, false);
        }
    }

    /// Leave the database and stop what runs with it.
    pub async fn close(&self) {
        self.end_session();
        *held(&self.target) = None;
        self.connection.send_replace(ConnectionState::default());
        demo::stop(self).await;
    }

    fn end_session(&self) {
        if let Some(session) = held(&self.session).take() {
            session.abort();
        }
        self.replace_db(None);
        self.worst.send_replace(None);
    }

    pub(crate) fn replace_db(&self, db: Option<Db>) {
        *self.db.write().unwrap_or_else(PoisonError::into_inner) = db;
    }

    #[must_use]
    pub fn phase(&self) -> Phase {
        self.connection.borrow().phase
    }

    /// Whether the numbers are made up.
    #[must_use]
    pub fn is_demo(&self) -> bool {
        self.connection.borrow().kind == Some(ConnectionKind::Demo)
    }

    #[must_use]
    pub fn settings(&self) -> Settings {
        self.settings.borrow().clone()
    }

    /// The open database, for a command. While it is lost, say so at once and let nobody wait for a time-out.
    pub fn db(&self) -> Result<Db, ErrorInfo> {
        if self.phase() == Phase::Lost {
            return Err(ErrorInfo {
                code: "unreachable".into(),
                message: "The database can't be reached. Tidemark goes on trying and says here when it is back.".into(),
                details: None,
            });
        }
        let db = self.db.read().unwrap_or_else(PoisonError::into_inner).clone();
        db.ok_or_else(|| ErrorInfo {
            code: "not_connected".into(),
            message: "No database is open. Choose one on the Settings page.".into(),
            details: None,
        })
    }

    /// Turn a result into what crosses IPC. A server that went away is looked after at once.
    pub fn told<T>(&self, result: Result<T, Error>) -> Result<T, ErrorInfo> {
        result.map_err(|error| {
            if matches!(error, Error::Unreachable { .. }) {
                self.look_now.notify_one();
            }
            error.info()
        })
    }
}
