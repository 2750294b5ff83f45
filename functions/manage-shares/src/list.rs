//! `GET projects/{projectId}/temporary-secrets` and `POST …/query`: share links, in the order in which they were made, and what
//! became of them. Neither has a link's token or its passphrase.

use axum::extract::State;
use edge::listing::{Page, Pager, Whole};
use edge::paging::SIZE_LIMIT;
use edge::{Body, Error, Ids, Json, Principal};
use protocol::ProjectId;
use rules::Time;
use rules::names::NameFilter;
use rules::nouns::{ShareLink, ShareLinkId, ShareStatus};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{project, share};

use crate::App;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ShareLinks")]
#[serde(rename_all = "camelCase")]
pub(crate) struct Links {
    temporary_secrets: Vec<LinkView>,
}

impl Links {
    fn of(temporary_secrets: Vec<LinkView>) -> Self {
        Self { temporary_secrets }
    }
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "ShareLinkQuery")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Query {
    #[schemars(range(min = 1, max = SIZE_LIMIT))]
    limit: Option<u64>,
    cursor: Option<String>,
    /// The whole name, in any letter case. Several links can have it.
    name: Option<String>,
    status: Option<ShareStatus>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ShareLink")]
#[serde(rename_all = "camelCase")]
pub(crate) struct LinkView {
    id: ShareLinkId,
    name: String,
    status: ShareStatus,
    expires_at: Time,
    created_at: Time,
    /// Null while it waits.
    ended_at: Option<Time>,
}

impl LinkView {
    fn of(link: ShareLink, now: Time) -> Self {
        let (status, ended_at) = link.status_at(now);
        let ShareLink { id, name, expires_at, created_at, .. } = link;
        Self { id, name, status, expires_at, created_at, ended_at }
    }
}

/// `GET …/temporary-secrets`: the share links of a project. Those that have ended stay for 90 days.
pub(crate) async fn list(
    State(app): State<App>,
    by: Principal,
    Ids(project): Ids<ProjectId>,
) -> Result<Json<Whole<Links>>, Error> {
    by.find(&project::row(project)).await?;
    let show = |link| Some(LinkView::of(link, by.now));
    Ok(Pager::whole().along(&app.store, share::of_project(project), show).await?.whole(Links::of))
}

/// `POST …/temporary-secrets/query`: the same a page at a time; by name, or by what became of them.
pub(crate) async fn query(
    State(app): State<App>,
    by: Principal,
    Ids(project): Ids<ProjectId>,
    Body(query): Body<Query>,
) -> Result<Json<Page<Links>>, Error> {
    by.find(&project::row(project)).await?;
    let pager = Pager::page(query.limit, query.cursor.as_deref())?;
    let name = NameFilter::of(query.name.as_deref());
    let wanted = |link: &LinkView| query.status.is_none_or(|status| status == link.status) && name.takes(&link.name);
    let show = |link| Some(LinkView::of(link, by.now)).filter(wanted);
    Ok(pager.along(&app.store, share::of_project(project), show).await?.page(Links::of))
}
