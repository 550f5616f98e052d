//! Encoding tiles of trellis-quantized values.

use super::search::{self, Quantized};
use super::statistics::Statistics;
use super::syntax::write_patches;
use super::tally::Tally;
use crate::entropy::freq::{EncoderSymbols, FreqTable};
use crate::entropy::rans::encode::RansEncoder;
use crate::kernels::trellis::Machine;
use crate::kernels::viterbi::Rates;
use crate::quant::trellis::contexts::Contexts;
use crate::quant::trellis::decode::SYMBOLS;
use crate::quant::trellis::decode::multiple;
use crate::scratch::with_bytes;
use crate::simd::multiversion;
use crate::wire::{MAX_VARINT, put_blob};

/// Indices whose symbols are made at a time.
const BLOCK: usize = 256;

/// A tile's values and their classes.
pub(crate) struct TileValues<'a> {
    pub values: &'a [f32],
    pub classes: &'a [u8],
}

/// Where the lanes of a tile are in the trellis.
pub(crate) struct LaneStates {
    /// Lane of the next value.
    next: usize,
    states: [u16; 32],
}

impl LaneStates {
    /// At the start of a tile.
    pub fn new() -> Self {
        LaneStates {
            next: 0,
            states: [0; 32],
        }
    }

    /// Goes on over `indices`.
    pub fn advance(&mut self, coder: &TileCoder, indices: &[i32]) {
        match coder.lanes {
            8 => self.advance_lanes::<8>(coder.trellis, indices),
            _ => self.advance_lanes::<32>(coder.trellis, indices),
        }
    }

    fn advance_lanes<const L: usize>(&mut self, trellis: Machine, indices: &[i32]) {
        let mut states = self.starting_at_next::<L>().map(u32::from);
        let (steps, last) = indices.as_chunks::<L>();
        for indices in steps {
            for (state, &k) in states.iter_mut().zip(indices) {
                *state = trellis.next(*state, k as u32 & 1);
            }
        }
        for (state, &k) in states.iter_mut().zip(last) {
            *state = trellis.next(*state, k as u32 & 1);
        }
        for (lane, state) in states.into_iter().enumerate() {
            self.states[(self.next + lane) % L] = state as u16;
        }
        self.next = (self.next + indices.len()) % L;
    }

    /// The states of lanes, that of the next value first.
    fn starting_at_next<const L: usize>(&self) -> [u16; L] {
        std::array::from_fn(|lane| self.states[(self.next + lane) % L])
    }
}

/// The quantizer of a plane at one step.
#[derive(Clone, Copy)]
pub(crate) struct TileCoder {
    pub trellis: Machine,
    pub lanes: usize,
    pub step: f32,
}

impl TileCoder {
    /// Quantizer of a context.
    pub(super) fn quantizer(&self, context: u8) -> i32 {
        i32::from(context) % self.trellis.quantizers as i32
    }

    /// Indices of a tile by Viterbi search under `rates`.
    pub fn quantize(&self, rates: &Rates, tile: &TileValues<'_>) -> Quantized {
        let n = tile.values.len();
        let (mut indices, mut contexts) = (vec![0; n], vec![0; n]);
        let out = (&mut indices[..], &mut contexts[..]);
        self.quantize_from(rates, tile, &LaneStates::new(), out);
        Quantized { indices, contexts }
    }

    /// The same of values that follow those which brought the lanes to `states`, into indices and contexts.
    pub fn quantize_from(
        &self,
        rates: &Rates,
        tile: &TileValues<'_>,
        states: &LaneStates,
        out: (&mut [i32], &mut [u8]),
    ) {
        match self.lanes {
            8 => self.quantize_lanes::<8>(rates, tile, states, out),
            _ => self.quantize_lanes::<32>(rates, tile, states, out),
        }
    }

    fn quantize_lanes<const L: usize>(
        &self,
        rates: &Rates,
        tile: &TileValues<'_>,
        states: &LaneStates,
        out: (&mut [i32], &mut [u8]),
    ) {
        // Lanes are counted from that of the first value.
        let starts = states.starting_at_next::<L>();
        let goal = (1.0 / self.step, rates);
        search::quantize::<L>(self.trellis, goal, tile.values, tile.classes, &starts, out);
    }

    /// Statistics of a quantized tile, for a plane of `contexts` contexts.
    pub fn statistics(&self, values: &[f32], quantized: &Quantized, contexts: usize) -> Statistics {
        let mut tally = Tally::new(contexts, self.trellis.quantizers);
        let of = (values, 1.0 / self.step);
        tally.add(of, (&quantized.indices, &quantized.contexts));
        tally.finish()
    }

