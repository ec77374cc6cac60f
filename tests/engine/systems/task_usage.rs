//! `task_usage`: tokens that agents used, task by task.

use tidemark_core::api::Grain;

use super::{System, measure};
use crate::property::random::Random;

/// The demo's tables, with a few workspaces, runtimes, agents, projects, issues and tasks in them. Issue 4 belongs to
/// another workspace than the agents that work on it.
const TABLES: &str = concat!(
    include_str!("../../../crates/local/src/demo/task_usage.sql"),
    "
insert into workspace (id, name) values ('w1', 'One'), ('w2', 'Two'), ('w3', 'Three');
insert into agent_runtime (id, workspace_id, name) values ('r1', 'w1', 'a'), ('r2', 'w1', 'b'), ('r3', 'w2', 'c');
insert into agent (id, workspace_id, name) values ('a1', 'w1', 'Ada'), ('a2', 'w1', 'Ben'), ('a3', 'w2', 'Cleo'), ('a4', 'w2', 'Dan');
insert into project (id, workspace_id, title) values ('p1', 'w1', 'x'), ('p2', 'w1', 'y'), ('p3', 'w2', 'z');
insert into issue (id, workspace_id, project_id) values (1, 'w1', 'p1'), (2, 'w1', 'p2'), (3, 'w1', null), (4, 'w3', 'p3'), (5, 'w2', 'p3'), (6, 'w2', null);
insert into agent_task_queue (id, agent_id, runtime_id, issue_id)
  select i, 'a' || 1 + i % 4, 'r' || 1 + i % 3, nullif(i % 7, 0) from generate_series(1, 28) i;
select setval(pg_get_serial_sequence('issue', 'id'), 100), setval(pg_get_serial_sequence('agent_task_queue', 'id'), 1000);
"
);

pub const TASK_USAGE: System = System {
    name: "task_usage",
    tables: TABLES,
    facts: "
  select u.created_at as t, u.task_id, u.provider, u.model, u.input_tokens as i, u.output_tokens as o, u.cache_read_tokens as r, u.cache_write_tokens as w,
    (select a.workspace_id from agent a where a.id = q.agent_id) as workspace_id, q.runtime_id, q.agent_id,
    (select i.project_id from issue i where i.id = q.issue_id) as project_id
  from task_usage u, agent_task_queue q where q.id = u.task_id",
    base: Grain::QuarterHour,
    dimensions: &["workspace_id", "runtime_id", "agent_id", "project_id", "provider", "model"],
    measures: &[
        measure("input_tokens", "sum(i)", 0.0),
        measure("output_tokens", "sum(o)", 0.0),
        measure("cache_read_tokens", "sum(r)", 0.0),
        measure("cache_write_tokens", "sum(w)", 0.0),
        measure("event_count", "count(*)", 0.0),
        measure("task_count", "count(distinct task_id)", 0.0),
    ],
    stored: &[
        ("input_tokens", "sum(i)"),
        ("output_tokens", "sum(o)"),
        ("cache_read_tokens", "sum(r)"),
        ("cache_write_tokens", "sum(w)"),
        ("event_count", "count(*)"),
    ],
    statement: Random::task_statement,
    sweeping: Random::task_sweeping,
};

impl Random {
    /// The id of some row that is there, as SQL.
    fn any(&mut self, table: &str) -> String {
        format!("(select id from {table} order by id offset {} limit 1)", self.below(5))
    }

    fn task(&mut self) -> String {
        format!(
            "(select id from agent_task_queue order by id % 17, id offset {} limit 1)",
            self.below(30)
        )
    }

    fn or_null(&mut self, sql: String) -> String {
        if self.chance(30) { "null".to_owned() } else { sql }
    }

    fn project(&mut self) -> String {
        let project = self.any("project");
        self.or_null(project)
    }

    fn report(&mut self) -> String {
        format!(
            "({}, '{}', '{}', {}, {}, {}, {}, {}, {})",
            self.task(),
            self.pick(&["anthropic", "openai", ""]),
            self.pick(&["opus", "haiku", "gpt-5", "m'1"]),
            self.below(9_000),
            self.below(900),
            self.below(90_000),
            self.below(9),
            // Never NULL: the column forbids it.
            self.time().replace("null", "now()"),
            self.pick(&["null", "now()", "now() - interval '1 hour'"]),
        )
    }

