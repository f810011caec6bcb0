#![allow(unused)]
use jobwork::job;

async fn measure(_: u8) {}

#[job(middleware = [measure])]
async fn send_email(count: u8) {}

fn main() {}
