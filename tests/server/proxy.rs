//! What lies between a laptop and its database: a network that works, cuts, or says nothing any more.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpSocket, UnixStream},
    sync::watch,
};

/// Where the server really is.
#[derive(Clone)]
pub enum Behind {
    Port(u16),
    Socket(PathBuf),
}

#[derive(Clone, Copy, Default)]
struct Weather {
    /// Connections made before this many cuts are gone.
    cuts: u32,
    /// Nothing gets through in either direction, and nobody is told. What was swallowed once stays dead.
    swallows: bool,
    /// Who comes anew is sent away.
    refuses: bool,
}

#[derive(Default)]
struct Refused {
    last: Option<Instant>,
    longest_pause: Duration,
}

impl Refused {
    fn count(&mut self) {
        if let Some(last) = self.last.replace(Instant::now()) {
            self.longest_pause = self.longest_pause.max(last.elapsed());
        }
    }
}

/// Forwards connections until it is dropped.
pub struct Proxy {
    pub port: u16,
    weather: watch::Sender<Weather>,
    refused: Arc<Mutex<Refused>>,
}

impl Proxy {
    pub async fn before(server: Behind) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let weather = watch::Sender::new(Weather::default());
        let seen = weather.subscribe();
        let refused = Arc::new(Mutex::new(Refused::default()));
        let counted = Arc::clone(&refused);
        tokio::spawn(async move {
            let mut seen_end = seen.clone();
            loop {
                tokio::select! {
                    accepted = listener.accept() => {
                        let (client, _) = accepted.unwrap();
                        if seen.borrow().refuses {
                            counted.lock().unwrap().count();
                            continue;
                        }
                        tokio::spawn(forward(client, server.clone(), seen.clone()));
                    }
                    // The sender is gone with its test.
                    changed = seen_end.changed() => if changed.is_err() { return },
                }
            }
        });
        Proxy { port, weather, refused }
    }

    /// Cut every connection there is, at both ends. New ones are let through.
    pub fn cut(&self) {
        self.weather.send_modify(|weather| weather.cuts += 1);
    }

    /// From now on send away who comes anew, or let them through again.
    pub fn refuse(&self, refuses: bool) {
        self.weather.send_modify(|weather| weather.refuses = refuses);
    }

    /// The longest time between two that were sent away.
    pub fn longest_pause(&self) -> Duration {
        self.refused.lock().unwrap().longest_pause
    }

    /// From now on say nothing, or let new connections through again.
    pub fn swallow(&self, swallows: bool) {
        self.weather.send_modify(|weather| weather.swallows = swallows);
    }
}

async fn forward(client: tokio::net::TcpStream, server: Behind, weather: watch::Receiver<Weather>) {
    match server {
        Behind::Port(port) => {
            // A small window: what is not read is soon noticed by whoever writes.
            let socket = TcpSocket::new_v4().unwrap();
            socket.set_recv_buffer_size(8192).unwrap();
            if let Ok(server) = socket.connect(([127, 0, 0, 1], port).into()).await {
                pass(client, server, weather).await;
            }
        }
        Behind::Socket(path) => {
            if let Ok(server) = UnixStream::connect(path).await {
                pass(client, server, weather).await;
            }
        }
    }
}

async fn pass<A, B>(mut client: A, mut server: B, mut weather: watch::Receiver<Weather>)
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    let born = weather.borrow().cuts;
    let mut dead = weather.borrow().swallows;
    let (mut asked, mut answered) = (vec![0; 16384], vec![0; 16384]);
    loop {
        let ended = tokio::select! {
            read = client.read(&mut asked), if !dead => match read {
                Ok(count) if count > 0 => server.write_all(&asked[..count]).await.is_err(),
                _ => true,
            },
            read = server.read(&mut answered), if !dead => match read {
                Ok(count) if count > 0 => client.write_all(&answered[..count]).await.is_err(),
                _ => true,
            },
            changed = weather.changed() => {
                let now = *weather.borrow_and_update();
                dead |= now.swallows;
                changed.is_err() || now.cuts != born
            }
        };
        if ended {
            return;
        }
    }
}
