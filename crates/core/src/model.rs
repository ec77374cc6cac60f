//! A declaration with what the database knows added: schemas, column types, used columns. Stored in
//! `tidemark.rollup.model`, compiled by [`crate::sql`], read by the read path.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::api::{Grain, MeasureInfo};
use crate::board_spec::Board;
use crate::capture::{ChangeColumn, PollModel, ScopeModel, poll_model, scope_model};
use crate::spec::expr::Expr;
use crate::spec::on::{KeyPair, key_pairs, quote, table_ref};
use crate::spec::{Change, Measure, Spec};

/// What the database says about one source of a declaration.
#[derive(Debug, Clone, Default)]
pub struct SourceFacts {
    pub schema: String,
    /// `format_type` of the time column.
    pub time_type: String,
    /// `format_type` of each change column, by name.
    pub change_types: BTreeMap<String, String>,
    /// Types of the values, by name.
    pub value_types: BTreeMap<String, String>,
    /// Types of the dimensions' expressions, by name.
    pub dimension_types: BTreeMap<String, String>,
    /// Columns of the source that the declaration uses, with their types.
    pub used: BTreeMap<String, String>,
    /// One per lookup, in order.
    pub lookups: Vec<LookupFacts>,
}

#[derive(Debug, Clone, Default)]
pub struct LookupFacts {
    pub schema: String,
    pub change_types: BTreeMap<String, String>,
    /// Used columns with their types, the key included.
    pub used: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Model {
    pub name: String,
    /// What the names of its tables, functions and triggers begin with: [`Model::slots`].
    pub storage: String,
    pub title: String,
    pub description: String,
    pub levels: Vec<LevelModel>,
    pub sources: Vec<SourceModel>,
    pub lookups: Vec<LookupInput>,
    pub dimensions: Vec<DimensionModel>,
    /// What a mark carries beside its time.
    #[serde(default)]
    pub scope: Option<ScopeModel>,
    /// Poll capture; `None`: by triggers.
    #[serde(default)]
    pub poll: Option<PollModel>,
    pub stats: Vec<Stat>,
    pub measures: Vec<MeasureModel>,
    pub relations: Vec<RelationModel>,
    pub board: Option<Board>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LevelModel {
    pub grain: Grain,
    /// As a Postgres interval; `None`: for ever.
    pub keep: Option<String>,
    /// The level it is merged from.
    pub merge_from: Option<usize>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SourceModel {
    pub name: String,
    pub schema: String,
    pub table: String,
    pub alias: String,
    pub time_column: String,
    pub time: TimeKind,
    /// Poll capture: what says when a row changed.
    #[serde(default)]
    pub change: Vec<ChangeColumn>,
    pub joins: Vec<Join>,
    pub filter: Option<String>,
    /// The column that the scope is read from.
    #[serde(default)]
    pub scope_column: Option<String>,
    /// SQL of each dimension, in the order of [`Model::dimensions`].
    pub dimensions: Vec<String>,
    pub values: Vec<ValueModel>,
    /// What a person sees of one raw row, in order.
    #[serde(default)]
    pub rows: Vec<RowLabel>,
    /// Listed before the rows of other sources.
    #[serde(default)]
    pub rows_first: bool,
    pub used: BTreeMap<String, String>,
}

/// One thing that is shown of a raw row.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RowLabel {
    pub label: String,
    pub expression: String,
}

/// How the time column tells an instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TimeKind {
    Timestamptz,
    /// Wall clock in a zone.
    Timestamp {
        zone: String,
    },
    /// Midnight in a zone.
    Date {
        zone: String,
    },
    /// Units a second since 1970.
    Epoch {
        per_second: i64,
    },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ValueModel {
    pub name: String,
    pub expression: String,
    pub sql_type: String,
}

/// A LEFT JOIN of a source.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Join {
    pub schema: String,
    pub table: String,
    pub alias: String,
    pub on: String,
    /// Expressions that the key is compared with, in the order of the input's keys.
    pub expressions: Vec<String>,
    /// Index into [`Model::lookups`].
    pub input: usize,
}

/// A lookup table, once per table and key however many sources join it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LookupInput {
    pub name: String,
    pub schema: String,
    pub table: String,
    #[serde(default)]
    pub change: Vec<ChangeColumn>,
    pub keys: Vec<String>,
    pub used: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DimensionModel {
    pub name: String,
    pub sql_type: String,
    pub label: String,
}

/// A stored, mergeable statistic.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stat {
    pub name: String,
    pub kind: StatKind,
    pub source: usize,
    /// The value it is over; none for a count.
    pub value: Option<String>,
    /// SQL over the source's values.
    pub filter: Option<String>,
    pub number: Number,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum StatKind {
    Count,
    Sum,
    Min,
    Max,
    /// n, Σv, Σv² as exact decimals, and a count of NaN and infinities.
    Moments,
    /// The same, and Σt, Σt², Σtv, with t the row's instant.
    Trend,
    /// n, sum, min, max, a sketch, and a count of NaN and infinities.
    Distribution,
    /// The least hashes of the values.
    Distinct,
}

impl StatKind {
    /// Whether it has a value by itself.
    #[must_use]
    pub fn is_number(self) -> bool {
        !matches!(self, StatKind::Moments | StatKind::Trend | StatKind::Distribution)
    }

