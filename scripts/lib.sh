# shellcheck shell=bash
# What the scripts share: messages, system packages, Node, Rust, PostgreSQL's programs. Sourced, never run.

root_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }

# Prints what happened and what to do, and ends the script.
die() {
  printf '\n' >&2
  printf '%s\n' "$@" >&2
  exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

# Says whether `$1` (a version such as 1.95.0) is `$2` or newer.
version_at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

# Prints those of the given Debian packages that are not installed, one a line.
missing_packages() {
  local package
  for package in "$@"; do
    # `install ok installed` and nothing else: a package that was removed keeps its configuration and a status line.
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || printf '%s\n' "$package"
  done
}

# Installs the given Debian packages where they are missing. Stops with the exact command where it may not.
need_packages() {
  if ! has apt-get || ! has dpkg-query; then
    die "This system has no apt-get, so the packages can't be installed for you." \
      "Install what these Debian packages bring, then start again with TIDEMARK_SKIP_PACKAGES=1:" "  $*"
  fi
  local missing=() command
  mapfile -t missing < <(missing_packages "$@")
  [ ${#missing[@]} -eq 0 ] && return 0
  command="apt-get install -y --no-install-recommends ${missing[*]}"
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    if ! has sudo || { ! sudo -n true 2>/dev/null && ! [ -t 0 ]; }; then
      die "${#missing[@]} system packages are missing, and installing them needs root. Run this, then start again:" \
        "  sudo sh -c 'apt-get update && $command'"
    fi
    as_root=(sudo)
  fi
  say "Installing ${#missing[@]} system packages: ${missing[*]}"
  install_packages() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      -o DPkg::Lock::Timeout=120 "${missing[@]}" >&2
  }
  # A machine's package lists may be missing or old; reading them again takes seconds, so it is done only when needed.
  if ! install_packages; then
    "${as_root[@]}" apt-get update -qq >&2 || true
    install_packages || die "The system packages could not be installed. Run this and read what it says:" "  sudo $command"
  fi
}

# Prints the folder of PostgreSQL's server programs, the newest installed 15 or later; nothing where there is none.
postgres_bin() {
  local bin best='' best_version=0 version
  for bin in "${TIDEMARK_TEST_PG_BIN:-}" /usr/lib/postgresql/*/bin /usr/local/pgsql/bin; do
    [ -n "$bin" ] && [ -x "$bin/initdb" ] && [ -x "$bin/postgres" ] || continue
    version=$("$bin/postgres" --version | sed -E 's/.* ([0-9]+).*/\1/')
    [ "$bin" = "${TIDEMARK_TEST_PG_BIN:-}" ] && { printf '%s\n' "$bin"; return 0; }
    if [ "$version" -ge 15 ] && [ "$version" -gt "$best_version" ]; then
      best=$bin best_version=$version
    fi
  done
  [ -n "$best" ] && printf '%s\n' "$best"
}
