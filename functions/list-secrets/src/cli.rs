//! `GET /v1/cli/projects` and `GET /v1/cli/secrets`: what the command line shows.

use axum::extract::State;
use edge::{Error, Json, SignedRequest};
use protocol::bodies::{CliProject, CliProjects, CliSecret, CliSecrets};

use crate::App;

/// `GET /v1/cli/projects`: the projects in which this machine has granted secrets, in the order they were made.
pub(crate) async fn projects(State(app): State<App>, request: SignedRequest) -> Result<Json<CliProjects>, Error> {
    let machine = app.machine(&request).await?;
    let visible = app.visible(&machine, None).await?;
    let mut projects: Vec<CliProject> = visible
        .into_iter()
        .map(|(_, project)| CliProject { project_id: project.id, project_name: project.name })
        .collect();
    // They come sorted by project, so its secrets stand together.
    projects.dedup_by_key(|project| project.project_id);
    Ok(Json(CliProjects { projects }))
}

/// `GET /v1/cli/secrets`: the granted secrets with their project's name and their kind. A canary shows as a secret.
pub(crate) async fn secrets(State(app): State<App>, request: SignedRequest) -> Result<Json<CliSecrets>, Error> {
    let machine = app.machine(&request).await?;
    let visible = app.visible(&machine, None).await?;
    let secrets = visible
        .into_iter()
        .map(|(secret, project)| CliSecret {
            id: secret.id,
            name: secret.name,
            field_names: secret.field_names,
            project_id: project.id,
            project_name: project.name,
            kind: secret.kind.shown_to_machines().to_owned(),
        })
        .collect();
    Ok(Json(CliSecrets { secrets }))
}
