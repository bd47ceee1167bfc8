//! Forms, and blocks as their branches, driven by hand.

mod blocks;
mod captures;
#[cfg(feature = "testing")]
mod crashes;
mod driver;
mod forms;
mod parts;
mod steps;
