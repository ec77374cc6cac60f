//! A rollup from a table of one's own: seen first, made after.

use tidemark_core::format;

use crate::{
    harness::TestDb,
    window::{Start, in_window},
};

const ORDERS: &str = r#"
create schema "Web Shop";
create table "Web Shop"."Orders" (id bigint generated always as identity primary key, placed_at timestamptz not null, status text not null, amount integer);
insert into "Web Shop"."Orders" (placed_at, status, amount) select now() - i * interval '40 seconds', (array['paid', 'open', 'void'])[1 + i % 3], i % 100 from generate_series(1, 4000) i;
create index on "Web Shop"."Orders" (placed_at);
create table countries (code text primary key, name text);
analyze"#;

const SET: &str = "const field = document.querySelector('textarea'); field.value = field.value.replace(FROM, TO); field.dispatchEvent(new Event('input', { bubbles: true })); return true";

#[tokio::test(flavor = "multi_thread")]
async fn a_rollup_is_made_of_a_table_after_its_numbers_were_seen() {
    let test = TestDb::empty().await;
    test.sql(ORDERS).await;
    let db = test.db.clone();
    in_window("newtab", Start::on(&test.url), |window| async move {
        // Nothing that ships fits: the operator's own table is the way on.
        window.click("A table of your own…").await;
        window.see("Choose the table whose rows are to be counted").await;
        window.click("public.countries").await;
        window.see("A time that no column has.").await;
        window.picture("1-no-time").await;
        window.click("Tables").await;
        window.fill(".search input", "ord").await;
        window.click("Web Shop.Orders").await;
        window.see("The newest day before").await;
        let newest = "select count(*)::float8 from \"Web Shop\".\"Orders\" where placed_at > (select max(placed_at) from \"Web Shop\".\"Orders\") - interval '24 hours'";
        let counted: f64 = sqlx::query_scalar(newest).fetch_one(db.pool()).await.unwrap();
        let shown = "return [...document.querySelector('.frame table').tBodies[0].rows].at(-1).cells[1].textContent.trim()";
        assert_eq!(window.script(shown).await, format::count(counted));
        window.picture("2-numbers").await;
        window.click("What is made").await;
        window.see("put capture triggers").await;
        window.click("SQL").await;
        window.see("create table").await;

        window.script(&SET.replace("FROM", "'status'").replace("TO", "'statsu'")).await;
        window.until_script("no apply of what was not looked at", "return [...document.querySelectorAll('.acts .primary')][0].disabled").await;
        window.click("Look again").await;
        window.see("declaration.toml:").await;
        window.click("Go to line").await;
        window.until_script("the line", "const field = document.querySelector('textarea'); return field.value.slice(field.selectionStart, field.selectionEnd).includes('statsu')").await;
        window.picture("3-bad-edit").await;
        window.script(&SET.replace("FROM", "'statsu'").replace("TO", "'status'")).await;
        window.click("Look again").await;
        window.until_script("it is right again", "return ![...document.querySelectorAll('.acts .primary')][0].disabled").await;
        let there: bool = sqlx::query_scalar("select to_regnamespace('tidemark') is not null").fetch_one(db.pool()).await.unwrap();
        assert!(!there, "nothing is made before the person agrees");

        window.click("Apply").await;
        window.until_script("its board", "return location.hash.startsWith('#/board/') && !!document.querySelector('.tile [data-measure]')").await;
        window.go(&format!("{}?range=30d&compare=none", window.script("return location.hash.split('?')[0]").await.as_str().unwrap())).await;
        let all = format::count(4000.0);
        let first = "return [...document.querySelector('.tile [data-measure]').children].filter(part => !part.classList.contains('d')).map(part => part.textContent).join('')";
        window.until("all orders", || async { (window.script(first).await == all).then_some(()) }).await;
        window.picture("4-board").await;
        assert_eq!(db.list().await.unwrap().len(), 1);
    })
    .await;
}
