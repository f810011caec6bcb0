#![allow(unused)]
use jobwork::job;

#[derive(serde::Serialize, serde::Deserialize)]
struct Address;

#[job]
pub async fn send_email(to: Address) {}

fn main() {}
