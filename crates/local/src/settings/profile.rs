//! Connection profiles: where a database is and how to reach it, under a name. Never a password.

use std::collections::BTreeMap;

use chrono::{DateTime, SubsecRound, Utc};
use serde::{Deserialize, Serialize};
use tidemark_core::{probe::TlsMode, suggest};
use ts_rs::TS;
use url::Url;

use super::Settings;
use crate::{LocalError, Result, without_password};

/// The profiles by name.
pub type Profiles = BTreeMap<String, Profile>;

/// A connection under a name. What is left out comes from `PG*`, or is PostgreSQL's default.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(default, deny_unknown_fields)]
pub struct Profile {
    /// A host's name or address, or the folder of a socket.
    pub host: Option<String>,
    pub port: Option<u16>,
    pub database: Option<String>,
    pub user: Option<String>,
    /// A section of `pg_service.conf`; says what the others leave out.
    pub service: Option<String>,
    /// `null`: verify-full for another machine.
    pub tls: Option<TlsMode>,
    /// File of the CA that signed the server's certificate; the system's CAs where there is none.
    pub ca: Option<String>,
    /// File of this client's certificate.
    pub certificate: Option<String>,
    /// File of the certificate's key.
    pub key: Option<String>,
    pub colour: Option<Colour>,
    /// Enforced by the server.
    pub read_only: bool,
    pub password: PasswordFrom,
    /// When the app opened it last; `null` where it never did.
    pub last_used: Option<DateTime<Utc>>,
}

/// Shown in the window's frame while the connection is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "lowercase")]
pub enum Colour {
    /// Proposed for production.
    Magenta,
    Ochre,
    Blue,
    Grey,
}

/// Who keeps the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "lowercase")]
pub enum PasswordFrom {
    /// `.pgpass`, `PGPASSWORD`, a certificate; or none is needed.
    #[default]
    Elsewhere,
    /// The system's keychain.
    Keychain,
    /// The person, each time; the app keeps it in memory until it is closed.
    Ask,
}

/// A URL that somebody pasted, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pasted {
    pub profile: Profile,
    /// Apart from the profile, which never holds one.
    pub password: Option<String>,
    /// Parameters that a profile does not keep.
    pub left_out: Vec<String>,
}

impl Profile {
    /// The URL of this connection, without a password.
    #[must_use]
    pub fn url(&self) -> String {
        let tls = self.tls.map(|mode| mode.as_str().to_owned());
        let port = self.port.map(|port| port.to_string());
        let parts = [
            ("host", &self.host),
            ("port", &port),
            ("dbname", &self.database),
            ("user", &self.user),
            ("service", &self.service),
            ("sslmode", &tls),
            ("sslrootcert", &self.ca),
            ("sslcert", &self.certificate),
            ("sslkey", &self.key),
        ];
        // In the query, where every value can be written, sockets and all.
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (key, value) in parts {
            if let Some(value) = value {
                query.append_pair(key, value);
            }
        }
        // The driver reads `%20`, not `+`.
        let query = query.finish().replace('+', "%20");
        if query.is_empty() {
            "postgres://".to_owned()
        } else {
            format!("postgres:///?{query}")
        }
    }

    /// Take a URL apart.
    pub fn paste(text: &str) -> Result<Pasted> {
        let text = text.trim();
        let url = Url::parse(text)
            .ok()
            .filter(|url| matches!(url.scheme(), "postgres" | "postgresql"))
            .ok_or(LocalError::BadUrl)?;
        let decoded = |text: &str| -> Result<Option<String>> {
            let text = url::form_urlencoded::parse(format!("v={}", text.replace('+', "%2B")).as_bytes())
                .next()
                .map(|(_, value)| value.into_owned());
            Ok(text.filter(|text| !text.is_empty()))
        };
        let mut profile = Profile {
            host: decoded(url.host_str().unwrap_or_default())?,
            port: url.port(),
            database: decoded(url.path().trim_start_matches('/'))?,
            user: decoded(url.username())?,
            ..Profile::default()
        };
        let mut password = decoded(url.password().unwrap_or_default())?;
        let mut left_out = Vec::new();
        for (key, value) in url.query_pairs() {
            let value = Some(value.into_owned()).filter(|value| !value.is_empty());
            match &*key {
                "host" | "hostaddr" => profile.host = value,
                "port" => profile.port = value.and_then(|port| port.parse().ok()),
                "dbname" => profile.database = value,
                "user" => profile.user = value,
                "password" => password = value,
                "service" => profile.service = value,
                "sslmode" | "ssl-mode" => profile.tls = value.map(|mode| tls_mode(&mode)).transpose()?,
                "sslrootcert" => profile.ca = value,
                "sslcert" => profile.certificate = value,
                "sslkey" => profile.key = value,
                _ => left_out.push(key.into_owned()),
            }
        }
        Ok(Pasted {
            profile,
            password,
            left_out,
        })
    }

