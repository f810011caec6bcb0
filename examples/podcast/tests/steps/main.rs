//! The three steps on generated sound, on the shipped recordings and on wrong input.

mod encode;
mod feed;
mod loudness;
mod sound;
mod source;
mod stop;
