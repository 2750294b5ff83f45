//! What belongs to a vault: each noun says here, once, which vault and project it is in.
//!
//! Management looks rows up by what this says, and in no other way (`Principal::find` in the edge): the one rule that must
//! never be forgotten is written where it cannot be.

use protocol::{ProjectId, VaultId};

use crate::model::{Agent, AllowlistEntry, EnrollmentToken, Machine, Project, Secret, Vault};
use crate::people::User;

/// A thing of a vault.
pub trait Owned {
    /// What it is called where it is not there.
    const NAME: &'static str;

    /// The vault it is in.
    fn vault(&self) -> VaultId;

    /// The project it is in, if it is in one.
    fn project(&self) -> Option<ProjectId> {
        None
    }

    /// Whether it is there for those who ask for it: not while it is in the trash.
    fn is_live(&self) -> bool {
        true
    }
}

macro_rules! owned {
    ($($noun:ident $name:literal)+) => {
        $(impl Owned for $noun {
            const NAME: &'static str = $name;

            fn vault(&self) -> VaultId {
                self.vault
            }
        })+
    };
}

owned! {
    Agent "Agent"
    AllowlistEntry "Allowlist entry"
    EnrollmentToken "Enrollment token"
    Machine "Machine"
    User "Person"
}

impl Owned for Vault {
    const NAME: &'static str = "Vault";

    fn vault(&self) -> VaultId {
        self.id
    }
}

impl Owned for Project {
    const NAME: &'static str = "Project";

    fn vault(&self) -> VaultId {
        self.vault
    }

    fn project(&self) -> Option<ProjectId> {
        Some(self.id)
    }
}

impl Owned for Secret {
    const NAME: &'static str = "Secret";

    fn vault(&self) -> VaultId {
        self.vault
    }

    fn project(&self) -> Option<ProjectId> {
        Some(self.project)
    }

    fn is_live(&self) -> bool {
        self.deleted_at.is_none()
    }
}
