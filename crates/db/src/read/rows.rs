//! The raw rows behind a number: read on demand, as the connected role, with a limit and a time-out.

use std::collections::HashSet;
use std::time::Instant;

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, PgConnection, Row};
use tidemark_core::api::{RawRow, RowSource, RowsAnswer, RowsRequest};
use tidemark_core::model::Model;
use tidemark_core::sql::{self, RowsWanted};
use tidemark_core::times::parse_zone;
use tidemark_core::zone::to_local;

use super::cell::Shape;
use super::query::{check_dimensions, wanted};
use crate::{Db, Error, Result};

/// Most rows in one list.
const MOST: u32 = 1_000;

/// Not SECURITY DEFINER, unlike the numbers: whoever may see counts need not be allowed to see messages. Each plan is made
/// for its own range, which may be a minute or a month.
const AS_THE_CALLER: &str = "set local search_path = pg_catalog, pg_temp; set local timezone = 'UTC'; \
                             set local statement_timeout = '5s'; set local lock_timeout = '500ms'; set local plan_cache_mode = force_custom_plan";

impl Db {
    /// List the newest raw rows that some measures count, source by source. Dropped, it ends on the server as well.
    pub async fn rows(&self, request: &RowsRequest) -> Result<RowsAnswer> {
        let model = self.model(&request.rollup).await?;
        let list = List::new(&model, request)?;
        let mut reading = self.reading("begin read only").await?;
        let read = list.read(reading.connection()).await;
        reading.end().await;
        match read {
            Err(Error::Forbidden { message }) => Err(self.refused(&model, message).await?),
            Err(error) if error.sqlstate() == Some("57014") => Err(Error::input(
                "rows_too_slow",
                "Listing these rows was stopped: it took longer than 5 s. Zoom in to a shorter bucket; an index that begins with the time column makes it quick.",
            )),
            read => read,
        }
    }

    /// Which right is missing, and the statement that gives it.
    async fn refused(&self, model: &Model, message: String) -> Result<Error> {
        let tables = model
            .sources
            .iter()
            .flat_map(|source| {
                let joined = source.joins.iter().map(|join| (&join.schema, &join.table));
                std::iter::once((&source.schema, &source.table)).chain(joined)
            })
            .collect::<HashSet<_>>();
        let (schemas, names): (Vec<&String>, Vec<&String>) = tables.into_iter().unzip();
        let missing = sqlx::query(
            "select quote_ident(current_user) as role,
               (select string_agg(format('%I.%I', n.nspname, c.relname), ', ' order by n.nspname, c.relname)
                from unnest($1::text[], $2::text[]) as t (s, r) join pg_namespace n on n.nspname = t.s join pg_class c on c.relnamespace = n.oid and c.relname = t.r
                where not has_table_privilege(c.oid, 'select')) as tables,
               (select string_agg(distinct format('%I', n.nspname), ', ') from unnest($1::text[]) as t (s) join pg_namespace n on n.nspname = t.s
                where not has_schema_privilege(n.oid, 'usage')) as schemas",
        )
        .bind(schemas)
        .bind(names)
        .fetch_one(&self.pool)
        .await?;
        let role: String = missing.get("role");
        let grants: Vec<String> = [
            missing
                .get::<Option<String>, _>("schemas")
                .map(|schemas| format!("grant usage on schema {schemas} to {role};")),
            missing
                .get::<Option<String>, _>("tables")
                .map(|tables| format!("grant select on {tables} to {role};")),
        ]
        .into_iter()
        .flatten()
        .collect();
        if grants.is_empty() {
            return Ok(Error::Forbidden { message });
        }
        Ok(Error::Forbidden {
            message: format!(
                "The role {role} may not read these raw rows. The numbers need no such right and stay as they are. To see the rows, ask whoever administers the database for: {}",
                grants.join(" ")
            ),
        })
    }
}

/// A request that fits its model.
struct List<'a> {
    model: &'a Model,
    request: &'a RowsRequest,
    tz: chrono_tz::Tz,
    stats: Option<Vec<usize>>,
    /// Indices into the model's sources, those that are shown first first.
    sources: Vec<usize>,
}

