//! `POST stats/reads-over-time`: reads and refused reads by the hour or the day (UTC), the last 24 hours unless asked
//! otherwise. Counted from the audit log some moments after the fact.

use axum::extract::State;
use edge::{Body, Error, Json, Principal};
use rules::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::hour::HOUR_MS;

use crate::App;
use crate::search::in_milliseconds;

/// Hours of a day.
const DAY: u64 = 24;
/// Most buckets of an answer: a month of hours, two years of days.
const BUCKETS: u64 = 744;

#[derive(Deserialize, Serialize, Default, Clone, Copy, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Bucket {
    #[default]
    Hour,
    Day,
}

impl Bucket {
    fn hours(self) -> u64 {
        match self {
            Self::Hour => 1,
            Self::Day => DAY,
        }
    }
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ReadsQuery")]
#[serde(deny_unknown_fields)]
pub(crate) struct Query {
    /// Epoch milliseconds.
    from: Option<Time>,
    to: Option<Time>,
    #[serde(default)]
    bucket: Bucket,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ReadCount")]
struct Count {
    /// When it begins.
    start: Time,
    reads: u64,
    denied: u64,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Reads {
    bucket: Bucket,
    /// In the order of time, empty ones too.
    buckets: Vec<Count>,
}

pub(crate) async fn reads_over_time(
    State(app): State<App>,
    by: Principal,
    Body(query): Body<Query>,
) -> Result<Json<Reads>, Error> {
    in_milliseconds(query.from, query.to)?;
    // There is nothing to count in time to come.
    let tomorrow = by.now.plus_seconds(86_400);
    let to = query.to.unwrap_or(by.now).min(tomorrow);
    let from = query.from.unwrap_or_else(|| to.minus_seconds((DAY - 1) * HOUR_MS / 1_000));
    if from > to {
        return Err(Error::invalid("from", "must not be after to"));
    }
    let width = query.bucket.hours();
    let bucket_of = |time: Time| time.ms() / HOUR_MS / width;
    let (first, last) = (bucket_of(from), bucket_of(to));
    if last - first >= BUCKETS {
        let problem = format!("and to are more than {BUCKETS} buckets apart, ask for less or for days");
        return Err(Error::invalid("from", problem));
    }
    let hours = app.store.hours(by.vault, first * width, last * width + width - 1).await?;
    let count = |bucket: u64| {
        let of = || hours.iter().filter(move |row| row.hour / width == bucket);
        Count {
            start: Time::from_ms(bucket * width * HOUR_MS),
            reads: of().map(|row| row.reads).sum(),
            denied: of().map(|row| row.denied).sum(),
        }
    };
    Ok(Json(Reads { bucket: query.bucket, buckets: (first..=last).map(count).collect() }))
}
