#![allow(unused)]
use jobwork::job;

#[job]
async fn send_email(count: u8) -> u8 {
    count
}

fn main() {}
