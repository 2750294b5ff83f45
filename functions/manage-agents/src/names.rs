//! `POST ai-agents/{agentId}/rename` and `GET ai-agents/{agentId}/name-history`.

use axum::extract::State;
use edge::answer::Done;
use edge::names::{Names, NewName};
use edge::{Body, Error, Ids, Json, Principal, done};
use protocol::AgentId;
use rules::audit::Action;
use rules::limits::{self, NAME};
use rules::nouns::{RENAMES_KEPT, Rename};
use store::agent;

use crate::{App, Touched};

/// `GET …/name-history`: the names an agent had, newest first.
pub(crate) async fn history(
    State(app): State<App>,
    by: Principal,
    Ids(id): Ids<AgentId>,
) -> Result<Json<Names>, Error> {
    by.find(&agent::row(id)).await?;
    Ok(Json(Names::of(app.store.all(agent::renames_of(id)).await?)))
}

/// `POST …/rename`: gives an agent another name. The name it has already changes nothing.
pub(crate) async fn rename(
    State(app): State<App>,
    by: Principal,
    Ids(id): Ids<AgentId>,
    Body(body): Body<NewName>,
) -> Result<Json<Done<Touched>>, Error> {
    let name = limits::name("name", &body.name, NAME)?;
    let agent = by.find(&agent::row(id)).await?;
    if name != agent.name {
        let record = by.entry(Action::AgentRename, format!("AI agent {} ({id}) renamed to {name}", agent.name));
        let mut write = app.store.transaction();
        write.change(agent::row(id).change().set(agent::NAME, &name).only_if(agent::NAME.is(&agent.name)));
        write.put_new(&Rename { of: id, from: agent.name, to: name, at: by.now });
        write.record(&record);
        write.commit().await?;
        app.store.keep_newest(agent::renames_of(id), RENAMES_KEPT).await?;
    }
    Ok(done(Touched { agent_id: id }))
}
