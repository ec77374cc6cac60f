//! The tray icon: the worst state of the open database, seen without opening the window.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::Arc,
};

use tauri::{
    App, AppHandle, Manager,
    image::Image,
    include_image,
    menu::{Menu, MenuItem},
    tray::{TrayIcon, TrayIconBuilder},
};
use tidemark_core::api::StatusWord;

use crate::{connection::Phase, desk::Desk};

/// What the icon can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// Nothing is open.
    Off,
    Fine,
    Look,
    Wrong,
}

impl Mark {
    fn of(phase: Phase, worst: Option<StatusWord>) -> Mark {
        match (phase, worst) {
            (Phase::Lost | Phase::Error, _) => Mark::Wrong,
            (Phase::Ready, Some(StatusWord::NotTrusted | StatusWord::Failing)) => Mark::Wrong,
            (Phase::Ready, Some(StatusWord::Stalled | StatusWord::Lagging)) => Mark::Look,
            (Phase::Ready, Some(_)) => Mark::Fine,
            _ => Mark::Off,
        }
    }

    fn icon(self) -> Image<'static> {
        match self {
            Mark::Off => include_image!("src-tauri/icons/tray-off.png"),
            Mark::Fine => include_image!("src-tauri/icons/tray-ok.png"),
            Mark::Look => include_image!("src-tauri/icons/tray-warn.png"),
            Mark::Wrong => include_image!("src-tauri/icons/tray-bad.png"),
        }
    }

    fn words(self) -> &'static str {
        match self {
            Mark::Off => "Tidemark: no database is open",
            Mark::Fine => "Tidemark: all rollups are healthy",
            Mark::Look => "Tidemark: a rollup lags behind",
            Mark::Wrong => "Tidemark: something is wrong",
        }
    }
}

/// Put the icon into the tray and keep it up to date. A desktop without a tray goes without.
pub fn install(app: &App, desk: &Arc<Desk>) {
    if !has_session_bus() {
        return;
    }
    // The appindicator library is loaded at run time, and the crate panics where it is not installed.
    let tray = match catch_unwind(AssertUnwindSafe(|| build(app))) {
        Ok(Ok(tray)) => tray,
        Ok(Err(error)) => return tracing::info!("no tray icon: {error}"),
        Err(_) => return tracing::info!("no tray icon: libayatana-appindicator3 is not installed"),
    };
    let desk = Arc::clone(desk);
    let (mut phase, mut worst) = (desk.connection.subscribe(), desk.worst.subscribe());
    let mut settings = desk.settings.subscribe();
    tauri::async_runtime::spawn(async move {
        let mut shown = None;
        loop {
            let mark = Mark::of(phase.borrow_and_update().phase, *worst.borrow_and_update());
            let visible = settings.borrow_and_update().tray_icon;
            if shown != Some((mark, visible)) {
                let set = tray
                    .set_icon(Some(mark.icon()))
                    .and_then(|()| tray.set_tooltip(Some(mark.words())))
                    .and_then(|()| tray.set_visible(visible));
                if let Err(error) = set {
                    tracing::info!("tray icon: {error}");
                }
                shown = Some((mark, visible));
            }
            let changed = tokio::select! {
                changed = phase.changed() => changed,
                changed = worst.changed() => changed,
                changed = settings.changed() => changed,
            };
            if changed.is_err() {
                return;
            }
        }
    });
}

/// Icons travel over the session bus; without one the library only complains.
fn has_session_bus() -> bool {
    match std::env::var_os("DBUS_SESSION_BUS_ADDRESS").filter(|address| !address.is_empty()) {
        Some(address) => address != "disabled:",
        None => std::env::var_os("XDG_RUNTIME_DIR").is_some_and(|folder| Path::new(&folder).join("bus").exists()),
    }
}

fn build(app: &App) -> tauri::Result<TrayIcon> {
    let show = MenuItem::with_id(app, "show", "Show Tidemark", true, None::<&str>)?;
    let quit = MenuItem::with_id(app, "quit", "Quit", true, None::<&str>)?;
    TrayIconBuilder::with_id("tidemark")
        .icon(Mark::Off.icon())
        .tooltip(Mark::Off.words())
        .menu(&Menu::with_items(app, &[&show, &quit])?)
        .on_menu_event(|app, event| match event.id().as_ref() {
            "show" => show_window(app),
            "quit" => app.exit(0),
            _ => {}
        })
        .build(app)
}

/// Bring the window to the front.
pub fn show_window(app: &AppHandle) {
    if let Some(window) = app.get_webview_window("main") {
        let shown = window
            .show()
            .and_then(|()| window.unminimize())
            .and_then(|()| window.set_focus());
        if let Err(error) = shown {
            tracing::info!("could not show the window: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_state_wins() {
        assert_eq!(Mark::of(Phase::None, None), Mark::Off);
        assert_eq!(Mark::of(Phase::Ready, None), Mark::Off);
        assert_eq!(Mark::of(Phase::Ready, Some(StatusWord::Healthy)), Mark::Fine);
        assert_eq!(Mark::of(Phase::Ready, Some(StatusWord::CatchingUp)), Mark::Fine);
        assert_eq!(Mark::of(Phase::Ready, Some(StatusWord::Stalled)), Mark::Look);
        assert_eq!(Mark::of(Phase::Ready, Some(StatusWord::NotTrusted)), Mark::Wrong);
        assert_eq!(Mark::of(Phase::Lost, Some(StatusWord::Healthy)), Mark::Wrong);
    }
}
