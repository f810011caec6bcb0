#![allow(unused)]
use jobwork::job;

#[job]
#[serde(rename_all = "camelCase")]
async fn send_email(to: String) {}

fn main() {}
