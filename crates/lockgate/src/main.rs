mod codes;
mod exit;
mod terminal;
fn main() {}
