#[jobwork::main]
async fn start(app: u8) -> Result<u8, String> {
    Ok(app)
}
