//! `5s`, `2m`, `500ms`.

use std::time::Duration;

/// Read a duration between 100 ms and a day.
pub fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || format!("'{text}' is no interval; write for example 5s, 500ms or 2m");
    let split = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let seconds = match unit {
        "ms" => number / 1000.0,
        "s" | "" => number,
        "m" | "min" => number * 60.0,
        "h" => number * 3600.0,
        _ => return Err(wrong()),
    };
    if !(0.1..=86_400.0).contains(&seconds) {
        return Err(format!(
            "'{text}' is no usable interval; it must lie between 100ms and 24h"
        ));
    }
    Ok(Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_read_with_their_unit() {
        assert_eq!(parse("5s"), Ok(Duration::from_secs(5)));
        assert_eq!(parse("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(parse("7"), Ok(Duration::from_secs(7)));
        for wrong in ["", "s", "5 weeks", "0s", "-1s", "9999h", "NaN", "1e9s"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
