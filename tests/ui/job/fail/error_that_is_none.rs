#![allow(unused)]
use jobwork::job;

struct Refused;

#[job]
async fn send_email(count: u8) -> Result<u8, Refused> {
    Ok(count)
}

fn main() {}
