//! Every example is run as a process of its own, and what it prints is compared with what is written here.

mod podcast;
mod program;
mod slim;
mod small;
