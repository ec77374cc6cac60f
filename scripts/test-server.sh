#!/usr/bin/env bash
# Start, stop or name the PostgreSQL server that the tests use.
#
#   scripts/test-server.sh start   starts it, or finds it running, and prints its URL
#   scripts/test-server.sh stop    stops it; its data stay for the next start
#   scripts/test-server.sh reset   stops it and deletes its data
#   scripts/test-server.sh url     prints its URL; exit status 1 when it isn't running
#
#   export TIDEMARK_TEST_URL=$(scripts/test-server.sh start)
#
# One server per user, in /tmp/tidemark-test-UID (TIDEMARK_TEST_DIR for another place). It listens on a socket only,
# in a folder that only its owner can enter, and trusts whoever gets there. It is made for tests: it may lose
# everything in a power cut (fsync is off), and it speaks logical replication and two-phase commits.
# TIDEMARK_TEST_OPTIONS are more of its options; they win.
# TIDEMARK_TEST_PG_BIN chooses another version's programs.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

base=${TIDEMARK_TEST_DIR:-/tmp/tidemark-test-$(id -u)}
data=$base/data
socket=$base/socket
url="postgres:///postgres?host=$(printf '%s' "$socket" | sed 's|/|%2F|g')&user=postgres"

# PostgreSQL refuses to run as root; there it runs as the system user that Debian's package makes.
as_server=()
owner=$(id -un)
if [ "$(id -u)" -eq 0 ]; then
  owner=postgres
  as_server=(runuser -u postgres --)
fi

find_programs() {
  bin=$(postgres_bin || true)
  if [ -z "$bin" ]; then
    need_packages postgresql
    bin=$(postgres_bin || true)
    [ -n "$bin" ] || die "PostgreSQL 15 or later is needed for the tests; this system's packages bring an older one." \
      "Install one from https://www.postgresql.org/download/ or set TIDEMARK_TEST_PG_BIN to its bin folder."
  fi
}

running() { [ -f "$data/postmaster.pid" ] && "${as_server[@]}" "$bin/pg_ctl" -D "$data" status >/dev/null 2>&1; }

start() {
  if [ -e "$base" ] && [ "$(stat -c %U "$base")" != "$owner" ]; then
    die "$base belongs to $(stat -c %U "$base"), not to $owner. Delete it, or set TIDEMARK_TEST_DIR to another folder."
  fi
  install -d -m 700 -o "$owner" "$base"
  # Two that start at once would both run initdb. The lock must not reach the server, or it would be held for ever.
  exec 9>"$base/lock"
  flock -w 120 9 || die "Another start of the test server has been under way for two minutes; see $base/log."
  cd "$base"
  if ! running; then
    if [ ! -f "$data/PG_VERSION" ]; then
      rm -rf "$data"
      "${as_server[@]}" "$bin/initdb" -D "$data" -U postgres -A trust -E UTF8 --locale=C --no-sync \
        >"$base/initdb.log" 2>&1 9>&- || die "initdb failed; see $base/initdb.log."
    fi
    install -d -m 700 -o "$owner" "$socket"
    "${as_server[@]}" "$bin/pg_ctl" -D "$data" -l "$base/log" -w -t 60 -s start -o "\
      -c listen_addresses='' -c unix_socket_directories='$socket' -c max_connections=300 \
      -c fsync=off -c full_page_writes=off -c shared_buffers=256MB -c max_wal_size=4GB \
      -c wal_level=logical -c max_prepared_transactions=20 -c track_commit_timestamp=off \
      -c max_locks_per_transaction=256 -c timezone=UTC -c log_timezone=UTC ${TIDEMARK_TEST_OPTIONS:-}" \
      >/dev/null 2>"$base/start.log" 9>&- || die "The test server did not start; see $base/log." "$(tail -n 5 "$base/log" 2>/dev/null)"
  fi
  printf '%s\n' "$url"
}

stop() {
  [ -d "$base" ] || return 0
  cd "$base"
  running && "${as_server[@]}" "$bin/pg_ctl" -D "$data" -m immediate -w -s stop
  return 0
}

case ${1:-} in
  start) find_programs && start ;;
  stop) find_programs && stop ;;
  reset) find_programs && stop && cd / && rm -rf "$base" ;;
  url) find_programs && running && printf '%s\n' "$url" ;;
  *) sed -n '2,9p' "${BASH_SOURCE[0]}" | sed 's/^# \{0,1\}//' >&2; exit 2 ;;
esac
