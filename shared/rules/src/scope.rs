//! What managing needs: the scopes of AI agents, and what each route asks for.
//!
//! A route names what it needs once. A door turns that into an answer: an agent must hold the scope, a person must be
//! in a vault where they may do it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! scopes {
    ($($scope:ident $name:literal)+) => {
        /// A right of an AI agent, given by a person. A write scope does not include its read scope.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[expect(missing_docs, reason = "the names say it")]
        pub enum Scope {
            $(#[serde(rename = $name)] $scope,)+
        }

        impl Scope {
            /// Every scope, in the order of their names.
            pub const ALL: &'static [Self] = &[$(Self::$scope),+];

            /// The name on the wire.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$scope => $name,)+
                }
            }
        }
    };
}

scopes! {
    AgentsRead "aiagents.read"
    AgentsWrite "aiagents.write"
    AlertsRead "alerts.read"
    AlertsWrite "alerts.write"
    AuditRead "audit.read"
    EnrollmentRead "enrollment.read"
    EnrollmentWrite "enrollment.write"
    IpAllowlistRead "ipallowlist.read"
    IpAllowlistWrite "ipallowlist.write"
    MachinesRead "machines.read"
    MachinesWrite "machines.write"
    ProjectMachinesRead "projects.machines.read"
    ProjectMachinesWrite "projects.machines.write"
    PoliciesRead "projects.policies.read"
    PoliciesWrite "projects.policies.write"
    ProjectsRead "projects.read"
    SecretsRead "projects.secrets.read"
    SecretsWrite "projects.secrets.write"
    ProjectsWrite "projects.write"
    SupportWrite "support.write"
    TrashRead "trash.read"
    TrashWrite "trash.write"
}

impl Scope {
    /// Whether a route that needs this scope only looks.
    pub fn reads(self) -> bool {
        self.name().rsplit('.').next() == Some("read")
    }
}

/// What a route of the management and agent planes asks of whoever calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// To be known: an approved and enabled agent, or a person in a vault of theirs.
    Nothing,
    /// This scope.
    Scope(Scope),
    /// To be a person. There is no such route for agents.
    Person,
}

impl From<Scope> for Needs {
    fn from(scope: Scope) -> Self {
        Self::Scope(scope)
    }
}

impl Needs {
    /// Whether such a route only looks. One for people only always changes something.
    pub fn reads(self) -> bool {
        match self {
            Self::Nothing => true,
            Self::Scope(scope) => scope.reads(),
            Self::Person => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_22_and_their_names_are_what_is_stored() {
        assert_eq!(Scope::ALL.len(), 22);
        for scope in Scope::ALL {
            assert_eq!(serde_json::to_string(scope).unwrap(), format!("\"{}\"", scope.name()));
        }
        let mut sorted = Scope::ALL.to_vec();
        sorted.sort_unstable_by_key(|scope| scope.name());
        assert_eq!(sorted, Scope::ALL);
    }
}
