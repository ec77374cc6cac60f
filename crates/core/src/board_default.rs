//! A board for a rollup that declares none: what its measures and dimensions allow.

use crate::api::{Grain, MeasureInfo};
use crate::board_spec::{Board, BoardColumn, BoardPanel, BoardTile, ColumnShow, Palette, PanelKind, PanelWidth, Where};

/// As many figures as fit side by side at the narrowest window.
const TILES: usize = 5;
/// Lines in one chart that can still be told apart.
const LINES: usize = 4;
const COLUMNS: usize = 9;

/// Tiles; the largest count, split by the first dimension; measures of one unit together; hours; a table.
pub fn board(title: &str, measures: &[MeasureInfo], dimension: Option<(&str, &str)>, base: Grain) -> Board {
    let mut panels = Vec::new();
    let count = measures.iter().find(|measure| measure.additive);
    if let (Some(count), Some((_, label))) = (count, dimension) {
        panels.push(BoardPanel {
            split: true,
            ..panel(
                &format!("{} by {}", count.label, lower(label)),
                PanelKind::Area,
                &[count],
            )
        });
    }
    for unit in units(measures) {
        let alike: Vec<&MeasureInfo> = measures.iter().filter(|measure| measure.unit == unit).collect();
        for part in alike.chunks(LINES) {
            let lines = panel(&names(part), PanelKind::Lines, part);
            match part {
                [one] if one.additive => panels.push(panel(&one.label, PanelKind::Bars, part)),
                [one] if dimension.is_some() => panels.push(BoardPanel {
                    title: one.label.clone(),
                    split: true,
                    ..lines
                }),
                _ => panels.push(lines),
            }
        }
    }
    if let Some(count) = count.filter(|_| base <= Grain::Hour) {
        panels.push(panel("Hour × weekday", PanelKind::Heatmap, &[count]));
    }
    if let Some((_, label)) = dimension {
        panels.push(BoardPanel {
            width: PanelWidth::Full,
            columns: measures.iter().take(COLUMNS).enumerate().map(column).collect(),
            ..panel(&format!("By {}", lower(label)), PanelKind::Table, &[])
        });
    }
    Board {
        title: title.to_owned(),
        by: dimension.map(|(name, _)| name.to_owned()),
        by_label: dimension.map(|(_, label)| label.to_owned()),
        by_plural: None,
        tiles: measures.iter().take(TILES).map(tile).collect(),
        panels,
        rules: vec![],
    }
}

fn panel(title: &str, kind: PanelKind, measures: &[&MeasureInfo]) -> BoardPanel {
    BoardPanel {
        title: title.to_owned(),
        kind,
        subtitle: None,
        measures: measures.iter().map(|measure| measure.name.clone()).collect(),
        lane: vec![],
        lane_label: None,
        split: false,
        by: None,
        filter: Where::default(),
        palette: Palette::Names,
        counts: None,
        columns: vec![],
        width: PanelWidth::Half,
    }
}

fn tile(measure: &MeasureInfo) -> BoardTile {
    BoardTile {
        measure: measure.name.clone(),
        label: None,
        good: None,
    }
}

/// The first columns stay as the window narrows.
fn column((at, measure): (usize, &MeasureInfo)) -> BoardColumn {
    BoardColumn {
        measure: measure.name.clone(),
        label: None,
        show: ColumnShow::Total,
        leaves: u8::try_from(COLUMNS - at).ok().filter(|_| at >= 3),
    }
}

/// Each unit once, in the order of the measures.
fn units(measures: &[MeasureInfo]) -> Vec<&str> {
    let mut units: Vec<&str> = Vec::new();
    for measure in measures {
        if !units.contains(&measure.unit.as_str()) {
            units.push(&measure.unit);
        }
    }
    units
}

/// `mean, p50 and p99`.
fn names(measures: &[&MeasureInfo]) -> String {
    let labels: Vec<&str> = measures.iter().map(|measure| measure.label.as_str()).collect();
    match labels.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => labels.concat(),
    }
}

/// A label inside a sentence: `Order status` becomes `order status`, `API key` stays.
fn lower(label: &str) -> String {
    let mut letters = label.chars();
    match (letters.next(), letters.clone().next()) {
        (Some(first), Some(second)) if second.is_lowercase() => first.to_lowercase().chain(letters).collect(),
        _ => label.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board_check::{Names, check};

    fn measure(name: &str, unit: &str, additive: bool) -> MeasureInfo {
        MeasureInfo {
            name: name.to_owned(),
            unit: unit.to_owned(),
            label: name.to_owned(),
            additive,
        }
    }

    fn kinds(board: &Board) -> Vec<PanelKind> {
        board.panels.iter().map(|panel| panel.kind).collect()
    }

    /// Every default board is one that a declaration could have.
    fn checked(measures: &[MeasureInfo], dimension: Option<(&str, &str)>, base: Grain) -> Board {
        let made = board("T", measures, dimension, base);
        let names = Names {
            measure: &|name| {
                measures
                    .iter()
                    .any(|known| known.name == name)
                    .then_some(())
                    .ok_or_else(|| name.to_owned())
            },
            dimension: &|name| {
                dimension
                    .is_some_and(|(known, _)| known == name)
                    .then_some(())
                    .ok_or_else(|| name.to_owned())
            },
            base,
        };
        assert_eq!(check(&made, &names), Ok(()));
        made
    }

    #[test]
    fn measures_of_one_unit_share_a_chart_and_the_count_is_split() {
        let list = [
            measure("n", "", true),
            measure("p50", "ms", false),
            measure("p99", "ms", false),
            measure("rate", "%", false),
        ];
        let made = checked(&list, Some(("status", "Order status")), Grain::QuarterHour);
        assert_eq!(
            kinds(&made),
            [
                PanelKind::Area,
                PanelKind::Bars,
                PanelKind::Lines,
                PanelKind::Lines,
                PanelKind::Heatmap,
                PanelKind::Table
            ]
        );
        assert_eq!(made.panels[0].title, "n by order status");
        assert_eq!(
            (made.panels[2].title.as_str(), made.panels[2].split),
            ("p50 and p99", false)
        );
        assert!(made.panels[3].split, "a rate alone is shown by group");
        assert_eq!(made.tiles.len(), 4);
    }

    #[test]
    fn a_rollup_without_dimensions_has_no_groups_and_one_of_days_no_hours() {
        let made = checked(&[measure("n", "", true)], None, Grain::Day);
        assert_eq!(kinds(&made), [PanelKind::Bars]);
        assert_eq!(made.by, None);
        let made = checked(
            &[measure("temperature", "°C", false)],
            Some(("site", "Site")),
            Grain::Day,
        );
        assert_eq!(kinds(&made), [PanelKind::Lines, PanelKind::Table]);
    }

    #[test]
    fn twenty_measures_fill_several_charts_and_the_table_keeps_its_first_columns() {
        let list: Vec<MeasureInfo> = (0..20).map(|i| measure(&format!("m{i}"), "kg", false)).collect();
        let made = checked(&list, Some(("a", "A")), Grain::Hour);
        assert_eq!(
            made.panels
                .iter()
                .filter(|panel| panel.kind == PanelKind::Lines)
                .count(),
            5
        );
        let columns = &made.panels.last().unwrap().columns;
        assert_eq!(columns.len(), COLUMNS);
        assert!(columns[..3].iter().all(|column| column.leaves.is_none()));
        assert_eq!(made.tiles.len(), TILES);
    }
}
