#![allow(unused)]
use jobwork::job;

struct Mailer;

impl Mailer {
    #[job]
    async fn send_email(&self, to: String) {}
}

fn main() {}
