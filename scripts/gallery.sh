#!/usr/bin/env bash
# Keep a picture of every screen and state of the real window, in both themes, in every size, with an index page.
#
#   scripts/gallery.sh [FOLDER]      by default screenshots/gallery
#
# On the demo data, which the first run writes and the next ones find again, and on databases beside it in states that the
# demo does not have (scripts/gallery/state.sh). TIDEMARK_GALLERY_ONLY is a pattern of the scenes to keep, such as '^overview'. Needs what scripts/test.sh brings.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

out=$(realpath -m "${1:-$root_dir/screenshots/gallery}")
need_rust
need_packages "${app_packages[@]}" "${display_packages[@]}" "${test_packages[@]}"
need_node
install_ui
build_ui
cd "$root_dir"
need_driver
cargo build --locked --quiet --workspace --bins
export TIDEMARK_BIN=${CARGO_TARGET_DIR:-$root_dir/target}/debug
# Not below a home that the server's own user can't enter.
export TIDEMARK_DATA_DIR=${TIDEMARK_DATA_DIR:-/var/tmp/tidemark-gallery-$(id -u)}
[ -n "${DATABASE_URL:-}" ] || need_postgres

work=$(mktemp -d)
stop() {
  [ -z "${demo:-}" ] || { kill -TERM "$demo" 2>/dev/null && wait "$demo" 2>/dev/null; } || true
  rm -rf "$work"
}
trap stop EXIT
start_demo() {
  : >"$work/url"
  "$TIDEMARK_BIN/tidemark" demo >"$work/url" 2>"$work/demo.log" &
  demo=$!
  until [ -s "$work/url" ]; do
    kill -0 "$demo" 2>/dev/null || die "The demo did not start:" "$(cat "$work/demo.log")"
    sleep 0.2
  done
  url=$(head -n 1 "$work/url")
}
# The demo writes the tables of every system and applies their rollups, into a schema of this program.
complete() {
  local deadline=$((SECONDS + 300))
  until [ "$("$TIDEMARK_BIN/tidemark" rollup list --json --database-url "$url" 2>/dev/null | grep -o '"rollup":' | wc -l)" -ge 4 ]; do
    [ $SECONDS -lt $deadline ] && kill -0 "$demo" 2>/dev/null && ! grep -Eq 'not kept fresh|refused' "$work/demo.log" || return 1
    sleep 1
  done
  "$TIDEMARK_BIN/tidemark" install --roles --database-url "$url" >/dev/null
}
say "Starting the demo"
start_demo
if ! complete; then
  [ "$TIDEMARK_DATA_DIR" = "/var/tmp/tidemark-gallery-$(id -u)" ] || die "The demo in $TIDEMARK_DATA_DIR has no rollups of all systems:" "$(cat "$work/demo.log")"
  say "Made by another version of this checkout: making it anew"
  { kill -TERM "$demo" && wait "$demo"; } || true
  rm -rf "$TIDEMARK_DATA_DIR"
  start_demo
  complete || die "The demo has no rollups of all systems:" "$(cat "$work/demo.log")"
fi
bin=$(postgres_bin)
say "Building the rollups"
"$TIDEMARK_BIN/tidemark" tick --drain --database-url "$url" >/dev/null
"$bin/psql" -qX "$url" -c "do \$\$ begin if to_regrole('gallery_viewer') is null then create role gallery_viewer; end if; end \$\$; grant tidemark_viewer to gallery_viewer"

say "Taking pictures into $out"
mkdir -p "$out"
# What is not taken again stays.
[ -n "${TIDEMARK_GALLERY_ONLY:-}" ] || find "$out" -maxdepth 1 -name '*.png' -delete
# Its middle, where the pointer rests, lies outside of every window.
xvfb-run -a -s "-screen 0 4200x3000x24 -nolisten tcp" \
  node "$root_dir/scripts/gallery/main.mjs" "$out" "$url"
