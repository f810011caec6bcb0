#![allow(unused)]
use jobwork::job;

#[job(cron = "0 3 * * *")]
async fn send_email(to: String, copies: u8) {}

fn main() {
    let _ = SendEmail::new("ann", 2);
}
