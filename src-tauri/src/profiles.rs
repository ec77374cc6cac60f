//! Connections under a name: kept in the settings file, their passwords in the keychain or in memory.

use serde::Serialize;
use tidemark_core::{
    api::ServerInfo,
    probe::{Aim, ConnectionTest},
};
use tidemark_db::{ConnectOptions, Db, ErrorInfo};
use tidemark_local::{
    LocalError, Settings, keychain,
    settings::{PasswordFrom, Profile},
};
use ts_rs::TS;

use crate::{args::Target, demo::failed, desk::Desk, session};

/// A connection as Settings lists it.
#[derive(Debug, Serialize, TS)]
#[ts(export)]
pub struct Connection {
    pub name: String,
    pub profile: Profile,
    /// `null` where it can't be read; `problem` says why.
    pub aim: Option<Aim>,
    pub problem: Option<String>,
}

#[derive(Debug, Serialize, TS)]
#[ts(export)]
pub struct ConnectionList {
    pub connections: Vec<Connection>,
    /// Opens where nobody says which.
    pub default: Option<String>,
    /// Where they are kept.
    pub file: String,
}

/// A pasted URL, for the form to show. The password is on its way back to the form it came from.
#[derive(Serialize, TS)]
#[ts(export)]
pub struct PastedConnection {
    pub profile: Profile,
    pub password: Option<String>,
    /// Parameters of the URL that are not kept.
    pub left_out: Vec<String>,
}

pub fn paste(url: &str) -> Result<PastedConnection, ErrorInfo> {
    let pasted = Profile::paste(url).map_err(failed)?;
    Ok(PastedConnection {
        profile: pasted.profile,
        password: pasted.password,
        left_out: pasted.left_out,
    })
}

/// Where a profile would connect to, with its TLS mode in effect.
pub fn aim(profile: &Profile) -> Result<Aim, ErrorInfo> {
    options(profile, None).aim().map_err(|error| error.info())
}

/// As the file has them now: a person may have edited it.
pub fn list(desk: &Desk) -> Result<ConnectionList, ErrorInfo> {
    let settings = Settings::load(&desk.settings_file).map_err(failed)?;
    let connections = settings.connections.into_iter().map(|(name, profile)| {
        let aim = aim(&profile);
        Connection {
            name,
            problem: aim.as_ref().err().map(|error| error.message.clone()),
            aim: aim.ok(),
            profile,
        }
    });
    Ok(ConnectionList {
        connections: connections.collect(),
        default: settings.default_connection,
        file: desk.settings_file.display().to_string(),
    })
}

/// Keep a connection, new or in place of `before`. The password goes first: where it can't be kept, nothing is.
pub async fn save(
    desk: &std::sync::Arc<Desk>,
    before: Option<String>,
    name: String,
    profile: Profile,
    password: Option<String>,
) -> Result<ConnectionList, ErrorInfo> {
    let mut trial = Settings::load(&desk.settings_file).map_err(failed)?;
    let was = before
        .as_ref()
        .and_then(|before| trial.connections.get(before).cloned());
    trial
        .put_profile(before.as_deref(), &name, profile.clone())
        .map_err(failed)?;

    let moved = before.as_ref().is_some_and(|before| *before != name);
    let had_one = was.is_some_and(|was| was.password == PasswordFrom::Keychain);
    let mut password = password.filter(|password| !password.is_empty());
    if profile.password == PasswordFrom::Keychain {
        if let (None, true, Some(before)) = (&password, moved && had_one, &before) {
            password = keychain::read(before).await.map_err(failed)?;
        }
        if let Some(password) = &password {
            keychain::keep(&name, password).await.map_err(failed)?;
        }
    }
    let (asked, old) = (profile.password == PasswordFrom::Ask, before.clone());
    let reading = profile.password == PasswordFrom::Keychain;
    change(desk, |settings| settings.put_profile(before.as_deref(), &name, profile))?;
    if let Some(old) = old {
        if had_one && (moved || !reading) {
            forget(&old).await;
        }
        desk.forget_password(&old);
        if desk.is_open(&Target::Profile(old)) {
            desk.open(Target::Profile(name.clone()), false);
        }
    }
    if let (true, Some(password)) = (asked, password) {
        desk.remember_password(&name, password);
    }
    list(desk)
}

