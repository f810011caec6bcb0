#![allow(unused)]
use jobwork::job;

#[job(queue = "a", queue = "b")]
async fn send_email(to: String) {}

fn main() {
    let _ = SendEmail::new("ann");
}