    /// For messages: `"latency" is a distribution`.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            StatKind::Count => "a count",
            StatKind::Sum => "a sum",
            StatKind::Min => "a minimum",
            StatKind::Max => "a maximum",
            StatKind::Moments => "moments",
            StatKind::Trend => "a trend",
            StatKind::Distribution => "a distribution",
            StatKind::Distinct => "a distinct count",
        }
    }
}

/// What a value is stored as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Number {
    /// smallint, integer: sums are bigint.
    Int,
    /// bigint, numeric: sums are numeric.
    Exact,
    /// real, double precision.
    Float,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MeasureModel {
    pub name: String,
    pub unit: String,
    pub label: String,
    pub form: MeasureForm,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum MeasureForm {
    /// Index into [`Model::stats`]; some are no number of their own, see [`StatKind::is_number`].
    Stat(usize),
    Expr(Expr),
    /// Part over whole, times 100 where the unit is `%`.
    Ratio(String, String),
    Mean(usize),
    /// Sample standard deviation.
    Sd(usize),
    /// Per day.
    Slope(usize),
    R2(usize),
    Quantile(usize, f64),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RelationModel {
    pub name: String,
    pub grains: Vec<Grain>,
    /// What tells the grains apart; none where there is one.
    pub grain_column: Option<String>,
    pub time_column: String,
    pub dimensions: Vec<String>,
    pub measures: Vec<String>,
}

/// How a column of a rollup table composes over buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merge {
    /// A count: no rows is 0.
    Count,
    /// A sum: no values is NULL.
    Sum,
    Min,
    Max,
    Sketch,
    /// The least of all hashes.
    Kmv,
}

impl Merge {
    /// Bytes that lie out of line and are merged entry by entry.
    #[must_use]
    pub fn is_bytes(self) -> bool {
        matches!(self, Merge::Sketch | Merge::Kmv)
    }
}

/// A column of the rollup tables.
#[derive(Debug, Clone)]
pub struct Column {
    pub name: String,
    pub sql_type: &'static str,
    pub merge: Merge,
    pub stat: usize,
}

/// Why a declaration does not fit the database.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ModelError {
    #[error(
        "the time column {column} of source \"{source_name}\" is {found}; use a timestamp, a date or an integer with time_unit = \"s\", \"ms\" or \"us\""
    )]
    TimeType {
        source_name: String,
        column: String,
        found: String,
    },
    #[error(
        "change: {column} is {found}; use a timestamp, or an integer with time_unit = \"s\", \"ms\" or \"us\" (a date is too coarse)"
    )]
    ChangeType {
        source_name: String,
        column: String,
        found: String,
    },
    #[error(
        "scope \"{dimension}\": the column in source \"{source_name}\" is {found} and the dimension is {declared}; a scope is an integer, text, uuid or boolean, of the same type in every source, and its dimension's type is that or wider"
    )]
    ScopeType {
        source_name: String,
        dimension: String,
        found: String,
        declared: String,
    },
    #[error(
        "value \"{value}\" of source \"{source_name}\" is {found}, which can't be summed or ranked; cast it to a number"
    )]
    NotANumber {
        source_name: String,
        value: String,
        found: String,
    },
}

