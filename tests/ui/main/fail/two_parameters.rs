#![allow(unused)]
#[jobwork::main]
async fn main(app: u8, more: u8) -> Result<u8, String> {
    Ok(app)
}
