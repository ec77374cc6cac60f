#!/usr/bin/env bash
# Measure Tidemark beside what its users would do otherwise, as ratios within one run, on a PostgreSQL of its own.
#
#   scripts/bench.sh [--rows 10M] [--only MEASURE,…] [--repeats 5] [--json] [--write]
#
# Prints Markdown, a section as soon as it is measured; with --json one object a line, with measure, ratio, low, high,
# goal and met. --write makes docs/BENCHMARKS.md of a whole run. --only runs the measures whose names contain one of the words,
# such as read_ or backfill,inserts_8; app_ are those of the window. --rows 100M works where there is room: 10 M take about 6 GB
# and, on two cores, more than an hour. The server is one that loses nothing (fsync is on), with everything in its memory. The
# window has a display of its own unless DISPLAY is set.
# TIDEMARK_PROFILE=dev measures what the tests have built: to see that it runs, not how fast.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

write='' only='' repeats=5
arguments=() window_arguments=()
while [ $# -gt 0 ]; do
  case $1 in
    --write) write=1 ;;
    -h | --help) sed -n '2,/^set /p' "${BASH_SOURCE[0]}" | sed '/^set /d; s/^# \{0,1\}//' && exit 0 ;;
    --only) only=${2:-} arguments+=("$1" "$only") && shift ;;
    --repeats) repeats=${2:-} arguments+=("$1" "$repeats") && shift ;;
    --json) arguments+=("$1") window_arguments+=("$1") ;;
    *) arguments+=("$1") ;;
  esac
  [ $# -eq 0 ] || shift
done
# Which of both measure something of these names.
of_window='app_first_paint app_memory app_board' window='' database=''
[ -n "$only" ] || window=1 database=1
for word in ${only//,/ }; do
  case $of_window in *"$word"*) window=1 ;; esac
  case $word in app*) ;; *) database=1 ;; esac
done

need_rust
need_packages gcc libc6-dev pkg-config postgresql
cd "$root_dir"
profile=${TIDEMARK_PROFILE:-release}
target=${CARGO_TARGET_DIR:-$root_dir/target}
case $profile in
  dev) bin=$target/debug ;;
  release) bin=$target/release ;;
  *) die "TIDEMARK_PROFILE is dev or release, not $profile." ;;
esac
cargo build --locked --quiet --profile "$profile" --package tidemark-bench --package tidemark-cli
if [ -n "$window" ]; then
  need_packages "${app_packages[@]}" "${display_packages[@]}" "${test_packages[@]}"
  need_node
  install_ui
  build_ui
  need_driver
  cargo build --locked --quiet --profile "$profile" --package tidemark-app --bins --example empty-window
fi

TIDEMARK_TEST_DIR=/tmp/tidemark-bench-$(id -u)-$$
export TIDEMARK_TEST_DIR
export TIDEMARK_TEST_OPTIONS="-c fsync=on -c full_page_writes=on -c shared_buffers=${TIDEMARK_BENCH_MEMORY:-4GB} -c max_wal_size=16GB \
 -c checkpoint_timeout=30min -c wal_level=replica -c maintenance_work_mem=512MB -c autovacuum_naptime=1s"
programs=$(postgres_bin)
export TIDEMARK_PGBENCH=$programs/pgbench
DATABASE_URL=$(scripts/test-server.sh start)
export DATABASE_URL
trap 'scripts/test-server.sh reset >/dev/null' EXIT
page=$TIDEMARK_TEST_DIR/page.md

# The window beside an empty one and beside the query, on a board of ten series by quarter hours.
measure_window() {
  local at display=()
  at=$(printf '%s' "$DATABASE_URL" | sed 's|^postgres:///[^?]*|postgres:///bench_window|')
  "$programs/psql" -qX "$DATABASE_URL" -c "create database bench_window"
  "$programs/psql" -qX "$at" -v ON_ERROR_STOP=1 -f scripts/bench/hits.sql
  "$bin/tidemark" --yes rollup apply scripts/bench/hits.toml --database-url "$at" >/dev/null
  "$bin/tidemark" tick --drain --database-url "$at" >/dev/null
  [ -n "${DISPLAY:-}" ] || display=(xvfb-run -a -s "-screen 0 1440x900x24 -nolisten tcp")
  TIDEMARK_BIN=$bin "${display[@]}" dbus-run-session -- node scripts/bench/window.mjs "$at" --repeats "$repeats" --only "$only" "${window_arguments[@]}"
}

[ -z "$database" ] || "$bin/tidemark-bench" --tidemark "$bin/tidemark" ${write:+--write "$page"} "${arguments[@]}"
[ -z "$window" ] || measure_window | tee "$page.window"
[ -n "$write" ] || exit 0
processor=$(sed -n 's/^model name\t*: //p' /proc/cpuinfo | head -n 1)
{
  sed '/^<!-- measured -->$/q' docs/BENCHMARKS.md
  printf '\nOne run of %s on %s: %s cores (%s), %s GB of memory, PostgreSQL %s, Linux %s.\n\n' "\`scripts/bench.sh ${arguments[*]}\`" "$(date -u +%F)" \
    "$(nproc)" "$processor" "$(awk '/^MemTotal/ { printf "%.0f", $2 / 1e6 }' /proc/meminfo)" \
    "$("$programs/postgres" --version | sed -E 's/.*\) ([0-9.]+).*/\1/')" "$(uname -r | cut -d - -f 1)"
  [ -z "$database" ] || cat "$page"
  [ -z "$window" ] || cat "$page.window"
  sed -n '/^<!-- end -->$/,$p' docs/BENCHMARKS.md
} >"$page.whole"
cat "$page.whole" >docs/BENCHMARKS.md
say "docs/BENCHMARKS.md is written: read it before you commit it."
