#![allow(unused)]
use jobwork::job;

#[job(unique(windo = "1h", period = "1h", key = to))]
async fn send_email(to: String, copies: u8) {}

fn main() {
    let _ = SendEmail::new("ann", 2);
}
