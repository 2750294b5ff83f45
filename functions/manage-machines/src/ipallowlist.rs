//! `ipallowlist`: the ranges machine requests may come from. Switched on with no entries it blocks every
//! machine. It gates machines and enrollment, not people.
//!
//! The ranges are in the vault's own row, which every machine request reads; labels are in rows beside it. Both change
//! in one transaction.

use axum::extract::State;
use crypto::random;
use edge::answer::Done;
use edge::listing::{Page, Pager};
use edge::paging::SIZE_LIMIT;
use edge::{Body, Code, Error, Ids, Json, Principal, done};
use ipnet::IpNet;
use rules::Time;
use rules::audit::Action;
use rules::limits::{self, TEXT};
use rules::names::UniqueName;
use rules::nouns::{ALLOWLIST_ENTRIES, AllowlistEntry, AllowlistEntryId};
use rules::plan::Feature;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{StoreError, vault};

use crate::App;

/// Most entries deleted in one transaction.
const DELETED_AT_ONCE: usize = 90;

#[derive(Serialize, JsonSchema)]
pub(crate) struct Allowlist {
    enabled: bool,
    entries: Vec<EntryView>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AllowlistEntry")]
#[serde(rename_all = "camelCase")]
pub(crate) struct EntryView {
    id: AllowlistEntryId,
    #[schemars(with = "String")]
    cidr: IpNet,
    label: Option<String>,
    created_at: Time,
}

impl From<AllowlistEntry> for EntryView {
    fn from(entry: AllowlistEntry) -> Self {
        Self { id: entry.id, cidr: entry.cidr, label: entry.label, created_at: entry.created_at }
    }
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "NewAllowlistEntry")]
#[serde(deny_unknown_fields)]
pub(crate) struct NewEntry {
    cidr: String,
    #[schemars(length(max = TEXT))]
    label: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "AllowlistLabel")]
