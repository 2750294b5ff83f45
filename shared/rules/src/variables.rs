//! Environment variables that values of secrets become.

/// Names that are given meaning, as the file has them.
const RESERVED: &str = include_str!("reserved_names.txt");

/// The names that a shell, a loader, an interpreter or a runner gives meaning to: whoever sets one steers what runs next.
/// One that ends with a star stands for all that begin so.
pub fn reserved() -> impl Iterator<Item = &'static str> {
    RESERVED.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace)
}

/// Whether no variable of this name may be made.
#[must_use]
pub fn is_reserved(name: &str) -> bool {
    reserved().any(|known| known.strip_suffix('*').map_or(known == name, |start| name.starts_with(start)))
}

/// The reserved names as a pattern of a shell's `case`.
#[must_use]
pub fn as_shell_pattern() -> String {
    reserved().collect::<Vec<_>>().join(" | ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_is_reserved_and_what_is_a_secret_is_not() {
        for steers in
            ["PATH", "BASH_ENV", "LD_PRELOAD", "NODE_OPTIONS", "PYTHONSTARTUP", "GIT_SSH_COMMAND", "PS4", "IFS", "CI"]
        {
            assert!(is_reserved(steers), "{steers}");
        }
        for secret in
            ["DATABASE_URL", "API_KEY", "CIRCLE_TOKEN", "PATHS", "NPM_TOKEN", "GOOGLE_API_KEY", "APP_PATH", "HOME_URL"]
        {
            assert!(!is_reserved(secret), "{secret}");
        }
        let text = |name: &str| name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || "_*".contains(c));
        assert!(reserved().all(text), "each is safe in a shell's pattern");
    }
}