impl Model {
    /// Join a checked declaration with what the database says, one [`SourceFacts`] per source in order.
    pub fn resolve(spec: &Spec, facts: &[SourceFacts]) -> Result<Model, ModelError> {
        let mut lookups: Vec<LookupInput> = Vec::new();
        let mut sources = Vec::new();
        for (source, facts) in spec.source.iter().zip(facts) {
            sources.push(resolve_source(spec, source, facts, &mut lookups)?);
        }
        let grains = spec.grain_list();
        let levels = grains
            .iter()
            .enumerate()
            .map(|(at, grain)| LevelModel {
                grain: *grain,
                keep: spec.keep.get(grain.name()).map(|keep| keep.get_ref().clone()),
                merge_from: grains[..at].iter().rposition(|finer| finer.divides(*grain)),
            })
            .collect();
        let dimensions = spec
            .dimensions
            .iter()
            .map(|(name, declared)| DimensionModel {
                name: name.clone(),
                sql_type: declared
                    .get_ref()
                    .sql_type
                    .clone()
                    .unwrap_or_else(|| dimension_type(name, facts)),
                label: declared.get_ref().label.clone().unwrap_or_else(|| title_case(name)),
            })
            .collect();
        let mut model = Model {
            name: spec.name.get_ref().clone(),
            storage: spec.name.get_ref().clone(),
            title: spec.title.clone().unwrap_or_else(|| title_case(spec.name.get_ref())),
            description: spec.description.clone(),
            levels,
            sources,
            lookups,
            dimensions,
            scope: None,
            poll: poll_model(spec),
            stats: Vec::new(),
            measures: Vec::new(),
            relations: Vec::new(),
            board: spec.board.as_ref().map(|board| board.get_ref().clone()),
        };
        if let Some(scope) = &spec.scope {
            model.scope = Some(scope_model(&model, scope.get_ref())?);
        }
        for (name, declared) in &spec.measures {
            let form = model.form(name, declared.get_ref())?;
            let declared = declared.get_ref();
            model.measures.push(MeasureModel {
                name: name.clone(),
                unit: declared.unit.clone(),
                label: declared.label.clone().unwrap_or_else(|| title_case(name)),
                form,
            });
        }
        model.relations = spec
            .relation
            .iter()
            .map(|relation| {
                let relation = relation.get_ref();
                let measures = if relation.measures.is_empty() {
                    model.numbers().map(|measure| measure.name.clone()).collect()
                } else {
                    relation.measures.clone()
                };
                RelationModel {
                    name: relation.name.clone(),
                    grains: relation
                        .grain
                        .iter()
                        .chain(&relation.grains)
                        .filter_map(|grain| Grain::parse(grain))
                        .collect(),
                    grain_column: relation.grain_column.clone(),
                    time_column: relation.time_column.clone(),
                    dimensions: relation
                        .dimensions
                        .clone()
                        .unwrap_or_else(|| spec.dimensions.keys().cloned().collect()),
                    measures,
                }
            })
            .collect();
        Ok(model)
    }

    fn form(&mut self, name: &str, measure: &Measure) -> Result<MeasureForm, ModelError> {
        if let Some(source) = &measure.count {
            let source = self
                .sources
                .iter()
                .position(|known| known.name == *source)
                .unwrap_or_default();
            return Ok(self.stat(name, StatKind::Count, source, None, measure, Number::Int));
        }
        for (kind, value) in measure.stored() {
            let Some((source, value)) = value.as_ref().and_then(|text| text.split_once('.')) else {
                continue;
            };
            let at = self
                .sources
                .iter()
                .position(|known| known.name == source)
                .unwrap_or_default();
            let found = self.sources[at]
                .values
                .iter()
                .find(|known| known.name == value)
                .map_or("unknown", |value| value.sql_type.as_str());
            let number = match number_of(found) {
                Some(number) => number,
                // Anything can be told apart.
                None if kind == StatKind::Distinct => Number::Int,
                None => {
                    return Err(ModelError::NotANumber {
                        source_name: source.to_owned(),
                        value: value.to_owned(),
                        found: found.to_owned(),
                    });
                }
            };
            return Ok(self.stat(name, kind, at, Some(value.to_owned()), measure, number));
        }
        let stat = |of: &Option<String>| {
            self.stats
                .iter()
                .position(|stat| Some(&stat.name) == of.as_ref())
                .unwrap_or_default()
        };
        if let Some(expr) = &measure.expr {
            return Ok(MeasureForm::Expr(Expr::parse(expr).unwrap_or(Expr::Number(0.0))));
        }
        if let Some([part, whole]) = &measure.ratio {
            return Ok(MeasureForm::Ratio(part.clone(), whole.clone()));
        }
        Ok(match measure {
            Measure { mean: of @ Some(_), .. } => MeasureForm::Mean(stat(of)),
            Measure { sd: of @ Some(_), .. } => MeasureForm::Sd(stat(of)),
            Measure {
                slope: of @ Some(_), ..
            } => MeasureForm::Slope(stat(of)),
            Measure { r2: of @ Some(_), .. } => MeasureForm::R2(stat(of)),
            _ => MeasureForm::Quantile(stat(&measure.of), measure.quantile.unwrap_or_default()),
        })
    }

