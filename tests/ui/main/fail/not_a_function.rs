#[jobwork::main]
struct Main;

fn main() {}
