//! What the overview and the frame of all pages tell: each question small, whatever is stored.

use diesel::{ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _};

use super::{dialect::each, error::StoreError, handle::Store, schema::problems};

impl Store {
    /// How many problems are open.
    pub async fn open_problems(&self) -> Result<u64, StoreError> {
        let count: i64 = self
            .read(|conn, _| {
                let open = problems::table.filter(problems::solved_at.is_null()).count();
                Ok(each!(conn, c => open.get_result(c))?)
            })
            .await?;
        Ok(u64::try_from(count).unwrap_or(0))
    }
}
