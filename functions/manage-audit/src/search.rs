//! Searching the log: what is asked for, and the walk through the records for it.

use std::collections::BTreeSet;

use edge::{Error, Principal};
use rules::Time;
use rules::audit::{Action, Record, Severity};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::App;

/// Most records that are found: what page numbers reach, and an export holds.
pub(crate) const FOUND: usize = 10_000;
/// Most records that one request looks at. What is left is for the next one, from the cursor.
const LOOKED_AT: usize = 50_000;

/// Which records are asked for.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "AuditFilter")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Filter {
    #[serde(default)]
    pub(crate) actions: Option<BTreeSet<String>>,
    #[serde(default)]
    pub(crate) severities: Option<BTreeSet<Severity>>,
    #[serde(default)]
    pub(crate) source_ip: Option<String>,
    /// Part of the detail, in any letter case.
    #[serde(default)]
    pub(crate) search: Option<String>,
    /// Epoch milliseconds, both included.
    #[serde(default)]
    pub(crate) from: Option<Time>,
    #[serde(default)]
    pub(crate) to: Option<Time>,
}

/// A filter whose parts are known to be good. An empty list of actions or severities asks for all.
pub(crate) struct Search {
    actions: Vec<Action>,
    severities: BTreeSet<Severity>,
    source_ip: Option<String>,
    text: String,
    from: Option<Time>,
    to: Option<Time>,
}

impl Filter {
    pub(crate) fn checked(self) -> Result<Search, Error> {
        let known = |name: String| {
            let action = Action::ALL.iter().copied().find(|action| action.kind().name == name);
            action.ok_or_else(|| Error::invalid("actions", "must be names of actions; GET audit/actions lists them"))
        };
        if self.from.zip(self.to).is_some_and(|(from, to)| from > to) {
            return Err(Error::invalid("from", "must not be after to"));
        }
        Ok(Search {
            actions: self.actions.unwrap_or_default().into_iter().map(known).collect::<Result<_, _>>()?,
            severities: self.severities.unwrap_or_default(),
            source_ip: self.source_ip,
            text: self.search.unwrap_or_default().to_lowercase(),
            from: self.from,
            to: self.to,
        })
    }
}

impl Search {
    fn matches(&self, record: &Record) -> bool {
        (self.actions.is_empty() || self.actions.contains(&record.action))
            && (self.severities.is_empty() || self.severities.contains(&record.severity))
            && self.source_ip.as_ref().is_none_or(|address| *address == record.source_ip)
            && (self.text.is_empty() || record.detail.to_lowercase().contains(&self.text))
    }
}

/// What a search found.
pub(crate) struct Found {
    /// Newest first, each with its cursor.
    pub(crate) records: Vec<(String, Record)>,
    /// Whether there are no others.
    pub(crate) all: bool,
    /// Where it stopped.
    pub(crate) stopped_at: Option<String>,
}

impl App {
    /// The newest matching records before the cursor, at most this many.
    pub(crate) async fn find(
        &self,
        by: &Principal,
        search: &Search,
        cursor: Option<&str>,
        most: usize,
    ) -> Result<Found, Error> {
        let begin = self.begin(by).await?;
        let since = search.from.map_or(begin, |from| from.max(begin));
        // One past the end: records of this very moment are in the log too.
        let end = search.to.map_or(by.now, |to| to.min(by.now));
        let end = Time::from_ms(end.ms() + 1);
        let mut walk = self.audit.walk(by.vault, cursor, since, end, most);
        let mut found = Found { records: vec![], all: false, stopped_at: None };
        for _ in 0..LOOKED_AT {
            if found.records.len() >= most {
                return Ok(found);
            }
            let Some((cursor, record)) = walk.next().await? else {
                return Ok(Found { all: true, stopped_at: None, ..found });
            };
            found.stopped_at = Some(cursor.clone());
            if record.timestamp < end && search.matches(&record) {
                found.records.push((cursor, record));
            }
        }
        Ok(found)
    }
}
