//! From what a person said to what the driver is given: URL, `PG*`, service file, and the TLS mode that follows.

use std::path::PathBuf;
use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use tidemark_core::probe::{Aim, TlsMode, TlsReason};
use url::Url;

use crate::connect::ConnectOptions;
use crate::{Error, Result};

/// What the driver reads from a URL's query. It writes a warning with key *and value* for anything else, and a value
/// may be a password: others are left out.
const KNOWN: [&str; 14] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

/// Read what a person said.
pub(crate) fn driver_options(options: &ConnectOptions) -> Result<(PgConnectOptions, Aim)> {
    let mut url = parse(options.url.as_deref())?;
    let service =
        take_query(&mut url, "service").or_else(|| std::env::var("PGSERVICE").ok().filter(|name| !name.is_empty()));
    if let Some(name) = service {
        fill_in(&mut url, &service_entries(&name)?);
    }
    leave_out_unknown(&mut url);
    check_files(&url)?;
    let asked = url
        .query_pairs()
        .any(|(key, _)| matches!(&*key, "sslmode" | "ssl-mode"))
        || std::env::var_os("PGSSLMODE").is_some();
    // The message of the parser is left out: it may quote the password.
    let mut connect = PgConnectOptions::from_str(url.as_str()).map_err(|_| unreadable())?;
    if let Some(password) = &options.password {
        connect = connect.password(password);
    }
    let reason = match () {
        () if is_socket(&connect) => TlsReason::Socket,
        () if asked => TlsReason::Asked,
        () if is_this_machine(&connect) => TlsReason::ThisMachine,
        () => TlsReason::Remote,
    };
    if reason == TlsReason::Remote {
        connect = connect.ssl_mode(PgSslMode::VerifyFull);
    }
    let aim = Aim {
        server: server(&connect),
        user: connect.get_username().to_owned(),
        tls: tls_mode(connect.get_ssl_mode()),
        tls_reason: reason,
    };
    Ok((connect, aim))
}

fn parse(text: Option<&str>) -> Result<Url> {
    let text = text.unwrap_or("postgres://");
    if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
        return Err(Error::input(
            "bad_url",
            "The database URL must look like postgres://user@host:5432/database.",
        ));
    }
    Url::parse(text).map_err(|_| unreadable())
}

fn unreadable() -> Error {
    Error::input(
        "bad_url",
        "The database URL can't be read. It must look like postgres://user:password@host:5432/database; write special characters as %XX.",
    )
}

/// The driver says of a missing certificate only that there is no such file.
fn check_files(url: &Url) -> Result<()> {
    for (key, file) in url.query_pairs() {
        if !matches!(&*key, "sslrootcert" | "sslcert" | "sslkey") || file.starts_with("-----BEGIN") {
            continue;
        }
        if let Err(cause) = std::fs::File::open(&*file) {
            return Err(Error::input(
                "missing_file",
                format!(
                    "{key}: {file} can't be read: {cause}. Correct the path, or leave it out to use the system's CAs."
                ),
            ));
        }
    }
    Ok(())
}

fn is_socket(options: &PgConnectOptions) -> bool {
    options.get_socket().is_some() || options.get_host().starts_with('/')
}

fn is_this_machine(options: &PgConnectOptions) -> bool {
    ["localhost", "127.0.0.1", "::1", "[::1]"].contains(&options.get_host())
}

fn server(options: &PgConnectOptions) -> String {
    let host = options
        .get_socket()
        .map_or_else(|| options.get_host().to_owned(), |socket| socket.display().to_string());
    let database = options.get_database().unwrap_or(options.get_username());
    format!("{host}:{}/{database}", options.get_port())
}

fn tls_mode(mode: PgSslMode) -> TlsMode {
    match mode {
        PgSslMode::Disable => TlsMode::Disable,
        PgSslMode::Allow => TlsMode::Allow,
        PgSslMode::Prefer => TlsMode::Prefer,
        PgSslMode::Require => TlsMode::Require,
        PgSslMode::VerifyCa => TlsMode::VerifyCa,
        PgSslMode::VerifyFull => TlsMode::VerifyFull,
    }
}

/// A parameter's value; the URL has it no more.
fn take_query(url: &mut Url, wanted: &str) -> Option<String> {
    let value = url
        .query_pairs()
        .find(|(key, _)| key == wanted)
        .map(|(_, value)| value.into_owned())?;
    keep_query(url, |key| key != wanted);
    Some(value)
}

fn leave_out_unknown(url: &mut Url) {
    for (key, _) in url.query_pairs() {
        if !is_known(&key) {
            tracing::warn!("the database URL's parameter {key} is not used");
        }
    }
    keep_query(url, is_known);
}

