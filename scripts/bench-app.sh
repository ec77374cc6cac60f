#!/usr/bin/env bash
# Measure the window itself beside its baselines, as ratios within one run: Markdown, or with --json one object a line.
#
#   scripts/bench-app.sh [--json] [--only MEASURE]
#
# MEASURE is `first-paint`, `memory` or `board`. The baseline of the first two is an empty Tauri window
# (src-tauri/examples/empty-window), started by the same driver, in turns; that of the third is the query itself. Release
# profile; a display of its own unless DISPLAY is set; a PostgreSQL of its own (TIDEMARK_TEST_DIR for another place).
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_rust
need_packages "${app_packages[@]}" "${display_packages[@]}" "${test_packages[@]}"
need_node
install_ui
build_ui
cd "$root_dir"
PATH=$root_dir/target/tools/bin:$PATH
has tauri-driver || cargo install --quiet --locked --root target/tools --target-dir target/tools/build tauri-driver@2.1.0
say "Building the app, and an empty window to measure beside"
cargo build --locked --quiet --release --package tidemark-app --bins --example empty-window
cargo build --locked --quiet --release --package tidemark-cli
export TIDEMARK_BIN=${CARGO_TARGET_DIR:-$root_dir/target}/release
export TIDEMARK_TEST_DIR=${TIDEMARK_TEST_DIR:-/tmp/tidemark-bench-app-$(id -u)}
url=$(scripts/test-server.sh start)
trap 'scripts/test-server.sh stop' EXIT
psql=$(postgres_bin)/psql
at=$(printf '%s' "$url" | sed 's|^postgres:///[^?]*|postgres:///bench_app|')
"$psql" -qX "$url" -c "drop database if exists bench_app with (force)" -c "create database bench_app" 2>/dev/null

# Ten kinds of hits in every quarter hour of 90 days, some of them bad: counts, and a percentile.
"$psql" -qX "$at" -v ON_ERROR_STOP=1 <<'SQL'
create table hits (at timestamptz not null, kind text, bad boolean, ms integer);
insert into hits
select date_bin('15 minutes', now(), '2001-01-01') - q * interval '15 minutes' + interval '1 minute', 'kind ' || k,
  (q * 7 + k * 13 + n) % 5 = 0, 50 + (q * 31 + k * 17 + n * 7) % 900
from generate_series(1, 90 * 96) q, generate_series(1, 10) k, generate_series(1, 1 + q % 3) n;
create index on hits (at);
analyze hits;
SQL
"$TIDEMARK_BIN/tidemark" --yes rollup apply scripts/bench-app.toml --database-url "$at" >/dev/null
"$TIDEMARK_BIN/tidemark" tick --drain --database-url "$at" >/dev/null
display=()
[ -n "${DISPLAY:-}" ] || display=(xvfb-run -a -s "-screen 0 1440x900x24 -nolisten tcp")
"${display[@]}" dbus-run-session -- node scripts/bench-app.mjs "$at" "$@"