#[serde(deny_unknown_fields)]
pub(crate) struct NewLabel {
    #[schemars(length(max = TEXT))]
    label: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "AllowlistEntryIds")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Entries {
    entry_ids: Vec<String>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ChangedAllowlistEntry")]
#[serde(rename_all = "camelCase")]
pub(crate) struct Touched {
    entry_id: AllowlistEntryId,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DeletedAllowlistEntries")]
#[serde(rename_all = "camelCase")]
pub(crate) struct Deleted {
    entry_ids: Vec<AllowlistEntryId>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SwitchedAllowlist")]
pub(crate) struct Switched {
    enabled: bool,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "AllowlistQuery")]
#[serde(deny_unknown_fields)]
pub(crate) struct Query {
    #[schemars(range(min = 1, max = SIZE_LIMIT))]
    limit: Option<u64>,
    cursor: Option<String>,
    /// The whole label, in any letter case.
    name: Option<String>,
    cidr: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AllowlistEntries")]
pub(crate) struct Listing {
    entries: Vec<EntryView>,
}

/// `GET ipallowlist`: the ranges that machines may come from.
pub(crate) async fn list(State(app): State<App>, by: Principal) -> Result<Json<Allowlist>, Error> {
    let vault = by.find(&vault::row(by.vault)).await?;
    let entries = app.entries(&by).await?.into_iter().map(EntryView::from).collect();
    Ok(Json(Allowlist { enabled: vault.allowlist_enabled, entries }))
}

/// `POST ipallowlist/query`: the ranges a page at a time; by label and by range.
pub(crate) async fn query(
    State(app): State<App>,
    by: Principal,
    Body(query): Body<Query>,
) -> Result<Json<Page<Listing>>, Error> {
    let mut pager = Pager::page(query.limit, query.cursor.as_deref())?;
    let label = query.name.as_deref().map(UniqueName::of);
    let cidr = query.cidr.as_deref().map(|text| limits::cidr("cidr", text)).transpose()?;
    let wanted = |entry: &AllowlistEntry| {
        let is_labelled =
            |label: &UniqueName| entry.label.as_deref().is_some_and(|text| UniqueName::of(text) == *label);
        label.as_ref().is_none_or(is_labelled) && cidr.is_none_or(|cidr| cidr == entry.cidr)
    };
    let entries = app.entries(&by).await?.into_iter();
    let placed = entries.map(|entry| (format!("{:013}#{}", entry.created_at.ms(), entry.id), entry));
    for (place, entry) in pager.over(placed.collect()).into_iter().filter(|(_, entry)| wanted(entry)) {
        pager.take(place, entry.into());
    }
    Ok(pager.end().page(|entries| Listing { entries }))
}

/// `POST ipallowlist`: adds a range. One that is listed already is a 409.
pub(crate) async fn add(
    State(app): State<App>,
    by: Principal,
    Body(body): Body<NewEntry>,
) -> Result<Json<EntryView>, Error> {
    by.may_use(Feature::IpAllowlist)?;
    let entry = AllowlistEntry {
        id: AllowlistEntryId::from_entropy(random::bytes()),
        vault: by.vault,
        cidr: limits::cidr("cidr", &body.cidr)?,
        label: limits::text("label", body.label.as_deref())?,
        created_at: by.now,
    };
    if by.find(&vault::row(by.vault)).await?.allowlist.values().any(|listed| *listed == entry.cidr) {
        return Err(Error::new(Code::ExistsAlready, "This range is listed already"));
    }
    let range = vault::row(by.vault)
        .change()
        .set_entry(vault::ALLOWLIST, &entry.id, &entry.cidr)
        .only_if(vault::ALLOWLIST.fewer_than(ALLOWLIST_ENTRIES));
    let mut write = app.store.transaction();
    let listed = write.change(range);
    write.put_new(&entry);
    write.record(&by.entry(Action::AllowlistEntryAdd, format!("Range {} added to the IP allowlist", entry.cidr)));
    if write.commit_unless_refused(listed).await? {
        Ok(Json(entry.into()))
    } else {
        Err(Error::new(
            Code::LimitReached,
            format!("The IP allowlist has {ALLOWLIST_ENTRIES} entries, the most it can have"),
        ))
    }
}

/// `POST ipallowlist/{entryId}/update`: changes the label of a range; the range stays.
pub(crate) async fn update(
    State(app): State<App>,
    by: Principal,
    Ids(id): Ids<AllowlistEntryId>,
    Body(body): Body<NewLabel>,
) -> Result<Json<Done<Touched>>, Error> {
    let key = vault::allowlist_entry(by.vault, id);
    let entry = by.find(&key).await?;
    if let Some(label) = &body.label {
        let label = limits::text("label", Some(label))?;
        let mut write = app.store.transaction();
        write.change(key.change().set(vault::LABEL, &label));
        write.record(&by.entry(Action::AllowlistEntryUpdate, format!("Label of the range {} changed", entry.cidr)));
        write.commit().await?;
    }
    Ok(done(Touched { entry_id: id }))
}

/// `POST ipallowlist/{entryId}/delete`: removes a range.
pub(crate) async fn delete(
    State(app): State<App>,
    by: Principal,
    Ids(id): Ids<AllowlistEntryId>,
) -> Result<Json<Done<Touched>>, Error> {
    if !by.find(&vault::row(by.vault)).await?.allowlist.contains_key(&id) {
        return Err(Error::not_found("Allowlist entry"));
    }
    app.delete_entries(&by, &[id]).await?;
    Ok(done(Touched { entry_id: id }))
}

/// `POST ipallowlist/bulk-delete`: removes the ranges that are listed; other ids are ignored.
pub(crate) async fn bulk_delete(
    State(app): State<App>,
    by: Principal,
    Body(body): Body<Entries>,
) -> Result<Json<Done<Deleted>>, Error> {
    let vault = by.find(&vault::row(by.vault)).await?;
    let mut ids: Vec<AllowlistEntryId> = body.entry_ids.iter().filter_map(|text| text.parse().ok()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids.retain(|id| vault.allowlist.contains_key(id));
    for some in ids.chunks(DELETED_AT_ONCE) {
        app.delete_entries(&by, some).await?;
    }
    Ok(done(Deleted { entry_ids: ids }))
}

/// `POST ipallowlist/enable`: switches the IP allowlist on.
pub(crate) async fn enable(State(app): State<App>, by: Principal) -> Result<Json<Done<Switched>>, Error> {
    by.may_use(Feature::IpAllowlist)?;
    app.switch_allowlist(&by, true, Action::AllowlistEnable, "IP allowlist switched on").await
}

/// `POST ipallowlist/disable`: switches the IP allowlist off.
pub(crate) async fn disable(State(app): State<App>, by: Principal) -> Result<Json<Done<Switched>>, Error> {
    by.step_up()?;
    app.switch_allowlist(&by, false, Action::AllowlistDisable, "IP allowlist switched off").await
}

impl App {
    /// The entries, at most [`ALLOWLIST_ENTRIES`], in the order in which they were made.
    async fn entries(&self, by: &Principal) -> Result<Vec<AllowlistEntry>, StoreError> {
        let mut entries = self.store.all(vault::allowlist_of(by.vault)).await?;
        entries.sort_by_key(|entry| (entry.created_at, entry.id));
        Ok(entries)
    }

    async fn delete_entries(&self, by: &Principal, ids: &[AllowlistEntryId]) -> Result<(), Error> {
        let mut write = self.store.transaction();
        let mut ranges = vault::row(by.vault).change();
        for id in ids {
            ranges = ranges.remove_entry(vault::ALLOWLIST, id);
            write.delete(&vault::allowlist_entry(by.vault, *id));
        }
        write.change(ranges);
        let detail = format!("{} IP allowlist entries deleted", ids.len());
        write.record(&by.entry(Action::AllowlistEntryDelete, detail));
        Ok(write.commit().await?)
    }

    async fn switch_allowlist(
        &self,
        by: &Principal,
        on: bool,
        action: Action,
        detail: &str,
    ) -> Result<Json<Done<Switched>>, Error> {
        let key = vault::row(by.vault);
        let mut write = self.store.transaction();
        let switched =
            write.change(key.change().set(vault::ALLOWLIST_ENABLED, &on).only_if(vault::ALLOWLIST_ENABLED.is(&!on)));
        write.record(&by.entry(action, detail));
        // Refused means that it is in that state already.
        write.commit_unless_refused(switched).await?;
        Ok(done(Switched { enabled: on }))
    }
}
