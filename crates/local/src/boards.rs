//! Boards that somebody saved: one file each, `boards/NAME.toml` beside the settings.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use tidemark_core::board_file::BoardFile;

use crate::{LocalError, Result, settings::replace};

/// The folder of saved boards.
#[derive(Debug, Clone)]
pub struct Boards {
    folder: PathBuf,
}

impl Boards {
    /// The folder beside a settings file.
    #[must_use]
    pub fn beside(settings_file: &Path) -> Boards {
        Boards {
            folder: settings_file.with_file_name("boards"),
        }
    }

    /// Names and texts, by name. A file that can't be read is an error of its own.
    pub fn list(&self) -> Result<Vec<(String, Result<String>)>> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(problem) if problem.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(problem) => return Err(LocalError::file("read", &self.folder)(problem)),
        };
        let mut found = Vec::new();
        for entry in entries {
            let path = entry.map_err(LocalError::file("read", &self.folder))?.path();
            let name = path.file_stem().and_then(|name| name.to_str());
            if let Some(name) = name.filter(|_| path.extension().is_some_and(|ending| ending == "toml")) {
                found.push((
                    name.to_owned(),
                    fs::read_to_string(&path).map_err(LocalError::file("read", &path)),
                ));
            }
        }
        found.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(found)
    }

    /// Where a board lies. A name is a file's, never a path.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{}.toml", plain(name)))
    }

    /// Write a board: over the one of this name, else under a free name made from its title. Gives the name.
    pub fn save(&self, name: Option<&str>, file: &BoardFile) -> Result<String> {
        fs::create_dir_all(&self.folder).map_err(LocalError::file("make", &self.folder))?;
        let name = name.map_or_else(|| self.free(&file.board.title), plain);
        replace(&self.path(&name), &file.to_toml())?;
        Ok(name)
    }

    /// Give a board another title, and its file the name of it.
    pub fn rename(&self, name: &str, title: &str) -> Result<String> {
        let path = self.path(name);
        let text = fs::read_to_string(&path).map_err(LocalError::file("read", &path))?;
        let mut file = BoardFile::parse(&path.display().to_string(), &text).map_err(LocalError::Board)?;
        title.clone_into(&mut file.board.title);
        if slug(title) == plain(name) {
            return self.save(Some(name), &file);
        }
        let fresh = self.save(None, &file)?;
        self.delete(name)?;
        Ok(fresh)
    }

    pub fn delete(&self, name: &str) -> Result<()> {
        let path = self.path(name);
        fs::remove_file(&path).map_err(LocalError::file("delete", &path))
    }

    fn free(&self, title: &str) -> String {
        let wished = slug(title);
        let numbered = (2..).map(|number| format!("{wished}-{number}"));
        let mut names = std::iter::once(wished.clone()).chain(numbered);
        names.find(|name| !self.path(name).exists()).unwrap_or(wished)
    }
}

/// A title as a file's name: `Errors in Europe` becomes `errors-in-europe`.
fn slug(title: &str) -> String {
    plain(&title.chars().take(60).collect::<String>())
}

/// Letters, digits, `_` and single `-`.
fn plain(text: &str) -> String {
    let mut name = String::new();
    for c in text.chars().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() || c == '_' {
            name.push(c);
        } else if !name.is_empty() && !name.ends_with('-') {
            name.push('-');
        }
    }
    let name = name.trim_end_matches('-');
    if name.is_empty() {
        "board".to_owned()
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board(title: &str) -> BoardFile {
        let text = format!("format = 1\nrollup = \"r\"\n[board]\ntitle = {title:?}\n");
        BoardFile::parse("x", &text).unwrap()
    }

    #[test]
    fn boards_are_saved_renamed_and_deleted_and_none_takes_anothers_place() {
        let folder = std::env::temp_dir().join(format!("tidemark-boards-{}", std::process::id()));
        let boards = Boards::beside(&folder.join("settings.toml"));
        assert!(boards.list().unwrap().is_empty());
        let first = boards.save(None, &board("Errors in Europe")).unwrap();
        let second = boards.save(None, &board("errors, in europe!")).unwrap();
        assert_eq!(
            (first.as_str(), second.as_str()),
            ("errors-in-europe", "errors-in-europe-2")
        );
        assert_eq!(boards.save(Some(&first), &board("Errors in Europe")).unwrap(), first);
        let renamed = boards.rename(&second, "../../Ünïcode 数").unwrap();
        assert_eq!(renamed, "ünïcode-数");
        fs::write(folder.join("boards/broken.toml"), [0xff, 0xfe]).unwrap();
        let list = boards.list().unwrap();
        let names: Vec<&str> = list.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["broken", "errors-in-europe", "ünïcode-数"]);
        assert!(list[0].1.is_err() && list[2].1.as_ref().unwrap().contains("../../Ünïcode 数"));
        boards.delete(&first).unwrap();
        assert!(boards.delete(&first).is_err());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_name_never_leaves_its_folder() {
        let boards = Boards::beside(Path::new("/c/settings.toml"));
        for name in ["../x", "/etc/x", "..", "a/../../x", ""] {
            assert_eq!(boards.path(name).parent(), Some(Path::new("/c/boards")), "{name}");
        }
    }
}
