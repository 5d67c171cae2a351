//! Lists in pages, so that none stops before its end.

use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseExecutor, DbErr, EntityTrait, IdenStatic, Iterable,
    QueryResult,
    sea_query::{Asterisk, Expr, Func, SelectStatement},
};
use serde::Serialize;

use crate::Result;

/// Which part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// The first page is 1; 0 counts as 1.
    pub number: u64,
    /// The most rows on a page.
    pub size: u64,
}

/// A page of a list, and how long the whole list is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Listed<T> {
    /// The rows of the page, in the list's order.
    pub items: Vec<T>,
    /// The number of rows on all pages together.
    pub total: u64,
}

impl Page {
    /// PostgreSQL counts rows with a sign.
    const LARGEST: u64 = i64::MAX.unsigned_abs();

    fn limit(self) -> u64 {
        self.size.min(Self::LARGEST)
    }

    fn offset(self) -> u64 {
        self.number.saturating_sub(1).saturating_mul(self.size).min(Self::LARGEST)
    }

    /// How long the list is of which this page holds so many rows, where they tell: it ends here.
    fn total(self, rows: usize) -> Option<u64> {
        let rows = u64::try_from(rows).unwrap_or(u64::MAX);
        let ends_here = rows < self.limit() && (rows > 0 || self.offset() == 0);
        ends_here.then(|| self.offset().saturating_add(rows))
    }
}

/// Selects every column of a table, under its name with `prefix` before it, for rows that hold
/// several nouns.
pub(crate) fn columns<E: EntityTrait>(query: &mut SelectStatement, prefix: &str) {
    for column in E::Column::iter() {
        let name = format!("{prefix}{}", column.as_str());
        query.expr_as(Expr::col(column.as_column_ref()), name);
    }
}

/// One page of what `query` selects, each row made by `read`.
pub(crate) async fn listed<T>(
    db: &DatabaseExecutor<'_>,
    mut query: SelectStatement,
    page: Page,
    read: impl Fn(&QueryResult) -> Result<T, DbErr>,
) -> Result<Listed<T>> {
    let mut count = query.clone();
    count.clear_selects().clear_order_by().expr(Func::count(Expr::col(Asterisk)));
    query.limit(page.limit()).offset(page.offset());
    let rows = db.query_all(&query).await?;
    let items = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    if let Some(total) = page.total(items.len()) {
        return Ok(Listed { items, total });
    }
    let total = match db.query_one(&count).await? {
        Some(row) => row.try_get_by_index::<i64>(0)?,
        None => 0,
    };
    Ok(Listed { items, total: u64::try_from(total).unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use super::Page;

    #[test]
    fn the_first_page_starts_at_the_first_row() {
        assert_eq!(Page { number: 1, size: 20 }.offset(), 0);
        assert_eq!(Page { number: 0, size: 20 }.offset(), 0);
        assert_eq!(Page { number: 3, size: 20 }.offset(), 40);
    }

    #[test]
    fn a_page_that_is_not_full_tells_how_long_the_list_is() {
        assert_eq!(Page { number: 1, size: 20 }.total(0), Some(0));
        assert_eq!(Page { number: 3, size: 20 }.total(5), Some(45));
        assert_eq!(Page { number: 3, size: 20 }.total(20), None, "there may be more");
        assert_eq!(Page { number: 3, size: 20 }.total(0), None, "it ended before");
        assert_eq!(Page { number: 1, size: 0 }.total(0), None);
    }

    #[test]
    fn a_page_beyond_every_list_does_not_overflow() {
        let page = Page { number: u64::MAX, size: u64::MAX };
        assert_eq!(i64::try_from(page.offset()), Ok(i64::MAX));
        assert_eq!(i64::try_from(page.limit()), Ok(i64::MAX));
    }
}
