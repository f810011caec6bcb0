#![allow(unused)]
use jobwork::job;

#[job(priority = 3000000000)]
async fn send_email(to: String) {}

fn main() {
    let _ = SendEmail::new("ann");
}
