#![allow(unused)]
use jobwork::{chain};


fn main() {
    drop(chain![].dispatch(1));
}
