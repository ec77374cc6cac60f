//! Plan and apply: a declaration becomes tables, functions and triggers in the operator's database.
//!
//! In this order, so that no change is missed: (1) tables and functions, (2) triggers, one table a transaction,
//! (3) everything that raw rows say now is marked as to be built, and the rollup becomes active.
//!
//! A declaration that gives other numbers than the installed one is built beside it, under the rollup's other storage
//! name, with triggers of its own. The old one goes on being ticked and read until the new one is built and takes its
//! place (`tidemark.promote`).

mod capture;
mod checks;
mod make;
mod poll;

use sqlx::{Connection, PgConnection, Row};
use tidemark_core::api::Plan;
use tidemark_core::difference::difference;
use tidemark_core::model::Model;
use tidemark_core::sql::{compile, triggers};

use crate::introspect::resolve;
use crate::rollups::drop_stage;
use crate::schema::{Patience, with_patience};
use crate::{Db, Declaration, Error, Result};

pub(crate) use make::{describe, drop_objects};

/// Held while a rollup is applied.
const APPLY_LOCK: i64 = 0x7469_6465_0002;

/// Which of a rollup's declarations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The one that is read.
    Serving,
    /// A changed one that is being built to take its place.
    Next,
    /// One whose place was taken.
    Retired,
}

impl Stage {
    /// As `tidemark.rollup.stage` has it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Stage::Serving => "serving",
            Stage::Next => "next",
            Stage::Retired => "retired",
        }
    }
}

/// What is installed under a name and stage.
struct Installed {
    id: i32,
    declaration: String,
    model: Model,
    active: bool,
    frozen: bool,
    intact: bool,
    /// Its build was cancelled: nobody will ever finish it.
    given_up: bool,
    /// As it was compiled when it was applied.
    sql: String,
}

/// How a declaration is to be applied.
enum Way {
    First,
    /// The same numbers as this one holds: words, functions, triggers.
    InPlace(Stage, Box<Installed>),
    /// Other numbers than the installed one's: built beside it.
    Beside(Box<Installed>),
}

impl Db {
    /// What `apply` would do. Changes nothing.
    pub async fn plan(&self, declaration: &Declaration) -> Result<Plan> {
        let installs_schema = !self.is_installed().await?;
        let mut connection = self.dedicated().await?;
        let (_, mut model) = resolve(&mut connection, declaration).await?;
        let warnings = checks::checks(&mut connection, &model).await?;
        let (steps, id) = if installs_schema {
            (first_steps(&model), 0)
        } else {
            let way = way(&mut connection, &model).await?;
            model.storage = storage(&way, &model);
            let id = match &way {
                Way::InPlace(_, found) => found.id,
                Way::First | Way::Beside(_) => 0,
            };
            (steps(&mut connection, &model, &way, declaration).await?, id)
        };
        let mut sql: String = compile(&model, id)
            .into_iter()
            .map(|statement| statement.sql + "\n")
            .collect();
        for (table, statement) in capture::trigger_sql(&mut connection, &model).await? {
            sql.push_str(&format!("-- on {table}\n{statement}\n"));
        }
        Ok(Plan {
            rollup: model.name,
            steps,
            warnings,
            sql,
            installs_schema,
        })
    }

    /// Install the schema where it is missing, then the rollup; marks all raw rows as to be built unless `backfill` is false.
    pub async fn apply(&self, declaration: &Declaration, backfill: bool) -> Result<Plan> {
        // One at a time, or two that make the same triggers deadlock. The lock lasts as long as a transaction on a
        // connection of its own, which does nothing else: an end of any kind lets it go.
        let mut guard = self.dedicated().await?;
        sqlx::raw_sql("set lock_timeout = 0; set idle_in_transaction_session_timeout = 0; begin")
            .execute(&mut guard)
            .await?;
        sqlx::query("select pg_advisory_xact_lock($1)")
            .bind(APPLY_LOCK)
            .execute(&mut guard)
            .await?;
        let done = self.apply_alone(declaration, backfill).await;
        guard.close().await.ok();
        done
    }

