//! Lists: whole, as published clients read them, or a page at a time. A whole list that grows too large for an answer ends
//! early with a cursor, from where pages go on.
//!
//! What an answer costs does not grow with the vault: a page looks at a bounded number of rows, and can have fewer rows than
//! were asked for, or none, and still a cursor.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rules::limits::{self, Invalid};
use schemars::JsonSchema;
use serde::Serialize;
use store::{List, Lists, Place, Row, StoreError};

use super::answer::Json;
use super::paging::{SIZE, SIZE_LIMIT};

/// Most bytes of the rows of an answer. Lambda's answers have at most 6 MB.
const BYTES: usize = 5 * 1_024 * 1_024;
/// Rows that a whole list reads at once.
const READ_AT_ONCE: usize = 1_000;
/// Most rows that one page looks at, when a filter leaves many out.
const LOOKED_AT: usize = 2_000;
/// Most bytes of a cursor's place.
const PLACE: usize = 1_000;

/// A whole list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "{T}")]
pub struct Whole<T> {
    #[serde(flatten)]
    rows: T,
    /// Only when the list was too large for one answer: the rest comes from the list's `/query` with this cursor.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

/// A page of a list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "{T}Page")]
pub struct Page<T> {
    #[serde(flatten)]
    rows: T,
    /// From where the next page goes on; `null` at the end.
    cursor: Option<String>,
}

/// What has been taken of a list, and from where to go on.
pub struct Listed<V> {
    rows: Vec<V>,
    cursor: Option<String>,
}

impl<V> Listed<V> {
    /// All there is.
    #[must_use]
    pub fn all(rows: Vec<V>) -> Self {
        Self { rows, cursor: None }
    }

    /// As the answer of a whole list, under its own key.
    pub fn whole<T: Serialize>(self, key: impl FnOnce(Vec<V>) -> T) -> Json<Whole<T>> {
        Json(Whole { rows: key(self.rows), cursor: self.cursor })
    }

    /// As a page, under the list's own key.
    pub fn page<T: Serialize>(self, key: impl FnOnce(Vec<V>) -> T) -> Json<Page<T>> {
        Json(Page { rows: key(self.rows), cursor: self.cursor })
    }
}

/// Goes along a list and takes rows until the answer is full.
pub struct Pager<V> {
    /// Most rows of the answer; none for a whole list.
    limit: Option<usize>,
    backward: bool,
    after: Option<Place>,
    taken: Vec<V>,
    bytes: usize,
    looked_at: usize,
    /// Where the part ends that is being looked at.
    part_end: Option<Place>,
    more: bool,
    full: bool,
}

impl<V: Serialize> Pager<V> {
    fn new(limit: Option<usize>, after: Option<Place>) -> Self {
        Self {
            limit,
            backward: false,
            after,
            taken: vec![],
            bytes: 0,
            looked_at: 0,
            part_end: None,
            more: true,
            full: false,
        }
    }

    /// Along a whole list.
    #[must_use]
    pub fn whole() -> Self {
        Self::new(None, None)
    }

    /// A page of at most `limit` rows, after the cursor of another answer.
    pub fn page(limit: Option<u64>, cursor: Option<&str>) -> Result<Self, Invalid> {
        let limit = limits::number("limit", limit.unwrap_or(SIZE), 1..=SIZE_LIMIT)?;
        let place = |cursor: &str| {
            let place = URL_SAFE_NO_PAD.decode(cursor).ok().filter(|place| place.len() <= PLACE);
            place.and_then(|place| String::from_utf8(place).ok())
        };
        let wrong = || Invalid::new("cursor", "must be the cursor of an earlier answer of this list");
        let after = cursor.map(|cursor| place(cursor).ok_or_else(wrong)).transpose()?;
        Ok(Self::new(Some(usize::try_from(limit).unwrap_or(usize::MAX)), after))
    }

    /// From the last row to the first.
    #[must_use]
    pub fn backward(mut self, backward: bool) -> Self {
        self.backward = backward;
        self
    }

    /// The next rows to look at, with their places; nothing when the answer is full or the list is at its end.
    pub async fn next<R: Row>(&mut self, store: &Lists, list: &List<R>) -> Result<Option<Vec<(Place, R)>>, StoreError> {
        if let Some(end) = self.part_end.take()
            && !self.full
        {
            self.after = Some(end);
        }
        let (most, enough) = match self.limit {
            None => (READ_AT_ONCE, usize::MAX),
            // What is wanted, and more of it when a filter leaves rows out.
            Some(limit) if self.looked_at == 0 => (limit, LOOKED_AT),
            Some(_) => (READ_AT_ONCE.min(LOOKED_AT - self.looked_at.min(LOOKED_AT)), LOOKED_AT),
        };
        if self.full || !self.more || self.looked_at >= enough {
            return Ok(None);
        }
        let part = store.part(list, self.after.as_deref(), most, self.backward).await?;
        self.more = part.more;
        self.looked_at += part.rows.len();
        self.part_end = part.rows.last().map(|(place, _)| place.clone());
        Ok(Some(part.rows))
    }

    /// The rows to look at of a short list that was read whole, in the pager's direction.
    pub fn over<R>(&mut self, mut rows: Vec<(Place, R)>) -> Vec<(Place, R)> {
        self.more = false;
        if let Some(after) = &self.after {
            rows.retain(|(place, _)| if self.backward { place < after } else { place > after });
        }
        rows
    }

    /// How many rows the answer still takes, and one more: to know that the list goes on.
    #[must_use]
    pub fn left(&self) -> usize {
        self.limit.map_or(usize::MAX, |limit| limit - self.taken.len() + 1)
    }

    /// Takes a row into the answer, in the order in which the rows came, unless the answer is full.
    pub fn take(&mut self, place: Place, view: V) {
        if self.full {
            self.more = true;
            return;
        }
        let size = serde_json::to_vec(&view).map_or(0, |json| json.len());
        if self.bytes + size > BYTES {
            (self.full, self.more) = (true, true);
            return;
        }
        self.bytes += size + 1;
        self.taken.push(view);
        self.after = Some(place);
        self.full = self.limit == Some(self.taken.len());
    }

    /// Goes along a list until the answer is full, and takes each row of which there is something to show.
    pub async fn along<R: Row>(
        mut self,
        store: &Lists,
        list: List<R>,
        show: impl Fn(R) -> Option<V> + Send,
    ) -> Result<Listed<V>, StoreError> {
        while let Some(rows) = self.next(store, &list).await? {
            for (place, row) in rows {
                if let Some(view) = show(row) {
                    self.take(place, view);
                }
            }
        }
        Ok(self.end())
    }

    /// What was taken.
    #[must_use]
    pub fn end(self) -> Listed<V> {
        let place = self.after.filter(|_| self.more);
        Listed { rows: self.taken, cursor: place.map(|place| URL_SAFE_NO_PAD.encode(place)) }
    }
}
