#![allow(unused)]
use jobwork::job;

#[job]
async fn send_email((to, cc): (String, String)) {}

fn main() {}