    fn stat(
        &mut self,
        name: &str,
        kind: StatKind,
        source: usize,
        value: Option<String>,
        measure: &Measure,
        number: Number,
    ) -> MeasureForm {
        self.stats.push(Stat {
            name: name.to_owned(),
            kind,
            source,
            value,
            filter: measure.filter.clone(),
            number,
        });
        MeasureForm::Stat(self.stats.len() - 1)
    }

    /// The measures that are numbers: all but moments, trends and distributions.
    pub fn numbers(&self) -> impl Iterator<Item = &MeasureModel> {
        self.measures
            .iter()
            .filter(|measure| !matches!(measure.form, MeasureForm::Stat(at) if !self.stats[at].kind.is_number()))
    }

    /// The declared board, else one made from measures and dimensions.
    #[must_use]
    pub fn board(&self) -> Board {
        self.board.clone().unwrap_or_else(|| {
            let measures: Vec<MeasureInfo> = self.numbers().map(|measure| self.info(measure)).collect();
            let dimension = self.dimensions.first();
            crate::board_default::board(
                &self.title,
                &measures,
                dimension.map(|dimension| (dimension.name.as_str(), dimension.label.as_str())),
                self.base(),
            )
        })
    }

    /// The statistic columns of a rollup table, in order.
    #[must_use]
    pub fn columns(&self) -> Vec<Column> {
        self.stats
            .iter()
            .enumerate()
            .flat_map(|(at, stat)| stat.columns(at))
            .collect()
    }

    /// The two names that a rollup's storage has in turn: a changed declaration is built in the one that is free.
    #[must_use]
    pub fn slots(name: &str) -> [String; 2] {
        [name.to_owned(), format!("{name}~")]
    }

    /// The model without what is only words and pictures, and wherever it is stored: two that are equal here hold the
    /// same numbers.
    #[must_use]
    pub fn bare(&self) -> serde_json::Value {
        let mut bare = self.clone();
        bare.storage = String::new();
        bare.title = String::new();
        bare.description = String::new();
        bare.board = None;
        bare.poll = bare.poll.map(|_| PollModel::default());
        for measure in &mut bare.measures {
            measure.label = String::new();
            measure.unit = String::new();
        }
        for dimension in &mut bare.dimensions {
            dimension.label = String::new();
        }
        for source in &mut bare.sources {
            source.rows.clear();
            source.rows_first = false;
        }
        serde_json::to_value(&bare).unwrap_or_default()
    }

    /// The base grain.
    #[must_use]
    pub fn base(&self) -> Grain {
        self.levels.first().map_or(Grain::Hour, |level| level.grain)
    }

    #[must_use]
    pub fn table(&self, level: usize) -> String {
        format!("{}__{}", self.storage, self.levels[level].grain)
    }

    /// What a measure is, for people.
    #[must_use]
    pub fn info(&self, measure: &MeasureModel) -> MeasureInfo {
        let additive = match &measure.form {
            MeasureForm::Stat(at) => self.stats[*at].kind == StatKind::Count,
            MeasureForm::Expr(expr) => {
                expr.is_additive()
                    && expr.measures().into_iter().all(|name| {
                        self.measures
                            .iter()
                            .find(|m| m.name == name)
                            .is_some_and(|m| self.info(m).additive)
                    })
            }
            _ => false,
        };
        MeasureInfo {
            name: measure.name.clone(),
            unit: measure.unit.clone(),
            label: measure.label.clone(),
            additive,
        }
    }
}