fn is_known(key: &str) -> bool {
    KNOWN.contains(&key) || key.starts_with("options[")
}

fn keep_query(url: &mut Url, keep: impl Fn(&str) -> bool) {
    let kept: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(key, _)| keep(key))
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect();
    url.set_query(None);
    if !kept.is_empty() {
        url.query_pairs_mut().extend_pairs(kept);
    }
}

/// Entries of the service file for what the URL does not say itself, as libpq does it.
fn fill_in(url: &mut Url, entries: &[(String, String)]) {
    let said = |url: &Url, key: &str| {
        url.query_pairs().any(|(there, _)| there == key)
            || match key {
                "host" | "hostaddr" => url.host_str().is_some_and(|host| !host.is_empty()),
                "port" => url.port().is_some(),
                "user" => !url.username().is_empty(),
                "password" => url.password().is_some(),
                "dbname" => !url.path().trim_start_matches('/').is_empty(),
                _ => false,
            }
    };
    for (key, value) in entries {
        if is_known(key) && !said(url, key) {
            url.query_pairs_mut().append_pair(key, value);
        }
    }
}

/// What `pg_service.conf` says for a service: `PGSERVICEFILE`, else `~/.pg_service.conf`, then the system's.
fn service_entries(name: &str) -> Result<Vec<(String, String)>> {
    let own = std::env::var_os("PGSERVICEFILE")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".pg_service.conf")));
    let system =
        std::env::var_os("PGSYSCONFDIR").map_or_else(|| PathBuf::from("/etc/postgresql-common"), PathBuf::from);
    let files: Vec<PathBuf> = own.into_iter().chain([system.join("pg_service.conf")]).collect();
    files
        .iter()
        .find_map(|file| section(&std::fs::read_to_string(file).ok()?, name))
        .ok_or_else(|| {
            let looked: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
            Error::input(
                "unknown_service",
                format!(
                    "There is no service [{name}] in {}. Add it there, or leave the service out.",
                    looked.join(" or ")
                ),
            )
        })
}

/// One section of a service file; `None` where it has none of that name.
fn section(text: &str, name: &str) -> Option<Vec<(String, String)>> {
    let header = format!("[{name}]");
    let mut lines = text.lines().map(str::trim).skip_while(|line| *line != header);
    lines.next()?;
    Some(
        lines
            .take_while(|line| !line.starts_with('['))
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split_once('='))
            .map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aim(url: &str) -> Aim {
        let options = ConnectOptions {
            url: Some(url.to_owned()),
            ..ConnectOptions::default()
        };
        driver_options(&options).unwrap().1
    }

    #[test]
    fn another_machine_is_reached_with_a_checked_certificate_unless_the_url_says_otherwise() {
        let tls = |url| (aim(url).tls, aim(url).tls_reason);
        assert_eq!(
            tls("postgres://u@db.example.com/x"),
            (TlsMode::VerifyFull, TlsReason::Remote)
        );
        assert_eq!(
            tls("postgres://u@db.example.com/x?sslmode=require"),
            (TlsMode::Require, TlsReason::Asked)
        );
        assert_eq!(
            tls("postgres://u@localhost/x"),
            (TlsMode::Prefer, TlsReason::ThisMachine)
        );
        assert_eq!(tls("postgres://u@localhost/x?sslmode=verify-full").1, TlsReason::Asked);
        assert_eq!(tls("postgres:///x?host=/run/postgresql&user=u").1, TlsReason::Socket);
        // No host in the URL's authority, but one in its query.
        assert_eq!(tls("postgres:///x?host=db.example.com&user=u").1, TlsReason::Remote);
    }

    #[test]
    fn what_the_driver_does_not_know_never_reaches_it() {
        let mut url = Url::parse("postgres://u@h/x?sslpassword=s3cret&sslmode=require&connect_timeout=5").unwrap();
        leave_out_unknown(&mut url);
        assert_eq!(url.as_str(), "postgres://u@h/x?sslmode=require");
    }

    #[test]
    fn a_service_fills_in_what_the_url_leaves_out() {
        let text = "# ours\n[other]\nhost=elsewhere\n\n[prod]\nhost = db.example.com\nport=6432\nuser=ann\ndbname=gateway\n# no more\n[last]\nport=1\n";
        let entries = section(text, "prod").unwrap();
        let mut url = Url::parse("postgres:///?user=bob").unwrap();
        fill_in(&mut url, &entries);
        let aimed = aim(url.as_str());
        assert_eq!(
            (aimed.server.as_str(), aimed.user.as_str()),
            ("db.example.com:6432/gateway", "bob")
        );
        assert_eq!(section(text, "absent"), None);
    }
}
