//! A type of one's own may be called `String`.
use jobwork::job;

#[derive(serde::Serialize, serde::Deserialize)]
struct String(u8);

#[job]
async fn send_email(to: String) {
    let _ = to.0;
}

fn main() {
    let _ = SendEmail::new(String(1));
}
