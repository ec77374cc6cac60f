//! A random declaration, and what its numbers mean in SQL of the generator's own.

use tidemark_core::api::Grain;

use crate::property::random::Random;

/// The operator's tables: three fact tables of the same columns and other names, and lookups one and two hops away, one
/// of them with a key of two columns.
pub const TABLES: &str = r#"
create schema "Other Place";
create table region (id integer primary key, name text);
create table shop (id integer primary key, label text, region_id integer);
create table "Price List" (lang text, "No" smallint, title text, unique (lang, "No"));
insert into region select n, 'r' || n % 3 from generate_series(1, 4) n;
insert into shop select n, nullif('s' || n % 4, 's1'), nullif(n % 6, 5) from generate_series(1, 8) n;
insert into "Price List" select l, n, 't' || n from unnest(array['en', 'fr']) l, generate_series(0, 3) n;
"#;

/// One source: its table, how its time is told, what it joins and leaves out.
pub struct Source {
    pub table: &'static str,
    pub time: Time,
    /// As the declaration says them.
    lookups: Vec<(&'static str, &'static str)>,
    filter: Option<&'static str>,
    /// SQL of each dimension.
    dimensions: Vec<&'static str>,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Time {
    Tz,
    Utc,
    Epoch(&'static str, i64),
}

pub struct Shape {
    pub toml: String,
    pub sources: Vec<Source>,
    /// Name and type.
    pub dimensions: Vec<(String, &'static str)>,
    pub measures: Vec<Measure>,
    pub base: Grain,
    /// The finest grain that is kept for ever: ranges are cut at it.
    pub kept: Grain,
}

pub struct Measure {
    pub name: String,
    /// SQL over the union of all sources' rows: columns t, src, the dimensions, v_int, v_num, v_dbl, v_big.
    pub truth: String,
    pub how: How,
}

#[derive(Clone, Copy, PartialEq)]
pub enum How {
    /// To the last digits.
    Exact,
    /// Within 1 %.
    Percentile,
    /// Not a number of its own.
    Part,
}

const TABLE_NAMES: [&str; 3] = ["facts", "\"Other Place\".\"more \"\"facts\"\"\"", "\"Order\""];
const VALUES: [(&str, &str); 4] = [
    ("v_int", "f.v_int"),
    ("v_num", "f.\"V num\""),
    ("v_dbl", "f.v_dbl"),
    ("v_big", "(f.doc ->> 'n')::bigint * 1000000"),
];

impl Time {
    /// An instant, given as SQL, as the column holds it.
    pub fn store(self, instant: &str) -> String {
        match self {
            Time::Tz => instant.to_owned(),
            Time::Utc => format!("({instant})::timestamptz at time zone 'UTC'"),
            Time::Epoch(_, per) => format!(
                "(select case when isfinite(x) then least(floor(extract(epoch from x) * {per}), 9e18)::bigint end from (select ({instant})::timestamptz) as one (x))"
            ),
        }
    }

    /// The column as an instant; none outside 1900 to 2300.
    fn read(self) -> String {
        let instant = match self {
            Time::Tz => "f.at".to_owned(),
            Time::Utc => "f.at at time zone 'UTC'".to_owned(),
            Time::Epoch(_, per) => {
                return format!(
                    "case when f.at >= -2208988800 * {per}::numeric and f.at < 10413792000 * {per}::numeric then timestamptz 'epoch' + f.at / {per} * interval '1 second' + f.at % {per} * interval '1 second' / {per} end"
                );
            }
        };
        format!("case when {instant} >= '1900-01-02 00:00+00' and {instant} < '2299-12-31 00:00+00' then {instant} end")
    }

    fn sql_type(self) -> &'static str {
        match self {
            Time::Tz => "timestamptz",
            Time::Utc => "timestamp",
            Time::Epoch(..) => "bigint",
        }
    }
}

impl Source {
    pub fn create(&self) -> String {
        format!(
            "create table {0} (id bigint generated always as identity, at {1}, kind text, \"Step\" smallint, flag boolean, shop integer, lang text, doc jsonb, v_int integer, \"V num\" numeric, v_dbl double precision);
             create index on {0} (at); create index on {0} (shop);\n",
            self.table,
            self.time.sql_type()
        )
    }

