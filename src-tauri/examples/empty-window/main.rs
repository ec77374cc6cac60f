//! A window with one word in it: what Tauri and WebKit cost before Tidemark adds anything. `scripts/bench.sh` measures beside it.

fn main() -> tauri::Result<()> {
    tauri::Builder::default()
        .setup(|app| {
            tauri::WebviewWindowBuilder::new(app, "main", tauri::WebviewUrl::default())
                .title("Empty")
                .inner_size(1440.0, 900.0)
                .build()?;
            Ok(())
        })
        .run(tauri::generate_context!(
            "src-tauri/examples/empty-window/tauri.conf.json"
        ))
}
