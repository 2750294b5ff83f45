//! A new secret with a schedule: its first value is made here, and nobody is told it.

use crypto::{Plaintext, random};
use edge::seal::Create;
use edge::{Error, Principal};
use protocol::{ProjectId, SecretId};
use rules::audit::Action;
use rules::limits::{self, NAME};
use rules::nouns::{Secret, SecretKind};
use rules::plan::Counted;
use rules::structured::Fields;
use store::project;
use zeroize::Zeroizing;

use crate::App;
use crate::create::{Created, NewSchedule, schedule_of};

impl App {
    pub(crate) async fn make_scheduled(
        &self,
        by: &Principal,
        project: ProjectId,
        mut body: NewSchedule,
    ) -> Result<Created, Error> {
        let project = by.find(&project::row(project)).await?.id;
        let name = body.name.as_deref().ok_or_else(|| Error::invalid("name", "must be given"))?;
        let name = limits::name("name", name, NAME)?;
        let rotating = rotating(&mut body)?;
        let schedule = schedule_of(by, &body, rotating)?;
        let make = || schedule.generator.make();
        let (kind, field_names, value) = match &body.field_names {
            Some(names) => {
                let text = limits::field_names(names)?;
                let fixed = body.static_fields.unwrap_or_default();
                let content = |name: &String| {
                    let text = |value: &Plaintext| Zeroizing::new(value.expose_str().unwrap_or_default().to_owned());
                    (name.clone(), fixed.get(name).map_or_else(|| text(&make()), text))
                };
                let value = Fields::of(names.iter().map(content).collect()).to_value();
                (SecretKind::Structured, Some(text), value)
            }
            None => (SecretKind::Secret, None, make()),
        };
        limits::value(&value)?;
        let interval = schedule.interval_seconds;
        let id = SecretId::from_entropy(random::bytes());
        let secret = Secret {
            kind,
            field_names,
            note: limits::text("note", body.note.as_deref())?,
            schedule: Some(schedule),
            ..Secret::new(id, by.vault, project, name, by.now)
        };
        let created = Created { id: secret.id, name: secret.name.clone() };
        let about = |action, detail| by.entry(action, detail).secret(created.id).project(project);
        let record = about(Action::SecretCreate, format!("Secret {} created", secret.name));
        let detail = format!("Secret {} is rotated every {interval} s from now on", secret.name);
        let scheduled = Some(about(Action::ScheduleCreate, detail));
        let room = by.room(Counted::Secrets);
        self.seal.ask(Create { secret, value, record, scheduled, room }).await?;
        Ok(created)
    }
}

/// Which fields of a new structured secret rotate: those named, or all that are not static. With the static ones they are all
/// its fields, each once.
fn rotating(body: &mut NewSchedule) -> Result<Option<Vec<String>>, Error> {
    let fixed = body.static_fields.as_ref();
    let Some(names) = &body.field_names else {
        let given = body.fields.as_ref().is_some_and(|fields| !fields.is_empty());
        let field = if given { "fields" } else { "staticFields" };
        let is_plain = !given && fixed.is_none();
        return if is_plain { Ok(None) } else { Err(Error::invalid(field, "needs fieldNames")) };
    };
    let is_fixed = |name: &String| fixed.is_some_and(|fixed| fixed.contains_key(name));
    let rotating: Vec<String> = match body.fields.take().filter(|fields| !fields.is_empty()) {
        Some(fields) => fields,
        None => names.iter().filter(|name| !is_fixed(name)).cloned().collect(),
    };
    let is_known = |name: &String| names.contains(name);
    if !rotating.iter().all(is_known) || !fixed.is_none_or(|fixed| fixed.keys().all(is_known)) {
        return Err(Error::invalid("fields", "and the keys of staticFields must be in fieldNames"));
    }
    if names.iter().any(|name| is_fixed(name) == rotating.contains(name)) {
        return Err(Error::invalid(
            "fields",
            "and the keys of staticFields together must be fieldNames, each name once",
        ));
    }
    if rotating.is_empty() {
        return Err(Error::invalid("fields", "must name a field that rotates"));
    }
    Ok(Some(rotating))
}
