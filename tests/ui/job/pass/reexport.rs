//! The runtime may live anywhere.
mod platform {
    pub use ::jobwork as jobs;
}

mod mine {
    #[::jobwork::job(crate = crate::platform::jobs, retries = 1)]
    pub(crate) async fn send_email(to: String, #[serde(default)] copies: u8) {
        let _ = (to, copies);
    }
}

fn main() {
    let _ = mine::SendEmail::new("ann", 1);
}
