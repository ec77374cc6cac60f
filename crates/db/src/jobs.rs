//! Recompute jobs: marks of a kind of their own. Ticks do the work.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::{Connection, Row};
use tidemark_core::api::{Job, JobKind, JobState, RecomputePreview, RecomputeRequest};
use tidemark_core::spec::on::quote;

use crate::apply::Stage;
use crate::read::Chosen;
use crate::rollups::{drop_stage, lock_rollup};
use crate::schema::Patience;
use crate::{Db, Error, Result};

/// The buckets that a request is about: aligned outwards, inside the data (of the scope $4), not frozen.
fn target(storage: &str) -> String {
    format!(
        "select r.id, w.spans, range_merge(w.spans) as span, tidemark.bucket_count(r.base_grain, w.spans) as buckets,
    tidemark.bucket_count(r.base_grain, a.spans - tstzmultirange(tstzrange(r.frozen_before, null))) as frozen, range_merge(h.extent) as extent
  from tidemark.rollup r
  cross join lateral (
    select case when $4::text is null then h.extent else tidemark.{}(array[$4]) end as extent from tidemark.health h where h.rollup_id = r.id
  ) h
  cross join lateral (
    select h.extent * tstzmultirange(tstzrange(tidemark.bucket_floor(r.base_grain, $2), tidemark.bucket_ceil(r.base_grain, $3))) as spans
  ) a
  cross join lateral (select a.spans * tstzmultirange(tstzrange(r.frozen_before, null)) as spans) w
  where r.id = $1",
        quote(&format!("{storage}__extent"))
    )
}

const JOB: &str = "select j.*, r.name as rollup, lower(j.span) as from_at, upper(j.span) as to_at, clock_timestamp() as now,
    coalesce(j.buckets_left, (select sum(tidemark.bucket_count(r.base_grain, tstzmultirange(d.span))) from tidemark.dirty d where d.job_id = j.id), 0)::bigint as waiting
  from tidemark.job j join tidemark.rollup r on r.id = j.rollup_id";

/// A request that can be met.
struct Asked {
    id: i32,
    /// What the names of its functions begin with.
    storage: String,
    /// As its marks write it.
    scope: Option<String>,
}

