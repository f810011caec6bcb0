#![allow(unused)]
use jobwork::job;

#[job(crate = "jobwork")]
async fn send_email(to: String) {}

fn main() {
    let _ = SendEmail::new("ann");
}
