#!/usr/bin/env bash
# Measure Tidemark beside what its users would do otherwise, as ratios within one run, on a PostgreSQL of its own.
#
#   scripts/bench.sh [--rows 10M] [--only MEASURE] [--repeats 5] [--json] [--write]
#
# Prints Markdown, a section as soon as it is measured; with --json one object a line, with measure, ratio, low, high,
# goal and met. --write makes docs/BENCHMARKS.md of a whole run. --only runs the measures whose name contains the word,
# such as read_ or inserts_8. --rows 100M works where there is room: 10 M take about 6 GB and half an hour.
# The server is one that loses nothing (fsync is on), with everything in its memory.
# TIDEMARK_PROFILE=dev measures what the tests have built: to see that it runs, not how fast.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

write=''
arguments=()
for argument in "$@"; do
  case $argument in
    --write) write=1 ;;
    -h | --help) sed -n '2,/^set /p' "${BASH_SOURCE[0]}" | sed '/^set /d; s/^# \{0,1\}//' && exit 0 ;;
    *) arguments+=("$argument") ;;
  esac
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

TIDEMARK_TEST_DIR=/tmp/tidemark-bench-$(id -u)-$$
export TIDEMARK_TEST_DIR
export TIDEMARK_TEST_OPTIONS="-c fsync=on -c full_page_writes=on -c shared_buffers=${TIDEMARK_BENCH_MEMORY:-4GB} -c max_wal_size=16GB \
 -c checkpoint_timeout=30min -c wal_level=replica -c maintenance_work_mem=512MB -c autovacuum_naptime=1s"
TIDEMARK_PGBENCH=$(postgres_bin)/pgbench
export TIDEMARK_PGBENCH
DATABASE_URL=$(scripts/test-server.sh start)
export DATABASE_URL
trap 'scripts/test-server.sh reset >/dev/null' EXIT

page=$TIDEMARK_TEST_DIR/page.md
command="\`scripts/bench.sh ${arguments[*]}\`"
"$bin/tidemark-bench" --tidemark "$bin/tidemark" ${write:+--write "$page"} "${arguments[@]}"
[ -n "$write" ] || exit 0
processor=$(sed -n 's/^model name\t*: //p' /proc/cpuinfo | head -n 1)
{
  sed '/^<!-- measured -->$/q' docs/BENCHMARKS.md
  printf '\nOne run of %s on %s: %s cores (%s), %s GB of memory, PostgreSQL %s, Linux %s.\n\n' "$command" "$(date -u +%F)" \
    "$(nproc)" "$processor" "$(awk '/^MemTotal/ { printf "%.0f", $2 / 1e6 }' /proc/meminfo)" \
    "$("$(postgres_bin)/postgres" --version | sed -E 's/.*\) ([0-9.]+).*/\1/')" "$(uname -r | cut -d - -f 1)"
  cat "$page"
  sed -n '/^<!-- end -->$/,$p' docs/BENCHMARKS.md
} >"$page.whole"
cat "$page.whole" >docs/BENCHMARKS.md
say "docs/BENCHMARKS.md is written: read it before you commit it."
