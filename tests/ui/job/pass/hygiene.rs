//! A crate may name its own things like those that generated code uses.
#![allow(dead_code)]

mod std {}
mod core {}
mod serde {}
mod jobwork {}
struct Option;
struct Result;
struct Vec;
struct Box;
enum Own { Ok, Err, Some, None }
trait Send {}
trait Sized {}
trait Into {}
trait IntoIterator {}

#[::jobwork::job(queue = "mail", retries = 3, backoff = ["1s"], timeout = "1s")]
async fn send_email(to: ::std::string::String, copies: ::std::option::Option<u8>) -> ::core::result::Result<(), ::std::string::String> {
    let _ = (to, copies);
    ::core::result::Result::Ok(())
}

fn main() {
    let _ = SendEmail::new("ann", ::std::option::Option::None);
}
