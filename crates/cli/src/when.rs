//! The viewer's zone, and times as they are typed and shown.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use tidemark_core::times;
use tidemark_core::zone::to_local;
use tidemark_local::Settings;
use tidemark_local::settings::{settings_file, system_time_zone};

use crate::failure::Result;

/// The zone that was asked for, else the settings', else the system's.
pub fn zone(asked: Option<&str>) -> Result<Tz> {
    match asked {
        Some(name) => Ok(times::parse_zone(name)?),
        None => Ok(settings()?.zone()),
    }
}

/// What the viewer set. Without a home folder that is nothing: a service, a container.
pub fn settings() -> Result<Settings> {
    Ok(settings_file().map_or_else(|_| Ok(Settings::default()), |file| Settings::load(&file))?)
}

/// The viewer's zone where it is only used to show times: what is wrong with the settings is not said here.
pub fn viewer() -> Tz {
    zone(None).unwrap_or_else(|_| system_time_zone())
}

/// Both ends of a range, which must hold something.
pub fn range(from: &str, to: &str, tz: Tz) -> Result<(DateTime<Utc>, DateTime<Utc>)> {
    let week = tidemark_core::api::WeekStart::Monday;
    Ok(times::parse_range(&format!("{from}..{to}"), tz, week, Utc::now())?)
}

pub fn instant(text: &str, tz: Tz) -> Result<DateTime<Utc>> {
    Ok(times::parse_instant(text, tz, Utc::now())?)
}

/// `2026-10-26 14:15 +01:00`.
pub fn show(at: DateTime<Utc>, tz: Tz) -> String {
    to_local(at, tz).format("%Y-%m-%d %H:%M %:z").to_string()
}

/// The same with seconds.
pub fn show_seconds(at: DateTime<Utc>, tz: Tz) -> String {
    to_local(at, tz).format("%Y-%m-%d %H:%M:%S %:z").to_string()
}

/// How long ago, by a clock.
pub fn ago(at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> String {
    at.map_or_else(
        || "never".to_owned(),
        |at| {
            format!(
                "{} ago",
                tidemark_core::format::age((now - at).num_milliseconds() as f64 / 1000.0)
            )
        },
    )
}
