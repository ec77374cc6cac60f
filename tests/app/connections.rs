//! Connections under a name: saved, tested, opened, renamed, deleted, with passwords where they belong.

use std::{fs, os::unix::fs::PermissionsExt};

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tidemark_app::{connection::Phase, profiles};
use tidemark_db::Declaration;
use tidemark_local::{
    keychain,
    settings::{Colour, PasswordFrom, Profile},
};

use crate::{
    desk::{desk, reach},
    fixture::{ROLLUP, fill},
    harness::connect,
    server::OwnServer,
    session::{Bus, in_session},
    window::{Start, in_window},
};

const SECRET: &str = "hunter2 s3cret";

/// A server that wants a password, with the rollup in it.
async fn guarded(name: &str) -> (OwnServer, Profile) {
    let server = OwnServer::start(name);
    let mut owner = PgConnection::connect(&server.admin_url("postgres")).await.unwrap();
    for sql in [
        format!("create role ann login superuser password '{SECRET}'"),
        "create database gateway".to_owned(),
    ] {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut owner).await.unwrap();
    }
    let db = connect(&server.admin_url("gateway")).await;
    fill(&db).await;
    db.apply(&Declaration::load(ROLLUP).unwrap(), true).await.unwrap();
    db.drain(ROLLUP, &mut |_| {}).await.unwrap();
    let profile = Profile {
        host: Some("localhost".into()),
        port: Some(server.port),
        database: Some("gateway".into()),
        user: Some("ann".into()),
        colour: Some(Colour::Magenta),
        password: PasswordFrom::Keychain,
        ..Profile::default()
    };
    (server, profile)
}

#[test]
fn a_connection_keeps_its_password_in_the_keychain_from_saving_to_deleting() {
    let name = "connections::a_connection_keeps_its_password_in_the_keychain_from_saving_to_deleting";
    in_session(name, Bus::WithKeychain, || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let (_server, profile) = guarded("kept").await;
            let (desk, file) = desk("kept", "# mine\ntheme = \"dark\"\n");
            let text = || fs::read_to_string(&file).unwrap();
            let same = || profile.clone();
            profiles::save(&desk, None, "prod".into(), same(), Some("wrong".into()))
                .await
                .unwrap();
            profiles::open(&desk, "prod".into(), None).await.unwrap();
            let refused = reach(&desk, Phase::Error).await;
            assert_eq!(
                (refused.code.as_deref(), refused.profile.as_deref()),
                (Some("log_in"), Some("prod"))
            );
            // The page asks for it, and it goes where the profile says.
            profiles::open(&desk, "prod".into(), Some(SECRET.into())).await.unwrap();
            let ready = reach(&desk, Phase::Ready).await;
            assert_eq!(ready.colour, Some(Colour::Magenta));
            assert!(
                ready.server.unwrap().demo,
                "made-up data are called so wherever they are"
            );
            assert_eq!(keychain::read("prod").await.unwrap().as_deref(), Some(SECRET));
            assert!(
                text().contains("# mine")
                    && text().contains("[connections.prod]")
                    && text().contains("last_connection = \"profile prod\"")
            );
            assert!(!text().contains(SECRET) && !text().contains("wrong"));
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

            let tested = profiles::test(&desk, Some("prod".into()), same(), None).await.unwrap();
            assert!(
                tested
                    .rights
                    .iter()
                    .all(|right| right.ok || right.text.contains("roles")),
                "{tested:?}"
            );
            assert!(
                tested.tls.starts_with("TLS") && tested.demo && !tested.read_only,
                "{tested:?}"
            );
            let read_only = Profile {
                read_only: true,
                ..same()
            };
            let tested = profiles::test(&desk, Some("prod".into()), read_only, None)
                .await
                .unwrap();
            assert!(
                tested.read_only
                    && tested
                        .rights
                        .iter()
                        .any(|right| right.fix.as_deref().is_some_and(|fix| fix.contains("tidemark_viewer"))),
                "{tested:?}"
            );

            let taken = profiles::save(&desk, None, "prod".into(), same(), None)
                .await
                .unwrap_err();
            assert!(taken.message.contains("another connection has this name"));
            profiles::save(&desk, Some("prod".into()), "prod-eu".into(), same(), None)
                .await
                .unwrap();
            reach(&desk, Phase::Ready).await;
            assert_eq!(keychain::read("prod").await.unwrap(), None, "it moved with the name");
            profiles::set_default(&desk, Some("prod-eu")).unwrap();
            let list = profiles::list(&desk).unwrap();
            assert_eq!((list.default.as_deref(), list.connections.len()), (Some("prod-eu"), 1));

            profiles::delete(&desk, "prod-eu").await.unwrap();
            assert_eq!(desk.phase(), Phase::None, "what was open is closed");
            assert_eq!(keychain::read("prod-eu").await.unwrap(), None);
            assert!(!text().contains("prod"), "{}", text());
        });
    });
}