    /// Rows that count, by an independent SELECT.
    fn rows(&self, number: usize, dimensions: &[(String, &str)]) -> String {
        let joins: String = self
            .lookups
            .iter()
            .map(|(table, on)| format!(" left join {table} on {on}"))
            .collect();
        let dimensions: String = dimensions
            .iter()
            .zip(&self.dimensions)
            .map(|((name, sql_type), sql)| format!(", ({sql})::{sql_type} as {name}"))
            .collect();
        let values: String = VALUES.iter().map(|(name, sql)| format!(", {sql} as {name}")).collect();
        format!(
            "select {} as t, {number} as src{dimensions}{values} from {} f{joins} where {}",
            self.time.read(),
            self.table,
            self.filter.unwrap_or("true")
        )
    }
}

impl Shape {
    /// All sources' rows.
    pub fn facts(&self) -> String {
        let all = self
            .sources
            .iter()
            .enumerate()
            .map(|(number, source)| source.rows(number, &self.dimensions));
        all.collect::<Vec<_>>().join("\nunion all ")
    }

    pub fn random(random: &mut Random) -> Shape {
        let mut dimensions: Vec<(String, &'static str)> = Vec::new();
        for at in 0..random.below(4) {
            const TYPES: [&str; 4] = ["text", "text", "integer", "boolean"];
            let sql_type = *random.pick(&TYPES);
            dimensions.push((format!("d{at}"), sql_type));
        }
        let sources: Vec<Source> = (0..1 + random.below(3) as usize)
            .map(|at| source(random, at, &dimensions))
            .collect();
        let (grains, keep, base, kept) = grains(random);
        let measures = measures(random, sources.len(), &dimensions);
        let mut shape = Shape {
            toml: String::new(),
            sources,
            dimensions,
            measures: measures
                .iter()
                .map(|(measure, _)| Measure {
                    name: measure.name.clone(),
                    truth: measure.truth.clone(),
                    how: measure.how,
                })
                .collect(),
            base,
            kept,
        };
        shape.toml = toml(&shape, &grains, keep, &measures);
        shape
    }
}

fn source(random: &mut Random, at: usize, dimensions: &[(String, &'static str)]) -> Source {
    let time = *random.pick(&[
        Time::Tz,
        Time::Tz,
        Time::Utc,
        Time::Epoch("s", 1),
        Time::Epoch("ms", 1_000),
        Time::Epoch("us", 1_000_000),
    ]);
    let shop = ("shop s", "s.id = f.shop");
    let region = ("region r", "r.id = s.region_id");
    let prices = ("\"Price List\" p", "p.lang = f.lang and p.\"No\" = f.\"Step\"");
    let lookups = match random.below(6) {
        0 | 1 => Vec::new(),
        2 => vec![shop],
        3 => vec![shop, region],
        4 => vec![prices],
        _ => vec![prices, shop, region],
    };
    let has = |table: &str| lookups.iter().any(|(known, _)| *known == table);
    let mut texts = vec!["f.kind", "coalesce(f.kind, '')", "f.doc ->> 'k'", "f.lang"];
    let mut filters = vec![
        "f.flag is not true",
        "f.v_int > 20",
        "f.kind is distinct from 'a'",
        "f.\"V num\" < 90 or f.shop is null",
    ];
    if has("shop s") {
        texts.extend(["s.label", "coalesce(s.label, f.kind)"]);
        filters.push("s.label is distinct from 's2'");
    }
    if has("region r") {
        texts.extend(["r.name", "r.name"]);
    }
    if has("\"Price List\" p") {
        texts.extend(["p.title", "p.title"]);
    }
    let sql = dimensions
        .iter()
        .map(|(_, sql_type)| match *sql_type {
            "text" => *random.pick(&texts),
            "integer" => *random.pick(&["f.\"Step\"", "f.shop % 3", "length(f.kind)"]),
            _ => *random.pick(&["f.flag", "f.v_int > 50", "not f.flag"]),
        })
        .collect();
    Source {
        table: TABLE_NAMES[at],
        time,
        filter: random.chance(50).then(|| *random.pick(&filters)),
        dimensions: sql,
        lookups,
    }
}

/// The grains, `keep`, the base, and the finest that is kept for ever.
fn grains(random: &mut Random) -> (Vec<Grain>, Option<Grain>, Grain, Grain) {
    const ALL: [Grain; 8] = [
        Grain::Minute,
        Grain::FiveMinutes,
        Grain::QuarterHour,
        Grain::Hour,
        Grain::Day,
        Grain::Week,
        Grain::Month,
        Grain::Year,
    ];
    let first = random.below(5) as usize;
    let mut grains = vec![ALL[first]];
    grains.extend(ALL[first + 1..].iter().filter(|_| random.chance(55)));
    // Fine buckets are dropped after a while, where the next grain is made of them.
    let keep = grains
        .get(1)
        .filter(|next| **next <= Grain::Day && random.chance(50))
        .map(|_| grains[0]);
    let kept = if keep.is_some() { grains[1] } else { grains[0] };
    (grains.clone(), keep, grains[0], kept)
}

/// Measures with their TOML.
fn measures(random: &mut Random, sources: usize, dimensions: &[(String, &'static str)]) -> Vec<(Measure, String)> {
    let mut all: Vec<(Measure, String)> = Vec::new();
    let mut add = |name: String, truth: String, how: How, form: String| all.push((Measure { name, truth, how }, form));
    for src in 0..sources {
        add(
            format!("n{src}"),
            format!("count(*) filter (where src = {src})"),
            How::Exact,
            format!("count = \"s{src}\""),
        );
    }
    let mut additive: Vec<(String, String)> = (0..sources)
        .map(|src| (format!("n{src}"), format!("count(*) filter (where src = {src})")))
        .collect();
    for at in 0..3 + random.below(6) {
        let src = random.below(sources as u64);
        let (value, _) = *random.pick(&VALUES);
        let filter = random.chance(50).then(|| filter(random, dimensions));
        let only = filter
            .as_ref()
            .map_or(format!("src = {src}"), |filter| format!("src = {src} and ({filter})"));
        let clause = filter
            .as_ref()
            .map_or(String::new(), |filter| format!(", where = \"{filter}\""));
        let (name, over) = (format!("m{at}"), format!("\"s{src}.{value}\""));
        match random.below(11) {
            0 => {
                let truth = format!("count(*) filter (where {only})");
                additive.push((name.clone(), truth.clone()));
                add(name, truth, How::Exact, format!("count = \"s{src}\"{clause}"));
            }
            1 | 2 => add(
                name,
                format!("sum({value}) filter (where {only})"),
                How::Exact,
                format!("sum = {over}{clause}"),
            ),
            3 => add(
                name,
                format!("min({value}) filter (where {only})"),
                How::Exact,
                format!("min = {over}{clause}"),
            ),
            4 => add(
                name,
                format!("max({value}) filter (where {only})"),
                How::Exact,
                format!("max = {over}{clause}"),
            ),
            5 => {
                let (a, b) = (random.pick(&additive).clone(), random.pick(&additive).clone());
                let percent = random.chance(50);
                let (factor, unit) = if percent {
                    ("100.0", ", unit = \"%\"")
                } else {
                    ("1.0", "")
                };
                add(
                    name,
                    format!("{factor} * {} / nullif({}, 0)", a.1, b.1),
                    How::Exact,
                    format!("ratio = [\"{}\", \"{}\"]{unit}", a.0, b.0),
                );
            }
            6 => {
                let (a, b) = (random.pick(&additive).clone(), random.pick(&additive).clone());
                add(
                    name,
                    format!("2 * ({} - {}) + 1.5", a.1, b.1),
                    How::Exact,
                    format!("expr = \"2 * ({} - {}) + 1.5\"", a.0, b.0),
                );
            }
            7 => {
                add(
                    name.clone(),
                    "null".to_owned(),
                    How::Part,
                    format!("moments = {over}{clause}"),
                );
                let mean = format!("avg({value}::numeric) filter (where {only})");
                add(format!("{name}_mean"), mean, How::Exact, format!("mean = \"{name}\""));
                // With digits behind the point, or numeric gives none.
                let sd = format!("stddev_samp({value}::numeric * 1.000000000000) filter (where {only})");
                add(format!("{name}_sd"), sd, How::Exact, format!("sd = \"{name}\""));
            }
            8 => {
                add(
                    name.clone(),
                    "null".to_owned(),
                    How::Part,
                    format!("trend = {over}{clause}"),
                );
                let (slope, r2) = trend(value, &only);
                add(
                    format!("{name}_slope"),
                    slope,
                    How::Exact,
                    format!("slope = \"{name}\""),
                );
                add(format!("{name}_r2"), r2, How::Exact, format!("r2 = \"{name}\""));
            }
            9 => {
                let truth = format!("count(distinct {value}) filter (where {only})");
                add(name, truth, How::Exact, format!("distinct = {over}{clause}"));
            }
            _ => {
                let rank = random.pick(&["0", "0.25", "0.5", "0.9", "0.99", "1"]);
                add(
                    name.clone(),
                    "null".to_owned(),
                    How::Part,
                    format!("distribution = {over}{clause}"),
                );
                add(
                    format!("{name}_mean"),
                    format!("avg({value}) filter (where {only})"),
                    How::Exact,
                    format!("mean = \"{name}\""),
                );
                add(
                    format!("{name}_q"),
                    format!("percentile_disc({rank}) within group (order by {value}) filter (where {only})"),
                    How::Percentile,
                    format!("quantile = {rank}.0, of = \"{name}\"")
                        .replace(".25.0", ".25")
                        .replace(".5.0", ".5")
                        .replace(".9.0", ".9")
                        .replace(".99.0", ".99"),
                );
            }
        }
    }
    all
}

/// Slope per day and r² of a value over time, from sums in numeric: float8 loses the slope of close instants.
fn trend(value: &str, only: &str) -> (String, String) {
    let sum = |what: &str| format!("sum({what}) filter (where {only} and {value} is not null)");
    let (t, v) = ("extract(epoch from t)", format!("{value}::numeric"));
    let n = sum("1");
    let square = |what: &str| {
        format!(
            "({n} * {} - {s} * {s})",
            sum(&format!("{what} * {what}")),
            s = sum(what)
        )
    };
    let tv = format!("({n} * {} - {} * {})", sum(&format!("{t} * {v}")), sum(t), sum(&v));
    let (tt, vv) = (square(t), square(&v));
    (
        format!("86400 * {tv} / nullif({tt}, 0)"),
        format!("case when {tt} > 0 then case when {vv} = 0 then 1 else {tv} * {tv} / ({tt} * {vv}) end end"),
    )
}

fn filter(random: &mut Random, dimensions: &[(String, &'static str)]) -> String {
    let own = [
        "v_int > 40",
        "v_num is not null and v_dbl < 500",
        "v_int % 2 = 0 or v_big is null",
    ];
    if dimensions.is_empty() || random.chance(50) {
        return (*random.pick(&own)).to_owned();
    }
    let (name, sql_type) = random.pick(dimensions);
    match *sql_type {
        "text" => format!("{name} is null or {name} > 'b'"),
        "integer" => format!("{name} >= 1"),
        _ => format!("not {name}"),
    }
}

fn toml(shape: &Shape, grains: &[Grain], keep: Option<Grain>, measures: &[(Measure, String)]) -> String {
    let list: Vec<String> = grains.iter().map(|grain| format!("\"{grain}\"")).collect();
    let mut text = format!("name = \"generated\"\ngrains = [{}]\n", list.join(", "));
    if let Some(keep) = keep {
        text += &format!("keep = {{ \"{keep}\" = \"36 hours\" }}\n");
    }
    for (at, source) in shape.sources.iter().enumerate() {
        text += &format!(
            "\n[[source]]\nname = \"s{at}\"\ntable = '{} f'\ntime = \"f.at\"\n",
            source.table
        );
        if let Time::Epoch(unit, _) = source.time {
            text += &format!("time_unit = \"{unit}\"\n");
        }
        let lookups: Vec<String> = source
            .lookups
            .iter()
            .map(|(table, on)| format!("{{ table = '{table}', on = '{on}' }}"))
            .collect();
        text += &format!("lookups = [{}]\n", lookups.join(", "));
        if let Some(filter) = source.filter {
            text += &format!("where = '''{filter}'''\n");
        }
        text += "[source.dimensions]\n";
        for ((name, _), sql) in shape.dimensions.iter().zip(&source.dimensions) {
            text += &format!("{name} = '''{sql}'''\n");
        }
        text += "[source.values]\n";
        for (name, sql) in VALUES {
            text += &format!("{name} = '''{sql}'''\n");
        }
    }
    for (name, sql_type) in &shape.dimensions {
        text += &format!("[dimensions.{name}]\ntype = \"{sql_type}\"\n");
    }
    text += "\n[measures]\n";
    for (measure, form) in measures {
        text += &format!("{} = {{ {form} }}\n", measure.name);
    }
    text
}
