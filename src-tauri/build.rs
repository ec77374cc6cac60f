//! Tauri's build step, with this repository's layout: the package is at the top level, the shell's files are in `src-tauri/`.

use std::{fs, path::Path};

fn main() {
    println!("cargo:rerun-if-changed=src-tauri/capabilities");
    println!("cargo:rerun-if-changed=tauri.conf.json");
    // The interface is part of the program; without this a first build without it would stay without it.
    println!("cargo:rerun-if-changed=ui/dist");
    // `generate_context!` wants the folder; a fresh clone has not built the interface yet.
    let interface = Path::new("ui/dist");
    if !interface.exists() {
        fs::create_dir_all(interface).expect("create ui/dist");
    }
    let attributes = tauri_build::Attributes::new().capabilities_path_pattern("src-tauri/capabilities/**/*");
    tauri_build::try_build(attributes).expect("tauri build step");
}
