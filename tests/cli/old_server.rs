//! A server that is too old. The machine has none, so this one only speaks the protocol and says that it is 14.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use crate::harness::run;

const VERSION: i32 = 140_012;

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend((body.len() as u32 + 4).to_be_bytes());
    bytes.extend(body);
    bytes
}

fn read(client: &mut TcpStream, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    client.read_exact(&mut bytes).unwrap();
    bytes
}

fn length(bytes: &[u8]) -> usize {
    u32::from_be_bytes(bytes.try_into().unwrap()) as usize - 4
}

/// What the server says to each kind of message: whatever is asked, the answer is one row with its version.
fn answer(kind: u8) -> Vec<u8> {
    let mut column = b"current_setting\0".to_vec();
    column.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, 23, 0, 4, 0xff, 0xff, 0xff, 0xff, 0, 1]);
    let mut row = vec![0, 1, 0, 0, 0, 4];
    row.extend(VERSION.to_be_bytes());
    match kind {
        b'P' => message(b'1', &[]),
        b'B' => message(b'2', &[]),
        b'C' => message(b'3', &[]),
        b'D' => [message(b't', &[0, 0]), message(b'T', &[&[0, 1][..], &column].concat())].concat(),
        b'E' => [message(b'D', &row), message(b'C', b"SELECT 1\0")].concat(),
        b'Q' => [message(b'C', b"SET\0"), message(b'Z', b"I")].concat(),
        b'S' => message(b'Z', b"I"),
        _ => Vec::new(),
    }
}

fn serve(mut client: TcpStream) {
    let start = read(&mut client, 4);
    let mut start = read(&mut client, length(&start));
    if start.len() == 4 {
        // A request for TLS, which this server does not have.
        client.write_all(b"N").unwrap();
        let size = read(&mut client, 4);
        start = read(&mut client, length(&size));
    }
    assert!(start.len() > 4);
    client
        .write_all(
            &[
                message(b'R', &[0, 0, 0, 0]),
                message(b'S', b"server_version\x0014.12\0"),
                message(b'Z', b"I"),
            ]
            .concat(),
        )
        .unwrap();
    let mut kind = [0];
    while client.read_exact(&mut kind).is_ok() && kind != *b"X" {
        let size = read(&mut client, 4);
        read(&mut client, length(&size));
        if client.write_all(&answer(kind[0])).is_err() {
            break;
        }
    }
}

#[test]
fn a_server_older_than_15_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://ann@127.0.0.1:{}/app", listener.local_addr().unwrap().port());
    std::thread::spawn(move || listener.incoming().for_each(|client| serve(client.unwrap())));
    for command in ["install", "status", "doctor"] {
        run(&[command, "--database-url", &url])
            .exits(2)
            .says(&["PostgreSQL 14", "15 or later"]);
    }
}
