#!/usr/bin/env bash
# Bring a database of the gallery into a state that the demo does not have. Called by gallery.sh and main.mjs.
#
#   scripts/gallery/state.sh STATE DEMO_URL
#
# Needs TIDEMARK_BIN, the folder of the programs.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

state=$1
demo=$2
bin=$(postgres_bin)
at() { printf '%s' "$demo" | sed "s|^postgres:///[^?]*|postgres:///$1|"; }
sql() { "$bin/psql" -qX "$1" -v ON_ERROR_STOP=1 "${@:2}" >/dev/null; }
# Another build than this checkout's may stand first on the path.
tidemark() { "$TIDEMARK_BIN/tidemark" "$@" --database-url "$url" >/dev/null 2>&1; }

# A database of this name with the operator's tables in it, empty.
fresh() {
  url=$(at "$1")
  # Each by itself: neither may stand in a transaction.
  "$bin/psql" -qX "$demo" -c "drop database if exists $1 with (force)" -c "create database $1" 2>/dev/null
  sql "$url" -f "$root_dir/tests/engine/raw.sql"
}
rows() { sql "$url" -v "names='$1'" -v "days=$2" -v "per_hour=$3" -f "$root_dir/scripts/gallery/rows.sql"; }
apply() { tidemark rollup apply ops_metrics --yes && tidemark tick --drain; }

case $state in
  # Tables, and nothing of Tidemark's.
  plain) fresh gallery_plain ;;
  # No table that a shipped declaration knows.
  empty)
    url=$(at gallery_empty)
    "$bin/psql" -qX "$demo" -c 'drop database if exists gallery_empty with (force)' -c 'create database gallery_empty' 2>/dev/null
    ;;
  # 40 platforms, some with names as long as people give.
  many)
    fresh gallery_many
    rows "{anthropic-claude-on-bedrock-eu-central-1-with-provisioned-throughput,openai-azure-gpt-5-sweden-central-batch,Größte Sprachmodelle der nördlichen Rechenzentren,$(seq -s , -f 'platform-%02g' 4 40)}" 9 2600
    apply
    ;;
  # Rows, and no platform on any of them.
  unnamed) fresh gallery_unnamed && sql "$url" -c 'update accounts set platform = null' &&
    sql "$url" -c "insert into usage_logs (created_at, duration_ms) select now() - random() * interval '24 hours', 200 + 300 * random() from generate_series(1, 9000)" && apply ;;
  one) fresh gallery_one && sql "$url" -c "insert into usage_logs (created_at, account_id, duration_ms) values (now() - interval '40 minutes', 1, 312)" && apply ;;
  no-rows) fresh gallery_no_rows && apply ;;
  # Part of a backfill done, a job that rests, some that are over.
  building)
    fresh gallery_states
    rows '{openai,anthropic,gemini,bedrock,azure}' 70 1800
    tidemark rollup apply ops_metrics --yes
    buckets() { "$TIDEMARK_BIN/tidemark" jobs --json --database-url "$url" | tr -d ' \n' | grep -oE "\"buckets_$1\":[0-9]+" | tail -n 1 | grep -oE '[0-9]+'; }
    until [ $((100 * $(buckets "done") / $(buckets total))) -ge 45 ]; do tidemark tick; done
    tidemark recompute ops_metrics --from -20d --to -10d --reason 'late rows from one site'
    tidemark pause 2
    tidemark recompute ops_metrics --from -9d --to -2d --reason 'wrong range'
    tidemark cancel 3
    ;;
  # All built; the older half frozen; the capture switched off, for who looks at the rollup.
  frozen) url=$(at gallery_states) && tidemark tick --drain && tidemark purge ops_metrics --before "$(date -u -d '35 days ago' +%F)" --yes ;;
  broken) url=$(at gallery_states) && sql "$url" -c 'alter table usage_logs disable trigger all' && tidemark tick ;;
  # The demo's openai fails, from two hours ago to this minute.
  outage)
    sql "$demo" <<'SQL'
delete from ops_error_logs where request_id like 'gallery-%';
insert into ops_error_logs (created_at, request_id, platform, model, account_id, status_code, error_type, error_message)
select at, 'gallery-' || n, 'openai', 'gpt-5.1', (select min(id) from accounts where platform = 'openai'), case when n % 9 = 0 then 429 else 503 end,
       case when n % 9 = 0 then 'rate_limit_error' else 'overloaded_error' end,
       case when n % 9 = 0 then 'Rate limit reached for requests per minute' else 'upstream connect error or disconnect/reset before headers' end
from generate_series(1, 230) as n, lateral (select now() - interval '2 hours 10 minutes' * power(mod(n * 0.618034, 1), 1.3)) as t (at);
SQL
    ;;
  calm) sql "$demo" -c "delete from ops_error_logs where request_id like 'gallery-%'" ;;
  *) die "scripts/gallery/state.sh knows no state $state." ;;
esac
