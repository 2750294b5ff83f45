//! Lists: the rows of one kind that belong together, in an order. They are read whole, a part at a time, or counted.

use std::borrow::Cow;
use std::marker::PhantomData;

use super::backend::{Query, Terms};
use super::item::Value;
use super::row::{Put, Row, from_item};
use super::table::BY_OWNER;
use crate::{CommitError, Lists, StoreError};

/// A list of rows. Nouns make them: `secret::of_project` is the list of a project's secrets.
pub struct List<R> {
    /// Its partition, of the `by-owner` index or of the table itself.
    pk: String,
    /// What its sort keys begin with; ends with `#`.
    prefix: Cow<'static, str>,
    in_index: bool,
    row: PhantomData<fn() -> R>,
}

impl<R> List<R> {
    /// A list in the `by-owner` index, which follows the table within moments.
    pub(crate) fn owned(pk: String, prefix: impl Into<Cow<'static, str>>) -> Self {
        Self { pk, prefix: prefix.into(), in_index: true, row: PhantomData }
    }

    /// A list in the table, strongly consistent.
    pub(crate) fn stored(pk: String, prefix: impl Into<Cow<'static, str>>) -> Self {
        Self { pk, prefix: prefix.into(), in_index: false, row: PhantomData }
    }

    fn key(&self) -> [&'static str; 2] {
        if self.in_index { ["ownerPk", "ownerSk"] } else { ["pk", "sk"] }
    }

    fn query(&self) -> Query {
        let [pk, sk] = self.key();
        Query {
            index: self.in_index.then(|| BY_OWNER.into()),
            condition: format!("{pk} = :pk AND begins_with({sk}, :sk)").into(),
            terms: Terms::default().value(":pk", self.pk.as_str()).value(":sk", &*self.prefix),
            consistent: !self.in_index,
            ..Query::default()
        }
    }
}

/// Where a row is in its list: what its sort key has after the list's prefix.
pub type Place = String;

/// A part of a list.
pub struct Part<R> {
    /// Its rows in order, with their places.
    pub rows: Vec<(Place, R)>,
    /// Whether the list goes on after it.
    pub more: bool,
}

impl Lists {
    /// All rows of a list, in order.
    pub async fn all<R: Row>(&self, list: List<R>) -> Result<Vec<R>, StoreError> {
        let mut rows = Vec::new();
        self.pages(R::TABLE, list.query(), |page| {
            for item in page.items {
                rows.push(from_item(R::KIND, item)?);
            }
            Ok(())
        })
        .await?;
        Ok(rows)
    }

    /// How many rows a list has.
    pub async fn count<R: Row>(&self, list: List<R>) -> Result<usize, StoreError> {
        let mut count = 0;
        self.pages(R::TABLE, Query { count_only: true, ..list.query() }, |page| {
            count += page.count;
            Ok(())
        })
        .await?;
        Ok(count)
    }

    /// Deletes the first rows of a list, so that it has at most this many.
    pub async fn keep_newest<R: Put>(&self, list: List<R>, most: usize) -> Result<(), CommitError> {
        let mut rows = self.all(list).await?;
        rows.truncate(rows.len().saturating_sub(most));
        self.delete_all(&rows).await
    }

    /// The rows after a place, at most this many; from the list's beginning without a place, and towards its beginning if
    /// that is asked for.
    pub async fn part<R: Row>(
        &self,
        list: &List<R>,
        after: Option<&str>,
        most: usize,
        backward: bool,
    ) -> Result<Part<R>, StoreError> {
        let [pk, sk] = list.key();
        // `$` comes after `#`: behind all that begins with the prefix.
        let behind = format!("{}$", list.prefix.trim_end_matches('#'));
        let place = after.map(|after| format!("{}{after}", list.prefix));
        let (lowest, highest) = match place {
            None => (list.prefix.to_string(), behind),
            Some(place) if backward => (list.prefix.to_string(), place),
            Some(place) => (place, behind),
        };
        let mut query = Query {
            condition: format!("{pk} = :pk AND {sk} BETWEEN :lowest AND :highest").into(),
            terms: Terms::default().value(":pk", list.pk.as_str()).value(":lowest", lowest).value(":highest", highest),
            backward,
            ..list.query()
        };
        let mut rows = Vec::new();
        // One more than is asked for, to know whether there is one; and the row at the place, which may be gone.
        while rows.len() <= most {
            let wanted = most + 1 + usize::from(after.is_some()) - rows.len();
            query.most = Some(u32::try_from(wanted).unwrap_or(u32::MAX));
            let page = self.backend.query(self.name(R::TABLE), query.clone()).await?;
            for item in page.items {
                let place = item.get(sk).and_then(Value::as_text).and_then(|key| key.strip_prefix(&*list.prefix));
                let place = place.ok_or_else(|| StoreError::Damaged(R::KIND.to_owned()))?.to_owned();
                if after != Some(&place) {
                    rows.push((place, from_item(R::KIND, item)?));
                }
            }
            query.from = page.next;
            if query.from.is_none() {
                break;
            }
        }
        let more = rows.len() > most;
        rows.truncate(most);
        Ok(Part { rows, more })
    }
}
