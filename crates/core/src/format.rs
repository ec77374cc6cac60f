//! Numbers as people read them: narrow no-break spaces, a real minus, "–" for what is missing.
//!
//! The app's `ui/src/lib/format.ts` writes the same. Percentages are given as percent: 0.83 is `0.83 %`.

/// Between groups of three digits and before a unit.
pub const NARROW_SPACE: char = '\u{202f}';
/// In front of negative numbers.
pub const MINUS: char = '\u{2212}';
/// In place of a value that isn't there.
pub const MISSING: &str = "–";

const COUNT_STEPS: [(f64, &str); 4] = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")];
const SIZE_STEPS: [(f64, &str); 4] = [(1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")];

/// Write a whole number in full, in groups of three: `51 346`.
pub fn grouped(number: f64) -> String {
    if !number.is_finite() {
        return MISSING.into();
    }
    let digits = format!("{:.0}", number.abs());
    let mut text = String::from(sign(number, &digits));
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(NARROW_SPACE);
        }
        text.push(digit);
    }
    text
}

/// Write a count: in full below 10 000, then three figures: `9 950`, `50.9 k`, `1.24 M`.
pub fn count(number: f64) -> String {
    let size = number.abs();
    if !size.is_finite() {
        return MISSING.into();
    }
    if size < 10_000.0 {
        let small = number.fract() != 0.0 && size < 9.995;
        return if small {
            signed(number, three(size))
        } else {
            grouped(number)
        };
    }
    // 999 950 would be written as 1000 k.
    let step = COUNT_STEPS
        .iter()
        .find(|step| size >= step.0 * 0.9995)
        .unwrap_or(&COUNT_STEPS[3]);
    with_unit(&signed(number, three(size / step.0)), step.1)
}

/// Write a rate given in percent: `0.83 %`, `11.8 %`, `100 %`.
pub fn percent(number: f64) -> String {
    let size = number.abs();
    if !size.is_finite() {
        return MISSING.into();
    }
    with_unit(&signed(number, if size == 0.0 { "0".into() } else { three(size) }), "%")
}

/// Write a latency given in milliseconds: `0.42 ms`, `310 ms`, `1.9 s`, `12 s`, `2 min 5 s`.
pub fn latency(ms: f64) -> String {
    let size = ms.abs();
    let (text, unit) = match size {
        _ if !size.is_finite() => return MISSING.into(),
        0.0 => ("0".into(), "ms"),
        _ if size < 0.9995 => (format!("{size:.2}"), "ms"),
        _ if size < 9.95 => (format!("{size:.1}"), "ms"),
        _ if size < 999.5 => (format!("{size:.0}"), "ms"),
        _ if size < 9_950.0 => (format!("{:.1}", size / 1e3), "s"),
        _ if size < 119_500.0 => (format!("{:.0}", size / 1e3), "s"),
        _ => return duration(ms / 1e3),
    };
    with_unit(&signed(ms, text), unit)
}

/// Write a size given in bytes, in decimal units: `850 B`, `4.7 MB`, `171 MB`.
pub fn size(bytes: f64) -> String {
    let amount = bytes.abs();
    if !amount.is_finite() {
        return MISSING.into();
    }
    match SIZE_STEPS.iter().find(|step| amount >= step.0 * 0.9995) {
        None => with_unit(&grouped(bytes), "B"),
        Some((step, unit)) => {
            let amount = amount / step;
            let text = if amount >= 99.95 {
                format!("{amount:.0}")
            } else {
                format!("{amount:.1}")
            };
            with_unit(&signed(bytes, text), unit)
        }
    }
}

/// Write a duration given in seconds as its two largest units: `2 h 07 min`, `1 min 11 s`, `49 s`, `40 ms`.
pub fn duration(seconds: f64) -> String {
    let size = seconds.abs();
    if !size.is_finite() {
        return MISSING.into();
    }
    let whole = size.round();
    let (minutes, hours) = ((whole / 60.0).round(), (whole / 3600.0).round());
    let text = if size < 0.9995 {
        with_unit(&format!("{:.0}", size * 1e3), "ms")
    } else if size < 9.95 {
        let digits = usize::from(size.fract() != 0.0);
        with_unit(&format!("{size:.digits$}"), "s")
    } else if whole < 60.0 {
        with_unit(&format!("{whole:.0}"), "s")
    } else if whole < 3600.0 {
        let rest = whole % 60.0;
        let seconds = if rest == 0.0 {
            String::new()
        } else {
            format!(" {}", with_unit(&format!("{rest:.0}"), "s"))
        };
        with_unit(&format!("{:.0}", (whole / 60.0).floor()), "min") + &seconds
    } else if minutes < 1440.0 {
        two(minutes, 60.0, "h", "min")
    } else {
        two(hours, 24.0, "d", "h")
    };
    signed(seconds, text)
}

