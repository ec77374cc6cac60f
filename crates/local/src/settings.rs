//! settings
#[derive(Debug)]
pub struct Settings;
