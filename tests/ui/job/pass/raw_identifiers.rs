//! Raw names are stored without their `r#`.
use jobwork::{Job, job};

#[job]
async fn r#move(r#type: String) {
    let _ = r#type;
}

fn main() {
    let _ = Move::new("a");
    assert_eq!((Move::NAME, Move::FIELDS), ("move", &["type"][..]));
}
