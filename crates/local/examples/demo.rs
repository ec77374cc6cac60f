//! Starts the embedded server, prints its URL, and stays up until it is told to stop.
use tidemark_local::{DataDir, EmbeddedServer};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let begun = std::time::Instant::now();
    let server = EmbeddedServer::start(&DataDir::locate()?).await?;
    eprintln!("up after {:?}, attached: {}", begun.elapsed(), server.attached);
    println!("{}", server.url());
    let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! { _ = tokio::signal::ctrl_c() => {}, _ = terminated.recv() => {} }
    server.stop().await;
    Ok(())
}
