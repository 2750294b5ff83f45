//! What renaming machines, AI agents and secrets has in common: the body, and the answer that tells earlier names.

use rules::Time;
use rules::limits::NAME;
use rules::nouns::Rename;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The body of a rename.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewName {
    /// The name to be.
    #[schemars(length(min = 1, max = NAME))]
    pub name: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Rename")]
struct RenameView {
    from: String,
    to: String,
    at: Time,
}

/// The answer of a name history, newest first.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "NameHistory")]
pub struct Names {
    renames: Vec<RenameView>,
}

impl Names {
    /// From renames that are in the order of time.
    #[must_use]
    pub fn of<Id>(renames: Vec<Rename<Id>>) -> Self {
        let view = |Rename { from, to, at, .. }| RenameView { from, to, at };
        Self { renames: renames.into_iter().rev().map(view).collect() }
    }
}
