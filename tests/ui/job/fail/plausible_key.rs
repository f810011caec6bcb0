#![allow(unused)]
use jobwork::job;

#[job(max_retries = 5, schedule = "* * * * *", rate_limit = 5)]
async fn send_email(to: String, copies: u8) {}

fn main() {
    let _ = SendEmail::new("ann", 2);
}
