//! The page may do what it needs and nothing else.

use serde_json::json;

use crate::{
    fixture::{ROLLUP, built, overview, quiet_day},
    window::{Start, in_window},
};

#[tokio::test(flavor = "multi_thread")]
async fn the_content_policy_lets_every_page_work_and_foreign_code_not() {
    let test = built().await;
    in_window("policy", Start::on(&test.url), |window| async move {
        window.script("window.refused = []; document.addEventListener('securitypolicyviolation', e => refused.push(`${e.effectiveDirective} ${e.blockedURI}`))").await;
        window.board(&format!("#/board/{ROLLUP}")).await;
        for (address, shows) in [("#/rollups", "Sources and triggers"), ("#/jobs", "History"), ("#/settings", "Theme")] {
            window.go(address).await;
            window.see(shows).await;
        }
        window.go("#/rollups").await;
        window.click("Show SQL").await;
        window.see("create table").await;
        assert_eq!(window.script("return refused").await, json!([]), "what the pages themselves do is allowed");

        let foreign = "
            const script = document.createElement('script');
            script.textContent = 'window.foreign = true';
            document.body.append(script);
            const image = document.createElement('div');
            image.innerHTML = '<img src=x onerror=\"window.foreign = true\">';
            document.body.append(image);
            fetch('http://127.0.0.1:9/').catch(() => {});
            return typeof window.__TAURI__;";
        assert_eq!(window.script(foreign).await, "undefined");
        window.until("three refusals", || async { (window.script("return refused.length").await.as_u64()? >= 3).then_some(()) }).await;
        assert_eq!(window.script("return window.foreign ?? null").await, json!(null));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_is_named_like_markup_is_shown_as_text() {
    let test = built().await;
    in_window("markup", Start::on(&test.url), |window| async move {
        window.script("window.alert = () => { window.foreign = true }").await;
        window.board(&overview(quiet_day(chrono_tz::Tz::UTC), "hour")).await;
        // In the table, in the legend, and in what the mouse brings up over a chart.
        window.see("<img src=x onerror=alert(1)>").await;
        window
            .script(
                "for (const over of document.querySelectorAll('.u-over')) {
                   const { left, top, width, height } = over.getBoundingClientRect();
                   for (const type of ['mouseenter', 'mousemove']) over.dispatchEvent(new MouseEvent(type, { bubbles: true, clientX: left + width / 2, clientY: top + height / 2 }));
                 }",
            )
            .await;
        window
            .until_script(
                "the name in a chart's own words",
                "return [...document.querySelectorAll('body *')].filter(e => e.textContent.trim() === '<img src=x onerror=alert(1)>').length > 1",
            )
            .await;
        assert_eq!(window.script("return document.querySelectorAll('img').length").await, 0);
        assert_eq!(window.script("return window.foreign ?? null").await, json!(null));
    })
    .await;
}
