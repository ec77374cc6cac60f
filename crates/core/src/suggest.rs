//! "Did you mean …?"

/// Find the candidate that a mistyped word most likely meant.
///
/// Case, `-`, `_` and blanks don't count. Up to a third of the letters may be wrong, at least one and at most three;
/// two neighbours that changed places are one mistake. `None` when nothing is that near; the first of equals.
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = letters(word);
    let allowed = (word.len() / 3).clamp(1, 3);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let other = letters(candidate);
        if other.len().abs_diff(word.len()) > allowed {
            continue;
        }
        let distance = distance(&word, &other);
        // One letter typed and one wrong letter shares nothing with what was typed.
        let shares = distance < word.len().max(other.len());
        if shares && distance <= allowed && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

fn letters(text: &str) -> Vec<char> {
    text.chars()
        .filter(|c| !matches!(c, '-' | '_' | ' '))
        .flat_map(char::to_lowercase)
        .collect()
}

/// Count insertions, deletions, replacements and swaps of neighbours (optimal string alignment).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                let swapped: &[usize] = &before;
                least = least.min(swapped[j - 2] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_slip_finds_its_word() {
        let words = ["name", "grains", "source", "measures", "time_column", "where"];
        for (typed, meant) in [
            ("nmae", Some("name")),
            ("grain", Some("grains")),
            ("Sources", Some("source")),
            ("timecolumn", Some("time_column")),
            ("mesaures", Some("measures")),
            ("wehre", Some("where")),
            ("quantiles", None),
            ("", None),
            ("x", None),
        ] {
            assert_eq!(closest(typed, words), meant, "{typed}");
        }
    }

    #[test]
    fn the_nearest_wins_over_the_first() {
        assert_eq!(closest("hous", ["days", "hour", "house"]), Some("hour"));
        assert_eq!(closest("house", ["hour", "house"]), Some("house"));
    }
}