impl Db {
    /// What a recompute would do.
    pub async fn recompute_preview(&self, request: &RecomputeRequest) -> Result<RecomputePreview> {
        let Asked { id, storage, scope } = self.checked(request).await?;
        let row = self.found(request, id, &storage, scope.as_deref()).await?;
        let (buckets, frozen): (i64, i64) = (row.get("buckets"), row.get("frozen"));
        let span: sqlx::postgres::types::PgRange<DateTime<Utc>> = row.try_get("span").unwrap_or(EMPTY);
        let (Some(from), Some(to)) = bounds(&span) else {
            return Err(self.nothing(request, &row));
        };
        let estimate: f64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
            "select tidemark.{}(array[$1], array[$2], case when $3::text is not null then array[$3] end)",
            quote(&format!("{storage}__estimate"))
        )))
        .bind(from)
        .bind(to)
        .bind(&scope)
        .fetch_one(&self.pool)
        .await?;
        // The rate of the last ticks that worked; a quarter of a million rows a second where none has.
        let rate: Option<f64> = sqlx::query_scalar(
            "select (sum(raw_rows) / nullif(sum(took_ms), 0) * 1000)::double precision
             from (select raw_rows, took_ms from tidemark.run where rollup_id = $1 and raw_rows > 1000 order by started_at desc limit 20) recent",
        )
        .bind(id)
        .fetch_one(&self.pool)
        .await?;
        Ok(RecomputePreview {
            rollup: request.rollup.clone(),
            from,
            to,
            buckets,
            raw_rows: estimate as i64,
            seconds: estimate / rate.filter(|rate| *rate > 0.0).unwrap_or(250_000.0) * 100.0 / f64::from(request.pace),
            frozen_buckets: frozen,
        })
    }

    /// Ask for a recompute. The buckets go on being served as exact; they are clean.
    pub async fn recompute(&self, request: &RecomputeRequest) -> Result<Job> {
        let Asked { id, storage, scope } = self.checked(request).await?;
        let row = self.found(request, id, &storage, scope.as_deref()).await?;
        if row.get::<i64, _>("buckets") == 0 {
            return Err(self.nothing(request, &row));
        }
        let job: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
            "with target as ({}), job as (
               insert into tidemark.job (rollup_id, kind, span, buckets_total, scope, reason, pace) select id, 'request', span, buckets, $6 || '=' || $4, $5, $7 from target returning id, rollup_id, span
             ), dirty as (
               insert into tidemark.dirty (rollup_id, kind, span, scope, job_id, since) select job.rollup_id, 'r', s, $4, job.id, clock_timestamp() from job, target, unnest(target.spans) s
             ) select id from job",
            target(&storage)
        )))
        .bind(id)
        .bind(request.from)
        .bind(request.to)
        .bind(&scope)
        .bind(&request.reason)
        .bind(request.scope.as_ref().map(|(key, _)| key))
        .bind(request.pace)
        .fetch_one(&self.pool)
        .await?;
        self.job(job).await
    }

    /// Without its spans: a multirange is none of sqlx's types.
    async fn found(&self, request: &RecomputeRequest, id: i32, storage: &str, scope: Option<&str>) -> Result<PgRow> {
        Ok(sqlx::query(sqlx::AssertSqlSafe(format!(
            "select span, buckets, frozen, extent from ({}) target",
            target(storage)
        )))
        .bind(id)
        .bind(request.from)
        .bind(request.to)
        .bind(scope)
        .fetch_one(&self.pool)
        .await?)
    }

    async fn checked(&self, request: &RecomputeRequest) -> Result<Asked> {
        let Chosen { id, model, .. } = self.choose(&request.rollup, &[], &[]).await?;
        if let (Some(from), Some(to)) = (request.from, request.to)
            && from >= to
        {
            return Err(Error::input(
                "bad_range",
                "The range is empty: --from must be before --to.",
            ));
        }
        checked_pace(request.pace)?;
        let storage = model.storage.clone();
        let Some((key, value)) = &request.scope else {
            return Ok(Asked {
                id,
                storage,
                scope: None,
            });
        };
        let Some(scope) = &model.scope else {
            return Err(Error::input(
                "no_scope",
                format!(
                    "{} declares no scope, so a recompute covers all groups of a bucket. Leave --scope out.",
                    request.rollup
                ),
            ));
        };
        if *key != scope.dimension {
            return Err(Error::input(
                "no_scope",
                format!(
                    "The scope of {0} is {1}, not {key}: write --scope {1}=VALUE.",
                    request.rollup, scope.dimension
                ),
            ));
        }
        let written = scope.read(value).ok_or_else(|| {
            Error::input(
                "bad_scope",
                format!(
                    "--scope {key}={value}: {value:?} is no {}. Nothing was changed.",
                    scope.compared_as
                ),
            )
        })?;
        Ok(Asked {
            id,
            storage,
            scope: Some(written),
        })
    }

    fn nothing(&self, request: &RecomputeRequest, row: &PgRow) -> Error {
        let frozen: i64 = row.get("frozen");
        if frozen > 0 {
            return Error::input(
                "frozen",
                format!(
                    "{frozen} buckets of that range are frozen: their raw rows may be gone, so they are not recomputed. Nothing was changed."
                ),
            );
        }
        let extent: sqlx::postgres::types::PgRange<DateTime<Utc>> = row.try_get("extent").unwrap_or(EMPTY);
        let whose = match &request.scope {
            Some((key, value)) => format!("{} with {key}={value}", request.rollup),
            None => request.rollup.clone(),
        };
        match bounds(&extent) {
            (Some(from), Some(to)) => Error::input(
                "no_data",
                format!(
                    "There is nothing to recompute in that range: data of {whose} lies from {} to {}.",
                    from.to_rfc3339(),
                    to.to_rfc3339()
                ),
            ),
            _ => Error::input(
                "no_data",
                format!("There is nothing to recompute: {whose} has no rows."),
            ),
        }
    }

    /// All jobs, newest first; at most 500.
    pub async fn jobs(&self) -> Result<Vec<Job>> {
        self.require_installed().await?;
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "{JOB} order by j.state not in ('running', 'paused'), j.id desc limit 500"
        )))
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.iter().map(job_of).collect())
    }

    pub async fn job(&self, id: i64) -> Result<Job> {
        self.require_installed().await?;
        let row = sqlx::query(sqlx::AssertSqlSafe(format!("{JOB} where j.id = $1")))
            .bind(id)
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref()
            .map(job_of)
            .ok_or_else(|| Error::input("unknown_job", format!("There is no job {id}. Run: tidemark jobs")))
    }

    /// End a job. What it asked to recompute stays as it is; what was never built stays unbuilt and is computed live.
    pub async fn cancel_job(&self, id: i64) -> Result<Job> {
        self.change_job(id, JobState::Cancelled).await
    }

    pub async fn pause_job(&self, id: i64) -> Result<Job> {
        self.change_job(id, JobState::Paused).await
    }

    pub async fn resume_job(&self, id: i64) -> Result<Job> {
        self.change_job(id, JobState::Running).await
    }

    /// How much of the time ticks may spend on a job from now on, in percent. A rest that it is taking ends.
    pub async fn pace_job(&self, id: i64, pace: i16) -> Result<Job> {
        checked_pace(pace)?;
        let job = self.job(id).await?;
        refuse_ended(&job)?;
        sqlx::query("update tidemark.job set pace = $2, rests_until = '-infinity' where id = $1")
            .bind(id)
            .bind(pace)
            .execute(&self.pool)
            .await?;
        self.job(id).await
    }

    async fn change_job(&self, id: i64, to: JobState) -> Result<Job> {
        let job = self.job(id).await?;
        refuse_ended(&job)?;
        let (rollup, stage): (i32, String) = sqlx::query_as(
            "select r.id, r.stage from tidemark.job j join tidemark.rollup r on r.id = j.rollup_id where j.id = $1",
        )
        .bind(id)
        .fetch_one(&self.pool)
        .await?;
        let mut connection = self.pool.acquire().await?;
        let mut transaction = connection.begin().await?;
        // Under the tick's lock, so that no tick puts back what is taken away here.
        sqlx::query("set local lock_timeout = '30s'")
            .execute(&mut *transaction)
            .await?;
        lock_rollup(&mut transaction, rollup).await?;
        let word = match to {
            JobState::Running => "running",
            JobState::Paused => "paused",
            JobState::Done => "done",
            JobState::Cancelled => "cancelled",
        };
        let changed = sqlx::query(
            "update tidemark.job j set state = $2, finished_at = case when $2 = 'cancelled' then clock_timestamp() end,
               buckets_left = case when $2 = 'cancelled' then (select coalesce(sum(tidemark.bucket_count(r.base_grain, tstzmultirange(d.span))), 0)
                 from tidemark.dirty d join tidemark.rollup r on r.id = d.rollup_id where d.job_id = j.id) end
             where id = $1 and state in ('running', 'paused')",
        )
        .bind(id)
        .bind(word)
        .execute(&mut *transaction)
        .await?
        .rows_affected();
        if changed > 0 && to == JobState::Cancelled {
            sqlx::query("delete from tidemark.dirty where job_id = $1 and kind = 'r'")
                .bind(id)
                .execute(&mut *transaction)
                .await?;
            sqlx::query("update tidemark.dirty set kind = 'u', job_id = null where job_id = $1")
                .bind(id)
                .execute(&mut *transaction)
                .await?;
        }
        let given_up =
            changed > 0 && to == JobState::Cancelled && job.kind == JobKind::Build && stage == Stage::Next.word();
        if given_up {
            // The history stays, under the declaration that stays.
            sqlx::query(
                "update tidemark.job set rollup_id = (select id from tidemark.rollup where name = $2 and stage = 'serving')
                 where rollup_id = $1",
            )
            .bind(rollup)
            .bind(&job.rollup)
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        drop(connection);
        if given_up {
            let mut connection = self.dedicated().await?;
            drop_stage(&mut connection, &job.rollup, Stage::Next, Patience::Minute).await?;
            connection.close().await.ok();
        }
        self.job(id).await
    }
}

