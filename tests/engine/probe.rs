//! The test of a connection says what a role may do, and what is missing with what to do.

use tidemark_core::probe::ConnectionTest;
use tidemark_db::{ConnectOptions, Db};

use crate::harness::{TestDb, connect, url_of};

async fn test_as(test: &TestDb, role: &str, read_only: bool) -> ConnectionTest {
    let options = ConnectOptions {
        url: Some(url_of(test.name(), Some(role))),
        read_only,
        ..ConnectOptions::default()
    };
    Db::test(&options).await.unwrap()
}

/// What is missing, as `text: fix`.
fn missing(tested: &ConnectionTest) -> String {
    let wrong = tested.rights.iter().filter(|right| !right.ok);
    wrong
        .map(|right| format!("{}: {}\n", right.text, right.fix.as_deref().unwrap_or_default()))
        .collect()
}

#[tokio::test]
async fn each_role_is_told_what_it_lacks_and_who_lacks_nothing_is_told_so() {
    let test = TestDb::raw().await;
    let role = |what: &str| format!("{what}_{}", test.name());
    let (viewer, operator, stranger) = (role("viewer"), role("operator"), role("stranger"));
    test.sql(&format!("create role {viewer} login; create role {operator} login; create role {stranger} login; create schema tidemark_demo; create table tidemark_demo.plan ()")).await;
    let tested = test_as(&test, &stranger, false).await;
    assert!(missing(&tested).contains("tidemark install --dry-run"), "{tested:?}");
    test.db.install(true).await.unwrap();
    test.db.apply(&crate::ask::ops(), true).await.unwrap();
    test.sql(&format!("grant tidemark_viewer to {viewer}; grant tidemark_operator to {operator}; revoke usage on schema public from public")).await;

    let tested = test_as(&test, &stranger, false).await;
    assert_eq!(
        missing(&tested),
        format!("This role may not read rollups: grant tidemark_viewer to {stranger};\n")
    );
    // A role that may not look into the demo's schema is told all the same that the numbers are made up.
    assert!(
        tested.demo
            && connect(&url_of(test.name(), Some(&viewer)))
                .await
                .server_info()
                .await
                .unwrap()
                .demo
    );

    let tested = test_as(&test, &viewer, true).await;
    assert!(
        tested.read_only
            && tested
                .rights
                .iter()
                .any(|right| right.ok && right.text.contains("may not write")),
        "{tested:?}"
    );
    assert!(
        missing(&tested).contains(&format!(
            "grant select on public.ops_error_logs, public.usage_logs to {viewer};"
        )),
        "{tested:?}"
    );
    let tested = test_as(&test, &viewer, false).await;
    assert!(
        missing(&tested).contains(&format!("grant tidemark_operator to {viewer};")),
        "{tested:?}"
    );

    test.sql(&format!(
        "grant usage on schema public to {operator}; grant select on usage_logs, ops_error_logs to {operator}"
    ))
    .await;
    let tested = test_as(&test, &operator, false).await;
    assert_eq!(missing(&tested), "", "{tested:?}");
    // Read-only by default only: the role itself could write.
    assert!(missing(&test_as(&test, &operator, true).await).contains("grant tidemark_viewer to dashboard;"));
    test.sql(&format!(
        "drop owned by {viewer}, {operator}, {stranger}; drop role {viewer}, {operator}, {stranger}"
    ))
    .await;
}