impl Stat {
    fn columns(&self, stat: usize) -> Vec<Column> {
        let column = |suffix: &str, sql_type, merge| Column {
            name: format!("{}{suffix}", self.name),
            sql_type,
            merge,
            stat,
        };
        let sum = match self.number {
            Number::Int => "bigint",
            Number::Exact => "numeric",
            Number::Float => "double precision",
        };
        let own = match self.number {
            Number::Int => "integer",
            Number::Exact => "numeric",
            Number::Float => "double precision",
        };
        match self.kind {
            StatKind::Count => vec![column("", "bigint", Merge::Count)],
            StatKind::Sum => vec![column("", sum, Merge::Sum)],
            StatKind::Min => vec![column("", own, Merge::Min)],
            StatKind::Max => vec![column("", own, Merge::Max)],
            StatKind::Moments => self.sums(&["__sum", "__sum2"], stat),
            StatKind::Trend => self.sums(&["__sum", "__sum2", "__t", "__t2", "__tv"], stat),
            StatKind::Distinct => vec![column("__kmv", "bytea", Merge::Kmv)],
            StatKind::Distribution => vec![
                column("__n", "bigint", Merge::Count),
                column("__odd", "bigint", Merge::Count),
                column("__sum", sum, Merge::Sum),
                column("__min", "double precision", Merge::Min),
                column("__max", "double precision", Merge::Max),
                column("__sketch", "bytea", Merge::Sketch),
            ],
        }
    }
}

impl Stat {
    /// n, the count of NaN and infinities, and exact sums.
    fn sums(&self, suffixes: &[&str], stat: usize) -> Vec<Column> {
        let counts = ["__n", "__odd"].map(|suffix| (suffix, "bigint", Merge::Count));
        let sums = suffixes.iter().map(|suffix| (*suffix, "numeric", Merge::Sum));
        counts
            .into_iter()
            .chain(sums)
            .map(|(suffix, sql_type, merge)| Column {
                name: format!("{}{suffix}", self.name),
                sql_type,
                merge,
                stat,
            })
            .collect()
    }
}

/// How a column of some type tells an instant.
fn time_kind(found: &str, zone: &str, unit: Option<&str>) -> Option<TimeKind> {
    let zone = zone.to_owned();
    match (found.split('(').next().unwrap_or_default().trim(), unit) {
        _ if found.ends_with("with time zone") => Some(TimeKind::Timestamptz),
        _ if found.starts_with("timestamp") => Some(TimeKind::Timestamp { zone }),
        ("date", _) => Some(TimeKind::Date { zone }),
        ("bigint" | "integer", Some("s")) => Some(TimeKind::Epoch { per_second: 1 }),
        ("bigint", Some("ms")) => Some(TimeKind::Epoch { per_second: 1_000 }),
        ("bigint", Some("us")) => Some(TimeKind::Epoch { per_second: 1_000_000 }),
        _ => None,
    }
}

