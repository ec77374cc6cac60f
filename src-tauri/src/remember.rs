//! What is kept from one start to the next, in the settings file that the app and the command line share.

use std::path::Path;

use tidemark_db::ErrorInfo;
use tidemark_local::{Settings, settings::DEMO};

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
        // Not the window's to choose: it follows what is open.
        let last_connection = kept.last_connection.take();
        *kept = Settings {
            last_connection,
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
    let name = match target {
        Target::Demo => DEMO.to_owned(),
        Target::Url(url) => url.clone(),
    };
    match Settings::update(&desk.settings_file, |kept| kept.last_connection = Some(name)) {
        Ok(saved) => drop(desk.settings.send_replace(saved)),
        Err(error) => tracing::warn!("the connection is not remembered: {error}"),
    }
}

/// What was open at the last time.
pub(crate) fn last_target(desk: &Desk) -> Option<Target> {
    desk.settings().last_connection.map(|name| match name.as_str() {
        DEMO => Target::Demo,
        _ => Target::Url(name),
    })
}
