//! A plain `fn` is a blocking job; `mut` stays on the function.
use jobwork::__private::Perform;
use jobwork::{Kind, State, job};

#[job]
fn convert(mut path: String, count: State<u8>) -> Result<usize, std::io::Error> {
    path.push('x');
    Ok(path.len() + usize::from(*count))
}

fn main() {
    assert_eq!(Convert::KIND, Kind::Blocking);
    assert_eq!(convert("a".to_owned(), State::new(1)).unwrap(), 3);
}
