//! Nothing that is printed holds a password, whatever was typed where.

/// Replace passwords in connection URLs and in `password=…` by `***`.
pub fn hide(text: &str) -> String {
    assignments(&authorities(text))
}

/// `scheme://user:password@host`; a password may hold an `@` that somebody forgot to escape.
fn authorities(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let end = after
            .find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`'))
            .unwrap_or(after.len());
        let word = &after[..end];
        rest = &after[end..];
        match (word.find(':'), word.rfind('@')) {
            (Some(colon), Some(host)) if colon < host => {
                out.push_str(&word[..=colon]);
                out.push_str("***");
                out.push_str(&word[host..]);
            }
            _ => out.push_str(word),
        }
    }
    out + rest
}

/// `password=…` in a URL's query or a key-value string.
fn assignments(text: &str) -> String {
    const KEY: &str = "password=";
    let lower = text.to_ascii_lowercase();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(found) = lower[at..].find(KEY) {
        let value = at + found + KEY.len();
        out.push_str(&text[at..value]);
        let quoted = text[value..].starts_with('\'');
        let end = text[value + usize::from(quoted)..]
            .find(|c: char| {
                if quoted {
                    c == '\''
                } else {
                    c.is_whitespace() || matches!(c, '&' | '"' | '\'' | '`')
                }
            })
            .map_or(text.len(), |length| value + length + 2 * usize::from(quoted));
        if end > value {
            out.push_str("***");
        }
        at = end;
    }
    out + &text[at..]
}

#[cfg(test)]
mod tests {
    use super::hide;

    #[test]
    fn passwords_are_hidden_wherever_they_stand() {
        for (text, shown) in [
            ("postgres://ann:s3cret@db:5432/x", "postgres://ann:***@db:5432/x"),
            (
                "can't use 'postgres://ann:p@ss:w@db/x'!",
                "can't use 'postgres://ann:***@db/x'!",
            ),
            (
                "postgres://db/x?user=a&password=s3cret&sslmode=require",
                "postgres://db/x?user=a&password=***&sslmode=require",
            ),
            ("host=db PASSWORD=s3cret user=a", "host=db PASSWORD=*** user=a"),
            ("host=db password='s3 cret' user=a", "host=db password=*** user=a"),
            ("password=", "password="),
            ("postgres://ann@db:5432/x", "postgres://ann@db:5432/x"),
            ("nothing to hide: 12:30 a@b", "nothing to hide: 12:30 a@b"),
        ] {
            assert_eq!(hide(text), shown);
        }
    }
}
