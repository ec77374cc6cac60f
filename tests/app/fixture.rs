//! An operator's database with three days of a gateway's logs, small enough that counts are shown in full.

use chrono::{DateTime, Duration, Utc};
use tidemark_core::api::{Grain, QueryAnswer, QueryRequest, ReadMode, WeekStart};
use tidemark_db::{Db, Declaration};
use tidemark_local::demo::{self, Size};

use crate::harness::TestDb;

pub const ROLLUP: &str = "ops_metrics";

/// Logs without Tidemark.
pub async fn logs() -> TestDb {
    let test = TestDb::empty().await;
    fill(&test.db).await;
    test
}

/// Logs, with the rollup applied and built.
pub async fn built() -> TestDb {
    let test = logs().await;
    test.db.apply(&Declaration::load(ROLLUP).unwrap(), true).await.unwrap();
    test.drain().await;
    test
}

pub async fn fill(db: &Db) {
    let size = Size {
        days: 3,
        usage_rows: 9_000.0,
        seed: 7,
    };
    demo::create(db.pool(), size, Utc::now()).await.unwrap();
    demo::fill(db.pool(), Utc::now(), |_, _| {}).await.unwrap();
}

/// The day before yesterday in a zone, whole: what it says does not change while a test looks.
pub fn quiet_day(tz: chrono_tz::Tz) -> (DateTime<Utc>, DateTime<Utc>) {
    let date = (Utc::now().with_timezone(&tz) - Duration::days(2)).date_naive();
    let start = tidemark_core::zone::day_start(date, tz);
    (start, tidemark_core::zone::day_start(date.succ_opt().unwrap(), tz))
}

/// An address of the Overview over a range.
pub fn overview((from, to): (DateTime<Utc>, DateTime<Utc>), grain: &str) -> String {
    let time = |at: DateTime<Utc>| at.format("%Y-%m-%dT%H:%MZ");
    format!(
        "#/board/{ROLLUP}?range={}..{}&grain={grain}&compare=none",
        time(from),
        time(to)
    )
}

/// What the same range says to `Db::query`, which is what the command line prints.
pub async fn query(
    db: &Db,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    grain: Grain,
    tz: chrono_tz::Tz,
    by: &[&str],
) -> QueryAnswer {
    let request = QueryRequest {
        rollup: ROLLUP.into(),
        from,
        to,
        grain,
        tz,
        week_start: WeekStart::Monday,
        by: by.iter().map(|&name| name.to_owned()).collect(),
        filters: vec![],
        measures: vec![],
        mode: ReadMode::Exact,
    };
    db.query(&request).await.unwrap()
}
