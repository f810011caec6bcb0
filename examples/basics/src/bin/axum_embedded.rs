//! A worker inside a web server: a handler dispatches a job and answers at once, and the same process performs it.

use std::net::SocketAddr;

use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::{Router, routing::get};
use jobwork::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

#[job]
async fn shout(text: String) -> Result<String, JobError> {
    Ok(format!("{}!", text.to_uppercase()))
}

/// Dispatches, and answers as soon as the job is stored.
async fn begin(Shared(jobs): Shared<Jobs>, Path(text): Path<String>) -> Result<(StatusCode, String), StatusCode> {
    let job = Shout::dispatch(text).on(&jobs).await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok((StatusCode::ACCEPTED, job.id().to_string()))
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let jobs = Jobs::connect("memory:").await?;
    let worker = App::new().jobs(jobs.clone()).spawn().await?;

    let router = Router::new().route("/shout/{text}", get(begin)).with_state(jobs.clone());
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel::<()>();
    // A real server would wait here for `tokio::signal::ctrl_c()`.
    let server = axum::serve(listener, router).with_graceful_shutdown(async { stopped.await.unwrap_or_default() });
    let server = tokio::spawn(server.into_future());

    let response = request(address, "/shout/hello").await?;
    println!("the server answers: {}", response.lines().next().unwrap_or_default());
    let id = response.lines().last().unwrap_or_default().parse()?;
    println!("the job returned: {}", JobHandle::<Shout>::new(id, jobs).wait().await?);

    // First the server, which dispatches; then the worker, which may finish what it has begun.
    drop(stop);
    server.await??;
    println!("the server has stopped");
    let report = worker.stop_and_wait().await;
    println!("the worker has stopped, {} job completed", report.completed);
    Ok(())
}

/// The program is its own client, so that it needs no other.
async fn request(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut connection = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await?;
    let mut response = String::new();
    connection.read_to_string(&mut response).await?;
    Ok(response)
}
