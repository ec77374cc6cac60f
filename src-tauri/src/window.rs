//! The one window, and what reaches the app from outside it.

use std::sync::Arc;

use clap::Parser;
use tauri::{
    App, AppHandle, Emitter, Manager, WebviewUrl, WebviewWindowBuilder, Wry, plugin::TauriPlugin, utils::config::Color,
};
use tauri_plugin_window_state::StateFlags;
use tokio::signal::unix::{SignalKind, signal};

use crate::{Args, connection::ConnectionState, desk::Desk, headless, tray};

/// Under the POSIX locale (a container, a service) WebKit says that the language is `C`, which `Intl` throws at.
const LANGUAGE: &str = "try { Intl.getCanonicalLocales(navigator.language) } \
                        catch { Object.defineProperty(navigator, 'language', { value: 'en-GB' }) }";

/// Open the window. The database comes later: a server that does not answer must not keep the window away.
pub fn open(app: &App) -> tauri::Result<()> {
    WebviewWindowBuilder::new(app, "main", WebviewUrl::default())
        .title("Tidemark")
        .inner_size(1440.0, 900.0)
        .min_inner_size(800.0, 560.0)
        .initialization_script(LANGUAGE)
        // Until the first paint: neither the white nor the black of a browser.
        .background_color(Color(0x10, 0x15, 0x17, 0xff))
        .build()?;
    Ok(())
}

/// Remember where the window was and how large.
pub fn state_plugin() -> TauriPlugin<Wry> {
    let flags = StateFlags::SIZE | StateFlags::POSITION | StateFlags::MAXIMIZED | StateFlags::FULLSCREEN;
    tauri_plugin_window_state::Builder::new()
        .with_state_flags(flags)
        .build()
}

/// Tell the window about each change of the connection.
pub fn forward_connection(app: &AppHandle, desk: &Desk) {
    let app = app.clone();
    let mut states = desk.connection.subscribe();
    tauri::async_runtime::spawn(async move {
        while states.changed().await.is_ok() {
            let state = states.borrow_and_update().clone();
            name_window(&app, &state);
            if let Err(error) = app.emit("connection", state) {
                tracing::warn!("could not tell the window: {error}");
            }
        }
    });
}

/// Say in the window's title which database it shows.
fn name_window(app: &AppHandle, state: &ConnectionState) {
    let name = match (&state.profile, &state.server) {
        (Some(name), _) => Some(name.as_str()),
        (None, Some(server)) if server.demo => Some("demo data"),
        (None, Some(server)) => server.label.split_once('@').map(|(_, place)| place),
        (None, None) => None,
    };
    let title = name.map_or_else(|| "Tidemark".to_owned(), |name| format!("{name} · Tidemark"));
    if let Some(Err(error)) = app.get_webview_window("main").map(|window| window.set_title(&title)) {
        tracing::debug!("the window's title: {error}");
    }
}

/// Somebody started the program again: show the window, on the database that was asked for.
pub fn second_start(app: &AppHandle, desk: &Arc<Desk>, line: &[String]) {
    tray::show_window(app);
    match Args::try_parse_from(line).map(|args| (args.target(None, None), args.yes)) {
        Ok((Some(target), yes)) => desk.open(target, yes),
        Ok((None, _)) => {}
        Err(error) => tracing::warn!("a second start was not understood: {error}"),
    }
}

/// SIGTERM, SIGINT and SIGHUP close the app as closing the window does.
pub fn exit_on_signals(app: &AppHandle) {
    for kind in [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()] {
        let app = app.clone();
        tauri::async_runtime::spawn(async move {
            match signal(kind) {
                Ok(mut signals) => {
                    if signals.recv().await.is_some() {
                        app.exit(0);
                    }
                }
                Err(error) => tracing::warn!("signals: {error}"),
            }
        });
    }
}

/// A script that waits for numbers must not wait for a person's answer.
pub fn exit_where_nobody_answers(app: &AppHandle, desk: &Desk) {
    if headless::folder().is_none() {
        return;
    }
    let app = app.clone();
    let mut states = desk.states();
    tauri::async_runtime::spawn(async move {
        if let Ok(state) = states.wait_for(|state| headless::hopeless(state).is_some()).await
            && let Some((why, status)) = headless::hopeless(&state)
        {
            eprintln!("tidemark-app: {why}");
            app.exit(status);
        }
    });
}
