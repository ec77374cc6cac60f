//! Starts the embedded server with demo data and live traffic, prints its URL, and stays up until it is told to stop.

use tidemark_local::{DataDir, run_demo};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let begun = std::time::Instant::now();
    let demo = run_demo(&DataDir::locate()?, |done, total| eprint!("\r{done} of {total} rows")).await?;
    eprintln!("\nup after {:.1?}, attached: {}", begun.elapsed(), demo.server.attached);
    println!("{}", demo.server.url());
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! { interrupted = tokio::signal::ctrl_c() => interrupted?, _ = terminated.recv() => {} }
    demo.stop().await;
    Ok(())
}
