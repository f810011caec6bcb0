#![allow(unused)]
use jobwork::job;

#[job]
async fn send_email(to: String) -> Result<&'static str, String> {
    Ok("sent")
}

fn main() {}
