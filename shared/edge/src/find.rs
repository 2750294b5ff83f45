//! Looking rows up for a principal. A row has to be in the principal's vault, and in a project that the principal may see.
//! Any other row counts as missing.
//!
//! In a function of management only the principal can look rows up by their keys. The function itself has the store's lists.

use protocol::{ProjectId, SecretId};
use rules::nouns::{Project, Secret};
use rules::owned::Owned;
use store::{Batch, Fetched, Row, RowKey, StoreError, project, secret};

use crate::{Error, Principal};

impl Principal {
    /// Whether it may see this: something of its vault, and of projects that it may see.
    pub fn may_see(&self, thing: &impl Owned) -> bool {
        let mut projects = thing.project().into_iter().chain(thing.names().iter().copied());
        thing.vault() == self.vault && projects.all(|project| self.reaches(project))
    }

    /// The row with this key, if it may see it and it is not in the trash; else 404.
    pub async fn find<R: Row + Owned>(&self, key: &RowKey<R>) -> Result<R, Error> {
        self.held(self.store.get(key).await?.filter(Owned::is_live))
    }

    /// The rows with these keys, in the order of the keys. Rows in the trash and rows that it may not see are left out.
    pub async fn find_all<R: Row + Owned>(&self, keys: &[RowKey<R>]) -> Result<Vec<R>, Error> {
        let mut found = self.store.get_all(keys).await?;
        found.retain(|row| self.may_see(row) && row.is_live());
        Ok(found)
    }

    /// Rows of several kinds, read at once.
    pub async fn find_batch(&self, batch: Batch) -> Result<Found<'_>, Error> {
        Ok(Found { by: self, fetched: self.store.fetch(batch).await? })
    }

    /// A project, and a row of it that is not in the trash; else 404.
    pub async fn find_in<R: Row + Owned>(&self, project: ProjectId, key: &RowKey<R>) -> Result<(Project, R), Error> {
        let (project, row) = self.in_project(project, key).await?;
        Ok((project, self.held(Some(row).filter(Owned::is_live))?))
    }

    /// A secret in the trash and its project, by the secret's id alone; else 404.
    pub async fn find_trashed(&self, id: SecretId) -> Result<(Project, Secret), Error> {
        let not_found = || Error::not_found(Secret::NAME);
        let key = secret::row(id);
        let found = self.held(self.store.get(&key).await?)?;
        // That its project is gone is nobody's business.
        let (project, secret) = self
            .in_project(found.project, &key)
            .await
            .map_err(|error| if error.status() == http::StatusCode::NOT_FOUND { not_found() } else { error })?;
        if secret.is_live() { Err(not_found()) } else { Ok((project, secret)) }
    }

    async fn in_project<R: Row + Owned>(&self, id: ProjectId, key: &RowKey<R>) -> Result<(Project, R), Error> {
        let project_key = project::row(id);
        let mut batch = Batch::new();
        batch.want(&project_key);
        batch.want(key);
        let mut found = self.find_batch(batch).await?;
        let project = self.held(found.take(&project_key)?)?;
        let row = found.take(key)?.filter(|row| row.project() == Some(id));
        Ok((project, self.held(row)?))
    }

    fn held<R: Owned>(&self, found: Option<R>) -> Result<R, Error> {
        found.filter(|row| self.may_see(row)).ok_or_else(|| Error::not_found(R::NAME))
    }
}

/// What was found for a principal.
pub struct Found<'a> {
    by: &'a Principal,
    fetched: Fetched,
}

impl Found<'_> {
    /// Takes the row with this key out; nothing when it is not there, or may not be seen.
    pub fn take<R: Row + Owned>(&mut self, key: &RowKey<R>) -> Result<Option<R>, StoreError> {
        Ok(self.fetched.take(key)?.filter(|row| self.by.may_see(row)))
    }
}
