//! What belongs to a vault: each noun says here, once, which vault and project it is in.
//!
//! Management looks rows up by what this says, and in no other way (`Principal::find` in the edge): the one rule that must
//! never be forgotten is written where it cannot be.

use protocol::{ProjectId, VaultId};

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

    /// The projects it names without being in one of them. Whoever may not see all of them may not see it either.
    fn names(&self) -> &[ProjectId] {
        &[]
    }

    /// Whether callers can find it. A thing in the trash cannot be found.
    fn is_live(&self) -> bool {
        true
    }
}

/// A noun whose row names its vault in the field `vault`, and that is in no project.
macro_rules! owned {
    ($noun:ident $name:literal) => {
        impl crate::owned::Owned for $noun {
            const NAME: &'static str = $name;

            fn vault(&self) -> protocol::VaultId {
                self.vault
            }
        }
    };
}

pub(crate) use owned;
