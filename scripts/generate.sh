#!/usr/bin/env bash
# Generate the UI's TypeScript types from the Rust types, into ui/src/lib/api.
#
#   scripts/generate.sh              writes them
#   scripts/generate.sh --check      fails when those in the repository are stale; changes nothing
#   scripts/generate.sh --compare D  the same, with types that a test run has already written to D
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

committed=$root_dir/ui/src/lib/api

# ts-rs writes each type from a test that its derive macro makes. i64 and u64 cross as JSON numbers.
write_types() {
  local into=$1
  (cd "$root_dir" && TS_RS_EXPORT_DIR=$into TS_RS_LARGE_INT=number \
    cargo test --quiet --workspace --lib export_bindings >&2) || die "The types could not be generated; see above."
}

compare() {
  diff -ru "$committed" "$1" >&2 || die "The TypeScript types in ui/src/lib/api are stale: run scripts/generate.sh and commit what it writes."
}

case ${1:-} in
  '')
    fresh=$(mktemp -d)
    trap 'rm -rf "$fresh"' EXIT
    write_types "$fresh"
    # A type that is gone in Rust goes here, too.
    rm -rf "$committed"
    cp -r "$fresh" "$committed"
    chmod 755 "$committed"
    ;;
  --check)
    fresh=$(mktemp -d)
    trap 'rm -rf "$fresh"' EXIT
    write_types "$fresh"
    compare "$fresh"
    ;;
  --compare) compare "${2:?--compare needs a folder}" ;;
  *) die "$1 is not an option: see the first lines of scripts/generate.sh." ;;
esac
