//! Pages by number, for lists that are read whole: `page` from 1, `pageSize` 1 to 200.

use rules::limits::{self, Invalid};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Rows on a page when nothing else is asked for.
pub(super) const SIZE: u64 = 50;
/// Most rows on a page.
pub const SIZE_LIMIT: u64 = 200;
/// Most rows that can be reached by page number.
const REACHED: u64 = 10_000;

/// A page within bounds.
#[derive(Debug, Clone, Copy)]
pub struct Range {
    page: u64,
    size: u64,
}

/// What an answer says of its page.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Paged {
    /// How many rows there are in all.
    total: usize,
    page: u64,
    page_size: u64,
}

impl Paged {
    /// Whether no rows come after it.
    pub fn is_last(&self) -> bool {
        u64::try_from(self.total).unwrap_or(u64::MAX) <= self.page * self.page_size
    }
}

/// The order of a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(rename = "SortDirection")]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Direction {
    #[default]
    Asc,
    Desc,
}

impl Direction {
    /// Rows that are in ascending order, in this one.
    pub fn of<R>(self, mut rows: Vec<R>) -> Vec<R> {
        if self == Self::Desc {
            rows.reverse();
        }
        rows
    }
}

/// Whether a list that pages either way is asked for by cursor; refused when both ways are asked for at once.
pub fn is_by_cursor(
    limit: Option<u64>,
    cursor: Option<&str>,
    page: Option<u64>,
    page_size: Option<u64>,
) -> Result<bool, Invalid> {
    let by_cursor = limit.is_some() || cursor.is_some();
    if by_cursor && page.or(page_size).is_some() {
        return Err(Invalid::new("cursor", "and limit do not go together with page and pageSize"));
    }
    Ok(by_cursor)
}

impl Range {
    /// The page that is asked for, if it is within bounds.
    pub fn checked(page: Option<u64>, page_size: Option<u64>) -> Result<Self, Invalid> {
        let size = limits::number("pageSize", page_size.unwrap_or(SIZE), 1..=SIZE_LIMIT)?;
        let page = limits::number("page", page.unwrap_or(1), 1..=REACHED.div_ceil(size))?;
        Ok(Self { page, size })
    }

    /// Whether it is the first page.
    pub fn is_first(self) -> bool {
        self.page == 1
    }

    /// How many rows come before the page's end.
    pub fn end(self) -> usize {
        usize::try_from(self.page * self.size).unwrap_or(usize::MAX)
    }

    /// This page of the rows.
    pub fn page<R>(self, rows: Vec<R>) -> (Vec<R>, Paged) {
        let total = rows.len();
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        let rows = rows.into_iter().skip(self.end() - size).take(size).collect();
        (rows, Paged { total, page: self.page, page_size: self.size })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paging(page: Option<u64>, page_size: Option<u64>) -> Result<(Vec<u64>, usize), Invalid> {
        let (rows, page) = Range::checked(page, page_size)?.page((1..=120).collect());
        Ok((rows, page.total))
    }

    #[test]
    fn pages_are_numbered_from_one() {
        assert_eq!(paging(None, None).unwrap(), ((1..=50).collect(), 120));
        assert_eq!(paging(Some(3), None).unwrap(), ((101..=120).collect(), 120));
        assert_eq!(paging(Some(4), None).unwrap(), (vec![], 120));
        assert_eq!(paging(Some(2), Some(1)).unwrap(), (vec![2], 120));
        assert_eq!(paging(None, Some(200)).unwrap().0.len(), 120);
        assert!(paging(Some(50), Some(200)).is_ok());
        for (page, size) in [(0, 50), (1, 0), (1, 201), (51, 200), (201, 50), (u64::MAX, 1)] {
            assert!(paging(Some(page), Some(size)).is_err(), "{page} {size}");
        }
    }
}
