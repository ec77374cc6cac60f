//! What the doctor says of poll capture.

use sqlx::Row;
use tidemark_core::api::{Finding, Severity};

use crate::doctor::finding;
use crate::{Db, Result};

impl Db {
    /// What a poll can't see, and what makes it dear.
    pub(crate) async fn polls(&self, findings: &mut Vec<Finding>) -> Result<()> {
        for row in sqlx::query(
            "select r.name, extract(epoch from r.poll_lag + r.poll_overlap)::float8 / 60 as minutes,
               coalesce(h.last_audit_at < clock_timestamp() - interval '2 days', true) as unaudited,
               (select format('pid %s of %s, open since %s', a.pid, a.usename, a.xact_start) from pg_stat_activity a
                where a.backend_xid is not null and a.datname = current_database() and a.pid <> pg_backend_pid()
                  and a.xact_start < clock_timestamp() - r.poll_lag - r.poll_overlap order by a.xact_start limit 1) as holder
             from tidemark.rollup r join tidemark.health h on h.rollup_id = r.id
             where r.capture = 'poll' and r.stage = 'serving' and r.active order by 1",
        )
        .fetch_all(&self.pool)
        .await?
        {
            let name: String = row.get("name");
            let minutes: f64 = row.get("minutes");
            let fix = format!("tidemark audit {name} --repair");
            if row.get("unaudited") {
                findings.push(finding(
                    Severity::Warning,
                    "poll_unaudited",
                    Some(&name),
                    &format!("it is captured by polling and was not audited for two days. A poll sees no change that leaves the change column as it was, no delete of a row that changed more than {minutes:.0} minutes ago, no TRUNCATE, no attached partition, and no transaction longer than that; run an audit every day"),
                    Some(&fix),
                ));
            }
            if let Some(holder) = row.get::<Option<String>, _>("holder") {
                findings.push(finding(
                    Severity::Warning,
                    "poll_long_transaction",
                    Some(&name),
                    &format!("a transaction that writes is open for longer than lag and overlap ({minutes:.0} minutes): a poll will miss its rows. When it has ended, audit. {holder}"),
                    Some(&fix),
                ));
            }
        }
        for row in sqlx::query(
            "select r.name, format('%I.%I', i.schema_name, i.table_name) as table_name, quote_ident(col) as change_column
             from tidemark.rollup r join tidemark.input i on i.rollup_id = r.id cross join unnest(i.change_columns) as col
             join pg_class c on c.oid = to_regclass(format('%I.%I', i.schema_name, i.table_name)) and c.relkind <> 'v'
             where r.stage = 'serving' and (i.kind = 'source' or c.reltuples > 10000)
               and not exists (select from pg_index x join pg_attribute a on a.attrelid = x.indrelid and a.attnum = x.indkey[0]
                 where x.indrelid = c.oid and x.indisvalid and x.indpred is null and a.attname = col)
             order by 1, i.ordinal",
        )
        .fetch_all(&self.pool)
        .await?
        {
            let (name, table, column): (String, String, String) =
                (row.get("name"), row.get("table_name"), row.get("change_column"));
            findings.push(finding(
                Severity::Warning,
                "no_change_index",
                Some(&name),
                &format!("{table} has no index on {column}: each tick and each answer reads the whole table to find what changed"),
                Some(&format!("create index concurrently on {table} ({column});")),
            ));
        }
        Ok(())
    }
}
