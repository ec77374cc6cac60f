//! Passwords of connection profiles, in the system's keychain (the Secret Service: GNOME Keyring, KWallet, KeePassXC).
//!
//! Nothing of a password is in an error, in a log line, or in a file of Tidemark's.

use std::time::Duration;

use keyring::Entry;

use crate::{
    LocalError, Result,
    settings::{PasswordFrom, Profile},
};

/// Under this name the entries are found in the desktop's own program for passwords.
const SERVICE: &str = "tidemark";

/// A locked keychain asks its owner, who may have gone for a coffee.
const PATIENCE: Duration = Duration::from_secs(60);

/// The password of a profile; `None` where the keychain has none.
pub async fn read(profile: &str) -> Result<Option<String>> {
    with(profile, |entry| match entry.get_password() {
        Err(keyring::Error::NoEntry) => Ok(None),
        other => other.map(Some),
    })
    .await
}

/// Keeps the password of a profile, instead of the one that was there.
pub async fn keep(profile: &str, password: &str) -> Result<()> {
    let password = password.to_owned();
    with(profile, move |entry| entry.set_password(&password)).await
}

/// Forgets the password of a profile. Fine where there is none.
pub async fn forget(profile: &str) -> Result<()> {
    with(profile, |entry| match entry.delete_credential() {
        Err(keyring::Error::NoEntry) => Ok(()),
        other => other,
    })
    .await
}

/// Why there is no keychain on this machine; `None` where there is one.
pub async fn unavailable() -> Option<String> {
    // Asking for an entry that no profile can have changes nothing.
    read("/").await.err().map(|error| error.to_string())
}

/// The password of a profile as far as it can be had without a person, and where there is none, what to say when the
/// server wants one.
pub async fn password_of(name: &str, profile: &Profile) -> (Option<String>, Option<String>) {
    match profile.password {
        PasswordFrom::Elsewhere => (None, None),
        PasswordFrom::Ask => (
            None,
            Some(format!("Connection {name} asks for its password each time.")),
        ),
        PasswordFrom::Keychain => match read(name).await {
            Ok(Some(password)) => (Some(password), None),
            Ok(None) => (
                None,
                Some(format!(
                    "The system's keychain holds no password for connection {name}."
                )),
            ),
            Err(error) => (None, Some(error.to_string())),
        },
    }
}

/// Its library waits for the bus: in a thread where waiting is allowed.
async fn with<T: Send + 'static>(
    profile: &str,
    work: impl FnOnce(Entry) -> keyring::Result<T> + Send + 'static,
) -> Result<T> {
    let profile = profile.to_owned();
    let asked = tokio::task::spawn_blocking(move || Entry::new(SERVICE, &profile).and_then(work));
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(answer)) => answer.map_err(|error| no_keychain(&reason(&error))),
        Ok(Err(_panic)) => Err(no_keychain("its library failed")),
        Err(_late) => Err(no_keychain("it did not answer within a minute; is it locked?")),
    }
}

fn no_keychain(reason: &str) -> LocalError {
    LocalError::NoKeychain {
        reason: reason.to_owned(),
    }
}

/// The cause without the data that some errors carry: those may be a password.
fn reason(error: &keyring::Error) -> String {
    match error {
        keyring::Error::PlatformFailure(cause) | keyring::Error::NoStorageAccess(cause) => cause.to_string(),
        keyring::Error::BadEncoding(_) => "what it holds is no text".to_owned(),
        keyring::Error::Ambiguous(_) => "it holds several entries of this name".to_owned(),
        keyring::Error::TooLong(name, most) => format!("{name} may have {most} letters"),
        keyring::Error::Invalid(name, reason) => format!("{name}: {reason}"),
        _ => "it refused".to_owned(),
    }
}