    /// Checks what the types can't say. The name goes into every message.
    fn check(&self, name: &str) -> Result<()> {
        let bad = |key, value: &str, problem: &str| {
            Err(LocalError::BadSetting {
                key,
                value: format!("{value:?}"),
                problem: problem.to_owned(),
            })
        };
        if !is_name(name) {
            return bad(
                "a connection's name",
                &without_password(name),
                "it has up to 40 letters, digits, blanks, and - _ .",
            );
        }
        let texts = [
            ("host", &self.host),
            ("database", &self.database),
            ("user", &self.user),
            ("service", &self.service),
        ];
        for (key, value) in texts {
            if value.as_deref().is_some_and(|value| value.contains("://")) {
                return bad(
                    key,
                    &without_password(value.as_deref().unwrap_or_default()),
                    "it is a URL; paste that as a whole",
                );
            }
        }
        if self.port == Some(0) {
            return bad("port", "0", "it is from 1 to 65535");
        }
        if self.certificate.is_some() != self.key.is_some() {
            let there = if self.key.is_some() { "key" } else { "certificate" };
            return bad(
                there,
                self.certificate.as_deref().or(self.key.as_deref()).unwrap_or_default(),
                "a certificate and its key go together",
            );
        }
        Ok(())
    }
}

/// What can stand for a connection on a command line and in a window's frame.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.trim() == name
        && name.chars().count() <= 40
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.'))
}

fn tls_mode(text: &str) -> Result<TlsMode> {
    let modes = [
        TlsMode::Disable,
        TlsMode::Allow,
        TlsMode::Prefer,
        TlsMode::Require,
        TlsMode::VerifyCa,
        TlsMode::VerifyFull,
    ];
    modes
        .into_iter()
        .find(|mode| mode.as_str() == text)
        .ok_or_else(|| LocalError::BadSetting {
            key: "sslmode",
            value: format!("{text:?}"),
            problem: "it is one of disable, allow, prefer, require, verify-ca, verify-full".to_owned(),
        })
}

impl Settings {
    /// The profile of this name; an error names those that come near.
    pub fn profile(&self, name: &str) -> Result<&Profile> {
        self.connections.get(name).ok_or_else(|| {
            let names = || self.connections.keys().map(String::as_str);
            let advice = match (suggest::closest(name, names()), names().next()) {
                (Some(near), _) => format!("Did you mean {near}?"),
                (None, Some(_)) => format!("There are: {}.", names().collect::<Vec<_>>().join(", ")),
                (None, None) => "There is none yet: add one in the app's Settings.".to_owned(),
            };
            LocalError::NoProfile {
                name: without_password(name),
                advice,
            }
        })
    }

    /// Remembers that a profile was opened. One that is gone by now is not missed.
    pub fn used_profile(&mut self, name: &str, at: DateTime<Utc>) {
        self.last_connection = Some(last_of(name));
        if let Some(profile) = self.connections.get_mut(name) {
            profile.last_used = Some(at.trunc_subsecs(0));
        }
    }

    /// Adds a profile, or puts it in the place of the one called `before`.
    pub fn put_profile(&mut self, before: Option<&str>, name: &str, mut profile: Profile) -> Result<()> {
        profile.check(name)?;
        // Not for a form to say; it may have been opened since the form was.
        profile.last_used = before
            .and_then(|before| self.connections.get(before))
            .and_then(|known| known.last_used);
        if before != Some(name) && self.connections.contains_key(name) {
            return Err(LocalError::BadSetting {
                key: "name",
                value: format!("{name:?}"),
                problem: "another connection has this name".to_owned(),
            });
        }
        if let Some(before) = before {
            self.profile(before)?;
            self.connections.remove(before);
            for kept in [&mut self.default_connection, &mut self.last_connection] {
                match kept {
                    Some(kept) if kept == before => *kept = name.to_owned(),
                    Some(kept) if *kept == last_of(before) => *kept = last_of(name),
                    _ => {}
                }
            }
        }
        self.connections.insert(name.to_owned(), profile);
        Ok(())
    }

    /// Takes a profile away.
    pub fn remove_profile(&mut self, name: &str) -> Result<Profile> {
        self.profile(name)?;
        self.default_connection.take_if(|kept| kept == name);
        self.last_connection.take_if(|kept| *kept == last_of(name));
        Ok(self.connections.remove(name).unwrap_or_default())
    }

    /// Opens this one where nobody says which; `None` for none.
    pub fn set_default_profile(&mut self, name: Option<&str>) -> Result<()> {
        if let Some(name) = name {
            self.profile(name)?;
        }
        self.default_connection = name.map(str::to_owned);
        Ok(())
    }

