//! The greedy choice: at one position, with or without a screen, and at many positions together.

mod many;
mod one;
mod output_rows;
