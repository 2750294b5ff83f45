//! Searching the log: what is asked for, and the walk through the records for it.

use std::collections::BTreeSet;

use edge::{Error, Principal};
use protocol::{AgentId, MachineId, ProjectId, SecretId, UserId};
use rules::audit::{Action, ActorKind, Record, Severity};
use rules::names::folded;
use rules::{Time, limits};
use schemars::JsonSchema;
use serde::Deserialize;
use store::audit::{Ask, Part, is_frequent};

use crate::App;

/// Most records that are found: what page numbers reach, and one answer of an export holds.
pub(crate) const FOUND: usize = 10_000;
/// Most records that one request looks at. What is left is for the next one, from the cursor.
const LOOKED_AT: usize = 50_000;

/// Which records are asked for.
#[derive(Deserialize, Default, JsonSchema)]
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
    #[serde(default)]
    pub(crate) secret_id: Option<SecretId>,
    #[serde(default)]
    pub(crate) machine_id: Option<MachineId>,
    #[serde(default)]
    pub(crate) project_id: Option<ProjectId>,
    #[serde(default)]
    pub(crate) ai_agent_id: Option<AgentId>,
    #[serde(default)]
    pub(crate) actor_kind: Option<ActorKind>,
    #[serde(default)]
    pub(crate) actor_user_id: Option<UserId>,
}

/// A filter whose parts are known to be good. An empty list of actions or severities asks for all.
pub(crate) struct Search {
    filter: Filter,
    actions: Vec<Action>,
    severities: BTreeSet<Severity>,
    text: String,
}

/// The cursor of a record, if it has the shape of one.
pub(crate) fn cursor(text: Option<String>) -> Result<Option<String>, Error> {
    let well_formed = |cursor: &String| {
        cursor.len() <= 32 && cursor.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-') && cursor.contains('-')
    };
    if text.as_ref().is_none_or(well_formed) {
        Ok(text)
    } else {
        Err(Error::invalid("cursor", "must be the cursor of an earlier answer"))
    }
}

/// Refuses times that were meant in seconds.
pub(crate) fn in_milliseconds(from: Option<Time>, to: Option<Time>) -> Result<(), Error> {
    for (field, time) in [("from", from), ("to", to)] {
        if let Some(time) = time {
            limits::milliseconds(field, time)?;
        }
    }
    Ok(())
}

impl Filter {
    pub(crate) fn checked(mut self) -> Result<Search, Error> {
        let actions: Vec<String> = self.actions.take().unwrap_or_default().into_iter().collect();
        in_milliseconds(self.from, self.to)?;
        if self.from.zip(self.to).is_some_and(|(from, to)| from > to) {
            return Err(Error::invalid("from", "must not be after to"));
        }
        Ok(Search {
            actions: limits::actions("actions", &actions)?,
            severities: self.severities.take().unwrap_or_default(),
            text: folded(&self.search.take().unwrap_or_default()),
            filter: self,
        })
    }
}

fn is<T: PartialEq + Copy>(asked: Option<T>, found: Option<T>) -> bool {
    asked.is_none() || asked == found
}

impl Search {
    fn matches(&self, record: &Record) -> bool {
        let Filter { secret_id, machine_id, project_id, ai_agent_id, actor_kind, actor_user_id, .. } = self.filter;
        (self.actions.is_empty() || self.actions.contains(&record.action))
            && (self.severities.is_empty() || self.severities.contains(&record.severity))
            && self.filter.source_ip.as_ref().is_none_or(|address| *address == record.source_ip)
            && is(secret_id, record.secret_id)
            && is(machine_id, record.machine_id)
            && is(project_id, record.project_id)
            && is(ai_agent_id, record.ai_agent_id)
            && is(actor_kind, Some(record.actor_kind))
            && is(actor_user_id, record.actor_user_id)
            && (self.text.is_empty() || folded(&record.detail).contains(&self.text))
    }

    /// The part of the log in which everything is that is asked for.
    fn part(&self) -> Part {
        if let Some(secret) = self.filter.secret_id {
            return Part::Secret(secret);
        }
        if let Some(agent) = self.filter.ai_agent_id {
            return Part::Agent(agent);
        }
        let asked = |action: &&Action| {
            let kind = action.kind();
            (self.actions.is_empty() || self.actions.contains(action))
                && (self.severities.is_empty() || self.severities.contains(&kind.severity))
                && self.filter.actor_kind.is_none_or(|actor| kind.actors.contains(&actor))
        };
        let (mut rare, mut frequent) = (false, false);
        for action in Action::ALL.iter().filter(asked) {
            if is_frequent(*action) { frequent = true } else { rare = true }
        }
        match (rare, frequent) {
            (_, false) => Part::Rare,
            (false, true) => Part::Frequent,
            (true, true) => Part::All,
        }
    }
}

/// What a search found.
pub(crate) struct Found {
    /// In order of time, each with its cursor.
    pub(crate) records: Vec<(String, Record)>,
    /// Whether there are no others.
    pub(crate) all: bool,
    /// Where it stopped.
    pub(crate) stopped_at: Option<String>,
}

impl App {
    /// The first matching records after the cursor, at most this many. What is asked for bounds them, and no clock does.
    pub(crate) async fn find(
        &self,
        by: &Principal,
        search: &Search,
        after: Option<String>,
        oldest_first: bool,
        most: usize,
    ) -> Result<Found, Error> {
        let Filter { from, to, .. } = search.filter;
        let ask = Ask { vault: by.vault, part: search.part(), from, to, oldest_first, after };
        let mut walk = self.audit.walk(&ask, most);
        let mut found = Found { records: vec![], all: false, stopped_at: None };
        for _ in 0..LOOKED_AT {
            if found.records.len() >= most {
                return Ok(found);
            }
            let Some((cursor, record)) = walk.next().await? else {
                return Ok(Found { all: true, stopped_at: None, ..found });
            };
            found.stopped_at = Some(cursor.clone());
            if search.matches(&record) {
                found.records.push((cursor, record));
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letter_case_makes_no_difference() {
        for (one, other) in [
            ("Machine WEB-1", "machine web-1"),
            ("\u{c4}RGER", "\u{e4}rger"),
            ("\u{3a3}\u{3c2}", "\u{3c3}\u{3c3}"),
            ("\u{17f}", "s"),
        ] {
            assert_eq!(folded(one), folded(other), "{one}");
        }
        assert_ne!(folded("stra\u{df}e"), folded("strasse"), "character by character");
    }

    #[test]
    fn what_is_rare_is_looked_for_where_it_is() {
        let part = |filter: Filter| filter.checked().ok().map(|search| search.part());
        let actions = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
        let of = |actions| Filter { actions, ..Filter::default() };
        assert_eq!(part(of(None)), Some(Part::All));
        assert_eq!(part(of(actions(&["secret_read"]))), Some(Part::Frequent));
        assert_eq!(part(of(actions(&["project_freeze", "secret_delete"]))), Some(Part::Rare));
        assert_eq!(part(of(actions(&["project_freeze", "secret_read"]))), Some(Part::All));
        let severities = |severity| Filter { severities: Some([severity].into()), ..Filter::default() };
        assert_eq!(part(severities(Severity::High)), Some(Part::Rare));
        assert_eq!(part(severities(Severity::Info)), Some(Part::All));
        assert_eq!(part(Filter { actor_kind: Some(ActorKind::User), ..Filter::default() }), Some(Part::Rare));
    }
}
