#![allow(unused)]
use jobwork::job;

#[job(backoff = exponential("0s".."1h"))]
async fn send_email(to: String) {}

fn main() {
    let _ = SendEmail::new("ann");
}
