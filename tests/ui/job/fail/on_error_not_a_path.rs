#![allow(unused)]
use jobwork::job;

#[job(on_error = 5)]
async fn send_email(to: String) {}

fn main() {
    let _ = SendEmail::new("ann");
}
