#!/usr/bin/env bash
# Run every check and every test of Tidemark, from a fresh clone if need be.
#
#   scripts/test.sh
#
# Installs what it needs, starts a PostgreSQL of its own for the tests (scripts/test-server.sh), and prints at the end
# `N passed, N failed` over everything: each check counts as one, and so does each test. A test that could not run
# counts as failed, except where its reason names an extension that Debian does not have.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

passed=0
failed=0
failures=()
work=$(mktemp -d)
export NO_COLOR=1 CARGO_TERM_COLOR=never FORCE_COLOR=0 CI=${CI:-1}

pass() { passed=$((passed + $1)); }
fail() {
  failed=$((failed + $1))
  failures+=("$2")
}

# Runs one check: it passes or fails as a whole.
check() {
  local name=$1
  shift
  say "$name"
  if "$@"; then pass 1; else fail 1 "$name"; fi
}

total() { awk '{ sum += $1 } END { print sum + 0 }'; }

# Adds up what `cargo test` and vitest say in a log. A run that failed without a failing test could not run: one more.
count_tests() {
  local name=$1 log=$2 status=$3 good bad skipped
  good=$(sed -nE 's/^test result: .* ([0-9]+) passed;.*/\1/p; s/^ +Tests .*[ |]([0-9]+) passed.*/\1/p' "$log" | total)
  bad=$(sed -nE 's/^test result: .* ([0-9]+) failed;.*/\1/p; s/^ +Tests .*[ |]([0-9]+) failed.*/\1/p' "$log" | total)
  pass "$good"
  [ "$bad" -eq 0 ] || fail "$bad" "$name: $bad failed"
  [ "$status" -eq 0 ] || [ "$bad" -gt 0 ] || fail 1 "$name: could not run to its end"
  [ "$good" -gt 0 ] || [ "$status" -ne 0 ] || fail 1 "$name: no test ran"
  skipped=$(grep -E '^test .* \.\.\. ignored' "$log" | grep -vci extension || true)
  skipped=$((skipped + $(sed -nE 's/^ +Tests .*[ |]([0-9]+) (skipped|todo).*/\1/p' "$log" | total)))
  [ "$skipped" -eq 0 ] || fail "$skipped" "$name: $skipped did not run"
  grep -E '^test .* \.\.\. ignored.*extension' "$log" >&2 || true
}

run_tests() {
  local name=$1 log=$work/$1.log status=0
  shift
  say "Tests: $name"
  "$@" 2>&1 | tee "$log" || status=$?
  count_tests "$name" "$log" "$status"
}

# What runs on servers must build without a web view, and what reckons must not know of one.
no_web_view() {
  local package found
  for package in tidemark-core tidemark-db tidemark-charts tidemark-local tidemark-cli; do
    found=$(cargo tree --locked --package "$package" --edges normal,build --prefix none | grep -E '^(tauri|wry|tao|webkit2gtk|gtk)[ -]' || true)
    [ -z "$found" ] || { printf '%s depends on a web view:\n%s\n' "$package" "$found" >&2; return 1; }
  done
}

finish() {
  local status=$?
  [ -z "${server_started:-}" ] || "$root_dir/scripts/test-server.sh" reset || true
  rm -rf "$work"
  if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
    fail 1 "scripts/test.sh itself: see above"
  fi
  local failure
  for failure in "${failures[@]}"; do printf 'FAILED  %s\n' "$failure" >&2; done
  printf '%s passed, %s failed\n' "$passed" "$failed"
  [ "$failed" -eq 0 ] || exit 1
}
trap finish EXIT

cd "$root_dir"
need_rust
need_packages "${app_packages[@]}" "${display_packages[@]}" "${test_packages[@]}"
need_node
install_ui

check "Scripts: shellcheck" shellcheck -x scripts/*.sh scripts/gallery/*.sh .ci/run
check "Rust: formatting" cargo fmt --all --check
check "UI: types" npm --prefix ui run --silent check
check "UI: build" build_ui
run_tests ui npm --prefix ui test
check "Rust: clippy" cargo clippy --locked --workspace --all-targets -- -D warnings
check "No web view in the headless parts" no_web_view

need_driver
export PATH

# Small and slow, to see that every measure still runs: no time is asserted.
benchmarks_run() {
  TIDEMARK_PROFILE=dev scripts/bench.sh --rows 20k --repeats 1 --json >"$work/bench.json" || return 1
  local measures
  measures=$(grep -c '"ratio":[0-9]' "$work/bench.json" || true)
  [ "$measures" -ge 56 ] || { printf 'Only %s measures were printed.\n' "$measures" >&2; return 1; }
}

# A server of this run's own: a developer's, with databases in it, stays as it is.
export TIDEMARK_TEST_DIR=${TIDEMARK_TEST_DIR:-/tmp/tidemark-test-$(id -u)-$$}
TIDEMARK_TEST_URL=$(scripts/test-server.sh start)
export TIDEMARK_TEST_URL
server_started=1
export TIDEMARK_SCREENSHOTS=${TIDEMARK_SCREENSHOTS:-$root_dir/screenshots}
# The programs as the tests in the window start them; and the types, which the tests write by the way.
check "Build" cargo build --locked --workspace --bins
mkdir "$work/api"
check "Benchmarks run" benchmarks_run
export TS_RS_EXPORT_DIR=$work/api TS_RS_LARGE_INT=number
run_tests rust xvfb-run -a -s "-screen 0 1440x900x24 -nolisten tcp" dbus-run-session -- \
  cargo test --locked --workspace --no-fail-fast
check "Generated types are fresh" scripts/generate.sh --compare "$work/api"
