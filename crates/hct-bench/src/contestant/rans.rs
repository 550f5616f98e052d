//! Our interleaved rANS, driven through the trellis quantizer.
//!
//! The coder is no public interface, so the integers go in as weights. One state is the scalar
//! quantizer, whose reproduction points are even multiples of its step: at a step of ½ they are
//! the integers, so λ = 0 gives back every one of them, and the stream holds their rANS symbols.
//! The times include what is not entropy coding: the search, counting, and turning symbols into
//! floats.

use anyhow::{Result, ensure};
use hct_core::{
    Dtype, EncodedTensor, HctReader, HctWriter, MatrixView, Preparation, TensorMeta, Transform,
    TrellisAnalysis, TrellisSettings,
};

use super::coded_symbols::CodedSymbols;
use super::{Contestant, Label};
use crate::symbols::Symbols;

/// hct-core.
pub struct Rans;

const COLS: usize = 1024;

impl Contestant<Symbols> for Rans {
    fn label(&self) -> Label {
        Label::of("ours, rANS of 32 lanes, quantizing included")
    }

    fn encode(&self, symbols: &Symbols) -> Result<CodedSymbols> {
        let weights: Vec<f32> = symbols.values.iter().map(|&v| v as f32).collect();
        let rows = weights.len() / COLS;
        let settings = TrellisSettings {
            max_classes: 1,
            lambda: Some(0.0),
            ..TrellisSettings::new(1)
        };
        let analysis = TrellisAnalysis::new(
            MatrixView::from_values(&weights, rows, COLS)?,
            Preparation::tiled(Transform::None),
            settings,
        )?;
        let training = analysis.train(0.5, 1 << 16);
        let plane = analysis.encode(0.5, &training)?;
        ensure!(
            plane.squared_error() < 1e-6 * weights.len() as f64,
            "the scalar quantizer changed an integer"
        );
        let meta = TensorMeta {
            name: String::new(),
            dtype: Dtype::F32,
            shape: vec![rows as u64, COLS as u64],
        };
        let payload = plane.payload_bytes();
        let mut writer = HctWriter::new(Vec::new())?;
        writer.add_tensor(meta, EncodedTensor::plane(plane), None, "")?;
        let bytes = writer.finish()?;
        // The container around the payload is no part of the comparison.
        Ok(CodedSymbols {
            bytes,
            counted: payload,
        })
    }

    fn decode(&self, coded: &CodedSymbols, _like: &Symbols) -> Result<Vec<i32>> {
        let decoded = HctReader::open(&coded.bytes)?.decode(0)?;
        let (floats, _) = decoded.as_chunks::<4>();
        Ok(floats
            .iter()
            .map(|&f| libm::roundf(f32::from_le_bytes(f)) as i32)
            .collect())
    }
}
