#![allow(unused)]
use jobwork::job;

#[job(retires = 5)]
async fn send_email(to: String) {}

fn main() {
    let _ = SendEmail::new("ann");
}
