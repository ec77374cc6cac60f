//! The system's time zone.

use chrono_tz::Tz;

/// The zone of this machine and user: `TZ` where it names one, else what the system is set to, else UTC.
pub fn system_time_zone() -> Tz {
    let named = std::env::var("TZ").ok().and_then(|name| from_variable(&name));
    named
        .or_else(|| iana_time_zone::get_timezone().ok()?.parse().ok())
        .unwrap_or(Tz::UTC)
}

/// Reads `Europe/Berlin`, `:Europe/Berlin` and the path of a zone's file; POSIX rules such as `CET-1CEST` name no zone.
fn from_variable(value: &str) -> Option<Tz> {
    let name = value.strip_prefix(':').unwrap_or(value);
    let name = name.rsplit_once("zoneinfo/").map_or(name, |(_, name)| name);
    name.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_may_be_a_name_or_a_file() {
        assert_eq!(from_variable("Asia/Kathmandu"), Some(Tz::Asia__Kathmandu));
        assert_eq!(from_variable(":America/Sao_Paulo"), Some(Tz::America__Sao_Paulo));
        assert_eq!(
            from_variable("/usr/share/zoneinfo/Africa/Cairo"),
            Some(Tz::Africa__Cairo)
        );
        assert_eq!(from_variable("CET-1CEST,M3.5.0"), None);
        assert_eq!(from_variable(""), None);
    }
}
