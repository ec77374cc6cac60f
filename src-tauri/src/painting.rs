//! How WebKit paints the window.

use std::{env, fs, path::Path};

/// Where a graphics card that can compute shows itself.
const CARDS: &str = "/dev/dri";

/// Read by WebKit when it starts.
const STRAIGHT: &str = "WEBKIT_DISABLE_COMPOSITING_MODE";

/// Have WebKit paint straight into the window where no graphics card composes it. Before anything else is begun.
///
/// Without a card (a virtual machine, a remote desktop) it would compose the whole window with OpenGL on the processor for each
/// frame, whatever changed: 45 ms of 1440 × 900 on a machine where painting a chart takes 8. Not by
/// `HardwareAccelerationPolicy` of the open window: where that changes while a page loads and the window is resized, WebKit 2.50 crashes.
pub fn suit_the_machine() {
    if has_card(Path::new(CARDS)) || env::var_os(STRAIGHT).is_some() {
        return;
    }
    #[expect(
        unsafe_code,
        reason = "WebKit has no other way to be told before its page loads; this is the program's only thread, so nobody reads the environment meanwhile"
    )]
    unsafe {
        env::set_var(STRAIGHT, "1");
    }
}

fn has_card(folder: &Path) -> bool {
    let mut devices = fs::read_dir(folder).into_iter().flatten().flatten();
    devices.any(|device| device.file_name().to_string_lossy().starts_with("renderD"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_a_device_that_renders_and_not_one_that_only_shows() {
        let folder = std::env::temp_dir().join(format!("tidemark-cards-{}", std::process::id()));
        assert!(!has_card(&folder), "no folder, no card");
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join("card0"), "").expect("written");
        assert!(!has_card(&folder));
        fs::write(folder.join("renderD128"), "").expect("written");
        assert!(has_card(&folder));
        fs::remove_dir_all(folder).expect("removed");
    }
}
