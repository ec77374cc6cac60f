//! A board as a file that people share: `format`, the rollup that it is over, and the board as a declaration has it.

use serde::Deserialize;
use serde_json::Value as Json;
use toml::{Spanned, Table, Value};

use crate::api::RollupSummary;
use crate::board_check::check_installed;
use crate::board_spec::Board;
use crate::spec::SpecError;

/// The format that this version writes, and the newest it reads.
pub const FORMAT: i64 = 1;

/// A board, and the rollup it is over.
#[derive(Debug, Clone, PartialEq)]
pub struct BoardFile {
    pub rollup: String,
    pub board: Board,
}

/// Only what says how to read the rest.
#[derive(Deserialize)]
struct Head {
    format: Option<Spanned<i64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    #[serde(rename = "format")]
    _format: i64,
    rollup: String,
    board: Board,
}

impl BoardFile {
    /// Read a file. `origin` is its name, for messages.
    pub fn parse(origin: &str, text: &str) -> Result<BoardFile, SpecError> {
        let syntax = |error: toml::de::Error| SpecError::syntax(origin, text, &error);
        let head: Head = toml::from_str(text).map_err(syntax)?;
        let wrong = match &head.format {
            None => Some((0..0, format!("this is no board file: it begins with format = {FORMAT}"))),
            Some(format) if *format.get_ref() > FORMAT => Some((
                format.span(),
                format!(
                    "this file has format {}, and this Tidemark reads {FORMAT}; a newer one wrote it: upgrade",
                    format.get_ref()
                ),
            )),
            Some(format) if *format.get_ref() < 1 => Some((
                format.span(),
                format!("there is no format {}; write format = {FORMAT}", format.get_ref()),
            )),
            Some(_) => None,
        };
        if let Some((span, message)) = wrong {
            return Err(SpecError::at(origin, text, span, message));
        }
        let body: Body = toml::from_str(text).map_err(syntax)?;
        Ok(BoardFile {
            rollup: body.rollup,
            board: body.board,
        })
    }

    /// Check a file that was read against its rollup; the error names the line.
    pub fn check(&self, origin: &str, text: &str, rollup: &RollupSummary) -> Result<(), SpecError> {
        check_installed(&self.board, rollup).map_err(|complaint| {
            let span = complaint.span(text, &["board"]).unwrap_or(0..0);
            SpecError::at(origin, text, span, complaint.message)
        })
    }

    /// Write the file. What has its default is left out.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut whole = Table::new();
        whole.insert("format".to_owned(), Value::Integer(FORMAT));
        whole.insert("rollup".to_owned(), Value::String(self.rollup.clone()));
        let board = serde_json::to_value(&self.board).unwrap_or(Json::Null);
        whole.insert("board".to_owned(), value(board).unwrap_or(Value::Table(Table::new())));
        let text = toml::to_string(&whole).unwrap_or_default();
        format!(
            "# A board of Tidemark: `tidemark report {} --board THIS_FILE`, or + board and Import in the app.\n\n{text}",
            self.rollup
        )
    }
}

/// TOML knows no null: as a key's value it is left out, among values it is the NULL group. So are defaults left out.
fn value(json: Json) -> Option<Value> {
    Some(match json {
        Json::Null | Json::Bool(false) => return None,
        Json::Bool(truth) => Value::Boolean(truth),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => Value::Integer(whole),
            None => Value::Float(number.as_f64()?),
        },
        Json::String(text) => Value::String(text),
        Json::Array(list) if list.is_empty() => return None,
        Json::Array(list) => Value::Array(list.into_iter().map(|one| value(one).unwrap_or_else(null)).collect()),
        Json::Object(entries) => {
            let default = |key: &str, json: &Json| {
                matches!(
                    (key, json.as_str()),
                    ("palette", Some("names")) | ("width", Some("half")) | ("show", Some("total"))
                )
            };
            let entries = entries.into_iter().filter(|(key, json)| !default(key, json));
            let table: Table = entries.filter_map(|(key, json)| Some((key, value(json)?))).collect();
            if table.is_empty() {
                return None;
            }
            Value::Table(table)
        }
    })
}

