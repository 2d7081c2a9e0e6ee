//! The values that each key may have.

/// Keys that end with one of these hold a number above 0.
const NUMBERS: [&str; 3] = ["size", "-ms", "-limit"];

/// # Errors
///
/// The fault of the value.
pub(crate) fn check(key: &str, value: &str) -> Result<(), String> {
    let is_number = NUMBERS.iter().any(|end| key.ends_with(end));
    if is_number && !value.parse::<u64>().is_ok_and(|number| number > 0) {
        return Err(format!("`{value}` is no number above 0"));
    }
    Ok(())
}
