//! The values of options.

use std::time::Duration;

use quote::ToTokens;
use syn::{Expr, ExprLit, Lit};

use crate::{diag::Errors, messages::Message};

/// An option stands once.
pub(super) fn once<T>(
    errors: &Errors,
    place: impl ToTokens,
    key: &'static str,
    slot: &mut Option<T>,
    value: T,
) {
    if slot.is_some() {
        errors.on(place, &Message::OptionTwice(key));
    } else {
        *slot = Some(value);
    }
}

/// A number from 1 up; what else it may be is told on the option.
pub(super) fn count(
    errors: &Errors,
    option: impl ToTokens,
    value: Option<&Expr>,
    syntax: &Message,
) -> Option<u32> {
    let number = match value {
        Some(Expr::Lit(ExprLit { lit: Lit::Int(number), .. })) => number.base10_parse().ok(),
        _ => None,
    };
    let number = number.filter(|&number| number > 0);
    if number.is_none() {
        match value {
            Some(value) => errors.on(value, syntax),
            None => errors.on(option, syntax),
        }
    }
    number
}

/// A duration as a text, which is not 0.
pub(super) fn duration(
    errors: &Errors,
    option: impl ToTokens,
    value: Option<&Expr>,
    zero: &Message,
) -> Option<Duration> {
    let text = match value {
        Some(Expr::Lit(ExprLit { lit: Lit::Str(text), .. })) => text,
        Some(other) => {
            errors.on(other, &Message::DurationSyntax);
            return None;
        }
        None => {
            errors.on(option, &Message::DurationSyntax);
            return None;
        }
    };
    match read_duration(&text.value()) {
        None => errors.on(text, &Message::DurationSyntax),
        Some(Duration::ZERO) => errors.on(text, zero),
        Some(duration) => return Some(duration),
    }
    None
}

/// `200ms`, `30s`, `10m`, `2h`, `1d`.
fn read_duration(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let millis_per_unit = match unit.trim_start() {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(millis_per_unit).map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::read_duration;

    #[test]
    fn a_duration_is_a_number_and_a_unit() {
        assert_eq!(read_duration("200ms"), Some(Duration::from_millis(200)));
        assert_eq!(read_duration("30 s"), Some(Duration::from_secs(30)));
        assert_eq!(read_duration("10m"), Some(Duration::from_mins(10)));
        assert_eq!(read_duration("2h"), Some(Duration::from_hours(2)));
        assert_eq!(read_duration("3d"), Some(Duration::from_hours(72)));
    }

    #[test]
    fn what_has_no_number_no_unit_or_no_end_is_no_duration() {
        for text in ["", "s", "10", "1.5s", "-1s", "10 years", "99999999999999999d"] {
            assert_eq!(read_duration(text), None, "{text}");
        }
    }
}
