//! Names in a declaration: `schema.table alias`, `alias.column`, and the `on` of a lookup.

/// A table as written: `[schema.]table [alias]`, with SQL's rules for quotes and case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableRef {
    pub schema: Option<String>,
    pub table: String,
    pub alias: String,
}

/// Read `[schema.]table [[as] alias]`.
#[must_use]
pub fn table_ref(text: &str) -> Option<TableRef> {
    let (first, mut rest) = identifier(text.trim())?;
    let (schema, table) = if let Some(after) = rest.strip_prefix('.') {
        let (table, after) = identifier(after)?;
        rest = after;
        (Some(first), table)
    } else {
        (None, first)
    };
    let mut rest = rest.trim();
    if rest.len() > 3 && rest[..3].eq_ignore_ascii_case("as ") {
        rest = rest[3..].trim();
    }
    let alias = if rest.is_empty() {
        table.clone()
    } else {
        let (alias, left) = identifier(rest)?;
        if !left.trim().is_empty() {
            return None;
        }
        alias
    };
    Some(TableRef { schema, table, alias })
}

/// Read `alias.column`.
#[must_use]
pub fn column_ref(text: &str) -> Option<(String, String)> {
    let (alias, rest) = identifier(text.trim())?;
    let (column, rest) = identifier(rest.strip_prefix('.')?)?;
    rest.trim().is_empty().then_some((alias, column))
}

/// One `key = expression` of a lookup's `on`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPair {
    /// The lookup's key column.
    pub column: String,
    /// SQL over the tables before it.
    pub expression: String,
}

/// Read `alias.key = expression [and …]`, either side first.
#[must_use]
pub fn key_pairs(text: &str, alias: &str) -> Option<Vec<KeyPair>> {
    split_and(text)
        .into_iter()
        .map(|part| {
            let at = unquoted(part, "=")?;
            let (left, right) = (&part[..at], &part[at + 1..]);
            let own = |side: &str| {
                column_ref(side)
                    .filter(|(owner, _)| owner == alias)
                    .map(|(_, column)| column)
            };
            match (own(left), own(right)) {
                (Some(column), None) => Some(KeyPair {
                    column,
                    expression: right.trim().to_owned(),
                }),
                (None, Some(column)) => Some(KeyPair {
                    column,
                    expression: left.trim().to_owned(),
                }),
                _ => None,
            }
        })
        .collect()
}

fn split_and(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(found) = unquoted(rest, " and ") {
        parts.push(&rest[..found]);
        rest = &rest[found + 5..];
    }
    parts.push(rest);
    parts
}

/// Where a needle first stands outside of quotes, whatever its case. In a quoted name it is a part of that name.
fn unquoted(text: &str, needle: &str) -> Option<usize> {
    let (mut name, mut string) = (false, false);
    text.char_indices().find_map(|(at, c)| {
        match c {
            '"' if !string => name = !name,
            '\'' if !name => string = !string,
            _ => {}
        }
        let here = text.as_bytes()[at..].get(..needle.len());
        let found = here.is_some_and(|here| here.eq_ignore_ascii_case(needle.as_bytes()));
        (found && !name && !string).then_some(at)
    })
}

/// Read one identifier, quoted or folded to lower case; gives what follows it.
fn identifier(text: &str) -> Option<(String, &str)> {
    if let Some(inner) = text.strip_prefix('"') {
        let mut name = String::new();
        let mut chars = inner.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            if c != '"' {
                name.push(c);
            } else if chars.peek().is_some_and(|(_, next)| *next == '"') {
                name.push('"');
                chars.next();
            } else {
                return (!name.is_empty()).then(|| (name, &inner[at + 1..]));
            }
        }
        return None;
    }
    let length = text
        .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'))
        .unwrap_or(text.len());
    let name = &text[..length];
    (!name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()))
        .then(|| (name.to_lowercase(), &text[length..]))
}

/// Quote an identifier for SQL.
#[must_use]
pub fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Quote a text literal for SQL.
#[must_use]
pub fn literal(text: &str) -> String {
    if text.contains('\\') {
        format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_read_as_sql_reads_them() {
        let parsed = table_ref(r#" Public."Usage ""Logs""" AS U "#).unwrap();
        assert_eq!(
            (parsed.schema.as_deref(), parsed.table.as_str(), parsed.alias.as_str()),
            (Some("public"), "Usage \"Logs\"", "u")
        );
        assert_eq!(table_ref("usage_logs").unwrap().alias, "usage_logs");
        assert_eq!(table_ref("a b c"), None);
        assert_eq!(table_ref("\"open"), None);
    }

    #[test]
    fn a_key_may_stand_on_either_side() {
        let pairs = key_pairs("u.group_id = g.id and g.tenant = u.tenant", "g").unwrap();
        assert_eq!(
            pairs[0],
            KeyPair {
                column: "id".into(),
                expression: "u.group_id".into()
            }
        );
        assert_eq!(pairs[1].column, "tenant");
        assert_eq!(key_pairs("u.a = u.b", "g"), None);
        let odd = key_pairs(r#"g."a = b and ""c""" = u."x = y" AND u.k = g.k"#, "g").unwrap();
        assert_eq!((odd.len(), odd[0].column.as_str()), (2, r#"a = b and "c""#));
    }

    #[test]
    fn quotes_in_names_are_doubled() {
        assert_eq!(quote("a\"b"), "\"a\"\"b\"");
        assert_eq!(literal("it's"), "'it''s'");
    }
}
