#![allow(unused)]
use jobwork::job;

struct Address;

#[job]
async fn send_email(count: u8, to: Address) {}

fn main() {}
