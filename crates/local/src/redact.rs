//! Passwords out of connection URLs.

/// Gives the URL without any password: neither `user:password@`, nor `password=` in the query.
///
/// What can't be read as a URL is given back only when it can't hide a password; otherwise nothing of it is kept.
///
/// ```
/// assert_eq!(tidemark_local::without_password("postgres://ann:secret@db/app"), "postgres://ann@db/app");
/// ```
pub fn without_password(url: &str) -> String {
    // `ann:secret@db` is a URL too, of the scheme `ann`: only the two schemes that mean PostgreSQL are taken apart.
    let parsed = url::Url::parse(url)
        .ok()
        .filter(|url| matches!(url.scheme(), "postgres" | "postgresql"));
    let Some(mut parsed) = parsed else {
        let lower = url.to_ascii_lowercase();
        let may_hide_one =
            url.contains('@') || url.contains('%') || lower.contains("password") || lower.contains("passfile");
        return if may_hide_one { String::new() } else { url.to_owned() };
    };
    if parsed.password().is_some() && parsed.set_password(None).is_err() {
        return String::new();
    }
    let secret = |key: &str| matches!(key.to_ascii_lowercase().as_str(), "password" | "sslpassword");
    if parsed.query_pairs().any(|(key, _)| secret(&key)) {
        // Kept byte for byte where nothing is taken out, so that an escaped socket folder stays as it was typed.
        let kept: Vec<&str> = parsed
            .query()
            .unwrap_or_default()
            .split('&')
            .filter(|pair| !url::form_urlencoded::parse(pair.as_bytes()).any(|(key, _)| secret(&key)))
            .collect();
        let query = kept.join("&");
        parsed.set_query((!query.is_empty()).then_some(&query));
    }
    parsed.into()
}

#[cfg(test)]
mod tests {
    use super::without_password;

    #[test]
    fn a_password_leaves_the_url_wherever_it_stands() {
        assert_eq!(
            without_password("postgres://a:b@h:5433/d?sslmode=require"),
            "postgres://a@h:5433/d?sslmode=require"
        );
        assert_eq!(
            without_password("postgres://h/d?user=a&password=b&port=1"),
            "postgres://h/d?user=a&port=1"
        );
        assert_eq!(without_password("postgres://h/d?pass%77ord=b"), "postgres://h/d");
        assert_eq!(without_password("postgres://a:b%40c@h/d"), "postgres://a@h/d");
    }

    #[test]
    fn a_url_without_a_password_stays_as_it_was_typed() {
        let url = "postgres:///tidemark?host=%2Frun%2Fx&port=5432&user=tidemark";
        assert_eq!(without_password(url), url);
    }

    #[test]
    fn what_is_no_url_but_may_hide_a_password_is_dropped() {
        assert_eq!(without_password("ann:secret@db/app?"), "");
        assert_eq!(without_password("host=db password=secret"), "");
        assert_eq!(without_password("demo"), "demo");
    }
}
