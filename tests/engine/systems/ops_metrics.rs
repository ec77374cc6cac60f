//! `ops_metrics`: requests and errors of a gateway.

use tidemark_core::api::Grain;

use super::{System, measure};
use crate::property::random::Random;

pub const OPS_METRICS: System = System {
    name: "ops_metrics",
    tables: crate::harness::RAW,
    facts: "
  select u.created_at as t, coalesce(nullif(g.platform, ''), a.platform, '') as platform, u.duration_ms as d, true as ok, null::int as s, false as late
  from usage_logs u left join groups g on g.id = u.group_id left join accounts a on a.id = u.account_id
  union all
  select e.created_at, coalesce(nullif(e.platform, ''), g.platform, a.platform, ''), null, false, e.status_code,
    coalesce(e.error_type in ('timeout', 'timeout_error'), false) or coalesce(e.error_message ~* '(timeout|deadline exceeded)', false)
  from ops_error_logs e left join groups g on g.id = e.group_id left join accounts a on a.id = e.account_id",
    base: Grain::Minute,
    dimensions: &["platform"],
    measures: &[
        measure("request_count", "count(*)", 0.0),
        measure("success_count", "count(*) filter (where ok)", 0.0),
        measure("error_count", "count(*) filter (where not ok)", 0.0),
        measure("error_4xx_count", "count(*) filter (where s between 400 and 499)", 0.0),
        measure("error_5xx_count", "count(*) filter (where s >= 500)", 0.0),
        measure("timeout_count", "count(*) filter (where late)", 0.0),
        measure("outcome_4xx_count", "count(*) filter (where not late and s between 400 and 499)", 0.0),
        measure("outcome_other_count", "count(*) filter (where not ok and not late and (s < 400 or s is null))", 0.0),
        measure("avg_latency_ms", "avg(d)", 1e-9),
        measure("p50_latency_ms", "percentile_disc(0.5) within group (order by d)", 0.01),
        measure("p90_latency_ms", "percentile_disc(0.9) within group (order by d)", 0.01),
        measure("p95_latency_ms", "percentile_disc(0.95) within group (order by d)", 0.01),
        measure("p99_latency_ms", "percentile_disc(0.99) within group (order by d)", 0.01),
        measure("p999_latency_ms", "percentile_disc(0.999) within group (order by d)", 0.01),
    ],
    stored: &[
        ("success_count", "count(*) filter (where ok)"),
        ("timeout_count", "count(*) filter (where late)"),
        ("latency__n", "count(d)"),
        ("latency__sum", "sum(d)"),
        ("latency__min", "min(d)::float8"),
        ("latency__max", "max(d)::float8"),
    ],
    statement: Random::ops_statement,
    sweeping: Random::ops_sweeping,
};

impl Random {
    fn account(&mut self) -> String {
        if self.chance(10) {
            "null".to_owned()
        } else {
            format!("(select id from accounts order by id offset {} limit 1)", self.below(5))
        }
    }

    fn group(&mut self) -> String {
        if self.chance(40) {
            "null".to_owned()
        } else {
            (1 + self.below(8)).to_string()
        }
    }

