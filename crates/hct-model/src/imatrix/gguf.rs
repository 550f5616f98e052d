//! The GGUF form: for each tensor its name with `.in_sum2`, the sums of the squares of its inputs
//! (F32, inputs × matrices), and with `.counts`, how many there were (F32, 1 × matrices).

use std::collections::HashMap;

use hct_core::Dtype;

use super::entry::Entry;
use crate::calibration::CalibrationFault;
use crate::gguf::{GgufHeader, GgufTensor, GgufType};

pub(super) fn read(bytes: &[u8]) -> Result<HashMap<String, Entry>, CalibrationFault> {
    let header = GgufHeader::parse(bytes, bytes.len() as u64).map_err(CalibrationFault::Gguf)?;
    let fault = |what| CalibrationFault::Imatrix { what };
    if header.value("general.type").and_then(|v| v.text()) != Some("imatrix") {
        return Err(fault("it is a GGUF file of something else than an imatrix"));
    }
    let floats = |tensor: &GgufTensor| match tensor.kind {
        GgufType::Plain(Dtype::F32) => {
            // Within the file, as the header was checked to be.
            let start = header.data_start().saturating_add(tensor.offset) as usize;
            let data = bytes.get(start..).unwrap_or_default();
            let data = data.get(..tensor.byte_len() as usize).unwrap_or_default();
            let floats = data.as_chunks().0.iter();
            Ok(floats.map(|&b| f32::from_le_bytes(b)).collect::<Vec<f32>>())
        }
        _ => Err(fault("its sums are not F32")),
    };
    let by_name: HashMap<&str, &GgufTensor> = header
        .tensors
        .iter()
        .map(|tensor| (&tensor.name[..], tensor))
        .collect();
    let mut entries = HashMap::new();
    for sums in &header.tensors {
        let Some(name) = sums.name.strip_suffix(".in_sum2") else {
            continue;
        };
        let counts = by_name.get(format!("{name}.counts").as_str());
        let counts = counts.ok_or(fault("sums in it have no counts"))?;
        // The innermost dimension is the last.
        if let [matrices @ .., _] = &sums.shape[..]
            && matrices.iter().any(|&n| n != 1)
        {
            continue;
        }
        let mut squares = floats(sums)?;
        let [count] = floats(counts)?[..] else {
            return Err(fault("sums in it have several counts"));
        };
        if !(count.is_finite() && count >= 0.0) {
            return Err(fault("a count is negative or not finite"));
        }
        let scale = 1.0 / count.max(1.0);
        for square in &mut squares {
            *square *= scale;
        }
        let tokens = count as u64;
        entries.insert(name.to_owned(), Entry { squares, tokens });
    }
    match entries.is_empty() {
        true => Err(fault("it has no sums of squares")),
        false => Ok(entries),
    }
}
