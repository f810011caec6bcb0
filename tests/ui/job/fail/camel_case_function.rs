#![allow(unused)]
use jobwork::job;

#[job]
#[allow(non_snake_case)]
async fn SendEmail(to: String) {}

fn main() {}