    fn platform(&mut self) -> &'static str {
        const NAMES: [&str; 7] = [
            "'openai'",
            "'anthropic'",
            "'gemini'",
            "'azure'",
            "''",
            "null",
            "'ünï''cödé'",
        ];
        NAMES[self.below(7) as usize]
    }

    fn duration(&mut self) -> String {
        match self.below(20) {
            0 => "null".to_owned(),
            1 => "0".to_owned(),
            2 => format!("-{}", self.below(5_000)),
            3 => (1_000_000 + self.below(2_000_000_000)).to_string(),
            _ => (1 + self.below(30_000)).to_string(),
        }
    }

    fn usage(&mut self) -> String {
        format!(
            "({}, {}, {}, {})",
            self.time(),
            self.account(),
            self.group(),
            self.duration()
        )
    }

    fn error(&mut self) -> String {
        let status = *self.pick(&["400", "429", "500", "503", "302", "null"]);
        let kind = *self.pick(&["'timeout'", "'x'", "null"]);
        let message = *self.pick(&["'context Deadline Exceeded'", "'no'", "null"]);
        format!(
            "({}, {}, {}, {}, {status}, {kind}, {message})",
            self.time(),
            self.platform(),
            self.group(),
            self.account()
        )
    }

    /// One statement on the raw tables or the lookups.
    fn ops_statement(&mut self) -> String {
        const USAGE: &str = "insert into usage_logs (created_at, account_id, group_id, duration_ms) values";
        const ERRORS: &str = "insert into ops_error_logs (created_at, platform, group_id, account_id, status_code, error_type, error_message) values";
        match self.below(100) {
            0..18 => {
                let rows: Vec<String> = (0..=self.below(5)).map(|_| self.usage()).collect();
                format!("{USAGE} {}", rows.join(", "))
            }
            18..28 => {
                let rows: Vec<String> = (0..=self.below(3)).map(|_| self.error()).collect();
                format!("{ERRORS} {}", rows.join(", "))
            }
            28..31 => format!(
                "insert into usage_logs (created_at, account_id, duration_ms) select {} - i * interval '{} seconds', null, i * 7 from generate_series(1, {}) i",
                "now()",
                1 + self.below(900),
                2 + self.below(60)
            ),
            // More buckets than a mark each: one mark for the range.
            31 => format!("insert into usage_logs (created_at, duration_ms) select now() - i * interval '1 minute', {} from generate_series(0, 2400, 2) i", self.below(500)),
            32..40 => format!("update usage_logs set created_at = {} where {}", self.time(), self.some::<4>("usage_logs")),
            40..43 => format!("update usage_logs set created_at = created_at + interval '{} minutes' where isfinite(created_at) and created_at < '2200-01-01' and created_at > '1850-12-01' and id % 11 = {}", self.below(180), self.below(11)),
            43..48 => format!("update usage_logs set group_id = {}, account_id = {} where {}", self.group(), self.account(), self.some::<6>("usage_logs")),
            48..53 => format!("update usage_logs set duration_ms = {} where {}", self.duration(), self.some::<6>("usage_logs")),
            53..56 => format!("update usage_logs set model = 'm', input_tokens = {} where {}", self.below(9), self.some::<6>("usage_logs")),
            56..60 => format!(
                "update ops_error_logs set created_at = {}, platform = {}, group_id = {}, status_code = {} where {}",
                self.time(), self.platform(), self.group(), 300 + self.below(300), self.some::<4>("ops_error_logs")
            ),
            60..65 => format!("delete from usage_logs where {}", self.some::<8>("usage_logs")),
            65..68 => format!("delete from ops_error_logs where {}", self.some::<5>("ops_error_logs")),
            68..70 => format!("delete from usage_logs where created_at >= now() - interval '{0} minutes' and created_at < now() - interval '{0} minutes' + interval '40 minutes'", self.below(5_000)),
            70..74 => format!("update accounts set platform = {} where id = {}", self.platform(), self.account()),
            74..76 => format!("update accounts set last_used_at = now(), name = 'n' || {}", self.below(9)),
            // Its usage rows go with it.
            76..78 => format!("delete from accounts where id = {}", self.account()),
            78..81 => format!("insert into accounts (id, platform) values ({}, {}) on conflict (id) do update set platform = excluded.platform", 1 + self.below(8), self.platform()),
            81..84 => format!("update groups set platform = {} where id = {}", self.platform(), 1 + self.below(8)),
            84..86 => format!("update groups set id = {}, platform = {} where id = {}", 1 + self.below(12), self.platform(), 1 + self.below(12)),
            86..88 => format!("insert into groups (id, platform) values ({}, {}) on conflict do nothing", 1 + self.below(10), self.platform()),
            88..90 => format!("delete from groups where id = {}", 1 + self.below(10)),
            90..93 => format!(
                "insert into usage_logs (id, created_at, account_id, group_id, duration_ms) select id, {}, {}, {}, {} from usage_logs where {} on conflict (id) do update set created_at = excluded.created_at, group_id = excluded.group_id, duration_ms = excluded.duration_ms",
                self.time(), self.account(), self.group(), self.duration(), self.some::<4>("usage_logs")
            ),
            93..95 => format!(
                "with gone as (delete from usage_logs where {} returning *) insert into ops_error_logs (created_at, group_id, account_id, status_code) select created_at, group_id, account_id, 500 from gone",
                self.some::<4>("usage_logs")
            ),
            95..97 => format!(
                "merge into usage_logs u using (select id, row_number() over (order by id) as n from usage_logs where {}) s on s.id = u.id
                 when matched and n % 2 = 0 then delete when matched then update set created_at = {}, duration_ms = {}
                 when not matched then do nothing",
                self.some::<6>("usage_logs"), self.time(), self.duration()
            ),
            _ => format!("update accounts a set platform = g.platform from groups g where g.id = a.id + {}", self.below(3)),
        }
    }

    /// Statements that take the whole table: never left open, or everybody would wait.
    fn ops_sweeping(&mut self) -> String {
        let end = if self.chance(70) { "commit" } else { "rollback" };
        match self.below(5) {
            0 | 1 => format!(
                "begin; truncate {}; insert into usage_logs (created_at, duration_ms) values ({}, 5); {end}",
                self.pick(&["usage_logs", "ops_error_logs"]),
                self.time()
            ),
            2 => format!(
                "begin; truncate accounts cascade; insert into accounts (id, platform) values (1, 'back'), (2, ''), (3, 'openai'); {end}"
            ),
            // Written while capture was off: only the triggers' fingerprint tells.
            3 => {
                let all = |what: &str| {
                    ["ins", "upd", "del", "trunc"]
                        .map(|event| format!("{what} trigger tidemark_ops_metrics_usage_{event}"))
                        .join(", ")
                };
                format!(
                    "begin; alter table usage_logs {}; {}; alter table usage_logs {}; {end}",
                    all("disable"),
                    self.ops_statement(),
                    all("enable always")
                )
            }
            _ => format!(
                "begin; set local session_replication_role = replica; update usage_logs set created_at = {} where {}; {end}",
                self.time(),
                self.some::<5>("usage_logs")
            ),
        }
    }
}
