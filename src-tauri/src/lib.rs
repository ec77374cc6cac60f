//! The desktop shell: a window, typed commands, an event, a tray icon. What it shows comes from `tidemark-db`.
//!
//! - [`Desk`](desk::Desk) is the state: one open database at most. It and what works for it know nothing of Tauri.
//! - `session` goes from a chosen database to a ready window; `ticker` and `watchdog` run while it is open.
//! - `commands` are what the window may ask for, one line each.

mod args;
mod boards;
mod commands;
pub mod connection;
mod demo;
pub mod desk;
mod headless;
mod packed;
mod painting;
pub mod profiles;
mod remember;
mod report;
mod requests;
mod save;
mod session;
mod ticker;
mod tray;
mod watchdog;
mod window;

pub use args::{Args, Target};

use std::{io::IsTerminal, sync::Arc};

use desk::Desk;
use tauri::{RunEvent, async_runtime};
use tidemark_local::settings::settings_file;

/// Open the window and stay until it is closed. Gives the process's exit status.
pub fn run(args: &Args) -> Result<u8, Box<dyn std::error::Error>> {
    painting::suit_the_machine();
    log_to_stderr();
    let runtime = tokio::runtime::Runtime::new()?;
    async_runtime::set(runtime.handle().clone());
    let desk = Desk::new(settings_file()?, runtime.handle().clone());

    let app = builder(&desk, args).build(tauri::generate_context!())?;
    let ending = Arc::clone(&desk);
    let status = app.run_return(move |_, event| {
        if matches!(event, RunEvent::Exit) {
            async_runtime::block_on(ending.close());
        }
    });
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    Ok(u8::try_from(status).unwrap_or(1))
}

fn builder(desk: &Arc<Desk>, args: &Args) -> tauri::Builder<tauri::Wry> {
    let (first, second) = (Arc::clone(desk), Arc::clone(desk));
    let args = args.clone();
    tauri::Builder::default()
        // First of all, so that a second start ends before it does anything.
        .plugin(tauri_plugin_single_instance::init(move |app, line, _folder| {
            window::second_start(app, &second, &line);
        }))
        .plugin(window::state_plugin())
        .plugin(tauri_plugin_dialog::init())
        .manage(Arc::clone(desk))
        .setup(move |app| {
            window::open(app)?;
            window::forward_connection(app.handle(), &first);
            tray::install(app, &first);
            window::exit_on_signals(app.handle());
            window::exit_where_nobody_answers(app.handle(), &first);
            let target = args.target(std::env::var("DATABASE_URL").ok(), remember::kept_target(&first));
            if let Some(target) = target {
                first.open(target, args.yes);
            }
            Ok(())
        })
        .invoke_handler(tauri::generate_handler![
            commands::connection::connection_state,
            commands::connection::connect_demo,
            commands::connection::connect_url,
            commands::connection::disconnect,
            commands::connection::retry,
            commands::connection::setup_plan,
            commands::connection::setup_apply,
            commands::profiles::connections,
            commands::profiles::no_keychain,
            commands::profiles::paste_connection,
            commands::profiles::aim_connection,
            commands::profiles::test_connection,
            commands::profiles::save_connection,
            commands::profiles::delete_connection,
            commands::profiles::default_connection,
            commands::profiles::connect_profile,
            commands::settings::settings,
            commands::settings::save_settings,
            commands::settings::system_zone,
            commands::settings::search_zones,
            commands::rollups::rollups,
            commands::rollups::status,
            commands::rollups::detail,
            commands::rollups::tick,
            commands::rollups::set_paused,
            commands::rollups::audit,
            commands::rollups::last_audit,
            commands::jobs::recompute_preview,
            commands::jobs::recompute,
            commands::jobs::jobs,
            commands::jobs::cancel_job,
            commands::jobs::pause_job,
            commands::jobs::resume_job,
            commands::jobs::pace_job,
            commands::board::boards,
            commands::board::stop_reading,
            commands::board::recut,
            commands::board::rows,
            commands::board::close_rows,
            commands::board::save_report,
            commands::board::save_made,
            commands::board::numbers_on_screen,
            commands::saved::saved_boards,
            commands::saved::save_board,
            commands::saved::rename_board,
            commands::saved::delete_board,
            commands::saved::import_board,
            commands::saved::export_board,
            commands::newtab::tables,
            commands::newtab::draft_table,
            commands::newtab::preview_declaration,
            commands::newtab::plan_declaration,
            commands::newtab::apply_declaration,
        ])
}

/// Warnings by default; `TIDEMARK_LOG` takes what `RUST_LOG` takes.
fn log_to_stderr() {
    // Without a session bus there are no other instances to find, and nothing to warn of.
    let usual = || "warn,tauri_plugin_single_instance=error".into();
    let filter = tracing_subscriber::EnvFilter::try_from_env("TIDEMARK_LOG").unwrap_or_else(|_| usual());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
}
