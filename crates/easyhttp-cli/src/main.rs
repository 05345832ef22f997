//! The program `easyhttp`.

fn main() {}
