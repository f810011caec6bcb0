#![allow(unused)]
use jobwork::job;

#[job(tz = "Europe/Vienna", missed = "once")]
async fn send_email() {}

fn main() {
    let _ = SendEmail::new();
}