impl<'a> List<'a> {
    fn new(model: &'a Model, request: &'a RowsRequest) -> Result<List<'a>> {
        let tz = parse_zone(&request.tz).map_err(|error| Error::input("unknown_zone", error.to_string()))?;
        if request.from >= request.to {
            return Err(Error::input(
                "bad_range",
                "The range is empty: its start must be before its end.",
            ));
        }
        check_dimensions(model, request.filters.iter().map(|filter| &filter.dimension))?;
        let labels: Vec<&str> = model
            .sources
            .iter()
            .flat_map(|source| source.rows.iter().map(|row| row.label.as_str()))
            .collect();
        if let Some(unknown) = request
            .labels
            .iter()
            .find(|filter| !labels.contains(&filter.label.as_str()))
        {
            return Err(unknown_name("label", &unknown.label, model, &labels));
        }
        let names: Vec<&str> = model.sources.iter().map(|source| source.name.as_str()).collect();
        if let Some(unknown) = request.source.as_ref().filter(|name| !names.contains(&name.as_str())) {
            return Err(unknown_name("source", unknown, model, &names));
        }
        let stats = if request.measures.is_empty() {
            None
        } else {
            let measures = wanted(model, &request.measures)?;
            Some(
                Shape::of(model, &measures)
                    .columns
                    .iter()
                    .map(|column| column.stat)
                    .collect(),
            )
        };
        let mut sources: Vec<usize> = (0..model.sources.len())
            .filter(|at| {
                request
                    .source
                    .as_ref()
                    .is_none_or(|name| *name == model.sources[*at].name)
            })
            .collect();
        sources.sort_by_key(|at| !model.sources[*at].rows_first);
        Ok(List {
            model,
            request,
            tz,
            stats,
            sources,
        })
    }

    async fn read(&self, connection: &mut PgConnection) -> Result<RowsAnswer> {
        let started = Instant::now();
        sqlx::raw_sql(AS_THE_CALLER).execute(&mut *connection).await?;
        let limit = self.request.limit.clamp(1, MOST) as usize;
        let (mut sources, mut rows, mut more) = (Vec::new(), Vec::new(), false);
        for at in &self.sources {
            let Some(sql) = self.sql(*at) else { continue };
            let source = &self.model.sources[*at];
            // One more than is shown tells whether there are more.
            let room = limit - rows.len() + 1;
            let mut query = sqlx::query(AssertSqlSafe(sql))
                .bind(self.request.from)
                .bind(self.request.to)
                .bind(room as i64);
            for filter in &self.request.filters {
                query = query.bind(&filter.values);
            }
            for filter in &self.request.labels {
                query = query.bind(&filter.value);
            }
            let found = query.fetch_all(&mut *connection).await?;
            more |= found.len() == room;
            for row in found.iter().take(room - 1) {
                rows.push(RawRow {
                    source: sources.len(),
                    at: to_local(row.try_get::<DateTime<Utc>, _>(0)?, self.tz).to_rfc3339(),
                    values: (0..source.rows.len())
                        .map(|place| row.try_get(place + 1))
                        .collect::<Result<_, _>>()?,
                });
            }
            sources.push(RowSource {
                name: source.name.clone(),
                table: format!("{}.{}", source.schema, source.table),
                labels: source.rows.iter().map(|row| row.label.clone()).collect(),
                row_security: sqlx::query_scalar("select row_security_active($1::regclass)")
                    .bind(source.table_sql())
                    .fetch_one(&mut *connection)
                    .await?,
            });
        }
        Ok(RowsAnswer {
            rollup: self.request.rollup.clone(),
            sources,
            rows,
            more,
            took_ms: started.elapsed().as_secs_f64() * 1000.0,
        })
    }

    fn sql(&self, source: usize) -> Option<String> {
        let dimensions: Vec<&str> = self
            .request
            .filters
            .iter()
            .map(|filter| filter.dimension.as_str())
            .collect();
        let labels: Vec<&str> = self.request.labels.iter().map(|filter| filter.label.as_str()).collect();
        sql::rows(
            self.model,
            source,
            &RowsWanted {
                stats: self.stats.as_deref(),
                dimensions: &dimensions,
                labels: &labels,
            },
        )
    }
}

fn unknown_name(what: &'static str, name: &str, model: &Model, known: &[&str]) -> Error {
    let hint = tidemark_core::suggest::closest(name, known.iter().copied()).map_or_else(
        || format!("It has: {}.", known.join(", ")),
        |near| format!("Did you mean {near}?"),
    );
    let code = if what == "label" {
        "unknown_label"
    } else {
        "unknown_source"
    };
    Error::input(code, format!("Rows of {} have no {what} {name:?}. {hint}", model.name))
}
