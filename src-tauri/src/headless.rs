//! Talks to a script that waits outside: `TIDEMARK_HEADLESS_SHOT` names the folder where it looks.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use tidemark_db::ErrorInfo;

use crate::connection::{ConnectionState, Phase};

/// The folder of whoever waits; `None` where a person sits in front of the window.
pub fn folder() -> Option<PathBuf> {
    std::env::var_os("TIDEMARK_HEADLESS_SHOT").map(PathBuf::from)
}

/// Why there won't be any numbers without a person, and the exit status that says so.
pub fn hopeless(state: &ConnectionState) -> Option<(String, i32)> {
    match state.phase {
        Phase::Error => Some((state.message.clone().unwrap_or_default(), 1)),
        Phase::NeedsSetup => Some((
            "Tidemark is not set up in this database, and nobody is here to agree to that. Run `tidemark rollup apply \
             ops_metrics` first, or start with --yes."
                .into(),
            2,
        )),
        _ => None,
    }
}

/// Say that the numbers are on the screen: write `ready.json` into the folder, whole or not at all.
pub fn tell(folder: &Path, board: &str, demo: bool) -> Result<(), ErrorInfo> {
    write(folder, board, demo).map_err(|error| ErrorInfo {
        code: "file".into(),
        message: format!("Could not write ready.json into {}: {error}.", folder.display()),
        details: None,
    })
}

fn write(folder: &Path, board: &str, demo: bool) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let said = serde_json::json!({ "board": board, "demo": demo, "at": chrono::Utc::now() });
    let draft = folder.join(".ready.json");
    fs::write(&draft, format!("{said}\n"))?;
    fs::rename(draft, folder.join("ready.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_error_and_a_question_are_hopeless() {
        let state = |phase| ConnectionState {
            phase,
            message: Some("refused".into()),
            ..ConnectionState::default()
        };
        assert_eq!(hopeless(&state(Phase::Error)), Some(("refused".into(), 1)));
        assert_eq!(hopeless(&state(Phase::NeedsSetup)).map(|(_, status)| status), Some(2));
        for phase in [
            Phase::None,
            Phase::Starting,
            Phase::LoadingDemo,
            Phase::Ready,
            Phase::Lost,
        ] {
            assert_eq!(hopeless(&state(phase)), None);
        }
    }

    #[test]
    fn a_folder_that_is_missing_is_made_and_the_file_is_whole() {
        let folder = std::env::temp_dir().join(format!("tidemark-ready-{}", std::process::id()));
        tell(&folder.join("shot"), "ops_metrics", true).expect("written");
        let text = fs::read_to_string(folder.join("shot/ready.json")).expect("there");
        let said: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(said["board"], "ops_metrics");
        assert_eq!(said["demo"], true);
        fs::remove_dir_all(folder).expect("removed");
    }
}
