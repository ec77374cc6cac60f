#!/usr/bin/env bash
# Measure what a rollup costs and saves, as ratios within one run, on a PostgreSQL of its own.
#
#   scripts/bench.sh [ROWS]        2 000 000 raw rows over 35 days by default
#
# Prints Markdown: docs/BENCHMARKS.md holds such a run. Medians of five; the baseline of each line is measured beside it.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

rows=${1:-2000000}
cd "$root_dir"
cargo build --locked --quiet --release --package tidemark-cli
tidemark=${CARGO_TARGET_DIR:-$root_dir/target}/release/tidemark
TIDEMARK_TEST_DIR=/tmp/tidemark-bench-$(id -u)-$$
export TIDEMARK_TEST_DIR
url=$(scripts/test-server.sh start)
trap 'scripts/test-server.sh stop >/dev/null; rm -rf "$TIDEMARK_TEST_DIR"' EXIT
export DATABASE_URL=$url
pgbench=$(find /usr/lib/postgresql/*/bin/pgbench | sort -V | tail -n 1)
sql() { psql -qAtX -v ON_ERROR_STOP=1 "$url" "$@"; }

sql -f tests/engine/raw.sql
sql <<SQL
select setseed(0.5);
insert into usage_logs (created_at, account_id, group_id, duration_ms)
select now() - interval '35 days' + i * interval '35 days' / $rows, 1 + i % 4, nullif(i % 6, 0),
  exp(5.7 + 0.8 * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()))::integer
from generate_series(1, $rows) i;
insert into ops_error_logs (created_at, account_id, group_id, status_code)
select now() - random() * interval '35 days', 1 + i % 4, nullif(i % 6, 0), 500 from generate_series(1, $rows / 125) i;
vacuum analyze;
SQL

# Milliseconds of a command, the median of five.
median() {
  local started
  for _ in 1 2 3 4 5; do
    started=$(date +%s%N)
    "$@" >/dev/null 2>&1
    echo $((($(date +%s%N) - started) / 10000))
  done | sort -n | sed -n 3p | awk '{ printf "%.1f", $1 / 100 }'
}
line() { awk -v what="$1" -v base="$2" -v ours="$3" 'BEGIN { printf "| %s | %s | %s | %.1f× |\n", what, base, ours, base / ours }'; }
tps() { "$pgbench" -n -f "$1" -c 4 -T 4 "$url" 2>/dev/null | sed -nE 's/^tps = ([0-9]+).*/\1/p'; }

insert=$TIDEMARK_TEST_DIR/insert.sql
echo "insert into usage_logs (account_id, group_id, duration_ms) values (1 + (random() * 3)::int, 1, (random() * 1000)::int);" >"$insert"

build_started=$(date +%s%N)
"$tidemark" --yes rollup apply ops_metrics >/dev/null
"$tidemark" tick ops_metrics --drain >/dev/null 2>&1
build=$((($(date +%s%N) - build_started) / 1000000))

echo "$rows raw rows over 35 days, built in $build ms. PostgreSQL $(sql -c 'show server_version'), $(nproc) cores."
echo
echo '| query, ms | from raw rows | from the rollup | faster |'
echo '|---|---|---|---|'
q() { "$tidemark" query ops_metrics --tz Asia/Kolkata --by platform "$@"; }
while read -r range grain; do
  line "last $range by $grain, Kolkata, all measures" \
    "$(median q --from "-$range" --grain "$grain" --live)" "$(median q --from "-$range" --grain "$grain")"
done <<<$'24h hour\n7d hour\n35d day\n35d total'
raw="select date_trunc('day', created_at, 'Asia/Kolkata'), account_id, count(*), percentile_cont(0.99) within group (order by duration_ms) from usage_logs where created_at > now() - interval '35 days' group by 1, 2"
line "the same days by hand: count, percentile_cont(0.99) by account" "$(median sql -c "$raw")" "$(median q --from -35d --grain day --measure success_count --measure p99_latency_ms)"

echo
echo '| single-row inserts, 4 clients | without triggers, tps | with capture, tps | slower |'
echo '|---|---|---|---|'
for round in 1 2 3; do
  sql -c 'alter table usage_logs disable trigger user'
  base=$(tps "$insert")
  sql -c "do \$\$ declare t text; begin for t in select tgname from pg_trigger where tgrelid = 'usage_logs'::regclass and not tgisinternal loop execute format('alter table usage_logs enable always trigger %I', t); end loop; end \$\$"
  line "round $round" "$base" "$(tps "$insert")"
done
"$tidemark" tick ops_metrics --drain >/dev/null 2>&1

echo
echo '| the open quarter hour, ms | whole, from raw rows | its open minute, and merged | faster |'
echo '|---|---|---|---|'
sql -c "insert into usage_logs (created_at, account_id, duration_ms) select date_bin('15 minutes', now(), '2001-01-01') - interval '15 minutes' + random() * interval '15 minutes', 1 + i % 4, (random() * 2000)::int from generate_series(1, 500000) i"
"$tidemark" tick ops_metrics --drain >/dev/null 2>&1
quarter="(date_bin('15 minutes', now(), '2001-01-01') - interval '15 minutes')"
whole="select tidemark.ops_metrics__replace_15m(array[$quarter], array[$quarter + interval '15 minutes'], true)"
minute="select tidemark.ops_metrics__replace_1m(array[$quarter], array[$quarter + interval '1 minute'], true); select tidemark.ops_metrics__replace_15m(array[$quarter], array[$quarter + interval '15 minutes'], false)"
line "500 000 rows in it" "$(median sql -c "$whole")" "$(median sql -c "$minute")"

# Accuracy of forecasts: 24 groups over 400 days, read as its relations' readers do.
sql -f crates/local/src/demo/forecast_accuracy.sql
sql <<SQL
insert into deviations ("timestamp", site_id, model_id, parameter_id, horizon, forecast_value, observed_value, deviation)
select now() - interval '400 days' + i * interval '400 days' / $rows, 1 + i % 4, 1 + i / 4 % 3, 1, (array[6, 24])[1 + i / 12 % 2], f, 10, f - 10
from generate_series(1, $rows) i, lateral (select 10 + (random() - 0.4) * (1 + i % 3) as f) x;
vacuum analyze deviations;
SQL
build_started=$(date +%s%N)
"$tidemark" --yes rollup apply forecast_accuracy >/dev/null
"$tidemark" tick forecast_accuracy --drain >/dev/null 2>&1
build=$((($(date +%s%N) - build_started) / 1000000))
echo
echo "| $rows deviations over 400 days (built in $build ms), ms | from raw rows | from the relation | faster |"
echo '|---|---|---|---|'
metrics="site_id, model_id, parameter_id, horizon, avg(abs(deviation)), avg(deviation), stddev_samp(deviation), count(*), min(deviation), max(deviation)"
while read -r grain relation; do
  line "all groups by $grain" \
    "$(median sql -c "select date_trunc('$grain', \"timestamp\", 'UTC'), $metrics from deviations group by 1, 2, 3, 4, 5")" \
    "$(median sql -c "select * from tidemark.$relation")"
done <<<$'day daily_accuracy_metrics\nweek weekly_accuracy_metrics\nmonth monthly_accuracy_metrics'
