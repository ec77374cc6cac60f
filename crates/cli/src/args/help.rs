//! Longer help, with examples. Lines stay under 96 columns, so that nothing is wrapped.

macro_rules! examples {
    () => {
        "\
Examples:
  tidemark demo                             a server with demo data, to try everything on
  export DATABASE_URL=postgres://ann@db.example.com/gateway
  tidemark rollup new --table orders        a first declaration for a table of your own
  tidemark rollup plan ops_metrics          what would be installed, as SQL
  tidemark rollup apply ops_metrics         install it, mark all raw rows as to be built
  tidemark tick --drain                     do the work now; `worker` goes on doing it
  tidemark query ops_metrics --from today --grain hour --by platform
  tidemark report ops_metrics --from -7d --out week.html
  tidemark status --check && tidemark audit
"
    };
}

/// After `tidemark -h`.
pub const SHORT: &str = concat!(
    examples!(),
    "\n`tidemark --help` tells about connections, times and exit statuses; `tidemark help COMMAND` about a command."
);

/// After `tidemark --help`.
pub const LONG: &str = concat!(
    examples!(),
    "
Connection:
  --database-url or --profile, else DATABASE_URL, else PGHOST, PGPORT, PGUSER, PGDATABASE,
  PGSERVICE, else the settings' default connection. PGPASSWORD, PGSSLMODE, .pgpass and
  pg_service.conf mean what they mean to psql. A remote host is reached with TLS, and its
  certificate is checked (sslmode=verify-full), unless something says otherwise.

  --profile NAME is a connection that was made in the app's Settings: [connections.NAME] in
  ~/.config/tidemark/settings.toml. Its password is in the system's keychain, or is asked for.

Times:
  2026-10-26 (midnight in --tz), 2026-10-26T14:15, 2026-10-26T14:15:00+01:00, now, today,
  yesterday, today-6d, -30m, -24h, -7d, -2w. Ranges are [from, to) and are rounded outwards to the
  rollup's finest grain; the answer says which range it has.

Output:
  Data go to standard output, messages to standard error. With --json standard output is one
  JSON document; a failure is one too: {\"error\": {\"code\", \"message\", \"details\"}}.
  Nothing asks without a terminal; --yes answers.

Exit status:
  0  fine
  1  a finding: audit differences, a problem for doctor, status --check not healthy,
     something left after tick --drain
  2  bad usage or input, or the server refused
  3  the database can't be reached"
);

/// After `tidemark query --help`.
pub const QUERY: &str = "\
Examples:
  tidemark query ops_metrics --from today --grain hour --by platform
  tidemark query ops_metrics --from -7d --grain day --measure request_count,p99_latency_ms
  tidemark query ops_metrics --from 2026-10-01 --to 2026-11-01 --grain total --json

Filters:
  --where platform=openai      that value; several of one dimension mean any of them
  --where platform=            the empty text
  --where platform             NULL

There is no row where there is no data.";

/// After `tidemark rollup new --help`.
pub const NEW: &str = "\
Examples:
  tidemark rollup new --table sales.orders --out orders.toml
  tidemark rollup new --table '\"Parcel Events\"' --time '\"Sent At\"' --name parcels > parcels.toml
  tidemark rollup plan orders.toml && tidemark rollup apply orders.toml

It looks at columns, indexes, foreign keys, statistics and a sample of at most 4,000 rows, and writes
TOML that applies as it stands, with a board. What it did not choose stands in it as comments.
A table without a column that tells the time is exit status 2, with what to do.";