    pub(super) fn check_profiles(&self) -> Result<()> {
        for (name, profile) in &self.connections {
            profile.check(name)?;
        }
        Ok(())
    }
}

/// What [`Settings::last_connection`] says for a profile.
#[must_use]
pub fn last_of(name: &str) -> String {
    format!("profile {name}")
}

/// The profile that [`Settings::last_connection`] names.
#[must_use]
pub fn last_profile(last: &str) -> Option<&str> {
    last.strip_prefix("profile ").filter(|name| is_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pasted_url_is_taken_apart_and_its_password_kept_aside() {
        let pasted = Profile::paste(" postgresql://ann:p%40ss@db.example.com:6432/gate%20way?sslmode=verify-ca&sslrootcert=/ca.pem&connect_timeout=5 ").unwrap();
        assert_eq!(pasted.password.as_deref(), Some("p@ss"));
        assert_eq!(pasted.left_out, ["connect_timeout"]);
        let profile = pasted.profile;
        assert_eq!(
            (profile.host.as_deref(), profile.port, profile.database.as_deref()),
            (Some("db.example.com"), Some(6432), Some("gate way"))
        );
        assert_eq!(
            (profile.tls, profile.ca.as_deref()),
            (Some(TlsMode::VerifyCa), Some("/ca.pem"))
        );
        assert_eq!(
            profile.url(),
            "postgres:///?host=db.example.com&port=6432&dbname=gate%20way&user=ann&sslmode=verify-ca&sslrootcert=%2Fca.pem"
        );
        assert!(!format!("{profile:?}{}", profile.url()).contains("ss@"));
    }

    #[test]
    fn a_profile_and_its_url_say_the_same() {
        for url in [
            "postgres:///?host=%2Frun%2Fpostgresql&dbname=app&user=ann",
            "postgres:///?service=prod",
            "postgres:///?host=db&user=a%2Bb",
        ] {
            assert_eq!(Profile::paste(url).unwrap().profile.url(), url);
        }
        assert_eq!(Profile::default().url(), "postgres://");
        assert!(Profile::paste("ann:s3cret@db").is_err());
        assert!(Profile::paste("postgres://db/x?sslmode=always").is_err());
    }

    #[test]
    fn a_renamed_profile_stays_the_default_and_the_last() {
        let mut settings = Settings::default();
        settings.put_profile(None, "prod", Profile::default()).unwrap();
        settings.set_default_profile(Some("prod")).unwrap();
        settings.last_connection = Some(last_of("prod"));
        settings
            .put_profile(Some("prod"), "prod-eu", Profile::default())
            .unwrap();
        assert_eq!(settings.default_connection.as_deref(), Some("prod-eu"));
        assert_eq!(
            settings.last_connection.as_deref().and_then(last_profile),
            Some("prod-eu")
        );
        assert!(
            settings.put_profile(None, "prod-eu", Profile::default()).is_err(),
            "the name is taken"
        );
        settings.remove_profile("prod-eu").unwrap();
        assert_eq!((settings.default_connection, settings.last_connection), (None, None));
    }

    #[test]
    fn what_was_opened_last_survives_an_edit_and_a_new_name_but_not_a_copy() {
        let at = "2026-10-26T13:22:06.5Z".parse::<DateTime<Utc>>().unwrap();
        let mut settings = Settings::default();
        settings.put_profile(None, "prod", Profile::default()).unwrap();
        settings.used_profile("prod", at);
        settings.used_profile("gone", at);
        let used = settings.connections["prod"].clone();
        assert_eq!(used.last_used, Some(at.trunc_subsecs(0)));
        assert_eq!(settings.connections.len(), 1);
        settings
            .put_profile(Some("prod"), "prod-eu", Profile::default())
            .unwrap();
        assert_eq!(settings.connections["prod-eu"].last_used, used.last_used);
        settings.put_profile(None, "copy", used).unwrap();
        assert_eq!(settings.connections["copy"].last_used, None);
    }

    #[test]
    fn an_unknown_name_is_answered_with_one_that_comes_near() {
        let mut settings = Settings::default();
        settings.put_profile(None, "prod-eu", Profile::default()).unwrap();
        let message = settings.profile("prod-ue").unwrap_err().to_string();
        assert!(message.contains("Did you mean prod-eu?"), "{message}");
        let message = settings.profile("warehouse").unwrap_err().to_string();
        assert!(message.contains("There are: prod-eu."), "{message}");
    }

    #[test]
    fn a_name_can_not_hide_a_password() {
        for name in ["", " a", "a:b@c", "postgres://a:b@c/d", &"x".repeat(41)] {
            let mut settings = Settings::default();
            assert!(settings.put_profile(None, name, Profile::default()).is_err(), "{name}");
        }
    }
}
