//! A server of a test's own, that listens on the network, asks for passwords and speaks TLS. It ends with its test.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// Makes a cluster in `$1`: user `ann` with password `$2` may connect; certificates of a CA of its own.
const PREPARE: &str = r#"
set -euo pipefail
. "$0/lib.sh"
bin=$(postgres_bin)
as=(); owner=$(id -un)
if [ "$(id -u)" -eq 0 ]; then owner=postgres; as=(runuser -u postgres --); fi
install -d -m 700 -o "$owner" "$1" && cd "$1"
"${as[@]}" "$bin/initdb" -D data -U postgres -A trust -E UTF8 --locale=C --no-sync >/dev/null
for ca in ca other-ca; do
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$ca" -keyout $ca.key -out $ca.pem 2>/dev/null
done
openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost -keyout data/server.key -out server.csr 2>/dev/null
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out data/server.crt \
  -extfile <(echo subjectAltName=DNS:localhost) 2>/dev/null
chown "$owner" data/server.* && chmod 600 data/server.key && chmod 644 ca.pem other-ca.pem
printf '%s\n' 'local all all trust' 'host all all 127.0.0.1/32 scram-sha-256' 'host all all ::1/128 scram-sha-256' >data/pg_hba.conf
printf '%s' "$bin"
"#;

pub struct OwnServer {
    pub folder: PathBuf,
    pub port: u16,
    process: Child,
}

impl OwnServer {
    /// An empty cluster, ready.
    pub fn start(name: &str) -> OwnServer {
        let folder = std::env::temp_dir().join(format!("tidemark-own-{}-{name}", std::process::id()));
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR"))
            .ancestors()
            .map(|folder| folder.join("scripts"))
            .find(|scripts| scripts.join("lib.sh").exists())
            .unwrap();
        let made = Command::new("bash")
            .arg("-c")
            .arg(PREPARE)
            .arg(&scripts)
            .arg(&folder)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let bin = String::from_utf8(made.stdout).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        // The kernel ends it with the thread that started it, however the test ends.
        let mut command = Command::new("setpriv");
        if nobody_else_may_run_it() {
            command.args(["--reuid", "postgres", "--regid", "postgres", "--init-groups"]);
        }
        let process = command
            .args(["--pdeathsig", "QUIT", "--"])
            .arg(format!("{bin}/postgres"))
            .arg("-D")
            .arg(folder.join("data"))
            .args([
                "-c",
                "listen_addresses=localhost",
                "-c",
                "ssl=on",
                "-c",
                "fsync=off",
                "-c",
                "timezone=UTC",
            ])
            .args(["-c", &format!("port={port}")])
            .args(["-c", &format!("unix_socket_directories={}", folder.display())])
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = OwnServer { folder, port, process };
        let pid_file = server.folder.join("data/postmaster.pid");
        let begun = Instant::now();
        // Line 8 says `ready` when connections are taken.
        while !std::fs::read_to_string(&pid_file)
            .is_ok_and(|text| text.lines().nth(7).is_some_and(|line| line.starts_with("ready")))
        {
            assert!(begun.elapsed() < Duration::from_secs(30), "the server never got ready");
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }

    /// As its owner, over the socket.
    pub fn admin_url(&self, database: &str) -> String {
        let socket = self.folder.display().to_string().replace('/', "%2F");
        format!("postgres:///{database}?host={socket}&port={}&user=postgres", self.port)
    }

    pub fn file(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }
}

/// PostgreSQL does not run as root.
fn nobody_else_may_run_it() -> bool {
    let me = Command::new("id").arg("-u").output().unwrap();
    me.stdout.trim_ascii() == b"0"
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        // An immediate shutdown: QUIT.
        Command::new("kill")
            .arg("-QUIT")
            .arg(self.process.id().to_string())
            .status()
            .ok();
        self.process.wait().ok();
        std::fs::remove_dir_all(&self.folder).ok();
    }
}
