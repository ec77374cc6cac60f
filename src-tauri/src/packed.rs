//! How boards cross to the window: their numbers as columns of doubles, all else as JSON.
//!
//! As JSON alone, 90 days of quarter hours of ten groups are 4 MB of text, which takes longer to read than to draw. Packed they are
//! - u32, little-endian: the length of the JSON after it, padded with spaces so that both are a multiple of 8;
//! - the JSON: the results, each series without its columns, the buckets as [`Buckets`];
//! - f64, little-endian, for each board: the starts of its buckets and the end of the last one, in ms, then the columns of each
//!   series in the order of [`series`], each as long as there are buckets. NaN is "no data".

use serde::Serialize;
use tidemark_core::api::{BoardAnswer, BoardSeries, State};
use tidemark_db::ErrorInfo;

/// Each value, and the first bucket that it holds of.
type Runs<T> = Vec<(usize, T)>;

/// The buckets without their times. They tile time, so each ends where the next one starts.
#[derive(Serialize)]
struct Buckets {
    count: usize,
    /// The viewer's offset where buckets start, and where the last one ends: `+02:00`.
    offset: Runs<String>,
    state: Runs<State>,
    partial: Runs<bool>,
    odd_hours: Runs<Option<f64>>,
}

#[derive(Serialize)]
struct Board {
    #[serde(flatten)]
    answer: BoardAnswer,
    packed: Buckets,
}

/// Pack results for the window, whose `ui/src/lib/packed.ts` unpacks them.
///
/// # Errors
/// Where something can't be written as JSON, which nothing in an answer is.
pub fn pack(reads: Vec<Result<BoardAnswer, ErrorInfo>>) -> serde_json::Result<Vec<u8>> {
    let mut numbers = Vec::new();
    let reads: Vec<Result<Board, ErrorInfo>> = reads
        .into_iter()
        .map(|read| read.map(|answer| strip(answer, &mut numbers)))
        .collect();
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, &reads)?;
    bytes.resize(bytes.len().next_multiple_of(8), b' ');
    let length = u32::try_from(bytes.len() - 4).map_err(serde::ser::Error::custom)?;
    bytes[..4].copy_from_slice(&length.to_le_bytes());
    bytes.extend(numbers.into_iter().flat_map(f64::to_le_bytes));
    Ok(bytes)
}

/// Take the numbers out of an answer.
fn strip(mut answer: BoardAnswer, numbers: &mut Vec<f64>) -> Board {
    let buckets = std::mem::take(&mut answer.buckets);
    let end = buckets.last();
    numbers.extend(buckets.iter().map(|bucket| bucket.start_ms));
    numbers.extend(end.map(|bucket| bucket.end_ms));
    for series in series(&mut answer) {
        for column in std::mem::take(&mut series.columns) {
            let number = |number: Option<f64>| number.filter(|number| number.is_finite()).unwrap_or(f64::NAN);
            numbers.extend(column.into_iter().map(number));
        }
    }
    let instants = buckets
        .iter()
        .map(|bucket| &bucket.start)
        .chain(end.map(|bucket| &bucket.end));
    let packed = Buckets {
        count: buckets.len(),
        offset: runs(instants.map(|spelled| spelled[spelled.len() - "+00:00".len()..].to_owned())),
        state: runs(buckets.iter().map(|bucket| bucket.state)),
        partial: runs(buckets.iter().map(|bucket| bucket.partial)),
        odd_hours: runs(buckets.iter().map(|bucket| bucket.odd_hours)),
    };
    Board { answer, packed }
}

/// Every series: the board's own, those it is compared with, and the same of each further grouping.
fn series(answer: &mut BoardAnswer) -> impl Iterator<Item = &mut BoardSeries> {
    let own = (&mut answer.overall, &mut answer.groups, &mut answer.compare);
    let others = answer.groupings.iter_mut();
    std::iter::once(own)
        .chain(others.map(|other| (&mut other.overall, &mut other.groups, &mut other.compare)))
        .flat_map(|(overall, groups, compare)| {
            let compare = compare.iter_mut();
            let compared = compare.flat_map(|compare| std::iter::once(&mut compare.overall).chain(&mut compare.groups));
            std::iter::once(overall).chain(groups).chain(compared)
        })
}