#[test]
fn without_a_keychain_nothing_half_is_saved() {
    in_session(
        "connections::without_a_keychain_nothing_half_is_saved",
        Bus::None,
        || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async {
                let profile = Profile {
                    host: Some("localhost".into()),
                    password: PasswordFrom::Keychain,
                    ..Profile::default()
                };
                let (desk, file) = desk("none", "");
                let refused = profiles::save(&desk, None, "prod".into(), profile.clone(), Some(SECRET.into()))
                    .await
                    .unwrap_err();
                assert!(
                    refused.message.contains("keychain")
                        && refused.message.contains(".pgpass")
                        && !refused.message.contains(SECRET),
                    "{}",
                    refused.message
                );
                assert_eq!(fs::read_to_string(&file).unwrap(), "");
                let asked = Profile {
                    password: PasswordFrom::Ask,
                    ..profile
                };
                profiles::save(&desk, None, "prod".into(), asked, Some(SECRET.into()))
                    .await
                    .unwrap();
                assert!(!fs::read_to_string(&file).unwrap().contains(SECRET));
            });
        },
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_made_tested_and_opened_in_the_window_and_colours_its_frame() {
    let (server, _) = guarded("window").await;
    let url = format!("postgres://ann:hunter2%20s3cret@localhost:{}/gateway", server.port);
    in_window("connections", Start::on(&server.admin_url("gateway")), |window| async move {
        window.board(&format!("#/board/{ROLLUP}?range=24h&grain=hour")).await;
        window.go("#/settings").await;
        window.see("no keychain here").await;
        window.click("New connection").await;
        window.fill("[role=dialog] input", &url).await;
        window.press("\u{E004}").await;
        window.until_script("the form is filled", "return [...document.querySelectorAll('[role=dialog] input')].some(i => i.value === 'localhost')").await;
        window.picture("1-form").await;
        window.click("Production").await;
        window.click("Test connection").await;
        window.see("median of 5").await;
        window.see("Read rollups, tick, recompute, audit").await;
        window.picture("2-tested").await;
        window.click("Save").await;
        window.see("The command line knows it too").await;
        // The driver takes a name that a narrow cell may cut for hidden.
        window.script("document.querySelector('table .name').click()").await;
        window.until_script("it is open", "return document.querySelector('.env')?.style.background.includes('--env-1') && document.querySelector('tr.open')?.innerText.includes('gateway')").await;
        window.picture("3-open").await;
        window.board(&format!("#/board/{ROLLUP}?range=24h&grain=hour")).await;
        window.see("DEMO DATA").await;
        window.picture("4-frame").await;
        let text = fs::read_to_string(window.home.join(".config/tidemark/settings.toml")).unwrap();
        assert!(text.contains("[connections.gateway]") && text.contains("colour = \"magenta\"") && !text.contains("s3cret"), "{text}");
        let shown = window.script("return document.documentElement.outerHTML").await;
        assert!(!shown.as_str().unwrap().contains("s3cret"), "the page still holds the password");
    })
    .await;
}
