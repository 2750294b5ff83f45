//! The operating system's random source, and the only one used.

/// `N` bytes from the operating system.
///
/// # Panics
/// When the operating system has no randomness to give, which it does not survive either: going on without would
/// mean predictable keys.
#[expect(clippy::disallowed_methods, reason = "this is the place")]
#[expect(clippy::expect_used, reason = "no caller can do anything sensible without randomness")]
#[must_use]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system's random source");
    bytes
}