    fn task_statement(&mut self) -> String {
        const USAGE: &str = "insert into task_usage (task_id, provider, model, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, created_at, updated_at) values";
        const CORRECT: &str = "on conflict (task_id, provider, model) do update set input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens, updated_at = excluded.updated_at";
        match self.below(100) {
            0..22 => {
                let rows: Vec<String> = (0..=self.below(3)).map(|_| self.report()).collect();
                format!("{USAGE} {} on conflict do nothing", rows.join(", "))
            }
            22..32 => format!("{USAGE} {} {CORRECT}", self.report()),
            32..37 => format!("update task_usage set output_tokens = output_tokens + {}{} where {}", self.below(500), self.pick(&["", ", updated_at = now()", ", updated_at = null"]), self.some::<4>("task_usage")),
            37..43 => format!("update task_usage set created_at = {} where {}", self.time(), self.some::<4>("task_usage")),
            43..46 => format!("update task_usage set task_id = {} where {}", self.task(), self.some::<1>("task_usage")),
            46..50 => format!("delete from task_usage where {}", self.some::<5>("task_usage")),
            50..58 => format!(
                "with t as (insert into agent_task_queue (agent_id, runtime_id, issue_id) select {}, {}, {} from generate_series(1, {}) returning id) insert into task_usage (task_id, provider, model, output_tokens, created_at) select id, 'anthropic', 'opus', id, now() - interval '1 minute' * (id % {}) from t",
                self.any("agent"), self.any("agent_runtime"), { let issue = self.any("issue"); self.or_null(issue) }, 1 + self.below(6), 1 + self.below(9_000)
            ),
            58..62 => format!("update agent_task_queue set runtime_id = {} where {}", self.any("agent_runtime"), self.some::<6>("agent_task_queue")),
            62..65 => format!("update agent_task_queue set agent_id = {} where {}", self.any("agent"), self.some::<6>("agent_task_queue")),
            65..69 => format!("update agent_task_queue set issue_id = {} where {}", { let issue = self.any("issue"); self.or_null(issue) }, self.some::<6>("agent_task_queue")),
            69..71 => format!("update agent_task_queue set status = 'done' where {}", self.some::<6>("agent_task_queue")),
            71..73 => format!("delete from agent_task_queue where {}", self.some::<3>("agent_task_queue")),
            73..78 => format!("update issue set project_id = {} where id = {}", self.project(), self.any("issue")),
            78..80 => format!("update issue set workspace_id = {}, title = 'x' where id = {}", self.any("workspace"), self.any("issue")),
            80..82 => format!("insert into issue (workspace_id, project_id) values ({}, {})", self.any("workspace"), self.project()),
            82 => format!("delete from issue where id = {}", self.any("issue")),
            83..86 => format!("update agent set workspace_id = {} where id = {}", self.any("workspace"), self.any("agent")),
            86..88 => format!("insert into agent (id, workspace_id, name) values ('a{}', {}, 'n') on conflict (id) do update set workspace_id = excluded.workspace_id", 1 + self.below(7), self.any("workspace")),
            88 => format!("delete from agent where id = 'a{}'", 1 + self.below(7)),
            89..91 => format!("insert into project (id, workspace_id, title) values ('p{}', {}, 't') on conflict do nothing", 1 + self.below(6), self.any("workspace")),
            // Its issues stay, without a project.
            91..93 => format!("delete from project where id = 'p{}'", 1 + self.below(6)),
            93..95 => format!("insert into agent_runtime (id, workspace_id, name) values ('r{}', {}, 'n') on conflict do nothing", 1 + self.below(5), self.any("workspace")),
            95 => format!("delete from agent_runtime where id = 'r{}'", 1 + self.below(5)),
            96 => "insert into workspace (id, name) values ('w1', 'x'), ('w2', 'y'), ('w3', 'z') on conflict do nothing".to_owned(),
            // With everything in it.
            97 => format!("delete from workspace where id = 'w{}'", 1 + self.below(9)),
            // A key that others point at: they follow, by ON UPDATE or not at all.
            98 => format!("update agent_task_queue set id = {} where {} and not exists (select from task_usage u where u.task_id = agent_task_queue.id)", 2_000 + self.below(40), self.some::<1>("agent_task_queue")),
            _ => "update workspace set name = name || 'x'; update agent set status = 'busy', name = 'n'; update project set title = 't'".to_owned(),
        }
    }

    fn task_sweeping(&mut self) -> String {
        let end = if self.chance(70) { "commit" } else { "rollback" };
        let refill = format!(
            "insert into task_usage (task_id, provider, model, output_tokens, created_at) select id, 'anthropic', 'opus', id, now() - id % 50 * interval '1 hour' from agent_task_queue where id % 3 = {} on conflict do nothing",
            self.below(3)
        );
        match self.below(4) {
            0 => format!("begin; truncate task_usage; {refill}; {end}"),
            1 => format!(
                "begin; truncate issue cascade; insert into agent_task_queue (agent_id, runtime_id) select {}, {} from generate_series(1, 20); {refill}; {end}",
                self.any("agent"),
                self.any("agent_runtime")
            ),
            2 => {
                let (table, input) = *self.pick(&[
                    ("task_usage", "usage"),
                    ("agent_task_queue", "l1_agent_task_q"),
                    ("agent", "l2_agent"),
                    ("issue", "l3_issue"),
                ]);
                let statement = self.task_statement();
                format!(
                    "begin; alter table {table} disable trigger user; {statement}; {}; {end}",
                    enable(table, input)
                )
            }
            _ => format!(
                "begin; set local session_replication_role = replica; update issue set project_id = 'p1' where id % 2 = {}; update task_usage set created_at = {} where {}; {end}",
                self.below(2),
                self.time().replace("null", "now()"),
                self.some::<5>("task_usage")
            ),
        }
    }
}

/// Tidemark's triggers of one input, as they were.
fn enable(table: &str, input: &str) -> String {
    let triggers = ["ins", "upd", "del", "trunc"]
        .map(|event| format!("enable always trigger tidemark_task_usage_{input}_{event}"));
    format!("alter table {table} {}", triggers.join(", "))
}
