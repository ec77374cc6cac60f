//! Names for a declaration, from names that may be anything.

use std::collections::HashSet;

/// What an answer or a rollup table has by itself.
const TAKEN: [&str; 8] = [
    "bucket",
    "bucket_start",
    "bucket_end",
    "bucket_date",
    "raw_rows",
    "computed_at",
    "state",
    "partial",
];

/// Split into lower-case words: at everything that is no letter or digit, and where small letters turn into capitals.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut small = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && small) {
            words.push(String::new());
        }
        small = c.is_lowercase() || c.is_ascii_digit();
        if c.is_alphanumeric() {
            words.last_mut().unwrap_or(&mut String::new()).extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Lower-case letters, digits and single underscores, a letter first, at most `longest`.
pub(super) fn plain(name: &str, longest: usize) -> String {
    let ascii: Vec<String> = words(name)
        .into_iter()
        .map(|word| word.chars().filter(char::is_ascii_alphanumeric).collect())
        .filter(|word: &String| !word.is_empty())
        .collect();
    let mut plain = ascii.join("_");
    if !plain.starts_with(|c: char| c.is_ascii_lowercase()) {
        plain = format!("t_{plain}");
    }
    plain.truncate(longest);
    let plain = plain.trim_end_matches('_');
    if plain == "t" {
        "t1".to_owned()
    } else {
        plain.to_owned()
    }
}

/// A rollup's name from its table's. Room is left for a number.
pub(super) fn rollup(table: &str) -> String {
    plain(table, 26)
}

/// The name itself, or with the first number that is free.
pub(super) fn free(name: &str, taken: &[String]) -> String {
    let numbered = (2..).map(|n| format!("{name}_{n}"));
    std::iter::once(name.to_owned())
        .chain(numbered)
        .find(|name| !taken.contains(name))
        .unwrap_or_default()
}

/// Whether a rollup may be called so.
#[must_use]
pub fn fits_a_rollup(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && !name.contains("__")
        && name.len() <= 30
}

/// One of something: `orders` → `order`.
pub(super) fn singular(plural: &str) -> String {
    match plural.strip_suffix("ies") {
        Some(stem) if stem.len() > 1 => format!("{stem}y"),
        _ if ["ss", "us", "is"].iter().any(|end| plural.ends_with(end)) => plural.to_owned(),
        _ => plural.strip_suffix('s').unwrap_or(plural).to_owned(),
    }
}

/// With a capital and spaces, for people.
pub(super) fn title(name: &str) -> String {
    let spaced = words(name).join(" ");
    let mut chars = spaced.chars();
    chars.next().map_or(String::new(), |first| {
        first.to_uppercase().collect::<String>() + chars.as_str()
    })
}

/// Names that are given once: dimensions, values and measures of one declaration.
pub(super) struct Names {
    taken: HashSet<String>,
    /// Put before a name that means something else.
    prefix: String,
}

impl Names {
    pub fn new(prefix: &str) -> Names {
        Names {
            taken: TAKEN.map(str::to_owned).into(),
            prefix: prefix.to_owned(),
        }
    }

    pub fn give(&mut self, wished: &str) -> String {
        let mut name = plain(wished, 44);
        if TAKEN.contains(&name.as_str()) {
            name = plain(&format!("{}_{name}", self.prefix), 44);
        }
        let taken: Vec<String> = self.taken.iter().cloned().collect();
        let name = free(&name, &taken);
        self.taken.insert(name.clone());
        name
    }
}
