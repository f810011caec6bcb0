#![allow(unused)]
use jobwork::job;

struct Receipt;

#[job]
async fn send_email(to: String) -> Receipt {
    Receipt
}

fn main() {}
