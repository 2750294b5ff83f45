//! Every kind of row: its key, and its place in the index.
//!
//! What a machine request needs about its machine shares the partition `MACHINE#{id}`; lists by vault, project,
//! secret or person come from the `by-owner` index, in the order in which things were made.

use protocol::{AgentId, MachineId};
use vault::Time;
use vault::model::{
    Agent, AgentBootstrapToken, AllowlistEntry, BootstrapToken, Bundle, EnrollmentToken, Expiring, Expiry, Grant,
    Machine, Membership, Project, Rename, Secret, SecretVersion, Vault,
};
use vault::people::{Ceremony, MailedLink, Passkey, SecondFactor, Session, User};

use crate::accounts::{self, DeploymentOwner, EmailAddress};
use crate::agents;
use crate::engine::row::{Key, Row};
use crate::engine::table::Table;
use crate::vaults::{self, EnrollmentTokenHash, ProjectEntry};

/// A sort key part that sorts as the time does.
fn sortable(time: Time) -> String {
    format!("{:013}", time.ms())
}

impl Row for Vault {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "vault";
    fn key(&self) -> Key<Self> {
        vaults::vault(self.id)
    }
}

impl Row for AllowlistEntry {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "IP allowlist entry";
    fn key(&self) -> Key<Self> {
        vaults::allowlist_entry(self.vault, self.id)
    }
}

impl Row for Project {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "project";
    fn key(&self) -> Key<Self> {
        vaults::project(self.id)
    }
    fn owner(&self) -> Option<(String, String)> {
        Some((format!("VAULT#{}", self.vault), format!("PROJECT#{}#{}", sortable(self.created_at), self.id)))
    }
}

impl Row for ProjectEntry {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "project entry";
    fn key(&self) -> Key<Self> {
        Key::new(vaults::PROJECTS, format!("{}#{}", sortable(self.created_at), self.project))
    }
}

impl Row for Secret {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "secret";
    fn key(&self) -> Key<Self> {
        vaults::secret(self.id)
    }
    fn owner(&self) -> Option<(String, String)> {
        Some((format!("PROJECT#{}", self.project), format!("SECRET#{}#{}", sortable(self.created_at), self.id)))
    }
}

impl Row for SecretVersion {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "version of a secret";
    fn key(&self) -> Key<Self> {
        vaults::secret_version(self.secret, self.version)
    }
}

impl Row for Machine {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "machine";
    fn key(&self) -> Key<Self> {
        vaults::machine(self.id)
    }
    fn owner(&self) -> Option<(String, String)> {
        Some((format!("VAULT#{}", self.vault), format!("MACHINE#{}#{}", sortable(self.created_at), self.id)))
    }
}

impl Row for Rename<MachineId> {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "rename of a machine";
    fn key(&self) -> Key<Self> {
        vaults::rename(self.of, self.at)
    }
}

impl Row for Agent {
    const TABLE: Table = Table::Agents;
    const KIND: &'static str = "agent";
    fn key(&self) -> Key<Self> {
        agents::agent(self.id)
    }
    fn owner(&self) -> Option<(String, String)> {
        Some((format!("VAULT#{}", self.vault), format!("AGENT#{}#{}", sortable(self.created_at), self.id)))
    }
}

impl Row for Rename<AgentId> {
    const TABLE: Table = Table::Agents;
    const KIND: &'static str = "rename of an agent";
    fn key(&self) -> Key<Self> {
        agents::rename(self.of, self.at)
    }
}

impl Row for AgentBootstrapToken {
    const TABLE: Table = Table::Agents;
    const KIND: &'static str = "agent bootstrap token";
    fn key(&self) -> Key<Self> {
        agents::bootstrap_token(&self.hash)
    }
    fn drop_after(&self) -> Option<Time> {
        Some(self.expires_at)
    }
}

impl Row for Membership {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "membership";
    fn key(&self) -> Key<Self> {
        vaults::membership(self.machine, self.project)
    }
    fn owner(&self) -> Option<(String, String)> {
        Some((format!("PROJECT#{}", self.project), format!("MEMBER#{}#{}", sortable(self.added_at), self.machine)))
    }
}

