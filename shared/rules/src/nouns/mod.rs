//! What there is: one file for each noun, with its row, its limits and its small rules. Keys and indexes are the store's
//! business.

mod agent;
mod alerts;
mod bundle;
mod canary;
mod expiry;
mod grant;
mod link;
mod machine;
mod member;
mod passkey;
mod person;
mod policy;
mod project;
mod reads;
mod rename;
mod schedule;
mod second_factor;
mod secret;
mod session;
mod share;
pub mod ticket;
mod token;
mod tombstone;
mod vault;
mod webhook;

pub use agent::{AGENT_PROJECTS, Agent, AgentState};
pub use alerts::{Alerts, SentAlert};
pub use bundle::{Bundle, BundleId};
pub use canary::{Canary, Trip};
pub use expiry::{Expiring, Expiry};
pub use grant::Grant;
pub use link::{LinkPurpose, MailedLink, SentLinks};
pub use machine::{Machine, MachineKind, MachineState};
pub use member::Membership;
pub use passkey::{Ceremony, Passkey, PasskeyId};
pub use person::User;
pub use policy::{Binding, POLICIES, Policy, PolicyId};
pub use project::{Freeze, PROJECT_NAME, Project, ProjectName};
pub use reads::{DAY_SECONDS, MINUTE_SECONDS, SecretReads};
pub use rename::{RENAMES_KEPT, Rename};
pub use schedule::{Due, DueBy, Schedule, Scheduled};
pub use second_factor::SecondFactor;
pub use secret::{Secret, SecretKind, SecretName, SecretVersion, TRASH_SECONDS, VERSIONS_KEPT};
pub use session::{Session, SessionId};
pub use share::{ShareLink, ShareLinkId, ShareLinkKey, ShareStatus};
pub use token::{
    AgentBootstrapToken, BootstrapToken, EnrollmentToken, EnrollmentTokenId, EnrollmentTokenState, Revocation,
};
pub use tombstone::Tombstone;
pub use vault::{ALLOWLIST_ENTRIES, AllowlistEntry, AllowlistEntryId, Vault};
pub use webhook::{
    Delivery, DeliveryId, DeliveryStatus, DeploymentKey, PreviousSecret, Queue, WEBHOOKS, Waiting, Webhook, WebhookId,
    WrappedWebhookKey,
};