/// Take a connection away, with its password. Where it is open, it is closed.
pub async fn delete(desk: &Desk, name: &str) -> Result<ConnectionList, ErrorInfo> {
    let mut gone = None;
    change(desk, |settings| {
        gone = Some(settings.remove_profile(name)?);
        Ok(())
    })?;
    if gone.is_some_and(|gone: Profile| gone.password == PasswordFrom::Keychain) {
        forget(name).await;
    }
    desk.forget_password(name);
    if desk.is_open(&Target::Profile(name.to_owned())) {
        desk.close().await;
    }
    list(desk)
}

pub fn set_default(desk: &Desk, name: Option<&str>) -> Result<ConnectionList, ErrorInfo> {
    change(desk, |settings| settings.set_default_profile(name))?;
    list(desk)
}

/// Open a connection; a password that was typed is kept as the profile says: in the keychain, else until the app ends.
pub async fn open(desk: &std::sync::Arc<Desk>, name: String, password: Option<String>) -> Result<(), ErrorInfo> {
    let settings = Settings::load(&desk.settings_file).map_err(failed)?;
    let profile = settings.profile(&name).map_err(failed)?;
    if let Some(password) = password.filter(|password| !password.is_empty()) {
        if profile.password == PasswordFrom::Keychain
            && let Err(error) = keychain::keep(&name, &password).await
        {
            tracing::warn!("the password of {name} is kept in memory only: {error}");
        }
        desk.remember_password(&name, password);
    }
    desk.open(Target::Profile(name), false);
    Ok(())
}

/// Try a connection that may not be saved yet. `name` is the saved one whose password serves where none is typed.
pub async fn test(
    desk: &Desk,
    name: Option<String>,
    profile: Profile,
    password: Option<String>,
) -> Result<ConnectionTest, ErrorInfo> {
    let typed = password.filter(|password| !password.is_empty());
    let (password, note) = match (typed, name) {
        (Some(typed), _) => (Some(typed), None),
        (None, Some(name)) => password_of(desk, &name, &profile).await,
        (None, None) => (None, None),
    };
    let tested = Db::test(&options(&profile, password)).await;
    tested.map_err(|error| error.explain_log_in(note.as_deref()).info())
}

/// Connect to a saved connection.
pub(crate) async fn connect(desk: &Desk, name: &str) -> Result<(Db, ServerInfo), ErrorInfo> {
    let settings = Settings::load(&desk.settings_file).map_err(failed)?;
    let profile = settings.profile(name).map_err(|error| ErrorInfo {
        code: "unknown_profile".into(),
        ..failed(error)
    })?;
    let (password, note) = password_of(desk, name, profile).await;
    let connected = session::connect(ConnectOptions {
        ticker: "app".into(),
        ..options(profile, password)
    });
    connected
        .await
        .map_err(|error| error.explain_log_in(note.as_deref()).info())
}

async fn password_of(desk: &Desk, name: &str, profile: &Profile) -> (Option<String>, Option<String>) {
    match desk.password(name) {
        Some(typed) => (Some(typed), None),
        None => keychain::password_of(name, profile).await,
    }
}

fn options(profile: &Profile, password: Option<String>) -> ConnectOptions {
    ConnectOptions {
        url: Some(profile.url()),
        password,
        read_only: profile.read_only,
        ..ConnectOptions::default()
    }
}

/// What the keychain holds beyond its profile does no harm, and its owner can see it there.
async fn forget(name: &str) {
    if let Err(error) = keychain::forget(name).await {
        tracing::warn!("the password of {name} stays in the keychain: {error}");
    }
}

fn change(desk: &Desk, change: impl FnOnce(&mut Settings) -> Result<(), LocalError>) -> Result<(), ErrorInfo> {
    let saved = Settings::try_update(&desk.settings_file, change).map_err(failed)?;
    desk.settings.send_replace(saved);
    Ok(())
}
