#![allow(unused)]
use jobwork::job;
use jobwork::CancelSignal;

#[job]
async fn send_email(#[serde(default)] stop: CancelSignal) {}

fn main() {}
