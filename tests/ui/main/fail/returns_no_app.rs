#![allow(unused)]
#[jobwork::main]
async fn main(app: jobwork::App) -> Result<u8, String> {
    Ok(1)
}
