//! The first backfill, and a recompute of everything when nothing changed.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::Bench;
use crate::data::{ROLLUP, Set};
use crate::report::{Goal, Line, Section};
use crate::sample::{Pairs, ms, timed};
use crate::{Error, Result};

pub const FIRST: &str = "backfill";
pub const UNCHANGED: &str = "recompute_unchanged";

/// What somebody would write who wants the quarter hours only: counts, and the bins of a sketch packed as bytes.
const BY_HAND: &str = "
insert into by_hand
with facts as materialized (
  select date_bin('15 minutes', u.created_at, '2001-01-01') as bucket, coalesce(nullif(g.platform, ''), a.platform, '') as platform, u.duration_ms
  from usage_logs u left join groups g on g.id = u.group_id left join accounts a on a.id = u.account_id
), bins as (
  select bucket, platform, case when duration_ms > 0 then ceil(ln(duration_ms) / 0.020000666706669435)::integer else -2147483648 end as bin,
    count(*) as n, sum(duration_ms) as total, min(duration_ms) as least, max(duration_ms) as greatest
  from facts where duration_ms is not null group by 1, 2, 3
), latency as (
  select bucket, platform, sum(n)::bigint as n, sum(total)::bigint as total, min(least) as least, max(greatest) as greatest,
    string_agg(int4send(bin) || int8send(n), ''::bytea order by bin) as sketch
  from bins group by 1, 2
), successes as (
  select bucket, platform, count(*) as n from facts group by 1, 2
), failures as (
  select date_bin('15 minutes', e.created_at, '2001-01-01') as bucket, coalesce(nullif(e.platform, ''), g.platform, a.platform, '') as platform, count(*) as n,
    count(*) filter (where e.status_code between 400 and 499) as n4xx, count(*) filter (where e.status_code >= 500) as n5xx,
    count(*) filter (where e.error_type in ('timeout', 'timeout_error') or e.error_message ~* '(timeout|deadline exceeded)') as timeouts
  from ops_error_logs e left join groups g on g.id = e.group_id left join accounts a on a.id = e.account_id group by 1, 2
)
select bucket, platform, coalesce(s.n, 0), coalesce(f.n, 0), coalesce(f.n4xx, 0), coalesce(f.n5xx, 0), coalesce(f.timeouts, 0),
  l.n, l.total, l.least, l.greatest, l.sketch
from successes s full join failures f using (bucket, platform) left join latency l using (bucket, platform)";

const BY_HAND_TABLE: &str = "drop table if exists by_hand;
create table by_hand (bucket timestamptz, platform text, successes bigint, failures bigint, n4xx bigint, n5xx bigint, timeouts bigint,
  n bigint, total bigint, least integer, greatest integer, sketch bytea, primary key (bucket, platform))";

pub async fn measure(bench: &Bench, set: &Set, done: &mut dyn FnMut(Section)) -> Result<()> {
    let mut section = Section::new(
        "Building",
        format!(
            "{}. A backfill is `apply` and ticks until nothing waits: quarter hours, hours, days and months with sketches, from raw rows that nobody had counted before, each tick a transaction of its own, and the minutes of the last two days. Beside it one statement that makes the quarter hours only. The rollup stays, and everything is recomputed.",
            set.spec.describe()
        ),
    );
    let mut plain = PgConnection::connect(&set.url).await?;
    let (mut first, mut unchanged) = (Pairs::default(), Pairs::default());
    // The first of each warms both sides up.
    for round in 0..=bench.repeats.min(5) {
        sqlx::raw_sql(AssertSqlSafe(BY_HAND_TABLE)).execute(&mut plain).await?;
        let theirs = timed(async {
            sqlx::raw_sql("set work_mem = '64MB'").execute(&mut plain).await?;
            sqlx::raw_sql(AssertSqlSafe(BY_HAND)).execute(&mut plain).await?;
            Ok(())
        })
        .await?;
        sqlx::raw_sql("drop table by_hand").execute(&mut plain).await?;
        if set.db.is_installed().await? {
            set.db.uninstall().await?;
        }
        set.sql("checkpoint").await?;
        let ours = timed(async {
            set.apply().await?;
            set.drain().await
        })
        .await?;
        set.settle().await?;
        let before = versions(set).await?;
        let again = timed(async {
            set.recompute(100).await?;
            set.drain().await
        })
        .await?;
        if versions(set).await? != before {
            return Err(Error::Wrong(
                "a recompute of what had not changed wrote rows".to_owned(),
            ));
        }
        if round > 0 {
            first.theirs.push(ms(theirs));
            first.ours.push(ms(ours));
            unchanged.theirs.push(ms(ours));
            unchanged.ours.push(ms(again));
        }
    }
    section.lines.push(Line::new(
        FIRST,
        "first backfill, all grains with sketches",
        "one INSERT … SELECT of the quarter hours with their sketches",
        Goal::AtMost(1.5),
        &first,
    ));
    section.lines.push(
        Line::new(
            UNCHANGED,
            "recompute of everything when nothing changed",
            "first backfill",
            Goal::AtMost(1.0),
            &unchanged,
        )
        .note(
            "no row of any rollup table has another version afterwards (place and writer of every row are compared)."
                .to_owned(),
        ),
    );
    section.statement("The quarter hours by hand", BY_HAND);
    done(section);
    Ok(())
}

/// Where every row of the rollup tables lies and who wrote it.
async fn versions(set: &Set) -> Result<Vec<String>> {
    let mut all = Vec::new();
    for grain in ["1m", "15m", "hour", "day", "month"] {
        all.push(
            set.one(&format!(
                "select count(*) || ' ' || coalesce(sum(hashtext(ctid::text || ' ' || xmin::text)), 0) from tidemark.{ROLLUP}__{grain}"
            ))
            .await?,
        );
    }
    Ok(all)
}
