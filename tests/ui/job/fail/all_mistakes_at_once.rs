#![allow(unused)]
use jobwork::job;

#[job(que = "mail", retries = -1, timeout = 10, name = "")]
async fn send_email(to: String) {}

fn main() {
    let _ = SendEmail::new("ann");
}