impl Row for Grant {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "grant";
    fn key(&self) -> Key<Self> {
        vaults::grant(self.machine, self.project, self.secret)
    }
    fn owner(&self) -> Option<(String, String)> {
        Some((format!("PROJECT#{}", self.project), format!("GRANT#{}#{}", self.secret, self.machine)))
    }
}

impl Row for BootstrapToken {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "bootstrap token";
    fn key(&self) -> Key<Self> {
        vaults::bootstrap_token(&self.hash)
    }
    fn drop_after(&self) -> Option<Time> {
        Some(self.expires_at)
    }
}

impl Row for EnrollmentToken {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "enrollment token";
    fn key(&self) -> Key<Self> {
        vaults::enrollment_token(self.id)
    }
    fn owner(&self) -> Option<(String, String)> {
        Some((format!("VAULT#{}", self.vault), format!("ENROLLMENT#{}#{}", sortable(self.created_at), self.id)))
    }
}

impl Row for EnrollmentTokenHash {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "enrollment token hash";
    fn key(&self) -> Key<Self> {
        vaults::enrollment_token_hash(&self.hash)
    }
}

impl Row for Bundle {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "bundle";
    fn key(&self) -> Key<Self> {
        vaults::bundle(&self.hash)
    }
}

impl Row for Expiry {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "expiry";
    fn key(&self) -> Key<Self> {
        let of = match &self.of {
            Expiring::Machine(id) => format!("MACHINE#{id}"),
            Expiring::Bundle(hash) => format!("BUNDLE#{}", hash.as_str()),
            Expiring::Secret(_, id) => format!("SECRET#{id}"),
            Expiring::Project(_, id) => format!("PROJECT#{id}"),
        };
        Key::new(vaults::EXPIRIES, format!("{}#{of}", sortable(self.at)))
    }
}

impl Row for User {
    const TABLE: Table = Table::Accounts;
    const KIND: &'static str = "user";
    fn key(&self) -> Key<Self> {
        accounts::user(self.id)
    }
}

impl Row for EmailAddress {
    const TABLE: Table = Table::Accounts;
    const KIND: &'static str = "e-mail address";
    fn key(&self) -> Key<Self> {
        accounts::email_address(&self.email)
    }
}

impl Row for DeploymentOwner {
    const TABLE: Table = Table::Accounts;
    const KIND: &'static str = "deployment owner";
    fn key(&self) -> Key<Self> {
        accounts::deployment_owner()
    }
}

impl Row for Session {
    const TABLE: Table = Table::Accounts;
    const KIND: &'static str = "session";
    fn key(&self) -> Key<Self> {
        accounts::session(&self.hash)
    }
    fn owner(&self) -> Option<(String, String)> {
        Some((format!("USER#{}", self.user), format!("SESSION#{}#{}", sortable(self.created_at), self.id)))
    }
    fn drop_after(&self) -> Option<Time> {
        Some(self.created_at.plus_seconds(Self::TOTAL_SECONDS))
    }
}

impl Row for SecondFactor {
    const TABLE: Table = Table::Accounts;
    const KIND: &'static str = "second factor";
    fn key(&self) -> Key<Self> {
        accounts::second_factor(self.user)
    }
}

impl Row for Passkey {
    const TABLE: Table = Table::Accounts;
    const KIND: &'static str = "passkey";
    fn key(&self) -> Key<Self> {
        accounts::passkey(self.user, self.id)
    }
}

impl Row for Ceremony {
    const TABLE: Table = Table::Accounts;
    const KIND: &'static str = "passkey ceremony";
    fn key(&self) -> Key<Self> {
        accounts::ceremony(&self.hash)
    }
    fn drop_after(&self) -> Option<Time> {
        Some(self.expires_at)
    }
}

impl Row for MailedLink {
    const TABLE: Table = Table::Accounts;
    const KIND: &'static str = "mailed link";
    fn key(&self) -> Key<Self> {
        accounts::mailed_link(&self.hash)
    }
    fn owner(&self) -> Option<(String, String)> {
        Some((format!("USER#{}", self.user), format!("LINK#{}#{}", sortable(self.created_at), self.hash.as_str())))
    }
    fn drop_after(&self) -> Option<Time> {
        Some(self.expires_at)
    }
}
