//! Where the database is: URLs that are wrong, servers that are away, die, or refuse; and passwords that are never shown.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Child;

use crate::harness::{Ran, Scratch, command, execute, finish, run, server_url, wait_until};

const SECRET: &str = "hunter2-s3cret";

#[track_caller]
fn hides(ran: Ran) -> Ran {
    assert!(
        !ran.err.contains(SECRET) && !ran.out.contains(SECRET),
        "a password was printed:\n{}{}",
        ran.out,
        ran.err
    );
    ran
}

#[test]
fn a_malformed_url_is_bad_input() {
    for url in [
        "nonsense".to_owned(),
        format!("mysql://u:{SECRET}@db/x"),
        format!("postgres://u:{SECRET}@127.0.0.1:port/x"),
        format!("postgres://u:{SECRET}@host name/x"),
        format!("u:{SECRET}@db/x"),
    ] {
        hides(run(&["status", "--database-url", &url]).exits(2).says(&["postgres://"]));
    }
}

#[test]
fn a_server_that_is_not_there_is_status_3() {
    for url in [
        format!("postgres://u:{SECRET}@127.0.0.1:1/x"),
        "postgres:///x?host=/nonexistent&user=u".to_owned(),
    ] {
        hides(
            run(&["status", "--database-url", &url])
                .exits(3)
                .says(&["can't be reached"]),
        );
        let ran = hides(run(&["query", "ops_metrics", "--json", "--database-url", &url]).exits(3));
        assert_eq!(ran.json()["error"]["code"], "unreachable");
    }
    let missing = server_url().replacen("///postgres?", "///no_such_database?", 1);
    run(&["status", "--database-url", &missing])
        .exits(3)
        .says(&["no_such_database"]);
    let nobody = server_url().replacen("user=postgres", "user=nobody_of_that_name", 1);
    run(&["status", "--database-url", &nobody])
        .exits(3)
        .says(&["nobody_of_that_name"]);
}

/// A server that asks for a password and refuses it: the test server trusts everybody.
#[test]
fn a_refused_password_is_status_3_and_is_not_shown() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut message = [0; 4096];
        let mut read = client.read(&mut message).unwrap();
        if read == 8 {
            // A request for TLS, which this server does not have.
            client.write_all(b"N").unwrap();
            read = client.read(&mut message).unwrap();
        }
        assert!(read > 8);
        client.write_all(&[b'R', 0, 0, 0, 8, 0, 0, 0, 3]).unwrap();
        let read = client.read(&mut message).unwrap();
        let sent = String::from_utf8_lossy(&message[..read]).into_owned();
        let body = b"SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user \"ann\"\0\0";
        client.write_all(b"E").unwrap();
        client.write_all(&(body.len() as u32 + 4).to_be_bytes()).unwrap();
        client.write_all(body).unwrap();
        sent
    });
    let url = format!("postgres://ann:{SECRET}@127.0.0.1:{port}/app");
    hides(
        run(&["status", "--database-url", &url])
            .exits(3)
            .says(&["ann", "password"]),
    );
    assert!(
        server.join().unwrap().contains(SECRET),
        "the password reached the server"
    );
}

#[test]
fn a_password_in_the_wrong_place_is_not_shown_either() {
    let scratch = Scratch::ops();
    let url = format!("postgres://ann:{SECRET}@db/app");
    let query = format!("postgres://db/app?password={SECRET}&user=ann");
    for word in [&url, &query] {
        hides(scratch.run(&["status", word]).exits(2));
        hides(scratch.run(&["status", "--json", word]).exits(2));
        hides(scratch.run(&["jobs", word]).exits(2));
        hides(scratch.run(&["query", "ops_metrics", "--by", word]).exits(2));
        hides(scratch.run(&["rollup", "plan", word]).exits(2));
        hides(scratch.run(&["query", "ops_metrics", "--tz", word]).exits(2));
    }
    let mut noisy = command(&[
        "status",
        "--database-url",
        &format!("postgres://ann:{SECRET}@127.0.0.1:1/app"),
    ]);
    hides(finish(noisy.env("TIDEMARK_LOG", "trace").spawn().unwrap()).exits(3));
    let mut help = command(&["--help"]);
    hides(finish(help.env("DATABASE_URL", &url).spawn().unwrap()).exits(0));
}

/// Start a command that must wait for a lock, and wait until it does.
fn blocked(scratch: &Scratch, arguments: &[&str]) -> Child {
    let child = scratch.command(arguments).spawn().unwrap();
    wait_until("the command waits for the lock", || {
        scratch.one::<bool>("select exists (select from pg_locks l join pg_stat_activity a using (pid) where not l.granted and a.application_name = 'tidemark' and a.datname = current_database())")
    });
    child
}

fn kill_its_backends(scratch: &Scratch) {
    scratch.sql("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'tidemark' and datname = current_database()");
}

#[test]
fn a_server_that_dies_in_the_middle_is_status_3_and_nothing_is_lost() {
    let scratch = Scratch::raw();
    let things = scratch.operators_things();
    for (arguments, prepare) in [
        (&["rollup", "apply", "ops_metrics"][..], ""),
        (
            &["tick", "ops_metrics"],
            "insert into usage_logs (created_at, account_id, duration_ms) values ('2026-03-27 10:30Z', 1, 5)",
        ),
        (
            &["query", "ops_metrics", "--from", "2026-03-27", "--to", "2026-03-28"],
            "insert into usage_logs (created_at, account_id, duration_ms) values ('2026-03-27 11:30Z', 1, 5)",
        ),
    ] {
        if !prepare.is_empty() {
            scratch.sql(prepare);
        }
        // A table rewrite of the operator's: whoever reads or adds triggers waits.
        let hold = Hold::start(&scratch, "lock table usage_logs in access exclusive mode");
        let child = blocked(&scratch, arguments);
        kill_its_backends(&scratch);
        let ran = finish(child).exits(3);
        assert!(
            ran.err.contains("ended") || ran.err.contains("broke") || ran.err.contains("reached"),
            "{}",
            ran.err
        );
        drop(hold);
        if arguments[0] == "rollup" {
            assert_eq!(scratch.operators_things(), things, "half an apply was left");
            scratch.run(arguments).exits(0);
        }
        scratch.run(&["tick", "--drain"]).exits(0);
        scratch.run(&["audit"]).exits(0);
    }
}

/// A transaction of the operator's that holds a lock until it is dropped.
struct Hold {
    release: Option<std::sync::mpsc::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Hold {
    fn start(scratch: &Scratch, sql: &'static str) -> Hold {
        use sqlx::Connection;
        let (release, released) = std::sync::mpsc::channel();
        let (ready, is_ready) = std::sync::mpsc::channel();
        let url = scratch.url.clone();
        let thread = std::thread::spawn(move || {
            crate::harness::block_on(async {
                let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
                let mut transaction = connection.begin().await.unwrap();
                sqlx::raw_sql(sql).execute(&mut *transaction).await.unwrap();
                ready.send(()).unwrap();
                released.recv().ok();
                transaction.rollback().await.unwrap();
            });
        });
        is_ready.recv().unwrap();
        Hold {
            release: Some(release),
            thread: Some(thread),
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.release.take();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

#[test]
fn a_database_that_accepts_nobody_is_status_3() {
    let scratch = Scratch::ops();
    execute(
        &server_url(),
        &format!("alter database {} with allow_connections false", scratch.name),
    );
    scratch.run(&["status"]).exits(3).says(&[&scratch.name]);
    execute(
        &server_url(),
        &format!("alter database {} with allow_connections true", scratch.name),
    );
    scratch.run(&["status"]).exits(0);
}
