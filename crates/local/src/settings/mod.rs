//! The settings: one small TOML file that the app and the command share.
//!
//! It lies in the user's configuration folder and is meant to be read and edited by hand, too. It never holds a
//! password: those live in the system's keychain.

mod file;
mod profile;
mod zone;

use serde::{Deserialize, Serialize};
use tidemark_core::api::{Limits, WeekStart};
use ts_rs::TS;

pub(crate) use file::replace;
pub use file::settings_file;
pub use profile::{Colour, PasswordFrom, Pasted, Profile, Profiles, last_of, last_profile};
pub use zone::system_time_zone;

use crate::{LocalError, Result, without_password};

/// What [`Settings::last_connection`] says for the embedded server.
pub const DEMO: &str = "demo";

/// Everything that a viewer can set. What is missing in the file has its default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// An IANA zone; `null` follows the system.
    pub time_zone: Option<String>,
    pub week_start: WeekStart,
    /// 24-hour clock, else 12-hour with am and pm.
    pub clock_24h: bool,
    pub theme: Theme,
    /// How often a board reads anew, in seconds; 0 only when asked to.
    pub refresh_seconds: u32,
    /// Whether the app ticks the rollups while it is open.
    pub tick_while_open: bool,
    /// How often it does, in seconds.
    pub tick_seconds: u32,
    /// Whether an icon in the tray shows the worst state.
    pub tray_icon: bool,
    /// What was open last: `demo`, `profile NAME`, or a URL without a password.
    pub last_connection: Option<String>,
    /// Name of the profile that opens where nobody says which.
    pub default_connection: Option<String>,
    pub limits: Limits,
    #[serde(skip_serializing_if = "Profiles::is_empty")]
    pub connections: Profiles,
}

/// Light, dark, or what the system says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            time_zone: None,
            week_start: WeekStart::default(),
            clock_24h: true,
            theme: Theme::default(),
            refresh_seconds: 30,
            tick_while_open: true,
            tick_seconds: 10,
            tray_icon: true,
            last_connection: None,
            default_connection: None,
            limits: Limits::default(),
            connections: Profiles::new(),
        }
    }
}

impl Settings {
    /// The zone in which days, hours and labels are shown.
    pub fn zone(&self) -> chrono_tz::Tz {
        self.time_zone
            .as_deref()
            .and_then(|name| name.parse().ok())
            .unwrap_or_else(system_time_zone)
    }

    /// Remembers a connection, without its password.
    pub fn remember_connection(&mut self, url: &str) {
        self.last_connection = Some(without_password(url)).filter(|url| !url.is_empty());
    }

    /// Checks what the types can't say.
    fn check(&self) -> Result<()> {
        let bad = |key, value: String, problem: &str| {
            Err(LocalError::BadSetting {
                key,
                value,
                problem: problem.into(),
            })
        };
        if let Some(name) = &self.time_zone
            && name.parse::<chrono_tz::Tz>().is_err()
        {
            return bad(
                "time_zone",
                format!("{name:?}"),
                "it is no IANA time zone, such as \"Europe/Berlin\"",
            );
        }
        if self.refresh_seconds != 0 && !(5..=3600).contains(&self.refresh_seconds) {
            return bad(
                "refresh_seconds",
                self.refresh_seconds.to_string(),
                "it is 0 for never, or from 5 to 3600",
            );
        }
        if !(1..=3600).contains(&self.tick_seconds) {
            return bad("tick_seconds", self.tick_seconds.to_string(), "it is from 1 to 3600");
        }
        let limits = [
            ("error_rate_percent", self.limits.error_rate_percent, 100.0),
            ("p99_ms", self.limits.p99_ms, 1e9),
        ];
        for (key, value, most) in limits {
            if !(value > 0.0 && value <= most) {
                return bad(key, value.to_string(), &format!("it is more than 0 and at most {most}"));
            }
        }
        self.check_profiles()?;
        if let Some(url) = self
            .last_connection
            .as_ref()
            .filter(|last| last_profile(last).is_none() && without_password(last) != **last)
        {
            let shown = format!("{:?}", without_password(url));
            return bad(
                "last_connection",
                shown,
                "it holds a password (not shown here), and the settings never do; the keychain keeps it",
            );
        }
        Ok(())
    }
}
