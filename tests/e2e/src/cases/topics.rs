//! What operations are about: the tags of the OpenAPI document, and the tables of docs/api.md.

use edge::openapi::Topic;

use super::Case;

macro_rules! topics {
    ($($topic:ident $name:literal $description:literal)+) => {
        $(pub(super) const $topic: Topic = Topic { name: $name, description: $description };)+

        /// All of them, in the order of docs/api.md.
        pub const TOPICS: &[Topic] = &[$($topic),+];
    };
}

topics! {
    READING "Reading" "What a machine signs: reading the values that it is granted, and lists of them."
    ONBOARDING "Onboarding" "What one-time tokens are for: machines and AI agents register, bundles are downloaded."
    ACCOUNT "Account" "People sign up, in and out, and see where they are signed in."
    MAILED_LINKS "Mailed links" "Links that verify an address or set a new password."
    SECOND_FACTOR "Second factor" "An authenticator app, with recovery codes."
    PASSKEYS "Passkeys" "Adding passkeys, and signing in with them (WebAuthn)."
    PAGES "Pages" "What is given out as it is, to everybody."
    CALLERS "Callers" "Who asks, and the libraries that they can use."
    PROJECTS "Projects" "Each has a master key of its own."
    PROJECT_MACHINES "Project machines" "Which machines are in a project, and which of its secrets they may read."
    SECRETS "Secrets" "Everything about secrets but reading their values, which only machines do."
    POLICIES "Access policies" "Conditions that reads of a secret have to meet besides, and the secrets that are bound to them."
    SCHEDULES "Scheduled rotation" "Secrets that get a new random value again and again."
    CANARIES "Canaries" "Secrets that nobody has a reason to read: a read trips one, and its project is frozen."
    SHARES "Share links" "Values for people outside the vault, who can open each once."
    TRASH "Trash" "Deleted secrets, which are kept for 30 days."
    MACHINES "Machines" "The vault's machines: letting them in, and keeping them out."
    AGENTS "AI agents" "The vault's AI agents: letting them in, keeping them out, and what they may do."
    WAYS_IN "Ways in" "Tokens and bundles by which machines come into the vault."
    ALLOWLIST "IP allowlist" "The addresses that machines may come from."
    SETTINGS "Settings" "What the vault's owner decides for all of it."
    ALERTS "Alert mails" "Which actions bring a mail."
    WEBHOOKS "Webhooks" "Addresses that are told what is recorded, and what they were told."
    AUDIT_LOG "Audit log" "What was recorded, and counts."
    SUPPORT "Support" "Tickets: questions to the operator of the deployment."
    OPERATOR "Operator" "What the owner of the deployment sees and decides of all vaults: their plans and the tickets they write, and nothing else in them."
}

/// Puts cases under a topic.
pub(super) fn about(topic: Topic, cases: impl IntoIterator<Item = Case>) -> Vec<Case> {
    cases.into_iter().map(|case| Case { topic, ..case }).collect()
}
