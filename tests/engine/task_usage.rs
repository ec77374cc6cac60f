//! `task_usage` (systems.md, sections 2 and 3): what must work, and what its predecessors had to learn, each compared with
//! the raw rows by SQL of the test's own.

mod changes;
mod operation;
mod relations;
mod views;

use tidemark_core::api::{Grain, RecomputeRequest, State};

use crate::harness::{TestDb, at};
use crate::systems::TASK_USAGE;
use crate::truth::{BY_ALL, Question, assert_drained_tables_equal_raw_rows};

/// Reports in February and March 2026: over 40 days, of all 28 tasks, each of which reports in several hours. Every third
/// row is from before there was `updated_at`.
const ROWS: &str = "insert into task_usage (task_id, provider, model, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, created_at, updated_at)
  select 1 + i % 28, (array['anthropic', 'openai'])[1 + i % 2], 'm' || i / 28, 10 * i, i, 100 * i, i % 3, t, case when i % 3 > 0 then t end
  from generate_series(1, 140) i, lateral (select timestamptz '2026-02-05 23:07+00' + i * interval '411 minutes' as t) x";

/// All of it, by a grain, in a zone that hours of UTC don't fit.
fn all_by(grain: Grain) -> Question {
    Question {
        from: at("2026-01-31T18:15:00Z"),
        to: at("2026-04-30T18:15:00Z"),
        grain,
        tz: chrono_tz::Asia::Kathmandu,
        by: BY_ALL,
    }
}

async fn with_rows() -> TestDb {
    let test = TestDb::raw_of(&TASK_USAGE).await;
    test.sql(ROWS).await;
    test.apply().await;
    test.drain().await;
    test
}

/// Right before any tick, and from the rollup alone after a drain, by all dimensions, by each and by none.
async fn exact(test: &TestDb, when: &str) {
    for by in [BY_ALL, 1, 2, 4, 8, 16, 32, 0] {
        let question = Question {
            by,
            ..all_by(Grain::Day)
        };
        question.check(test, &format!("{when}, before a tick")).await;
    }
    test.drain().await;
    for grain in [
        Grain::QuarterHour,
        Grain::Hour,
        Grain::Day,
        Grain::Week,
        Grain::Month,
        Grain::Total,
    ] {
        let answer = all_by(grain).check(test, &format!("{when}, drained")).await;
        assert_eq!(
            (answer.state, answer.live_buckets),
            (State::Exact, 0),
            "{when}, {grain}"
        );
    }
    assert_drained_tables_equal_raw_rows(test, when).await;
}

/// A recompute of all, or of a range.
fn job(range: Option<(&str, &str)>) -> RecomputeRequest {
    RecomputeRequest {
        rollup: TASK_USAGE.name.to_owned(),
        from: range.map(|(from, _)| at(from)),
        to: range.map(|(_, to)| at(to)),
        scope: None,
        reason: None,
        pace: 100,
    }
}
