//! Forms, and blocks as their branches, driven by hand.

mod blocks;
mod captures;
mod driver;
mod forms;
mod steps;
