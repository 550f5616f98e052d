//! How a plane is analysed and searched.

/// How hard the trellis search works.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrellisSettings {
    /// States of the trellis: 1 (scalar), 4, 8, 16 or 32.
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
