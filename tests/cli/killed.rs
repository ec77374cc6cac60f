//! A process that is killed in the middle of its work loses nothing and leaves nothing behind.

use sqlx::{Connection, PgConnection};

use crate::harness::{Scratch, block_on, finish, signal, wait_until};

/// Start a command, kill its process while its tick waits for a lock on `table`, and let go of the lock.
fn kill_while_it_works_on(scratch: &Scratch, table: &str, arguments: &[&str]) {
    let (url, lock) = (
        scratch.url.clone(),
        format!("begin; lock table {table} in share row exclusive mode"),
    );
    let holder = block_on(async move {
        let mut holder = PgConnection::connect(&url).await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(lock))
            .execute(&mut holder)
            .await
            .unwrap();
        holder
    });
    let child = scratch.command(arguments).spawn().unwrap();
    let waits = format!(
        "select exists (select from pg_locks where not granted and relation = '{table}'::regclass and pid <> pg_backend_pid())"
    );
    wait_until("the tick reaches the table", || scratch.one::<bool>(&waits));
    signal(&child, "KILL");
    assert_eq!(finish(child).status, -1, "killed, not ended");
    block_on(async move { holder.close().await.unwrap() });
    wait_until("the server has noticed", || {
        scratch.one::<bool>(
            "select not exists (select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid())",
        )
    });
    assert!(
        scratch.one::<bool>(
            "select not exists (select from pg_locks l join pg_database d on d.oid = l.database
             where d.datname = current_database() and l.locktype = 'advisory')"
        ),
        "no lock is left"
    );
}

#[test]
fn a_killed_tick_leaves_its_marks_and_no_lock() {
    for table in [
        "tidemark.dirty",
        "tidemark.ops_metrics__15m",
        "tidemark.ops_metrics__month",
    ] {
        let scratch = Scratch::raw();
        scratch.run(&["rollup", "apply", "ops_metrics"]).exits(0);
        let waiting: i64 = scratch.one("select sum(pending_buckets)::bigint from tidemark.status");
        assert!(waiting > 0);
        kill_while_it_works_on(&scratch, table, &["tick", "--drain"]);
        let after: i64 = scratch.one("select sum(pending_buckets)::bigint from tidemark.status");
        assert!(after > 0 && after <= waiting, "{table}: {after} of {waiting} wait");
        scratch.run(&["tick", "--drain"]).exits(0);
        scratch.run(&["audit"]).exits(0);
    }
}

#[test]
fn a_killed_worker_leaves_its_job_to_the_next() {
    let scratch = Scratch::ops();
    scratch.run(&["recompute", "ops_metrics"]).exits(0);
    kill_while_it_works_on(
        &scratch,
        "tidemark.ops_metrics__hour",
        &["worker", "--interval", "200ms"],
    );
    let running: i64 = scratch.one("select count(*) from tidemark.job where state = 'running'");
    assert_eq!(running, 1, "it waits for the next ticker");
    scratch.run(&["tick", "--drain"]).exits(0);
    let left: i64 = scratch.one("select count(*) from tidemark.job where state <> 'done'");
    assert_eq!(left, 0);
    scratch.run(&["audit"]).exits(0);
}
