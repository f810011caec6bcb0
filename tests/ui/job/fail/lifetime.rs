#![allow(unused)]
use jobwork::job;

#[job]
async fn send_email<'a>(to: std::borrow::Cow<'a, str>) {}

fn main() {}
