//! The time window: from a start to an end by the clock of a place, on some days. It may go over midnight, and then its day
//! is the one on which it began.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Asked, Axis, Denied};
use crate::Time;
use crate::limits::Invalid;

/// An hour and a minute, `HH:mm`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("pattern" = "^([01][0-9]|2[0-3]):[0-5][0-9]$"))]
pub struct ClockTime {
    minutes: u16,
}

impl TryFrom<String> for ClockTime {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let number = |part: &str, end: u16| {
            let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse::<u16>().ok().filter(|number| digits && *number < end)
        };
        let parts = text.split_once(':').and_then(|(hour, minute)| Some((number(hour, 24)?, number(minute, 60)?)));
        let (hour, minute) = parts.ok_or("must be a time of day such as 08:30")?;
        Ok(Self { minutes: hour * 60 + minute })
    }
}

impl From<ClockTime> for String {
    fn from(time: ClockTime) -> Self {
        format!("{:02}:{:02}", time.minutes / 60, time.minutes % 60)
    }
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "DayOfWeek")]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mon => "Mondays",
            Self::Tue => "Tuesdays",
            Self::Wed => "Wednesdays",
            Self::Thu => "Thursdays",
            Self::Fri => "Fridays",
            Self::Sat => "Saturdays",
            Self::Sun => "Sundays",
        })
    }
}

impl From<Weekday> for Day {
    fn from(day: Weekday) -> Self {
        match day {
            Weekday::Monday => Self::Mon,
            Weekday::Tuesday => Self::Tue,
            Weekday::Wednesday => Self::Wed,
            Weekday::Thursday => Self::Thu,
            Weekday::Friday => Self::Fri,
            Weekday::Saturday => Self::Sat,
            Weekday::Sunday => Self::Sun,
        }
    }
}

/// The name of a time zone in the IANA database, as `Europe/Copenhagen`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Zone(String);

impl TryFrom<String> for Zone {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        match TimeZone::get(&name) {
            // The database knows names in any letter case; they are kept as it writes them.
            Ok(zone) => Ok(Self(zone.iana_name().map_or(name, str::to_owned))),
            Err(_) => Err("must be the name of a time zone such as Europe/Copenhagen"),
        }
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.0
    }
}

/// The axis.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct TimeWindow {
    pub enabled: bool,
    pub start: Option<ClockTime>,
    pub end: Option<ClockTime>,
    pub zone: Option<Zone>,
    pub days: Option<BTreeSet<Day>>,
}

impl TimeWindow {
    /// Whether this moment is in the window; nothing while settings are missing.
    fn includes(&self, now: Time) -> Option<bool> {
        let (start, end, zone) = (self.start?, self.end?, TimeZone::get(&self.zone.as_ref()?.0).ok()?);
        let days = self.days.as_ref()?;
        let here = zone.to_datetime(Timestamp::from_millisecond(i64::try_from(now.ms()).ok()?).ok()?);
        let time = ClockTime { minutes: u16::try_from(here.hour()).ok()? * 60 + u16::try_from(here.minute()).ok()? };
        let today = Day::from(here.weekday());
        let yesterday = Day::from(here.weekday().previous());
        let is_in = if start < end {
            (start..end).contains(&time) && days.contains(&today)
        } else {
            (time >= start && days.contains(&today)) || (time < end && days.contains(&yesterday))
        };
        Some(is_in)
    }

    /// What would make a read pass that it refuses.
    pub(super) fn remedy(&self) -> String {
        let (Some(start), Some(end), Some(zone), Some(days)) = (self.start, self.end, &self.zone, &self.days) else {
            return "Complete the time window of the policy".to_owned();
        };
        let days: Vec<String> = days.iter().map(Day::to_string).collect();
        let (start, end, next) =
            (String::from(start), String::from(end), if end < start { " of the next day" } else { "" });
        format!("Read from {start} to {end}{next} by the clock of {}, on {}", zone.0, days.join(", "))
    }
}

impl Axis for TimeWindow {
    const NAME: &'static str = "timeWindow";

    fn is_on(&self) -> bool {
        self.enabled
    }

    fn check(&self) -> Result<(), Invalid> {
        if self.start.is_some() && self.start == self.end {
            return Err(Invalid::new("timeWindowEnd", "must not be the time of timeWindowStart"));
        }
        if !self.enabled {
            return Ok(());
        }
        let missing = |field| Err(Invalid::new(field, "must be given while the time window is on"));
        match self {
            Self { start: None, .. } => missing("timeWindowStart"),
            Self { end: None, .. } => missing("timeWindowEnd"),
            Self { zone: None, .. } => missing("timeWindowTimezone"),
            Self { days, .. } if days.as_ref().is_none_or(BTreeSet::is_empty) => missing("timeWindowDays"),
            _ => Ok(()),
        }
    }

    fn judge(&self, read: &Asked<'_>) -> Result<(), Denied> {
        if self.includes(read.now) == Some(true) { Ok(()) } else { Err(Denied::OutsideTimeWindow) }
    }
}
