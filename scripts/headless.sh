#!/usr/bin/env bash
# Open the app on a virtual display, wait for its numbers, and keep pictures of them. Called by run.sh, inside xvfb-run.
#
# TIDEMARK_BIN is the folder of the two programs. The pictures go to TIDEMARK_PICTURES, or screenshots/headless.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

bin=${TIDEMARK_BIN:?is set by run.sh}
pictures=${TIDEMARK_PICTURES:-$root_dir/screenshots/headless}
# The first start loads two million rows and builds the rollup from them.
patience=${TIDEMARK_HEADLESS_SECONDS:-600}
mkdir -p "$pictures"
rm -f "$pictures"/ready.json "$pictures"/overview.png "$pictures"/report.* "$pictures"/last-24-hours.*
log=$pictures/app.log

# A virtual display has no graphics card, and WebKit's faster way to draw wants one.
export TIDEMARK_HEADLESS_SHOT=$pictures LIBGL_ALWAYS_SOFTWARE=1 WEBKIT_DISABLE_DMABUF_RENDERER=1 NO_AT_BRIDGE=1
if [ -n "${DATABASE_URL:-}" ]; then
  "$bin/tidemark-app" >"$log" 2>&1 &
else
  "$bin/tidemark-app" --demo >"$log" 2>&1 &
fi
app=$!
stop_app() {
  kill -TERM "$app" 2>/dev/null || return 0
  # It stops the embedded server in order, which writes a checkpoint.
  for _ in $(seq 600); do
    kill -0 "$app" 2>/dev/null || break
    sleep 0.1
  done
  kill -KILL "$app" 2>/dev/null || true
}
trap stop_app EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say "Waiting until the numbers are on the screen"
for ((second = 0; ; second++)); do
  [ -f "$pictures/ready.json" ] && break
  kill -0 "$app" 2>/dev/null || die "The app ended before it showed any numbers. Its last words:" "$(tail -n 15 "$log")"
  if [ "$second" -ge "$patience" ]; then
    import -window root "$pictures/overview.png" || true
    die "No numbers were on the screen after $patience s. The screen as it is: $pictures/overview.png; the log: $log." \
      "${DATABASE_URL:+Before it creates anything in your own database, the app asks, and here nobody answers: run \`$bin/tidemark rollup apply ops_metrics\` first.}"
  fi
  sleep 1
done
# The last frame may still be on its way to the screen.
sleep 1
import -window root "$pictures/overview.png"
colours=$(identify -format %k "$pictures/overview.png")
[ "$colours" -ge 50 ] || die "The picture of the window is all but empty ($colours colours): $pictures/overview.png; the log: $log."

url=${DATABASE_URL:-}
if [ -z "$url" ]; then
  url=$(cat "$(data_dir)/url")
fi
# By the environment: an argument could be read by everybody on this machine.
export DATABASE_URL=$url
say "The last 24 hours by platform"
range=(--from -24h --to now)
"$bin/tidemark" query ops_metrics "${range[@]}" --grain total --by platform | tee "$pictures/last-24-hours.txt"
"$bin/tidemark" query ops_metrics "${range[@]}" --grain total --by platform --json >"$pictures/last-24-hours.json"
for kind in png svg html; do
  "$bin/tidemark" report ops_metrics "${range[@]}" --out "$pictures/report.$kind" >/dev/null
  [ -s "$pictures/report.$kind" ] || die "The report is empty: $pictures/report.$kind"
done

trap - EXIT
stop_app
say "The screen: $pictures/overview.png"
say "The report: $pictures/report.png, report.svg, report.html"
say "The numbers: $pictures/last-24-hours.txt, last-24-hours.json"
