//! How a plane is analysed and searched.

/// Gains of the rows and columns of a plane: factors that values are divided by before they are
/// quantized, so that the squared error of a row or a column of factor f is about f² times as large.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gains {
    /// One per row, or no gains of rows.
    pub rows: Option<Vec<i32>>,
    /// One per column, or no gains of columns.
    pub columns: Option<Vec<i32>>,
    /// Whether they are in units of 1/32 octave, within ± 2048, rather than of 1/8, within ± 512.
    pub fine: bool,
}

impl Gains {
    /// One per row in units of 1/8 octave.
    pub fn of_rows(rows: Vec<i32>) -> Self {
        Gains {
            rows: Some(rows),
            ..Gains::default()
        }
    }
}

/// How hard the trellis search works.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrellisSettings {
    /// States of the trellis: 1 (scalar), or a power of two from 4 to 512.
    pub states: usize,
    /// Rounds of re-estimating the contexts on the sample.
    pub passes: usize,
    /// Most classes of the scale model; 1 turns it off.
    pub max_classes: usize,
    /// Lagrangian weight of a bit in units of δ², or `None` for the one that measures best at
    /// the rate in question.
    pub lambda: Option<f32>,
}

impl TrellisSettings {
    /// `states` states, one pass, up to 16 classes.
    pub fn new(states: usize) -> Self {
        TrellisSettings {
            states,
            passes: 1,
            max_classes: 16,
            lambda: None,
        }
    }
}
