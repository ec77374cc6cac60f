//! A test that runs itself again in a desktop session of its own: with a keychain, or without a bus.

use std::process::{Command, Stdio};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Bus {
    /// A bus with an unlocked, empty keychain.
    WithKeychain,
    /// No bus at all.
    None,
}

const INSIDE: &str = "TIDEMARK_TEST_INSIDE";

/// The variables of a process can't be changed safely, so the test starts its own program again.
pub fn in_session(test: &str, bus: Bus, work: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        return work();
    }
    let home = std::env::temp_dir().join(format!("tidemark-session-{}-{}", std::process::id(), test.len()));
    std::fs::create_dir_all(home.join("run")).unwrap();
    std::fs::set_permissions(home.join("run"), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let me = std::env::current_exe().unwrap();
    let mut command = Command::new("setpriv");
    // With this process goes the session, with the session the keychain.
    command.args(["--pdeathsig", "TERM", "--"]);
    match bus {
        Bus::WithKeychain => {
            let start = "printf 'x\\n' | gnome-keyring-daemon --unlock --components=secrets >/dev/null && exec \"$@\"";
            command.args(["dbus-run-session", "--", "sh", "-c", start, "sh"]);
        }
        Bus::None => {
            command.args(["env", "DBUS_SESSION_BUS_ADDRESS=disabled:"]);
        }
    }
    let ran = command
        .arg(me)
        .args(["--exact", test, "--nocapture", "--test-threads", "1"])
        .env(INSIDE, "1")
        .env("XDG_RUNTIME_DIR", home.join("run"))
        .env("XDG_DATA_HOME", home.join("data"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    std::fs::remove_dir_all(&home).ok();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(
        ran.status.success() && said.contains("1 passed"),
        "{said}\n{}",
        String::from_utf8_lossy(&ran.stderr)
    );
}
