#[jobwork::main]
fn main(app: u8) -> Result<u8, String> {
    Ok(app)
}
