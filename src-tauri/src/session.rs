//! From a chosen database to a window that shows it: connect, set up, keep fresh, and come back when it goes away.

use std::{sync::Arc, time::Duration};

use tidemark_core::api::ServerInfo;
use tidemark_db::{ConnectOptions, Db, Declaration, Error, ErrorInfo};

use crate::{
    args::Target,
    connection::{ConnectionState, Phase},
    demo,
    desk::Desk,
    profiles, remember, ticker, watchdog,
};

/// How often the set-up page looks whether somebody applied a rollup from the command line meanwhile.
const LOOK_FOR_ROLLUPS: Duration = Duration::from_secs(3);

/// One database, from opening to closing.
pub(crate) struct Session {
    pub desk: Arc<Desk>,
    pub target: Target,
    id: u64,
}

impl Session {
    pub fn new(desk: Arc<Desk>, target: Target, id: u64) -> Session {
        Session { desk, target, id }
    }

    /// Open the database and stay with it. Ends by itself only when it can't be opened; else it is aborted.
    pub async fn run(self, yes: bool) {
        match self.open(yes).await {
            Ok(server) => {
                self.show(self.state(Phase::Ready).with_server(Some(server)));
                tokio::join!(
                    ticker::run(&self.desk),
                    watchdog::run(&self),
                    watchdog::watch_health(&self.desk),
                    demo::fill_others(&self)
                );
            }
            Err(error) => {
                tracing::warn!(code = %error.code, "could not open {:?}: {}", self.target, error.message);
                let server = self.desk.connection.borrow().server.clone();
                self.show(self.state(Phase::Error).with_server(server).with_error(error));
            }
        }
    }

    async fn open(&self, yes: bool) -> Result<ServerInfo, ErrorInfo> {
        if self.target != Target::Demo {
            demo::stop(&self.desk).await;
        }
        let (db, server) = self.connect().await?;
        self.use_db(Some(db.clone()));
        match self.target {
            Target::Demo => demo::fill(self, &db, &server).await?,
            Target::Profile(_) | Target::Url(_) => self.agree(&db, &server, yes).await?,
        }
        remember::last(&self.desk, &self.target);
        // Asked again: the set-up changed what is installed and what this role may do.
        db.server_info().await.map_err(|error| error.info())
    }

    /// Connect afresh. For the demo this starts the embedded server where it does not run.
    pub async fn connect(&self) -> Result<(Db, ServerInfo), ErrorInfo> {
        match &self.target {
            Target::Demo => demo::connect(&self.desk).await,
            Target::Profile(name) => profiles::connect(&self.desk, name).await,
            Target::Url(url) => connect_url(url).await,
        }
    }

    /// Wait until Tidemark is set up in the operator's database. Creates nothing there unless the person said `yes`.
    async fn agree(&self, db: &Db, server: &ServerInfo, yes: bool) -> Result<(), ErrorInfo> {
        if is_set_up(db).await? {
            return Ok(());
        }
        if server.read_only {
            return Err(ErrorInfo {
                code: "read_only".into(),
                message: "Tidemark is not set up in this database, and this connection may only read. Set it up with one \
                          that may write: switch read-only off in the connection, or run `tidemark rollup apply` elsewhere."
                    .into(),
                details: None,
            });
        }
        if yes {
            return set_up(db).await.map_err(|error| error.info());
        }
        self.show(self.state(Phase::NeedsSetup).with_server(Some(server.clone())));
        loop {
            tokio::select! {
                () = self.desk.set_up.notified() => {}
                () = tokio::time::sleep(LOOK_FOR_ROLLUPS) => {}
            }
            if is_set_up(db).await.unwrap_or(false) {
                return Ok(());
            }
        }
    }

    pub fn state(&self, phase: Phase) -> ConnectionState {
        ConnectionState::new(phase, &self.target, &self.desk.settings())
    }

    pub fn show(&self, state: ConnectionState) {
        self.desk.show(self.id, state);
    }

    pub fn use_db(&self, db: Option<Db>) {
        self.desk.use_db(self.id, db);
    }
}

pub(crate) async fn connect_url(url: &str) -> Result<(Db, ServerInfo), ErrorInfo> {
    let options = ConnectOptions {
        url: Some(url.to_owned()),
        ticker: "app".into(),
        ..ConnectOptions::default()
    };
    connect(options).await.map_err(|error| error.info())
}

pub(crate) async fn connect(options: ConnectOptions) -> Result<(Db, ServerInfo), Error> {
    let db = Db::connect(&options).await?;
    let server = db.server_info().await?;
    Ok((db, server))
}

async fn is_set_up(db: &Db) -> Result<bool, ErrorInfo> {
    let asked = async { Ok(db.server_info().await?.installed && !db.list().await?.is_empty()) };
    asked.await.map_err(|error: Error| error.info())
}

/// The shipped declaration that Tidemark offers to set up: the first one whose tables are here.
pub(crate) async fn offer(db: &Db) -> Result<Declaration, Error> {
    Ok(db.fitting().await?.remove(0))
}

/// Apply what is offered, and the schema with it. Changes nothing where it is applied already.
pub(crate) async fn set_up(db: &Db) -> Result<(), Error> {
    db.apply(&offer(db).await?, true).await.map(drop)
}
