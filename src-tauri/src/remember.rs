//! What is kept from one start to the next, in the settings file that the app and the command line share.

use std::path::Path;

use tidemark_db::ErrorInfo;
use tidemark_local::{
    Settings,
    settings::{DEMO, last_profile},
};

use crate::{args::Target, demo::failed, desk::Desk};

/// Read the settings. A file that can't be understood is left alone and said in the log and at the next save.
pub(crate) fn load(file: &Path) -> Settings {
    Settings::load(file).unwrap_or_else(|error| {
        tracing::warn!("default settings: {error}");
        Settings::default()
    })
}

/// Keep what the viewer chose, and let the tasks see it.
pub(crate) fn save(desk: &Desk, chosen: Settings) -> Result<Settings, ErrorInfo> {
    let saved = Settings::update(&desk.settings_file, |kept| {
        // Not for this form to choose: one follows what is open, the others have commands of their own.
        *kept = Settings {
            last_connection: kept.last_connection.take(),
            default_connection: kept.default_connection.take(),
            connections: std::mem::take(&mut kept.connections),
            ..chosen
        };
    });
    let saved = saved.map_err(failed)?;
    desk.settings.send_replace(saved.clone());
    desk.tick_now.notify_one();
    Ok(saved)
}

/// Open the same database at the next start. The file never holds a password.
pub(crate) fn last(desk: &Desk, target: &Target) {
    let opened = |kept: &mut Settings| match target {
        Target::Demo => kept.last_connection = Some(DEMO.to_owned()),
        Target::Profile(name) => kept.used_profile(name, chrono::Utc::now()),
        Target::Url(url) => kept.last_connection = Some(url.clone()),
    };
    match Settings::update(&desk.settings_file, opened) {
        Ok(saved) => drop(desk.settings.send_replace(saved)),
        Err(error) => tracing::warn!("the connection is not remembered: {error}"),
    }
}

/// The default connection, else what was open at the last time.
pub(crate) fn kept_target(desk: &Desk) -> Option<Target> {
    let settings = desk.settings();
    let last = || {
        let name = settings.last_connection.as_ref()?;
        Some(match last_profile(name) {
            Some(profile) => Target::Profile(profile.to_owned()),
            None if name == DEMO => Target::Demo,
            None => Target::Url(name.clone()),
        })
    };
    settings.default_connection.clone().map(Target::Profile).or_else(last)
}
