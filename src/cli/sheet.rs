//! CSV as spreadsheets read it: what people elsewhere wrote is never taken for a formula.

use super::failure::Failure;

/// A table as CSV, its first row the names of the columns.
pub(super) fn sheet(rows: impl IntoIterator<Item = Vec<String>>) -> Result<String, Failure> {
    let failed = |error: String| Failure::Storage(format!("the CSV cannot be written: {error}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(row.iter().map(|cell| harmless(cell))).map_err(|error| failed(error.to_string()))?;
    }
    let bytes = writer.into_inner().map_err(|error| failed(error.to_string()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A cell that no spreadsheet takes for a formula: a quote stands before one that begins like it (CWE-1236). Numbers stay numbers; control
/// characters but for line ends are left out.
fn harmless(cell: &str) -> String {
    let text: String = cell.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    if is_formula(&text) { format!("'{text}") } else { text }
}

/// What `harmless` put before a cell is taken off again, so that a table that was exported can be imported.
pub(super) fn as_written(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| is_formula(rest)).unwrap_or(cell)
}

fn is_formula(text: &str) -> bool {
    let begins = text.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']) || text.starts_with('\t');
    begins && text.parse::<f64>().is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_quoted_and_come_back_as_they_were() {
        for formula in ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", " =1+1", "\t=1", "＝1+1"] {
            assert_eq!(harmless(formula), format!("'{formula}"));
            assert_eq!(as_written(&harmless(formula)), formula);
        }
        for plain in ["-12.5", "+3", "-1e9", "maria@example.com", "'tis", ""] {
            assert_eq!((harmless(plain).as_str(), as_written(plain)), (plain, plain));
        }
        assert_eq!(harmless("a\u{7}\rb"), "ab");
    }
}
