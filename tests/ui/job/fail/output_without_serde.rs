#![allow(unused)]
use jobwork::job;

struct Receipt;

#[job]
async fn send_email(count: u8) -> Result<Receipt, String> {
    Ok(Receipt)
}

fn main() {}
