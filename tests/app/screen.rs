//! What the Overview shows, read off the screen.

use std::collections::BTreeMap;

use tidemark_core::api::Named;
use tidemark_core::format;

use crate::window::Window;

/// Text of each tile by its measure.
const TILES: &str = "
    const tiles = [...document.querySelectorAll('.tile [data-measure]')];
    return Object.fromEntries(tiles.map(tile => [tile.dataset.measure,
        [...tile.children].filter(part => !part.classList.contains('d')).map(part => part.textContent).join('')]));";

/// Rows of the platform table: name to cells by heading.
const TABLE: &str = "
    const table = [...document.querySelectorAll('table')].at(-1);
    if (!table) return null;
    const heads = [...table.tHead.rows[0].cells].map(cell => cell.textContent.replace(/[ ↓↑]+$/, '').trim());
    return Object.fromEntries([...table.tBodies[0].rows].map(row => {
        const cells = [...row.cells].map(cell => cell.textContent.trim());
        return [cells[0], Object.fromEntries(heads.map((head, i) => [head, cells[i]]).filter(([, cell]) => cell !== '').reverse())];
    }));";

pub type Cells = BTreeMap<String, String>;

impl Window {
    /// Wait until the board shows an answer that is exact, over a range whose address this is.
    pub async fn board(&self, address: &str) {
        self.go(address).await;
        self.until_script("exact numbers", "return !!document.querySelector('.tile [data-measure]') && document.querySelector('.trust')?.innerText.includes('Exact')").await;
    }

    pub async fn tiles(&self) -> Cells {
        serde_json::from_value(self.script(TILES).await).unwrap()
    }

    pub async fn platforms(&self) -> BTreeMap<String, Cells> {
        serde_json::from_value(self.script(TABLE).await).unwrap()
    }
}

/// A heading of the table, the measure below it, and how that is written.
type Heading = (&'static str, &'static str, fn(f64) -> String);

pub const COLUMNS: [Heading; 8] = [
    ("Requests", "request_count", format::count),
    ("Errors", "error_count", format::count),
    ("4xx", "outcome_4xx_count", format::count),
    ("5xx", "outcome_5xx_count", format::count),
    ("Rate", "error_rate", format::percent),
    ("p50", "p50_latency_ms", format::latency),
    ("p95", "p95_latency_ms", format::latency),
    ("p99", "p99_latency_ms", format::latency),
];

/// A measure of an answer's row, as the screen writes it.
pub fn written(values: &Named, measure: &str, write: fn(f64) -> String) -> String {
    values[measure]
        .as_f64()
        .map_or_else(|| format::MISSING.to_owned(), write)
}
