//! The doctor: everything that could be wrong, each with its fix.

use sqlx::Row;
use tidemark_core::api::{Finding, Severity, StatusWord};

use crate::{Db, Result};

impl Db {
    /// Look for everything that could be wrong. Worst first.
    pub async fn doctor(&self) -> Result<Vec<Finding>> {
        let mut findings = Vec::new();
        if !self.is_installed().await? {
            findings.push(finding(
                Severity::Problem,
                "not_installed",
                None,
                "Schema tidemark is not installed here, or is older than this program.",
                Some("tidemark install"),
            ));
            return Ok(findings);
        }
        self.server(&mut findings).await?;
        self.inputs(&mut findings).await?;
        self.polls(&mut findings).await?;
        for status in self.status(None).await?.rollups {
            let name = Some(status.rollup.as_str());
            match status.status {
                StatusWord::NotTrusted if status.capture_intact => findings.push(finding(
                    Severity::Problem,
                    "audit_differences",
                    name,
                    "the last audit found differences that are not repaired",
                    Some(&format!("tidemark audit {} --repair", status.rollup)),
                )),
                StatusWord::NeverRun => findings.push(finding(
                    Severity::Problem,
                    "never_run",
                    name,
                    "nothing has ever ticked it; keep the app open, run a worker, or schedule tidemark.tick",
                    Some(&format!(
                        "tidemark worker  -- or: select tidemark.tick('{}');",
                        status.rollup
                    )),
                )),
                StatusWord::Stalled => findings.push(finding(
                    Severity::Problem,
                    "stalled",
                    name,
                    "nothing ticks it any more; only a desktop app that is open, a worker or a schedule does",
                    Some("tidemark worker"),
                )),
                _ => {}
            }
            if status.status == StatusWord::Failing && status.backing_off == 0 {
                let error = status.last_error.clone().unwrap_or_default();
                findings.push(finding(
                    Severity::Problem,
                    "failing",
                    name,
                    &format!("its last tick failed: {error}"),
                    Some(&format!("tidemark tick {}", status.rollup)),
                ));
            }
            if status.backing_off > 0 {
                let error = status.last_error.clone().unwrap_or_default();
                findings.push(finding(
                    Severity::Problem,
                    "backing_off",
                    name,
                    &format!("{} bucket spans fail and back off: {error}", status.backing_off),
                    None,
                ));
            }
            if status.frozen_marks > 0 {
                findings.push(finding(
                    Severity::Note,
                    "frozen_marks",
                    name,
                    &format!(
                        "{} changed buckets are frozen and stay as they are",
                        status.frozen_marks
                    ),
                    None,
                ));
            }
            if status.queue_bytes > 1_000_000_000 {
                findings.push(finding(
                    Severity::Warning,
                    "queue_large",
                    name,
                    &format!(
                        "the queue holds {} MB; tick it, and look for what holds back its clean-up",
                        status.queue_bytes / 1_000_000
                    ),
                    Some("vacuum tidemark.mark;"),
                ));
            }
        }
        findings.sort_by_key(|finding| finding.severity as u8);
        Ok(findings)
    }

    async fn server(&self, findings: &mut Vec<Finding>) -> Result<()> {
        let row = sqlx::query(
            "select (select string_agg(quote_ident(pubname), ', ') from pg_publication where puballtables) as publications,
               (select count(*) from pg_stat_replication) > 0 and exists (select from pg_settings where name = 'hot_standby_feedback' and setting = 'off') as standby,
               current_setting('temp_file_limit') as temp_file_limit,
               (select format('pid %s of %s, open since %s', pid, usename, xact_start) from pg_stat_activity
                where backend_xmin is not null and xact_start < now() - interval '10 minutes' and pid <> pg_backend_pid() order by xact_start limit 1) as holder,
               (select string_agg(quote_literal(gid), ', ') from pg_prepared_xacts where prepared < now() - interval '10 minutes') as prepared",
        )
        .fetch_one(&self.pool)
        .await?;
        if let Some(names) = row.get::<Option<String>, _>("publications") {
            findings.push(finding(
                Severity::Problem,
                "publication_for_all_tables",
                None,
                &format!("publication {names} is FOR ALL TABLES: it publishes Tidemark's tables, ticks fail for want of a replica identity and subscribers stop"),
                Some(&format!("drop publication {names};  -- and make it again FOR TABLES IN SCHEMA …")),
            ));
        }
        if row.get("standby") {
            findings.push(finding(
                Severity::Warning,
                "standby_feedback",
                None,
                "a standby without hot_standby_feedback may cancel long reports when the queue is cleaned",
                Some("alter system set hot_standby_feedback = on;  -- on the standby"),
            ));
        }
        let limit: String = row.get("temp_file_limit");
        if limit != "-1" {
            findings.push(finding(
                Severity::Warning,
                "temp_file_limit",
                None,
                &format!("temp_file_limit is {limit}: a bulk UPDATE spills its transition tables and may now pass it"),
                Some("alter system set temp_file_limit = -1; select pg_reload_conf();"),
            ));
        }
        if let Some(holder) = row.get::<Option<String>, _>("holder") {
            findings.push(finding(
                Severity::Warning,
                "long_transaction",
                None,
                &format!("a long transaction holds back the queue's clean-up: {holder}"),
                Some("select pg_terminate_backend(PID);"),
            ));
        }
        if let Some(prepared) = row.get::<Option<String>, _>("prepared") {
            findings.push(finding(
                Severity::Warning,
                "prepared_transaction",
                None,
                &format!("prepared transactions are left open: {prepared}"),
                Some("commit prepared …; or rollback prepared …;"),
            ));
        }
        Ok(())
    }

