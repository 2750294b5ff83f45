//! `POST machines/{machineId}/rename` and `GET machines/{machineId}/name-history`.

use axum::extract::State;
use edge::answer::Done;
use edge::names::{Names, NewName};
use edge::{Body, Error, Ids, Json, Principal, done};
use protocol::MachineId;
use rules::audit::Action;
use rules::limits::{self, NAME};
use rules::nouns::{RENAMES_KEPT, Rename};
use store::machine;

use crate::{App, Touched};

/// `GET …/name-history`: the names a machine had, newest first.
pub(crate) async fn history(
    State(app): State<App>,
    by: Principal,
    Ids(id): Ids<MachineId>,
) -> Result<Json<Names>, Error> {
    by.find(&machine::row(id)).await?;
    Ok(Json(Names::of(app.store.all(machine::renames_of(id)).await?)))
}

/// `POST …/rename`: gives a machine another name. The name it has already changes nothing.
pub(crate) async fn rename(
    State(app): State<App>,
    by: Principal,
    Ids(id): Ids<MachineId>,
    Body(body): Body<NewName>,
) -> Result<Json<Done<Touched>>, Error> {
    let name = limits::name("name", &body.name, NAME)?;
    let machine = by.find(&machine::row(id)).await?;
    if name != machine.name {
        let record = by.entry(Action::MachineRename, format!("Machine {} renamed to {name}", machine.name));
        let mut write = app.store.transaction();
        write.change(machine::row(id).change().set(machine::NAME, &name).only_if(machine::NAME.is(&machine.name)));
        write.put_new(&Rename { of: id, from: machine.name, to: name, at: by.now });
        write.record(&record.machine(id));
        write.commit().await?;
        app.store.keep_newest(machine::renames_of(id), RENAMES_KEPT).await?;
    }
    Ok(done(Touched { machine_id: id }))
}
