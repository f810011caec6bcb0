//! `cfg` on the function is on everything that is made of it.
use jobwork::job;

#[job(on_error = nobody, middleware = [nothing])]
#[cfg(any())]
async fn send_email(to: Missing) {}

#[job]
#[cfg(all())]
async fn file(path: String) {
    let _ = path;
}

fn main() {
    let _ = File::new("a");
}
