//! All functions: the one list of them, and what each is given.
//!
//! Local mode and the tests have all of them in one process ([`routes`]); their programs for Lambda (`functions/programs`) have
//! one each.

use std::sync::Arc;

use edge::seal::Seal;
use edge::{Base, Courier, MailQueue, Routes};
use store::{KeyRing, Values};

pub use {
    account, account_mail, account_passkeys, bootstrap_agent, bootstrap_machine, dashboard, deliver_webhooks,
    download_bundle, enroll_machine, export_secrets, follow_audit, list_secrets, make_bundle, manage_agents,
    manage_alerts, manage_audit, manage_canaries, manage_machines, manage_policies, manage_projects, manage_schedules,
    manage_secrets, manage_shares, manage_support, open_share, operator, poll_secrets, read_secret, rotate_due,
    seal_secret, send_mail, sweep_expired,
};

/// A place where functions run: gives each, by its name, what it asks for.
pub trait Place {
    /// What every function is given.
    fn base(&self, function: &'static str) -> Base;
    /// The right to name values.
    fn values(&self, function: &'static str) -> Values;
    /// Keys.
    fn keys(&self, function: &'static str) -> KeyRing;
    /// `seal-secret`.
    fn seal(&self, function: &'static str) -> Seal;
    /// `deliver-webhooks`.
    fn courier(&self, function: &'static str) -> Arc<dyn Courier>;
    /// `send-mail`.
    fn mail(&self, function: &'static str) -> Arc<dyn MailQueue>;
}

/// The routes of every function that has some, each with what it asks for and no more.
#[must_use]
pub fn routes(place: &impl Place) -> Vec<Routes> {
    let base = |function| place.base(function);
    let keys = |function| place.keys(function);
    let seal = |function| place.seal(function);
    vec![
        read_secret::routes(&base("read-secret"), place.values("read-secret"), keys("read-secret")),
        export_secrets::routes(&base("export-secrets"), place.values("export-secrets"), keys("export-secrets")),
        list_secrets::routes(&base("list-secrets")),
        poll_secrets::routes(&base("poll-secrets")),
        bootstrap_machine::routes(&base("bootstrap-machine")),
        enroll_machine::routes(&base("enroll-machine")),
        download_bundle::routes(&base("download-bundle"), keys("download-bundle")),
        open_share::routes(&base("open-share"), place.values("open-share"), keys("open-share")),
        account::routes(&base("account"), keys("account")),
        account_mail::routes(&base("account-mail"), keys("account-mail").maker(), place.mail("account-mail")),
        account_passkeys::routes(&base("account-passkeys"), keys("account-passkeys")),
        operator::routes(&base("operator")),
        bootstrap_agent::routes(&base("bootstrap-agent")),
        manage_agents::routes(&base("manage-agents")),
        manage_schedules::routes(&base("manage-schedules"), seal("manage-schedules")),
        manage_canaries::routes(&base("manage-canaries"), seal("manage-canaries")),
        manage_alerts::routes(&base("manage-alerts"), seal("manage-alerts"), place.courier("manage-alerts")),
        manage_policies::routes(&base("manage-policies")),
        manage_projects::routes(&base("manage-projects"), keys("manage-projects").maker()),
        manage_secrets::routes(&base("manage-secrets"), seal("manage-secrets")),
        manage_shares::routes(&base("manage-shares"), seal("manage-shares")),
        manage_support::routes(&base("manage-support")),
        manage_machines::routes(&base("manage-machines")),
        make_bundle::routes(&base("make-bundle"), seal("make-bundle")),
        manage_audit::routes(&base("manage-audit")),
        dashboard::routes(&base("dashboard")),
    ]
}