fn checked_pace(pace: i16) -> Result<()> {
    if (1..=100).contains(&pace) {
        return Ok(());
    }
    Err(Error::input(
        "bad_pace",
        format!("A pace of {pace} % can't be kept: write a whole number from 1 to 100."),
    ))
}

fn refuse_ended(job: &Job) -> Result<()> {
    let word = match job.state {
        JobState::Done => "done",
        JobState::Cancelled => "cancelled",
        JobState::Running | JobState::Paused => return Ok(()),
    };
    Err(Error::input("job_ended", format!("Job {} is {word} already.", job.id)))
}

const EMPTY: sqlx::postgres::types::PgRange<DateTime<Utc>> = sqlx::postgres::types::PgRange {
    start: std::ops::Bound::Unbounded,
    end: std::ops::Bound::Unbounded,
};

fn bounds(range: &sqlx::postgres::types::PgRange<DateTime<Utc>>) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
    let value = |bound: &std::ops::Bound<DateTime<Utc>>| match bound {
        std::ops::Bound::Included(at) | std::ops::Bound::Excluded(at) => Some(*at),
        std::ops::Bound::Unbounded => None,
    };
    (value(&range.start), value(&range.end))
}

fn job_of(row: &PgRow) -> Job {
    let (total, waiting): (i64, i64) = (row.get("buckets_total"), row.get("waiting"));
    let state = match row.get::<&str, _>("state") {
        "running" => JobState::Running,
        "paused" => JobState::Paused,
        "cancelled" => JobState::Cancelled,
        _ => JobState::Done,
    };
    let created_at: DateTime<Utc> = row.get("created_at");
    let finished_at: Option<DateTime<Utc>> = row.get("finished_at");
    let now: DateTime<Utc> = row.get("now");
    let done = if state == JobState::Done {
        total
    } else {
        (total - waiting).max(0)
    };
    let seconds = (finished_at.unwrap_or(now) - created_at).as_seconds_f64();
    let rate = (done > 0 && seconds > 0.0).then(|| done as f64 / seconds);
    Job {
        id: row.get("id"),
        rollup: row.get("rollup"),
        kind: if row.get::<&str, _>("kind") == "build" {
            JobKind::Build
        } else {
            JobKind::Request
        },
        state,
        from: row.get("from_at"),
        to: row.get("to_at"),
        scope: row.get("scope"),
        reason: row.get("reason"),
        pace: row.get("pace"),
        requested_by: row.get("requested_by"),
        created_at,
        finished_at,
        buckets_total: total,
        buckets_done: done,
        rate,
        seconds_left: rate
            .filter(|_| state == JobState::Running)
            .map(|rate| (total - done) as f64 / rate),
    }
}