fn null() -> Value {
    Value::Table(Table::from_iter([("null".to_owned(), Value::Boolean(true))]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{Grain, MeasureInfo};
    use crate::spec::Spec;

    fn shipped(text: &str) -> Board {
        Spec::parse("x.toml", text).unwrap().board.unwrap().into_inner()
    }

    #[test]
    fn what_is_written_is_read_back_the_same() {
        let ops = shipped(include_str!("../../../rollups/ops_metrics.toml"));
        let mut cut = ops.clone();
        cut.title = "Quotes \" and\nlines, 数".to_owned();
        cut.panels[1].by = Some("platform".to_owned());
        for values in [vec![None], vec![Some("a".to_owned()), None], vec![Some(String::new())]] {
            cut.panels[2].filter.0.insert(format!("d{}", values.len()), values);
        }
        for board in [
            ops,
            cut,
            Board {
                panels: vec![],
                tiles: vec![],
                rules: vec![],
                by: None,
                by_label: None,
                by_plural: None,
                title: String::new(),
            },
        ] {
            let file = BoardFile {
                rollup: "r".to_owned(),
                board,
            };
            assert_eq!(
                BoardFile::parse("x.toml", &file.to_toml()).unwrap(),
                file,
                "{}",
                file.to_toml()
            );
        }
    }

    #[test]
    fn a_bad_file_is_told_with_its_line_and_what_to_write() {
        let said = |text: &str| BoardFile::parse("mine.toml", text).unwrap_err().to_string();
        let board = "rollup = \"r\"\n[board]\ntitle = \"T\"\n";
        assert!(said(board).contains("begins with format = 1"));
        assert!(
            said(&format!("\nformat = 2\nnew_key = 1\n{board}")).starts_with("mine.toml:2: this file has format 2")
        );
        assert!(said(&format!("format = 0\n{board}")).contains("write format = 1"));
        assert!(
            said(&format!("format = 1\n{board}pannels = []\n")).starts_with("mine.toml:5: unknown field `pannels`")
        );
        assert!(said("format = 1\nrollup = \"r\"\n").contains("missing field `board`"));
        assert!(said("format = 1\nrollup = r\n").starts_with("mine.toml:2:"));
    }

    #[test]
    fn an_unknown_measure_is_named_with_its_line_and_the_likely_one() {
        let rollup = RollupSummary {
            rollup: "calls".to_owned(),
            title: "Calls".to_owned(),
            sources: vec![],
            dimensions: vec!["region".to_owned()],
            dimension_labels: vec!["Region".to_owned()],
            grains: vec![Grain::Hour],
            measures: vec![MeasureInfo {
                name: "requests".to_owned(),
                unit: String::new(),
                label: "requests".to_owned(),
                additive: true,
            }],
            board: Board {
                panels: vec![],
                tiles: vec![],
                rules: vec![],
                by: None,
                by_label: None,
                by_plural: None,
                title: String::new(),
            },
            applied_at: chrono::DateTime::UNIX_EPOCH,
            paused: false,
        };
        let text = "format = 1\nrollup = \"calls\"\n[board]\ntitle = \"T\"\n[[board.panels]]\ntitle = \"P\"\nkind = \"lines\"\nmeasures = [\n  \"requests\",\n  \"reqeusts\",\n]\n";
        let file = BoardFile::parse("mine.toml", text).unwrap();
        let said = file.check("mine.toml", text, &rollup).unwrap_err().to_string();
        assert_eq!(
            said,
            "mine.toml:10: calls has no measure \"reqeusts\"; did you mean \"requests\"?"
        );
        let text = text.replace("reqeusts", "cost");
        let said = BoardFile::parse("m", &text)
            .unwrap()
            .check("m", &text, &rollup)
            .unwrap_err()
            .to_string();
        assert!(
            said.ends_with("calls has no measure \"cost\"; it has: requests"),
            "{said}"
        );
    }
}