/// Write an age, a lag or the time left, given in seconds, never finer than a second: `2 s`, `1 min 11 s`.
pub fn age(seconds: f64) -> String {
    let whole = seconds.max(0.0).round();
    if whole == 0.0 {
        with_unit("0", "s")
    } else {
        duration(whole)
    }
}

/// Write an estimate: `≈ 12 s`.
pub fn estimate(text: &str) -> String {
    format!("≈{NARROW_SPACE}{text}")
}

/// Write the change from `then` to `now`: `+4 %`, `−1 %`, and from half as much again on a factor, `×1.9`.
///
/// Missing where either is, `new` where there was nothing before.
pub fn change(now: Option<f64>, then: Option<f64>) -> String {
    let (Some(now), Some(then)) = (now, then) else {
        return MISSING.into();
    };
    if !now.is_finite() || !then.is_finite() {
        return MISSING.into();
    }
    if then == 0.0 {
        return if now == 0.0 {
            with_unit("±0", "%")
        } else {
            "new".into()
        };
    }
    let ratio = now / then;
    if ratio >= 1.5 {
        let digits = usize::from(ratio < 9.95);
        return format!("×{ratio:.digits$}");
    }
    let percent = ((ratio - 1.0) * 100.0).round();
    let sign = match percent {
        0.0 => '±',
        p if p > 0.0 => '+',
        _ => MINUS,
    };
    with_unit(&format!("{sign}{:.0}", percent.abs()), "%")
}

/// Write a measure's value in its unit, as declared: `ms`, `s`, `%`, `B`, nothing for counts, or any other.
pub fn value(number: Option<f64>, unit: &str) -> String {
    let Some(number) = number.filter(|number| number.is_finite()) else {
        return MISSING.into();
    };
    match unit {
        "" => count(number),
        "%" => percent(number),
        "ms" => latency(number),
        "s" => latency(number * 1e3),
        "B" | "bytes" => size(number),
        other => with_unit(&count(number), other),
    }
}

/// Write the labels of a value axis, all in one unit: `0`, `10 k`, `20 k`.
pub fn axis_labels(ticks: &[f64], unit: &str) -> Vec<String> {
    let top = ticks.iter().fold(0.0f64, |top, tick| top.max(tick.abs()));
    let (scale, unit) = match unit {
        "%" => (1.0, "%".to_owned()),
        "ms" if top >= 1e3 => (1e3, "s".to_owned()),
        "ms" | "s" => (1.0, unit.to_owned()),
        "B" | "bytes" => SIZE_STEPS
            .iter()
            .find(|step| top >= step.0)
            .map_or((1.0, "B".into()), |s| (s.0, s.1.into())),
        _ => {
            // 5 000 stays in full, as counts do below 10 000.
            let step = COUNT_STEPS
                .iter()
                .find(|step| top >= if step.0 == 1e3 { 1e4 } else { step.0 });
            let (scale, prefix) = step.copied().unwrap_or((1.0, ""));
            let blank = if prefix.is_empty() || unit.is_empty() {
                String::new()
            } else {
                NARROW_SPACE.to_string()
            };
            (scale, format!("{prefix}{blank}{unit}"))
        }
    };
    let label = |tick: &f64| match tick / scale {
        0.0 => "0".to_owned(),
        scaled if unit.is_empty() => plain(scaled),
        scaled => with_unit(&plain(scaled), &unit),
    };
    ticks.iter().map(label).collect()
}

/// Write a number with as many decimals as it needs, at most six significant ones.
fn plain(number: f64) -> String {
    if number.fract() == 0.0 {
        return grouped(number);
    }
    let digits = (5 - number.abs().log10().floor() as i32).clamp(0, 12) as usize;
    let text = format!("{:.digits$}", number.abs());
    signed(number, text.trim_end_matches('0').trim_end_matches('.').to_owned())
}

/// Three figures: `1.24`, `50.9`, `344`.
fn three(size: f64) -> String {
    match size {
        _ if size >= 99.95 => format!("{size:.0}"),
        _ if size >= 9.995 => format!("{size:.1}"),
        _ => format!("{size:.2}"),
    }
}

fn two(whole: f64, per: f64, large: &str, small: &str) -> String {
    let large = with_unit(&format!("{:.0}", (whole / per).floor()), large);
    format!("{large} {}", with_unit(&format!("{:02.0}", whole % per), small))
}

fn with_unit(text: &str, unit: &str) -> String {
    format!("{text}{NARROW_SPACE}{unit}")
}

fn signed(number: f64, text: String) -> String {
    format!("{}{text}", sign(number, &text))
}

/// No minus in front of what was rounded to zero.
fn sign(number: f64, digits: &str) -> &'static str {
    let nonzero = digits.chars().any(|c| ('1'..='9').contains(&c));
    if number < 0.0 && nonzero { "\u{2212}" } else { "" }
}

#[cfg(test)]
#[path = "format_tests.rs"]
mod tests;
