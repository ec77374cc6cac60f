//! Says to a script that waits outside that the numbers are on the screen.

use std::{fs, io, path::Path};

use tidemark_db::ErrorInfo;

/// Write `ready.json` into a folder: whole or not at all.
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
