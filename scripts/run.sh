#!/usr/bin/env bash
# Build Tidemark and open it.
#
#   scripts/run.sh                      on an embedded PostgreSQL with demo data
#   scripts/run.sh --database-url URL   on your own database (or with DATABASE_URL); it asks before it creates anything
#   scripts/run.sh --headless           as it does by itself where there is no display: on a virtual one; saves a
#                                       screenshot and a report, prints the last 24 hours by platform, and ends
#
# Needs Rust, and Node or npm, on Debian or Ubuntu; brings the rest. The first start builds for some minutes, the next
# ones take seconds. TIDEMARK_PROFILE=release builds with full optimisation, which takes about twice as long; the
# development profile is the default because the tests share what it builds.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() { sed -n '2,/^set /p' "${BASH_SOURCE[0]}" | sed '/^set /d; s/^# \{0,1\}//'; }

headless=''
while [ $# -gt 0 ]; do
  case $1 in
    --database-url)
      [ -n "${2:-}" ] || die "--database-url needs a URL, such as postgres://user@host:5432/name."
      export DATABASE_URL=$2
      shift
      ;;
    --database-url=*) export DATABASE_URL=${1#*=} ;;
    --headless) headless=1 ;;
    -h | --help) usage && exit 0 ;;
    *) usage >&2 && die "$1 is not an option of this script." ;;
  esac
  shift
done
[ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] || headless=1

need_rust
need_packages "${app_packages[@]}" ${headless:+"${display_packages[@]}"}
need_node
install_ui
build_ui
[ -n "${DATABASE_URL:-}" ] || need_postgres

profile=${TIDEMARK_PROFILE:-dev}
target=${CARGO_TARGET_DIR:-$root_dir/target}
case $profile in
  dev) bin=$target/debug ;;
  release) bin=$target/release ;;
  *) die "TIDEMARK_PROFILE is dev or release, not $profile." ;;
esac
cd "$root_dir"
[ -x "$bin/tidemark-app" ] || say "Building Tidemark; the first time this takes some minutes"
cargo build --locked --quiet --profile "$profile" --workspace --bins || die "Tidemark could not be built; see above."

if [ -n "$headless" ]; then
  # Its own display, so that neither a window of somebody else's nor another run gets into the picture.
  TIDEMARK_BIN=$bin exec xvfb-run -a -s "-screen 0 1440x900x24 -nolisten tcp" "$root_dir/scripts/headless.sh"
fi
if [ -n "${DATABASE_URL:-}" ]; then
  exec "$bin/tidemark-app"
fi
exec "$bin/tidemark-app" --demo
