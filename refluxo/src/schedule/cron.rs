//! Cron expressions, and when they tick.
//!
//! The crate `croner` reads an expression and finds the dates and times that it names. What becomes of those that a clock change
//! leaves out or repeats is decided here, by Vixie cron's rule: see [`Schedule::cron`](super::Schedule::cron).

use std::fmt;

use croner::parser::CronParser;
use jiff::{
    Timestamp, Zoned,
    civil::DateTime,
    tz::{AmbiguousOffset, TimeZone},
};

/// A cron expression in a time zone.
#[derive(Clone, Debug)]
pub(super) struct Cron {
    text: String,
    parsed: croner::Cron,
    meaning: Meaning,
    zone: TimeZone,
}

/// What an expression means where clocks change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    /// The time of the day is given without a `*`: each such time is once a day.
    Appointments,
    /// There is a `*` in the time of the day: it goes on as the clock shows it.
    Rhythm,
}

/// A cron expression that can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CronError {
    /// There is nothing in it.
    #[error("the cron expression is empty: write five fields, such as `0 3 * * *`")]
    Empty,
    /// It has too few fields, or too many.
    #[error(
        "the cron expression `{text}` has {found} fields: it needs five (minute, hour, day of the month, month, day of the \
         week), and may have the second before them and, after all six, the year"
    )]
    Fields {
        /// The expression.
        text: String,
        /// How many fields it has.
        found: usize,
    },
    /// It begins with `@` and is none of the names that there are.
    #[error(
        "the cron expression `{text}` is not known: there are `@hourly`, `@daily`, `@weekly`, `@monthly` and `@yearly`"
    )]
    Name {
        /// The expression.
        text: String,
    },
    /// One of its fields can't be read.
    #[error("the cron expression `{text}` can't be read at column {column}, the {field} `{part}`: {message}")]
    Field {
        /// The expression.
        text: String,
        /// Which field.
        field: CronField,
        /// The field's text.
        part: String,
        /// Where it begins, counted in characters from 1.
        column: usize,
        /// What is wrong with it.
        message: String,
    },
    /// It can be read and names no date that there is, such as the 30th of February.
    #[error("the cron expression `{text}` names no date that there is, so it would never tick")]
    Never {
        /// The expression.
        text: String,
    },
}

/// A field of a cron expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CronField {
    /// 0 to 59; only in expressions of six or seven fields.
    Second,
    /// 0 to 59.
    Minute,
    /// 0 to 23.
    Hour,
    /// 1 to 31, `L` for the last one, `15W` for the weekday next to the 15th.
    DayOfMonth,
    /// 1 to 12, or `JAN` to `DEC`.
    Month,
    /// 0 to 7 (both are Sunday), or `SUN` to `SAT`; `FRI#2` for the second Friday, `5L` for the last one.
    DayOfWeek,
    /// Only in expressions of seven fields.
    Year,
}

impl CronField {
    /// All of them, in the order of an expression of seven fields.
    const ALL: [Self; 7] =
        [Self::Second, Self::Minute, Self::Hour, Self::DayOfMonth, Self::Month, Self::DayOfWeek, Self::Year];
}

impl fmt::Display for CronField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::DayOfMonth => "day of the month",
            Self::Month => "month",
            Self::DayOfWeek => "day of the week",
            Self::Year => "year",
        })
    }
}

impl Cron {
    /// Reads an expression.
    ///
    /// # Errors
    ///
    /// If it can't be read, or never ticks.
    pub(super) fn parse(text: &str, zone: TimeZone) -> Result<Self, CronError> {
        let parsed = CronParser::new().parse(text).map_err(|error| what_is_wrong(text, &error))?;
        let cron = Self { text: text.to_owned(), meaning: meaning(&parsed), parsed, zone };
        // Expressions of years that are over may be read again, as a schedule lives on.
        if cron.next(Timestamp::UNIX_EPOCH).is_none() {
            return Err(CronError::Never { text: text.to_owned() });
        }
        Ok(cron)
    }

    /// The expression as it was given.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The same expression in another time zone.
    pub(super) fn in_zone(self, zone: TimeZone) -> Self {
        Self { zone, ..self }
    }

