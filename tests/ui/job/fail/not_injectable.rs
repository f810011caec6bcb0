#![allow(unused)]
use jobwork::job;

struct Tenant;

#[job]
async fn send_email(count: u8, #[inject] tenant: Tenant) {}

fn main() {}