    /// Entropy-codes a quantized tile.
    pub fn code(&self, contexts: &Contexts, quantized: &Quantized) -> CodedTile {
        match self.lanes {
            8 => self.code_lanes::<8>(contexts, quantized),
            _ => self.code_lanes::<32>(contexts, quantized),
        }
    }

    /// Makes a byte of symbol and one of context for each index, and gives what is patched: its place and
    /// its multiple of the step.
    fn symbols(
        &self,
        contexts: &Contexts,
        quantized: &Quantized,
        symbols: &mut [[u8; 2]],
    ) -> Vec<(u64, i64)> {
        // Of every number that a context may have, so that none needs a bounds check.
        let mut max = [u32::MAX; 256];
        for (c, max) in max.iter_mut().enumerate().take(contexts.tables.len()) {
            *max = contexts.max_magnitude(c) as u32;
        }
        let least = max.iter().copied().fold(u32::MAX, u32::min);
        let mut patched = Vec::new();
        let blocks = symbols.chunks_mut(BLOCK).enumerate();
        let of = quantized.indices.chunks(BLOCK);
        for ((number, symbols), (indices, of_contexts)) in
            blocks.zip(of.zip(quantized.contexts.chunks(BLOCK)))
        {
            if plain_symbols(indices, of_contexts, symbols) <= least {
                continue;
            }
            // Without a branch, since hardly any is past its context's largest.
            let of = indices.iter().zip(of_contexts);
            let past = of.map(|(k, &c)| u32::from(k.unsigned_abs() > max[usize::from(c)]));
            if past.sum::<u32>() == 0 {
                continue;
            }
            for (i, (&k, &c)) in indices.iter().zip(of_contexts).enumerate() {
                let m = k.unsigned_abs();
                if m <= max[usize::from(c)] {
                    continue;
                }
                let kept = contexts.coded_magnitude(usize::from(c), m as usize) as i32;
                let v = multiple(m as i32, self.quantizer(c));
                let place = (number * BLOCK + i) as u64;
                patched.push((place, i64::from(if k < 0 { -v } else { v })));
                symbols[i][0] = symbol(if k < 0 { -kept } else { kept });
            }
        }
        patched
    }

    fn code_lanes<const L: usize>(&self, contexts: &Contexts, quantized: &Quantized) -> CodedTile {
        let coders: Vec<EncoderSymbols> = contexts
            .tables
            .iter()
            .map(FreqTable::encoder_symbols)
            .collect();
        let coders = coders.as_flattened();
        with_bytes(2 * quantized.indices.len(), |room| {
            let (symbols, _) = room.as_chunks_mut();
            let patched = self.symbols(contexts, quantized, symbols);
            let mut rans = RansEncoder::<L>::new(symbols.len());
            rans.put_indexed(symbols, coders, |_, [symbol, context]| {
                usize::from(context) * SYMBOLS + usize::from(symbol)
            });
            CodedTile {
                stream: rans.finish(),
                patches: write_patches(&patched),
            }
        })
    }
}

/// Symbol of a signed index: 0, 1, −1, 2, −2, … become 0, 1, 2, 3, 4, …
#[inline(always)]
fn symbol(index: i32) -> u8 {
    // Magnitudes with a symbol are at most 127.
    let m = index.unsigned_abs() as u8;
    m.wrapping_mul(2).wrapping_sub(u8::from(index > 0))
}

multiversion! {
    /// Symbols of indices with their contexts, for magnitudes that have one; returns the largest magnitude.
    fn plain_symbols(indices: &[i32], contexts: &[u8], symbols: &mut [[u8; 2]]) -> u32 =
        plain_symbols_body;
}

#[inline(always)]
fn plain_symbols_body(indices: &[i32], contexts: &[u8], symbols: &mut [[u8; 2]]) -> u32 {
    let mut largest = 0;
    for ((&k, &c), out) in indices.iter().zip(contexts).zip(symbols) {
        largest = largest.max(k.unsigned_abs());
        *out = [symbol(k), c];
    }
    largest
}

/// The coded symbols of a tile and its patches.
pub(crate) struct CodedTile {
    pub stream: Vec<u8>,
    pub patches: Vec<u8>,
}

impl CodedTile {
    /// The tile's payload, which begins with `scales`; its memory holds nothing else.
    pub fn payload(self, scales: &[u8]) -> Vec<u8> {
        let lengths = 2 * MAX_VARINT;
        let len = lengths + scales.len() + self.patches.len() + self.stream.len();
        let mut payload = Vec::with_capacity(len);
        put_blob(&mut payload, scales);
        put_blob(&mut payload, &self.patches);
        payload.extend(self.stream);
        payload
    }
}
