//! The connections that go by way of a proxy.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::frames::Frames;
use super::{Fate, Traps, at_least};

/// Passes connections on until it is dropped, and they with it.
pub(super) async fn accept(listener: TcpListener, server: String, traps: Arc<Traps>) {
    let mut lines = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let (server, traps) = (server.clone(), Arc::clone(&traps));
        lines.spawn(async move {
            // A connection that is cut ends with an error, and that is no news.
            let _ = if *traps.starting.borrow() {
                refuse(client, &traps).await
            } else {
                pass(client, &server, &traps).await
            };
        });
    }
}

/// Tells a client that the server starts.
async fn refuse(mut client: TcpStream, traps: &Traps) -> io::Result<()> {
    let (mut frames, mut bytes) = (Frames::default(), [0; 4096]);
    loop {
        let read = client.read(&mut bytes).await?;
        frames.push(&bytes[..read]);
        match frames.next() {
            // It asks whether it can encrypt.
            Some(frame) if frame.bytes.len() == 8 => client.write_all(b"N").await?,
            Some(_) => break,
            None if read == 0 => return Ok(()),
            None => {}
        }
    }
    let fields = b"SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0";
    let mut error = vec![b'E'];
    error.extend((fields.len() as u32 + 4).to_be_bytes());
    error.extend(fields);
    client.write_all(&error).await?;
    traps.refused.send_modify(|times| *times += 1);
    Ok(())
}

/// Passes on what both say, but for calls that meet another fate.
async fn pass(client: TcpStream, server: &str, traps: &Traps) -> io::Result<()> {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = TcpStream::connect(server).await?.into_split();
    let (mut said, mut answered) = ([0; 8192], [0; 8192]);
    let (mut frames, mut kept, mut fate) = (Frames::default(), Vec::new(), None);
    loop {
        tokio::select! {
            read = from_client.read(&mut said) => {
                let read = read?;
                if read == 0 {
                    return Ok(());
                }
                frames.push(&said[..read]);
                while let Some(frame) = frames.next() {
                    fate = fate.or_else(|| frames.called(&frame).and_then(|statement| traps.fate_of(&statement)));
                    if fate != Some(Fate::Delay) {
                        to_server.write_all(&frame.bytes).await?;
                        continue;
                    }
                    kept.extend(&frame.bytes);
                    if frame.kind == b'S' {
                        drop((from_client, to_client));
                        spring_and_wait(traps).await;
                        to_server.write_all(&kept).await?;
                        return until_answered(&mut from_server, traps).await;
                    }
                }
            }
            read = from_server.read(&mut answered) => {
                let read = read?;
                if read == 0 {
                    return Ok(());
                }
                kept.extend(&answered[..read]);
                match fate {
                    Some(_) if !is_ready(&kept) => continue,
                    Some(Fate::LoseAnswer) => {
                        traps.sprung.send_modify(|times| *times += 1);
                        return Ok(());
                    }
                    Some(_) => spring_and_wait(traps).await,
                    None => {}
                }
                fate = None;
                to_client.write_all(&kept).await?;
                kept.clear();
            }
        }
    }
}

/// Whether the server has said all that it has to say to a call: it ends with a message `Z` of six bytes.
fn is_ready(said: &[u8]) -> bool {
    said.len() >= 6 && said[said.len() - 6..].starts_with(&[b'Z', 0, 0, 0, 5])
}

async fn spring_and_wait(traps: &Traps) {
    let let_go = *traps.let_go.borrow() + 1;
    traps.sprung.send_modify(|times| *times += 1);
    at_least(&traps.let_go, let_go).await;
}

async fn until_answered(server: &mut (impl AsyncReadExt + Unpin), traps: &Traps) -> io::Result<()> {
    let (mut said, mut bytes) = (Vec::new(), [0; 8192]);
    while !is_ready(&said) {
        match server.read(&mut bytes).await? {
            0 => return Ok(()),
            read => said.extend(&bytes[..read]),
        }
    }
    traps.done.send_modify(|times| *times += 1);
    Ok(())
}