fn runs<T: PartialEq>(values: impl Iterator<Item = T>) -> Runs<T> {
    let mut runs: Runs<T> = Vec::new();
    for (at, value) in values.enumerate() {
        if runs.last().is_none_or(|run| run.1 != value) {
            runs.push((at, value));
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn bucket(start: &str, end: &str, state: &str) -> Value {
        let ms = |spelled: &str| {
            chrono::DateTime::parse_from_rfc3339(spelled)
                .expect("RFC 3339")
                .timestamp_millis()
        };
        json!({ "start_ms": ms(start), "end_ms": ms(end), "start": start, "end": end, "state": state, "partial": false, "odd_hours": null })
    }

    fn one(key: &str, column: [Option<f64>; 3]) -> Value {
        json!({ "key": key, "columns": [column], "total": [1] })
    }

    #[test]
    fn numbers_follow_the_text_in_the_order_in_which_it_names_them() {
        let hours = [
            "2026-10-25T01:00:00+02:00",
            "2026-10-25T02:00:00+02:00",
            "2026-10-25T02:00:00+01:00",
            "2026-10-25T03:00:00+01:00",
        ];
        let compare = |key| {
            json!({ "kind": "yesterday", "from_ms": 0, "to_ms": 1, "state": "exact",
                "overall": one(key, [Some(7.0), Some(8.0), None]), "groups": [one("then", [None, None, Some(-9.5)])] })
        };
        let answer = json!({
            "rollup": "r", "tz": "Europe/Berlin", "grain": "hour", "base_grain": "15m", "grains": [], "from_ms": 0, "to_ms": 1, "as_of_ms": 1,
            "state": "exact", "pending_buckets": 0, "live_buckets": 0, "rollup_buckets": 3, "took_ms": 1, "watermark_ms": null,
            "complete_through_ms": null, "measures": [], "ticks": [], "by": "kind",
            "buckets": [bucket(hours[0], hours[1], "frozen"), bucket(hours[1], hours[2], "exact"), bucket(hours[2], hours[3], "exact")],
            "overall": one("all", [Some(1.0), None, Some(0.1)]), "groups": [one("a", [Some(2.0), Some(3.0), Some(f64::MAX)])], "compare": compare("all then"),
            "groupings": [{ "by": null, "only": null, "overall": one("other", [Some(4.0), Some(5.0), Some(6.0)]), "groups": [], "compare": null }],
        });
        let answer: BoardAnswer = serde_json::from_value(answer).expect("an answer");
        let error = ErrorInfo {
            code: "c".into(),
            message: "m".into(),
            details: None,
        };
        let bytes = pack(vec![Err(error), Ok(answer)]).expect("packed");

        let length = u32::from_le_bytes(bytes[..4].try_into().expect("four bytes")) as usize;
        let (text, numbers) = bytes[4..].split_at(length);
        assert_eq!(
            (bytes.len() - numbers.len()) % 8,
            0,
            "doubles lie where the window can see them as such"
        );
        let text: Value = serde_json::from_slice(text).expect("JSON");
        assert_eq!(text[0]["Err"]["code"], "c");
        let board = &text[1]["Ok"];
        assert_eq!(board["groups"][0], json!({ "key": "a", "columns": [], "total": [1.0] }));
        assert_eq!(board["buckets"], json!([]));
        assert_eq!(
            board["packed"],
            json!({ "count": 3, "offset": [[0, "+02:00"], [2, "+01:00"]], "state": [[0, "frozen"], [1, "exact"]], "partial": [[0, false]], "odd_hours": [[0, null]] })
        );
        let numbers: Vec<f64> = numbers
            .as_chunks()
            .0
            .iter()
            .map(|bytes| f64::from_le_bytes(*bytes))
            .collect();
        let starts = hours.map(|hour| {
            chrono::DateTime::parse_from_rfc3339(hour)
                .expect("RFC 3339")
                .timestamp_millis() as f64
        });
        let nan = f64::NAN;
        let columns = [
            1.0,
            nan,
            0.1,
            2.0,
            3.0,
            f64::MAX,
            7.0,
            8.0,
            nan,
            nan,
            nan,
            -9.5,
            4.0,
            5.0,
            6.0,
        ];
        let bits = |numbers: &[f64]| numbers.iter().map(|number| number.to_bits()).collect::<Vec<u64>>();
        assert_eq!(bits(&numbers), bits(&[&starts[..], &columns].concat()));
    }
}