    async fn apply_alone(&self, declaration: &Declaration, backfill: bool) -> Result<Plan> {
        // Refused before anything is made.
        let mut plan = self.plan(declaration).await?;
        if !backfill && let Some(step) = plan.steps.iter_mut().find(|step| step.starts_with("mark all raw rows")) {
            "leave the rows that are there now unbuilt: they are computed live where they are asked for"
                .clone_into(step);
        }
        let mut connection = self.dedicated().await?;
        checks::may_trigger(&mut connection, declaration).await?;
        if plan.installs_schema {
            self.install(false).await?;
        }
        if plan.steps.is_empty() {
            return Ok(plan);
        }
        let (_, mut model) = resolve(&mut connection, declaration).await?;
        let way = way(&mut connection, &model).await?;
        model.storage = storage(&way, &model);
        let (stage, intact) = match &way {
            Way::First => {
                // What an apply that was cut short has left.
                drop_stage(&mut connection, &model.name, Stage::Serving, Patience::Minute).await?;
                (Stage::Serving, false)
            }
            Way::InPlace(stage, found) => {
                drop_stage(&mut connection, &model.name, Stage::Retired, Patience::Minute).await?;
                if *stage == Stage::Serving {
                    drop_stage(&mut connection, &model.name, Stage::Next, Patience::Minute).await?;
                }
                (*stage, found.active && found.intact)
            }
            Way::Beside(_) => {
                for stage in [Stage::Next, Stage::Retired] {
                    drop_stage(&mut connection, &model.name, stage, Patience::Minute).await?;
                }
                (Stage::Next, false)
            }
        };
        let id = make::make(&mut connection, &model, declaration, stage).await?;
        // Triggers that are as they should be are left alone: a new trigger is a gap that makes everything dirty.
        if !intact {
            for missing in capture::missing_triggers(&mut connection, &model).await? {
                with_patience(
                    &mut connection,
                    &format!("begin; {} commit", missing.sql),
                    Patience::Minute,
                )
                .await?;
            }
        }
        capture::drop_strays(&mut connection, &model).await?;
        sqlx::raw_sql("reset lock_timeout").execute(&mut connection).await?;
        make::activate(&mut connection, &model, id, backfill).await?;
        connection.close().await.ok();
        Ok(plan)
    }
}

async fn installed(connection: &mut PgConnection, name: &str, stage: Stage) -> Result<Option<Installed>> {
    let row = sqlx::query(
        "select r.id, r.declaration, r.sql, r.model, r.active, isfinite(r.frozen_before) as frozen,
           not exists (select from tidemark.capture_findings(r.id)) as intact,
           exists (select from tidemark.job j where j.rollup_id = r.id and j.kind = 'build' and j.state = 'cancelled') as given_up
         from tidemark.rollup r where name = $1 and stage = $2",
    )
    .bind(name)
    .bind(stage.word())
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| Installed {
        id: row.get("id"),
        declaration: row.get("declaration"),
        model: row.get::<sqlx::types::Json<Model>, _>("model").0,
        active: row.get("active"),
        frozen: row.get("frozen"),
        intact: row.get("intact"),
        given_up: row.get("given_up"),
        sql: row.get("sql"),
    }))
}

async fn way(connection: &mut PgConnection, model: &Model) -> Result<Way> {
    let Some(serving) = installed(connection, &model.name, Stage::Serving).await? else {
        return Ok(Way::First);
    };
    if serving.model.bare() == model.bare() {
        return Ok(Way::InPlace(Stage::Serving, Box::new(serving)));
    }
    if !serving.active {
        return Ok(Way::First);
    }
    Ok(match installed(connection, &model.name, Stage::Next).await? {
        Some(next) if next.model.bare() == model.bare() && !next.given_up => Way::InPlace(Stage::Next, Box::new(next)),
        _ => Way::Beside(Box::new(serving)),
    })
}

/// Where the declaration's objects lie: where they lie already, or in the slot that the installed one leaves free.
fn storage(way: &Way, model: &Model) -> String {
    let [first, second] = Model::slots(&model.name);
    match way {
        Way::First => first,
        Way::InPlace(_, found) => found.model.storage.clone(),
        Way::Beside(found) if found.model.storage == first => second,
        Way::Beside(_) => first,
    }
}