    async fn inputs(&self, findings: &mut Vec<Finding>) -> Result<()> {
        for row in sqlx::query("select r.name as rollup, f.message, f.fix from tidemark.rollup r, tidemark.capture_findings(r.id) f where r.stage <> 'retired' order by 1, 2").fetch_all(&self.pool).await? {
            let rollup: String = row.get("rollup");
            findings.push(finding(Severity::Problem, "capture_broken", Some(&rollup), row.get("message"), row.get("fix")));
        }
        let retired: Vec<String> =
            sqlx::query_scalar("select name from tidemark.rollup where stage = 'retired' order by name")
                .fetch_all(&self.pool)
                .await?;
        for rollup in retired {
            findings.push(finding(
                Severity::Warning,
                "retired",
                Some(&rollup),
                "the declaration that was replaced still has triggers on the raw tables, which mark in vain: a table was busy, or whoever ticks does not own it",
                Some(&format!("tidemark rollup apply {rollup}")),
            ));
        }
        let rows = sqlx::query(
            "select r.name as rollup, i.kind, format('%I.%I', i.schema_name, i.table_name) as table_name, quote_ident(i.time_column) as time_column,
               c.relrowsecurity and (c.relforcerowsecurity or c.relowner <> t.relowner) and not o.rolsuper and not o.rolbypassrls as row_security,
               i.kind = 'source' and c.relkind <> 'v' and not exists (select from pg_index x join pg_attribute a on a.attrelid = x.indrelid and a.attnum = x.indkey[0]
                 where x.indrelid = c.oid and x.indisvalid and x.indpred is null and a.attname = i.time_column) as no_index,
               r.capture = 'trigger' and exists (select from pg_subscription_rel s where s.srrelid = c.oid) as subscribed
             from tidemark.input i join tidemark.rollup r on r.id = i.rollup_id
             join pg_class c on c.oid = to_regclass(format('%I.%I', i.schema_name, i.table_name))
             join pg_class t on t.oid = 'tidemark.rollup'::regclass join pg_roles o on o.oid = t.relowner where r.stage <> 'retired' order by 1, i.ordinal",
        )
        .fetch_all(&self.pool)
        .await?;
        for row in rows {
            let (rollup, table): (String, String) = (row.get("rollup"), row.get("table_name"));
            if row.get("no_index") {
                let time: String = row.get("time_column");
                findings.push(finding(
                    Severity::Warning,
                    "no_time_index",
                    Some(&rollup),
                    &format!("{table} has no index on {time}: each tick reads the whole table"),
                    Some(&format!("create index concurrently on {table} ({time});")),
                ));
            }
            if row.get("row_security") {
                findings.push(finding(
                    Severity::Warning,
                    "row_security",
                    Some(&rollup),
                    &format!(
                        "{table} has row-level security; the owner of schema tidemark must be exempt or ticks fail"
                    ),
                    Some("alter role OWNER bypassrls;"),
                ));
            }
            if row.get("subscribed") {
                findings.push(finding(
                    Severity::Problem,
                    "subscribed",
                    Some(&rollup),
                    &format!("{table} is filled by a logical subscription, which fires no statement triggers"),
                    None,
                ));
            }
        }
        Ok(())
    }
}

pub(crate) fn finding(
    severity: Severity,
    code: &str,
    rollup: Option<&str>,
    message: &str,
    fix: Option<&str>,
) -> Finding {
    Finding {
        severity,
        code: code.to_owned(),
        rollup: rollup.map(str::to_owned),
        message: message.to_owned(),
        fix: fix.map(str::to_owned),
    }
}
