//! As many lanes of a tile as a vector has, and their values, step by step.

/// `W` lanes next to each other.
pub(super) struct Group<'a, const W: usize> {
    pub values: &'a [f32],
    pub classes: &'a [u8],
    /// Number of the first value of the first lane.
    pub first: usize,
    /// Values from one step to the next.
    pub stride: usize,
}

/// The values of a step in all lanes; zeros in lanes that have ended.
pub(super) struct Step<const W: usize> {
    pub values: [f32; W],
    pub classes: [u8; W],
    /// Lanes that have not ended.
    pub active: usize,
}

impl<'a, const W: usize> Group<'a, W> {
    /// The groups of all lanes that have values, with the states that they start in.
    pub fn all<'s, const L: usize>(
        values: &'a [f32],
        classes: &'a [u8],
        starts: &'s [u16; L],
    ) -> impl Iterator<Item = (Self, &'s [u16; W])> {
        let (starts, _) = starts.as_chunks::<W>();
        let groups = (0..values.len()).step_by(W).map(move |first| Group {
            values,
            classes,
            first,
            stride: L,
        });
        groups.zip(starts)
    }

    /// Steps of the first lane, which has most.
    #[inline(always)]
    pub fn steps(&self) -> usize {
        (self.values.len() - self.first).div_ceil(self.stride)
    }

    #[inline(always)]
    pub fn step(&self, t: usize) -> Step<W> {
        let from = self.first + t * self.stride;
        let whole = self.values[from..].first_chunk();
        if let (Some(values), Some(classes)) = (whole, self.classes[from..].first_chunk()) {
            return Step {
                values: *values,
                classes: *classes,
                active: W,
            };
        }
        self.ragged(from)
    }

    #[cold]
    fn ragged(&self, from: usize) -> Step<W> {
        let active = self.values.len() - from;
        let (mut values, mut classes) = ([0f32; W], [0; W]);
        values[..active].copy_from_slice(&self.values[from..]);
        classes[..active].copy_from_slice(&self.classes[from..]);
        Step {
            values,
            classes,
            active,
        }
    }
}
