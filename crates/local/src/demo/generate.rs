//! Writes the rows of one stretch of time.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use super::traffic::{Kinds, Routes};
use crate::{LocalError, Result};

/// A time in which one platform fails.
#[derive(Debug, Clone, Copy)]
pub(super) struct Incident {
    pub starts: DateTime<Utc>,
    pub ends: DateTime<Utc>,
    platform: &'static str,
    overload: bool,
}

impl Incident {
    /// 5xx and timeouts at openai: it began two hours before `now` and is over for fifty minutes.
    pub fn recent(now: DateTime<Utc>) -> Self {
        Self {
            starts: now - TimeDelta::minutes(120),
            ends: now - TimeDelta::minutes(50),
            platform: "openai",
            overload: false,
        }
    }

    /// An overload of anthropic, twelve days ago.
    pub fn old(now: DateTime<Utc>) -> Self {
        let starts = now - TimeDelta::days(12) - TimeDelta::minutes(200);
        Self {
            starts,
            ends: starts + TimeDelta::minutes(95),
            platform: "anthropic",
            overload: true,
        }
    }
}

/// The stretch of time to fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch {
    pub starts: DateTime<Utc>,
    pub ends: DateTime<Utc>,
}

/// What all stretches share.
#[derive(Debug)]
pub(super) struct Generator {
    pub seed: i64,
    pub rows_per_minute: f64,
    pub incidents: Vec<Incident>,
    /// The share of rows that are dated one to ten minutes before they are written.
    pub late_share: f64,
    routes: Routes,
    kinds: Kinds,
}

/// How many rows were written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    pub usage_rows: u64,
    pub error_rows: u64,
}

impl Generator {
    pub fn new(seed: i64, rows_per_minute: f64) -> Self {
        Self {
            seed,
            rows_per_minute,
            incidents: Vec::new(),
            late_share: 0.0,
            routes: Routes::new(),
            kinds: Kinds::new(),
        }
    }

    /// Writes both tables' rows of a stretch, the same ones for the same seed. The caller holds the transaction.
    pub async fn write(&self, connection: &mut PgConnection, stretch: Stretch) -> Result<Written> {
        let failed = LocalError::database;
        let incident = self
            .incidents
            .iter()
            .find(|i| i.starts < stretch.ends && i.ends > stretch.starts);
        let (first, last) = incident.map_or((0, 0), |incident| self.routes.of(incident.platform));
        let kinds = incident.map_or((0, 0), |i| {
            if i.overload {
                self.kinds.overload
            } else {
                self.kinds.outage
            }
        });
        // The dice are the session's, so the seed is set before each stretch and no query may run on several workers.
        sqlx::query("select setseed($1), set_config('max_parallel_workers_per_gather', '0', true)")
            .bind(seed_of(self.seed, stretch))
            .execute(&mut *connection)
            .await
            .map_err(failed("a seed"))?;
        let usage = sqlx::query(include_str!("usage.sql"))
            .bind(stretch.starts)
            .bind(stretch.ends)
            .bind(self.rows_per_minute)
            .bind(&self.routes.accounts)
            .bind(&self.routes.groups)
            .bind(&self.routes.models)
            .bind(&self.routes.ln_medians)
            .bind(self.late_share)
            .bind(incident.map(|incident| incident.starts))
            .bind(incident.map(|incident| incident.ends))
            .bind(first)
            .bind(last)
            .execute(&mut *connection)
            .await
            .map_err(failed("rows for usage_logs"))?;
        let errors = sqlx::query(include_str!("errors.sql"))
            .bind(stretch.starts)
            .bind(stretch.ends)
            .bind(self.rows_per_minute)
            .bind(&self.routes.accounts)
            .bind(&self.routes.groups)
            .bind(&self.routes.models)
            .bind(&self.routes.platforms)
            .bind(self.late_share)
            .bind(incident.map(|incident| incident.starts))
            .bind(incident.map(|incident| incident.ends))
            .bind(first)
            .bind(last)
            .bind(&self.kinds.status_codes)
            .bind(&self.kinds.types)
            .bind(&self.kinds.messages)
            .bind(self.kinds.usual)
            .bind(kinds.0)
            .bind(kinds.1)
            .execute(&mut *connection)
            .await
            .map_err(failed("rows for ops_error_logs"))?;
        Ok(Written {
            usage_rows: usage.rows_affected(),
            error_rows: errors.rows_affected(),
        })
    }
}

/// A number from -1 to 1, as `setseed` wants it, that differs from stretch to stretch (SplitMix64).
fn seed_of(seed: i64, stretch: Stretch) -> f64 {
    let mut z = seed.cast_unsigned()
        ^ stretch
            .starts
            .timestamp_micros()
            .cast_unsigned()
            .wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let part = u32::try_from((z ^ (z >> 31)) >> 32).unwrap_or(0);
    f64::from(part) / f64::from(u32::MAX) * 2.0 - 1.0
}
