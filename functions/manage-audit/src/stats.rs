//! `GET stats`: how much is in the vault, and how much is read from it.

use axum::extract::State;
use edge::{Error, Json, Principal};
use futures_util::{StreamExt as _, TryStreamExt as _, future, stream};
use schemars::JsonSchema;
use serde::Serialize;
use store::hour::HOUR_MS;
use store::{agent, machine, project, secret, token};

use crate::App;

/// Projects whose secrets are counted at the same time.
const COUNTED_AT_ONCE: usize = 16;
/// Hours of the last day, and of the last thirty.
const DAY: u64 = 24;
const MONTH: u64 = 30 * DAY;

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stats {
    projects: usize,
    /// Those not in the trash.
    secrets: usize,
    trashed_secrets: usize,
    machines: usize,
    ai_agents: usize,
    enrollment_tokens: usize,
    reads_last_24_hours: u64,
    reads_last_30_days: u64,
    denied_last_24_hours: u64,
    denied_last_30_days: u64,
}

pub(crate) async fn stats(State(app): State<App>, by: Principal) -> Result<Json<Stats>, Error> {
    Box::pin(app.stats(&by)).await.map(Json)
}

impl App {
    async fn stats(&self, by: &Principal) -> Result<Stats, Error> {
        let store = &self.store;
        let hour = by.now.ms() / HOUR_MS;
        let (projects, machines, ai_agents, enrollment_tokens, trashed_secrets, hours) = tokio::try_join!(
            store.all(project::of_vault(by.vault)),
            store.count(machine::of_vault(by.vault)),
            store.count(agent::of_vault(by.vault)),
            store.count(token::of_vault(by.vault)),
            store.count(secret::trash_of(by.vault)),
            store.hours(by.vault, hour.saturating_sub(MONTH - 1), hour),
        )?;
        let in_each: Vec<_> = projects.iter().map(|project| store.count(secret::of_project(project.id))).collect();
        let in_each = stream::iter(in_each).buffer_unordered(COUNTED_AT_ONCE);
        let secrets = in_each.try_fold(0, |sum, secrets| future::ok(sum + secrets)).await?;
        let day = || hours.iter().filter(|row| row.hour + DAY > hour);
        Ok(Stats {
            projects: projects.len(),
            secrets,
            trashed_secrets,
            machines,
            ai_agents,
            enrollment_tokens,
            reads_last_24_hours: day().map(|row| row.reads).sum(),
            reads_last_30_days: hours.iter().map(|row| row.reads).sum(),
            denied_last_24_hours: day().map(|row| row.denied).sum(),
            denied_last_30_days: hours.iter().map(|row| row.denied).sum(),
        })
    }
}
