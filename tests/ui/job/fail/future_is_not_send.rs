#![allow(unused)]
use jobwork::job;

#[job]
async fn send_email(count: u8) {
    let shared = std::rc::Rc::new(count);
    std::future::ready(()).await;
    drop(shared);
}

fn main() {}
