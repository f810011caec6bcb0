use jobwork::job;

#[job]
async fn main() {}
