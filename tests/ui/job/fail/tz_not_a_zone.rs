#![allow(unused)]
use jobwork::job;

#[job(cron = "@daily", tz = "Vienna, Austria")]
async fn send_email() {}

fn main() {
    let _ = SendEmail::new();
}