fn first_steps(model: &Model) -> Vec<String> {
    let tables: Vec<String> = (0..model.levels.len())
        .map(|level| format!("tidemark.{}", model.table(level)))
        .collect();
    let mut steps = vec![format!("create rollup tables {}", tables.join(", "))];
    if !model.relations.is_empty() {
        let views: Vec<String> = model
            .relations
            .iter()
            .map(|relation| format!("tidemark.{}", relation.name))
            .collect();
        steps.push(format!("create views {}", views.join(", ")));
    }
    let mut on: Vec<String> = triggers(model)
        .iter()
        .map(|trigger| format!("{}.{}", trigger.schema, trigger.table))
        .collect();
    on.dedup();
    steps.push(match &model.poll {
        None => format!(
            "put capture triggers (insert, update, delete, truncate) on {}",
            on.join(", ")
        ),
        Some(_) => "put nothing on the raw tables: each tick looks for changed rows by their change columns".to_owned(),
    });
    steps.push("mark all raw rows as to be built; ticks then build them, newest first".to_owned());
    steps
}

async fn steps(
    connection: &mut PgConnection,
    model: &Model,
    way: &Way,
    declaration: &Declaration,
) -> Result<Vec<String>> {
    match way {
        Way::First => Ok(first_steps(model)),
        Way::InPlace(stage, found) => {
            let mut steps = Vec::new();
            if *stage == Stage::Serving && installed(connection, &model.name, Stage::Next).await?.is_some() {
                steps.push("drop the changed declaration that is being built; the installed one stays".to_owned());
            }
            if installed(connection, &model.name, Stage::Retired).await?.is_some() {
                steps.push("drop triggers and tables of the declaration that was replaced".to_owned());
            }
            if found.declaration != declaration.text {
                steps.push("store the declaration; names, labels or the board changed, numbers did not".to_owned());
            }
            let mut installed = model.clone();
            installed.storage.clone_from(&found.model.storage);
            if found.sql != describe(&installed, found.id) {
                steps.push("replace the functions by those of this version of Tidemark".to_owned());
            }
            if !found.intact || !found.active {
                steps.push("put missing or changed capture triggers back, then recompute everything".to_owned());
            }
            Ok(steps)
        }
        Way::Beside(found) => {
            if found.frozen {
                return Err(Error::input(
                    "would_lose_frozen",
                    format!(
                        "Applying this would build {} anew, and raw rows of its frozen buckets may be gone. Give the new declaration another name. Nothing was changed.",
                        model.name
                    ),
                ));
            }
            in_the_way(connection, &found.model).await?;
            let mut steps = difference(&found.model, model);
            steps.push(format!(
                "build that beside the installed {0}, under the names tidemark.{1}__…, with {2} of its own",
                model.name,
                model.storage,
                if model.poll.is_some() {
                    "polls"
                } else {
                    "capture triggers"
                }
            ));
            steps.push("mark all raw rows as to be built; ticks then build them, newest first".to_owned());
            steps.push(format!(
                "when it is built it takes the place of the old one, which is read until then; what only the new one has is computed live or pending: tidemark query {} --measure …",
                model.name
            ));
            Ok(steps)
        }
    }
}

/// Views of the operator's own on a relation would stop it from being replaced.
async fn in_the_way(connection: &mut PgConnection, model: &Model) -> Result<()> {
    let relations: Vec<String> = model.relations.iter().map(|relation| relation.name.clone()).collect();
    let dependents: Option<String> = sqlx::query_scalar(
        "select string_agg(distinct w.ev_class::regclass::text, ', ') from pg_depend d
         join pg_rewrite w on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid
         join pg_class c on c.oid = d.refobjid and c.relnamespace = to_regnamespace('tidemark') and c.relname = any ($1)
         where d.refclassid = 'pg_class'::regclass and w.ev_class <> c.oid",
    )
    .bind(relations)
    .fetch_one(connection)
    .await?;
    match dependents {
        Some(dependents) => Err(Error::input(
            "views_depend",
            format!(
                "{dependents} reads a relation of {}, which has to be replaced. Drop it, apply, and make it again. Nothing was changed.",
                model.name
            ),
        )),
        None => Ok(()),
    }
}