    /// The name of the time zone.
    pub(super) fn zone(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// The first tick after `after`; `None` if there is none any more.
    pub(super) fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let local = after.to_zoned(self.zone.clone());
        match self.meaning {
            Meaning::Appointments => self.next_appointment(&local),
            Meaning::Rhythm => self.next_of_rhythm(&local),
        }
    }

    /// The basic idea is as follows: an appointment is a time on the wall, and [`Cron::kept`] tells when it is kept. It never
    /// keeps a later one before an earlier one, so the first that is kept after `after` is found by going through the times
    /// on the wall from there on.
    fn next_appointment(&self, after: &Zoned) -> Option<Timestamp> {
        let mut wall = after.datetime();
        loop {
            wall = self.parsed.find_next_occurrence(&wall, false).ok()?;
            // In an hour that comes a second time, those of that hour have been kept.
            match self.kept(wall)? {
                kept if kept > after.timestamp() => return Some(kept),
                _ => {}
            }
        }
    }

    /// When an appointment at this time on the wall is kept: at the first moment after the gap if clocks leave it out, at the
    /// first of two if they show it twice.
    fn kept(&self, wall: DateTime) -> Option<Timestamp> {
        let ambiguous = self.zone.to_ambiguous_zoned(wall);
        let offset = ambiguous.offset();
        let kept = ambiguous.earlier().ok()?.timestamp();
        match offset {
            AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => Some(kept),
            // What jiff calls the earlier one is before the gap.
            AmbiguousOffset::Gap { after, .. } => self
                .zone
                .following(kept)
                .find(|transition| transition.offset() == after)
                .map(|transition| transition.timestamp()),
        }
    }

    /// What the clock leaves out is left out, what it shows twice is twice: croner does it so.
    fn next_of_rhythm(&self, after: &Zoned) -> Option<Timestamp> {
        self.parsed.find_next_occurrence(after, false).ok().map(|next| next.timestamp())
    }
}

/// Whether a `*` stands in the time of the day.
fn meaning(parsed: &croner::Cron) -> Meaning {
    // The text with names such as `@hourly` written out.
    let fields: Vec<&str> = parsed.as_str().split_whitespace().collect();
    let of_the_day = if fields.len() > 5 { 3 } else { 2 };
    if fields.iter().take(of_the_day).any(|field| field.contains('*')) {
        Meaning::Rhythm
    } else {
        Meaning::Appointments
    }
}

/// What is wrong with an expression that croner refuses, and where.
///
/// croner says what and not where. So each field is read once more with the others out of the way.
fn what_is_wrong(text: &str, error: &croner::errors::CronError) -> CronError {
    let fields: Vec<&str> = text.split_whitespace().collect();
    let expression = || text.trim().to_owned();
    match fields.len() {
        0 => return CronError::Empty,
        1 if fields[0].starts_with('@') => return CronError::Name { text: expression() },
        5..=7 => {}
        found => return CronError::Fields { text: expression(), found },
    }
    // Those of five fields begin with the minute.
    let first = usize::from(fields.len() == 5);
    let wrong = fields.iter().zip(CronField::ALL.into_iter().skip(first)).find_map(|(part, field)| {
        let alone = CronField::ALL.map(|other| if other == field { part } else { "*" }).join(" ");
        CronParser::new().parse(&alone).err().map(|error| (part, field, error))
    });
    match wrong {
        Some((part, field, error)) => CronError::Field {
            column: column(text, part),
            text: expression(),
            field,
            part: (*part).to_owned(),
            message: words(&error),
        },
        None => CronError::Field {
            text: expression(),
            field: CronField::ALL[first],
            part: fields[0].to_owned(),
            column: 1,
            message: words(error),
        },
    }
}

/// Where a part of a text begins, in characters from 1.
fn column(text: &str, part: &str) -> usize {
    let text = text.trim();
    let bytes = (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    text.char_indices().take_while(|(at, _)| *at < bytes).count() + 1
}

/// What croner says, without what kind of thing it says.
fn words(error: &croner::errors::CronError) -> String {
    use croner::errors::CronError as Croner;
    match error {
        Croner::InvalidPattern(message)
        | Croner::IllegalCharacters(message)
        | Croner::ComponentError(message) => message.trim_end_matches('.').to_owned(),
        Croner::EmptyPattern
        | Croner::InvalidDate
        | Croner::InvalidTime
        | Croner::TimeSearchLimitExceeded => error.to_string().trim_end_matches('.').to_owned(),
    }
}
