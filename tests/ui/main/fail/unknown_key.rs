#[jobwork::main(flavor = "multi_thread", crat = jobwork)]
async fn main(app: u8) -> Result<u8, String> {
    Ok(app)
}
