//! What a machine may see without reading: its secrets, its projects, and whether it is in a project.
//!
//! Metadata only; this function has no right to a value. Lists are not audited, and a freeze does not hide them.

mod cli;
mod secrets;
mod verify_access;

use edge::{Base, Error, Gate, Routes, SignedRequest};
use protocol::ProjectId;
use rules::nouns::{Machine, Project, Secret};
use rules::read_gate::{Refusal, Target, admit_to_list, member_of};
use store::Store;
use store::grant::Granted;

#[derive(Clone)]
struct App {
    gate: Gate,
    store: Store,
}

/// The function's routes.
pub fn routes(base: &Base) -> Routes {
    Routes::of("list-secrets")
        .get("/v1/secrets", secrets::list)
        .post("/v1/secrets/list", secrets::list_of_project)
        .get("/v1/cli/projects", cli::projects)
        .get("/v1/cli/secrets", cli::secrets)
        .post("/v1/verify-access", verify_access::verify)
        .with_state(App { gate: Gate::new(base), store: base.store.clone() })
}

impl App {
    /// Who signed this request, with its nonce taken.
    async fn machine(&self, request: &SignedRequest) -> Result<Machine, Error> {
        self.gate.admit_unaudited(request).await
    }

    /// The secrets this machine is granted, all or of one project, with their projects.
    async fn visible(&self, machine: &Machine, of: Option<ProjectId>) -> Result<Vec<(Secret, Project)>, Error> {
        let granted = self.store.granted(machine.id, of).await?;
        let visible = |row: &Granted| {
            let admitted = admit_to_list(machine, &row.target()).ok()?;
            Some((admitted.secret.clone(), admitted.project.clone()))
        };
        Ok(granted.iter().filter_map(visible).collect())
    }

    /// The project with this id, if it is there and the machine is in it. An id of another shape is of no project.
    async fn project(&self, machine: &Machine, id: &str) -> Result<Project, Error> {
        let id: ProjectId = id.parse().map_err(|_| Refusal::ProjectNotFound)?;
        let (project, membership) = self.store.project_and_membership(machine.id, id).await?;
        let target = Target { project: project.as_ref(), membership: membership.as_ref(), ..Target::default() };
        Ok(member_of(machine, &target)?.clone())
    }
}
