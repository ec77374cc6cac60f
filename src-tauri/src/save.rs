//! Where a file goes that leaves the window: where the person says.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::Deserialize;
use tauri::{AppHandle, Manager};
use tauri_plugin_dialog::DialogExt;
use tidemark_db::ErrorInfo;
use tokio::sync::oneshot;

/// Names the folder where files go without a question: a script or a test can't work a dialog of the desktop's.
const FOLDER: &str = "TIDEMARK_SAVE_FOLDER";

/// A file that is to leave the window.
pub struct Leaving {
    /// Without its ending.
    pub stem: String,
    pub ending: &'static str,
    pub bytes: Vec<u8>,
}

/// What the window makes itself.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Made {
    Csv,
    Png,
    Svg,
}

impl Made {
    pub fn ending(self) -> &'static str {
        match self {
            Made::Csv => "csv",
            Made::Png => "png",
            Made::Svg => "svg",
        }
    }
}

/// Ask where a file goes, and write it there. `None` where the person wants none after all.
pub async fn save(app: &AppHandle, file: Leaving) -> Result<Option<PathBuf>, ErrorInfo> {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return write_new(Path::new(&folder), &file).map(Some);
    }
    let Some(path) = ask(app, &file).await else {
        return Ok(None);
    };
    // Whoever chose a file that is there has agreed to lose it: the dialog asks.
    match fs::write(&path, &file.bytes) {
        Ok(()) => Ok(Some(path)),
        Err(error) => Err(failed(&path, &error)),
    }
}

async fn ask(app: &AppHandle, file: &Leaving) -> Option<PathBuf> {
    let (told, answer) = oneshot::channel();
    let mut dialog = app
        .dialog()
        .file()
        .set_file_name(format!("{}.{}", file.stem, file.ending))
        .add_filter(file.ending.to_uppercase(), &[file.ending]);
    if let Ok(folder) = app.path().download_dir().or_else(|_| app.path().home_dir()) {
        dialog = dialog.set_directory(folder);
    }
    if let Some(window) = app.get_webview_window("main") {
        dialog = dialog.set_parent(&window);
    }
    dialog.save_file(|path| {
        told.send(path).ok();
    });
    answer.await.ok().flatten()?.into_path().ok()
}

/// Write a file that was not there: `stem.png`, else `stem-2.png` and so on.
fn write_new(folder: &Path, file: &Leaving) -> Result<PathBuf, ErrorInfo> {
    let Leaving { stem, ending, bytes } = file;
    for number in 1..1000 {
        let name = if number == 1 {
            format!("{stem}.{ending}")
        } else {
            format!("{stem}-{number}.{ending}")
        };
        let path = folder.join(name);
        match File::create_new(&path).and_then(|mut file| file.write_all(bytes)) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(&path, &error)),
        }
    }
    Err(failed(folder, &io::ErrorKind::AlreadyExists.into()))
}

fn failed(path: &Path, error: &io::Error) -> ErrorInfo {
    ErrorInfo {
        code: "file".into(),
        message: format!("Could not write {}: {error}.", path.display()),
        details: None,
    }
}

/// A name that any file system takes.
pub fn in_a_name(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_alphanumeric() || c == '_' { c } else { '-' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_file_of_the_same_name_overwrites_nothing() {
        let folder = std::env::temp_dir().join(format!("tidemark-save-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let file = |bytes: &[u8]| Leaving {
            stem: "a".into(),
            ending: "svg",
            bytes: bytes.to_vec(),
        };
        let first = write_new(&folder, &file(b"1")).expect("written");
        let second = write_new(&folder, &file(b"2")).expect("written");
        assert_eq!((first, second.clone()), (folder.join("a.svg"), folder.join("a-2.svg")));
        assert_eq!(fs::read(second).expect("read"), b"2");
        let missing = write_new(&folder.join("missing"), &file(b"")).expect_err("no folder");
        assert!(missing.message.contains("missing"), "{}", missing.message);
        fs::remove_dir_all(folder).expect("removed");
    }
}
