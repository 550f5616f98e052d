//! The passes over the windows: forwards through all layers, then backwards.

use std::sync::atomic::{AtomicUsize, Ordering};

use candle_core::Tensor;
use rayon::prelude::*;

use super::journal::{Journal, Kept, Part};
use super::spool::SpoolReader;
use super::windows::CalibrationWindows;
use crate::Error;
use crate::layered::{Layered, Sequences};
use crate::moments::GroupSums;

/// What the steps of one token cost, about, in passes forwards through a layer.
const FORWARD: usize = 1;
const BACKWARD: usize = 5;
const ENDS: usize = 10;

pub(super) struct Passes<'a, M> {
    model: &'a M,
    windows: &'a CalibrationWindows,
    journal: &'a Journal,
    progress: &'a (dyn Fn(usize) + Sync),
    /// Costs times tokens.
    done: AtomicUsize,
}

impl<'a, M: Layered> Passes<'a, M> {
    pub fn new(
        model: &'a M,
        windows: &'a CalibrationWindows,
        journal: &'a Journal,
        progress: &'a (dyn Fn(usize) + Sync),
    ) -> Self {
        Passes {
            model,
            windows,
            journal,
            progress,
            done: AtomicUsize::new(0),
        }
    }

    /// All passes that the journal lacks.
    pub fn run(&self) -> Result<(), Error> {
        if self.journal.has_part(Part::Ends) {
            return Ok(());
        }
        let layers = self.model.layers();
        let undone = (0..layers)
            .rev()
            .find(|&layer| !self.journal.has_part(Part::Layer(layer)));
        // Layers below this one are still to be done, going backwards.
        let undone = undone.map_or(0, |layer| layer + 1);
        let needed = |boundary: usize| boundary < undone || boundary == layers;
        let missing =
            |&boundary: &usize| needed(boundary) && !self.journal.has(Kept::Hidden(boundary));
        if let Some(first) = (0..=layers).find(missing) {
            // What the first missing is made from may have been forgotten.
            let made_from = (0..first)
                .rev()
                .find(|&b| !self.journal.has(Kept::Hidden(b)));
            for boundary in made_from.map_or(first, |b| b.min(first))..=layers {
                self.pass_forward(boundary)?;
            }
        } else {
            self.add_done(self.windows.tokens() * FORWARD * layers);
        }
        let ends = self.leave()?;
        self.add_done(self.windows.tokens() * BACKWARD * (layers - undone));
        for layer in (0..undone).rev() {
            self.pass_backward(layer)?;
        }
        self.finish(ends)
    }

    /// Makes the input of the layer `boundary` (what leaves the last, if it is beyond that).
    fn pass_forward(&self, boundary: usize) -> Result<(), Error> {
        self.by_halves(|half| {
            let mut from = match boundary {
                0 => None,
                _ => Some(self.journal.reader(Kept::Hidden(boundary - 1), half)?),
            };
            let mut to = self.journal.writer(Kept::Hidden(boundary), half)?;
            for window in &self.windows.halves[half] {
                let x = match &mut from {
                    None => self.model.enter(window)?,
                    Some(from) => {
                        let x = self.next(from, window)?;
                        let around = self.model.around(window)?;
                        let x = self.model.forward(boundary - 1, &x, &around)?;
                        self.add_done(window.tokens.len() * FORWARD);
                        x
                    }
                };
                to.write(&x)?;
            }
            to.finish()
        })?;
        Ok(())
    }

    /// Makes the gradient with respect to the last layer's output.
    fn leave(&self) -> Result<[M::Ends; 2], Error> {
        let layers = self.model.layers();
        self.by_halves(|half| {
            let mut ends = self.model.no_ends();
            let mut from = self.journal.reader(Kept::Hidden(layers), half)?;
            let mut to = self.journal.writer(Kept::Gradient(layers), half)?;
            for window in &self.windows.halves[half] {
                let x = self.next(&mut from, window)?;
                to.write(&self.model.leave(window, &x, &mut ends)?)?;
                self.add_done(window.tokens.len() * ENDS);
            }
            to.finish()?;
            Ok(ends)
        })
    }

    /// Makes the statistics of a layer, and the gradient with respect to its input.
    fn pass_backward(&self, layer: usize) -> Result<(), Error> {
        let names = self.model.names(layer);
        let halves = self.by_halves(|half| {
            let mut sums: Vec<Option<GroupSums>> = names.iter().map(|_| None).collect();
            let mut hidden = self.journal.reader(Kept::Hidden(layer), half)?;
            let mut gradient = self.journal.reader(Kept::Gradient(layer + 1), half)?;
            let mut to = self.journal.writer(Kept::Gradient(layer), half)?;
            for window in &self.windows.halves[half] {
                let x = self.next(&mut hidden, window)?;
                let g = self.next(&mut gradient, window)?;
                let around = self.model.around(window)?;
                let (g, passages) = self.model.backward(layer, &x, &around, &g)?;
                to.write(&g)?;
                for (sums, passage) in sums.iter_mut().zip(&passages) {
                    GroupSums::add(sums, passage)?;
                }
                self.add_done(window.tokens.len() * BACKWARD);
            }
            to.finish()?;
            Ok(sums)
        })?;
        let tokens = self.windows.tokens_of_halves();
        let [a, b] = halves;
        let groups: Vec<_> = a.into_iter().zip(b).zip(names).collect();
        let groups = groups.into_par_iter();
        let groups = groups.map(|((a, b), names)| GroupSums::finish([a, b], tokens, names));
        let groups = groups.collect::<Result<Vec<_>, _>>()?;
        self.journal.add(Part::Layer(layer), &groups)?;
        self.journal.forget(Kept::Gradient(layer + 1))?;
        if layer + 1 < self.model.layers() {
            self.journal.forget(Kept::Hidden(layer + 1))?;
        }
        Ok(())
    }

    /// Makes the statistics of what is before and after the layers.
    fn finish(&self, ends: [M::Ends; 2]) -> Result<(), Error> {
        let [mut a, mut b] = ends;
        for (half, ends) in [&mut a, &mut b].into_iter().enumerate() {
            let mut gradient = self.journal.reader(Kept::Gradient(0), half)?;
            for window in &self.windows.halves[half] {
                let g = self.next(&mut gradient, window)?;
                self.model.enter_backward(window, &g, ends)?;
            }
        }
        let groups = self.model.ends([a, b], self.windows.tokens_of_halves())?;
        self.journal.add(Part::Ends, &groups)
    }

    fn next(&self, from: &mut SpoolReader, window: &Sequences) -> Result<Tensor, Error> {
        from.read(window.tokens.len(), self.model.width())
    }

    /// Does the same for both halves of the windows, at once if there are two threads.
    fn by_halves<T: Send>(
        &self,
        work: impl Fn(usize) -> Result<T, Error> + Sync,
    ) -> Result<[T; 2], Error> {
        let (a, b) = rayon::join(|| work(0), || work(1));
        Ok([a?, b?])
    }

    fn add_done(&self, cost: usize) {
        let done = self.done.fetch_add(cost, Ordering::Relaxed) + cost;
        (self.progress)(done / (self.model.layers() * (FORWARD + BACKWARD) + ENDS));
    }
}
