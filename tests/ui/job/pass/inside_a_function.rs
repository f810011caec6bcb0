//! A job may stand inside a function, and come out of `macro_rules!`.
macro_rules! jobs {
    ($($name:ident: $ty:ty),*) => {
        $(#[jobwork::job] async fn $name(value: $ty) { drop(value); })*
    };
}

jobs!(first: String, second: Vec<u8>);

fn main() {
    #[jobwork::job]
    async fn inner(to: String) {
        drop(to);
    }
    let _ = (Inner::new("a"), First::new("b"), Second::new(vec![1]));
}