fn resolve_source(
    spec: &Spec,
    source: &crate::spec::Source,
    facts: &SourceFacts,
    lookups: &mut Vec<LookupInput>,
) -> Result<SourceModel, ModelError> {
    let table = table_ref(source.table.get_ref()).unwrap_or_else(|| unreachable!("checked by Spec::parse"));
    let zone = source
        .time_zone
        .as_ref()
        .map_or_else(|| "UTC".to_owned(), |zone| zone.get_ref().clone());
    let (_, time_column) = crate::spec::on::column_ref(source.time.get_ref()).unwrap_or_default();
    let unit = source.time_unit.as_ref().map(|unit| unit.get_ref().as_str());
    let time = time_kind(&facts.time_type, &zone, unit).ok_or_else(|| ModelError::TimeType {
        source_name: source.name.get_ref().clone(),
        column: time_column.clone(),
        found: facts.time_type.clone(),
    })?;
    let changes = |change: &Option<toml::Spanned<Change>>, types: &BTreeMap<String, String>| {
        let columns = change
            .as_ref()
            .map_or_else(Vec::new, |change| change.get_ref().columns());
        columns
            .into_iter()
            .filter_map(crate::spec::on::column_ref)
            .map(|(_, column)| {
                let found = types.get(&column).cloned().unwrap_or_default();
                match time_kind(&found, &zone, unit) {
                    None | Some(TimeKind::Date { .. }) => Err(ModelError::ChangeType {
                        source_name: source.name.get_ref().clone(),
                        column,
                        found,
                    }),
                    Some(time) => Ok(ChangeColumn {
                        column,
                        sql_type: found,
                        time,
                    }),
                }
            })
            .collect::<Result<Vec<_>, _>>()
    };
    let mut joins = Vec::new();
    for (lookup, facts) in source.lookups.iter().zip(&facts.lookups) {
        let named = table_ref(lookup.table.get_ref()).unwrap_or_else(|| unreachable!("checked by Spec::parse"));
        let pairs: Vec<KeyPair> = key_pairs(lookup.on.get_ref(), &named.alias).unwrap_or_default();
        let keys: Vec<String> = pairs.iter().map(|pair| pair.column.clone()).collect();
        let known = lookups
            .iter()
            .position(|known| known.schema == facts.schema && known.table == named.table && known.keys == keys);
        let input = known.unwrap_or_else(|| {
            let short: String = named
                .table
                .chars()
                .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
                .take(12)
                .collect();
            lookups.push(LookupInput {
                name: format!("l{}_{short}", lookups.len() + 1),
                schema: facts.schema.clone(),
                table: named.table.clone(),
                change: Vec::new(),
                keys,
                used: BTreeMap::new(),
            });
            lookups.len() - 1
        });
        lookups[input].used.extend(facts.used.clone());
        for change in changes(&lookup.change, &facts.change_types)? {
            if !lookups[input].change.contains(&change) {
                lookups[input].change.push(change);
            }
        }
        joins.push(Join {
            schema: facts.schema.clone(),
            table: named.table,
            alias: named.alias,
            on: lookup.on.get_ref().clone(),
            expressions: pairs.into_iter().map(|pair| pair.expression).collect(),
            input,
        });
    }
    Ok(SourceModel {
        name: source.name.get_ref().clone(),
        schema: facts.schema.clone(),
        table: table.table,
        alias: table.alias,
        time_column,
        time,
        change: changes(&source.change, &facts.change_types)?,
        joins,
        filter: source.filter.as_ref().map(|filter| filter.get_ref().clone()),
        scope_column: spec
            .scope
            .as_ref()
            .and_then(|scope| source.dimensions.get(scope.get_ref()))
            .and_then(|sql| crate::spec::on::column_ref(sql.get_ref()))
            .map(|(_, column)| column),
        dimensions: spec
            .dimensions
            .keys()
            .filter_map(|name| source.dimensions.get(name))
            .map(|sql| sql.get_ref().clone())
            .collect(),
        values: source
            .values
            .iter()
            .map(|(name, expression)| ValueModel {
                name: name.clone(),
                expression: expression.get_ref().clone(),
                sql_type: facts.value_types.get(name).cloned().unwrap_or_default(),
            })
            .collect(),
        rows: row_labels(source),
        rows_first: source.rows_first,
        used: facts.used.clone(),
    })
}

/// What is declared; where nothing is, the dimensions and values, which are expressions over the same row.
fn row_labels(source: &crate::spec::Source) -> Vec<RowLabel> {
    let declared: Vec<_> = if source.rows.is_empty() {
        source.dimensions.iter().chain(&source.values).collect()
    } else {
        source.rows.iter().collect()
    };
    declared
        .into_iter()
        .map(|(label, expression)| RowLabel {
            label: label.clone(),
            expression: expression.get_ref().clone(),
        })
        .collect()
}

impl SourceModel {
    /// The time column, quoted and qualified.
    #[must_use]
    pub fn time_sql(&self) -> String {
        format!("{}.{}", quote(&self.alias), quote(&self.time_column))
    }

    #[must_use]
    pub fn table_sql(&self) -> String {
        format!("{}.{}", quote(&self.schema), quote(&self.table))
    }
}

/// The type that a dimension's expressions have in every source. Text where they differ, and for types of the operator's
/// own: a rollup table must not stop anybody from dropping one.
fn dimension_type(name: &str, facts: &[SourceFacts]) -> String {
    let found: Vec<&str> = facts
        .iter()
        .map(|source| {
            source
                .dimension_types
                .get(name)
                .map_or("text", |kind| kind.split('(').next().unwrap_or_default())
        })
        .collect();
    match found.first() {
        Some(&kind @ ("smallint" | "integer" | "bigint" | "numeric" | "boolean" | "uuid" | "date"))
            if found.iter().all(|other| *other == kind) =>
        {
            kind.to_owned()
        }
        _ => "text".to_owned(),
    }
}

fn number_of(sql_type: &str) -> Option<Number> {
    match sql_type.split('(').next().unwrap_or_default() {
        "smallint" | "integer" => Some(Number::Int),
        "bigint" | "numeric" => Some(Number::Exact),
        "real" | "double precision" => Some(Number::Float),
        _ => None,
    }
}

fn title_case(name: &str) -> String {
    let spaced = name.replace('_', " ");
    let mut chars = spaced.chars();
    chars.next().map_or(String::new(), |first| {
        first.to_uppercase().collect::<String>() + chars.as_str()
    })
}
