//! Where the boxes of a graph stand: three layers, each sorted by the middle of what its boxes are tied to.
//!
//! ```text
//!   tables ── fd ──▶ files ◀── registration ── instances
//! ```

use crate::model::{Graph, Target};

/// The width of a box.
pub(super) const WIDE: f64 = 240.0;
/// The room between two layers.
const GAP: f64 = 90.0;
/// The height of a box's title, and of a row.
pub(super) const HEAD: f64 = 28.0;
pub(super) const ROW: f64 = 20.0;
/// The height of a file's box.
const FILE: f64 = 46.0;
/// Between two boxes.
const BETWEEN: f64 = 16.0;

/// The place of a box.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) height: f64,
}

/// The places of all boxes, by index.
#[derive(Debug, Default)]
pub(super) struct Layout {
    pub(super) tables: Vec<Place>,
    pub(super) files: Vec<Place>,
    pub(super) instances: Vec<Place>,
    pub(super) height: f64,
}

impl Place {
    /// The middle of a row.
    pub(super) fn row(&self, row: usize) -> f64 {
        self.y + HEAD + (row as f64 + 0.5) * ROW
    }

    pub(super) fn middle(&self) -> f64 {
        self.y + self.height / 2.0
    }
}

/// The width of the drawing.
pub(super) fn width() -> f64 {
    3.0 * WIDE + 2.0 * GAP + 2.0
}

/// Places all boxes: tables as they come, then files by their fds, then instances by their files.
pub(super) fn layout(graph: &Graph) -> Layout {
    let rows = |rows: usize| HEAD + rows as f64 * ROW + 4.0;
    let heights: Vec<f64> = graph.tables.iter().map(|it| rows(it.fds.len())).collect();
    let tables = stacked(0, &heights, &(0..heights.len()).collect::<Vec<_>>());
    let of_file = |file: usize| {
        let of = graph.tables.iter().zip(&tables).flat_map(|(table, place)| {
            let rows = table.fds.iter().enumerate();
            let named = rows.filter(move |(_, fd)| fd.target == Target::File(file));
            named.map(|(row, _)| place.row(row))
        });
        mean(of)
    };
    let heights = vec![FILE; graph.files.len()];
    let files = stacked(1, &heights, &by_mean(graph.files.len(), of_file));
    let of_instance = |at: usize| {
        let registrations = graph.instances[at].registrations.iter();
        mean(registrations.filter_map(|it| files.get(it.file).map(Place::middle)))
    };
    let count = |at: usize| graph.instances[at].registrations.len();
    // An instance has a second line below its title.
    let heights: Vec<f64> = (0..graph.instances.len())
        .map(|at| rows(count(at)) + ROW)
        .collect();
    let instances = stacked(2, &heights, &by_mean(heights.len(), of_instance));
    let layers = [&tables, &files, &instances];
    let bottoms = layers.into_iter().flatten();
    let height = bottoms
        .map(|place| place.y + place.height)
        .fold(0.0, f64::max)
        + 2.0;
    Layout {
        tables,
        files,
        instances,
        height,
    }
}

/// The indices, sorted by where each is drawn to.
fn by_mean(count: usize, mean_fn: impl Fn(usize) -> f64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|a, b| mean_fn(*a).total_cmp(&mean_fn(*b)));
    order
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (count, sum) = values.fold((0.0, 0.0), |(count, sum), value| (count + 1.0, sum + value));
    if count > 0.0 { sum / count } else { f64::MAX }
}

/// One layer, in this order.
fn stacked(layer: usize, heights: &[f64], order: &[usize]) -> Vec<Place> {
    let x = 1.0 + layer as f64 * (WIDE + GAP);
    let mut places = vec![
        Place {
            x,
            y: 1.0,
            height: 0.0
        };
        heights.len()
    ];
    let mut y = 1.0;
    for at in order {
        let height = heights[*at];
        places[*at] = Place { x, y, height };
        y += height + BETWEEN;
    }
    places
}
