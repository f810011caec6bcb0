#![allow(unused)]
use jobwork::job;

#[job(backoff = exponential("1h".."1s"))]
async fn send_email(to: String) {}

fn main() {
    let _ = SendEmail::new("ann");
}
