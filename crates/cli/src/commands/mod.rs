//! One file a command: each asks [`tidemark_db::Db`] and shows the answer.

mod audit;
mod completions;
mod demo;
mod doctor;
mod install;
mod jobs;
mod purge;
mod query;
mod recompute;
mod report;
mod rollup;
mod status;
mod tick;
mod worker;

use tidemark_core::api::{DimensionFilter, Grain, WeekStart};

use crate::args::{Command, GrainArg, WeekStartArg};
use crate::context::Context;
use crate::failure::{Failure, Result};

/// Do what was typed.
pub async fn run(context: &Context, command: Command) -> Result {
    match command {
        Command::Install { roles, dry_run } => install::install(context, roles, dry_run).await,
        Command::Uninstall => install::uninstall(context).await,
        Command::Rollup(command) => rollup::run(context, command).await,
        Command::Tick { name, drain } => tick::run(context, name.as_deref(), drain).await,
        Command::Worker { interval } => worker::run(context, interval).await,
        Command::Recompute(asked) => recompute::run(context, asked).await,
        Command::Jobs => jobs::list(context).await,
        Command::Cancel { id } => jobs::change(context, jobs::Change::Cancel, id).await,
        Command::Pause { id } => jobs::change(context, jobs::Change::Pause, id).await,
        Command::Resume { id } => jobs::change(context, jobs::Change::Resume, id).await,
        Command::Pace { id, percent } => jobs::change(context, jobs::Change::Pace(percent), id).await,
        Command::Status { name, check } => status::run(context, name.as_deref(), check).await,
        Command::Doctor => doctor::run(context).await,
        Command::Audit {
            name,
            from,
            to,
            tz,
            repair,
        } => {
            audit::run(
                context,
                name.as_deref(),
                from.as_deref(),
                to.as_deref(),
                tz.as_deref(),
                repair,
            )
            .await
        }
        Command::Query(asked) => query::run(context, asked).await,
        Command::Report(asked) => report::run(context, asked).await,
        Command::Purge { name, before, raw, tz } => purge::run(context, &name, &before, raw, tz.as_deref()).await,
        Command::Demo => demo::run(context).await,
        Command::Completions { shell } => completions::run(context, shell),
    }
}

fn grain(asked: GrainArg) -> Grain {
    match asked {
        GrainArg::Minute => Grain::Minute,
        GrainArg::FiveMinutes => Grain::FiveMinutes,
        GrainArg::QuarterHour => Grain::QuarterHour,
        GrainArg::Hour => Grain::Hour,
        GrainArg::Day => Grain::Day,
        GrainArg::Week => Grain::Week,
        GrainArg::Month => Grain::Month,
        GrainArg::Year => Grain::Year,
        GrainArg::Total => Grain::Total,
    }
}

fn week_start(asked: WeekStartArg) -> WeekStart {
    match asked {
        WeekStartArg::Monday => WeekStart::Monday,
        WeekStartArg::Saturday => WeekStart::Saturday,
        WeekStartArg::Sunday => WeekStart::Sunday,
    }
}

/// Read `DIM=VALUE` (`DIM` alone is NULL); several values of one dimension go together.
fn filters(typed: &[String]) -> Result<Vec<DimensionFilter>> {
    let mut filters: Vec<DimensionFilter> = Vec::new();
    for text in typed {
        let (dimension, value) = match text.split_once('=') {
            Some((dimension, value)) => (dimension, Some(value.to_owned())),
            None => (text.as_str(), None),
        };
        let dimension = dimension.trim();
        if dimension.is_empty() {
            return Err(Failure::Usage(format!(
                "--where '{text}' names no dimension; write --where platform=openai, or --where platform for NULL"
            )));
        }
        match filters.iter_mut().find(|filter| filter.dimension == dimension) {
            Some(filter) => filter.values.push(value),
            None => filters.push(DimensionFilter {
                dimension: dimension.to_owned(),
                values: vec![value],
            }),
        }
    }
    Ok(filters)
}

/// `1 bucket`, `2 buckets`.
fn counted(count: i64, one: &str, many: &str) -> String {
    format!(
        "{} {}",
        tidemark_core::format::grouped(count as f64),
        if count == 1 { one } else { many }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_one_dimension_go_together_and_null_has_no_equals_sign() {
        let typed = ["platform=openai", "platform", "model=a=b", "platform="].map(str::to_owned);
        let read = filters(&typed).unwrap();
        assert_eq!(read.len(), 2);
        assert_eq!(read[0].values, [Some("openai".to_owned()), None, Some(String::new())]);
        assert_eq!(read[1].values, [Some("a=b".to_owned())]);
        assert!(filters(&["=x".to_owned()]).is_err());
    }
}
