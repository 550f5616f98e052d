//! What an encoder says of where the base of a file's tensors was.

use crate::wire::Reader;
use crate::{Error, Result};

/// Most bytes of UTF-8 that a file may say of where its base was.
pub const MAX_BASE_HINT: usize = 4096;

/// Errs unless a file may give `text` as the hint to its base.
pub(crate) fn check(text: &str) -> Result<()> {
    match text.len() {
        0 => Err(Error::invalid(
            "base hint",
            "is empty, where it could be left out",
        )),
        len if len > MAX_BASE_HINT => Err(Error::invalid(
            "base hint",
            format!("takes {len} bytes; at most {MAX_BASE_HINT} are allowed"),
        )),
        _ => Ok(()),
    }
}

pub(crate) fn read(r: &mut Reader<'_>) -> Result<String> {
    let text = r.string("base hint")?;
    check(&text)?;
    Ok(text)
}

#[cfg(all(test, feature = "encode"))]
mod tests {
    use super::*;
    use crate::wire::put_blob;
    use crate::{HctReader, HctWriter};

    #[test]
    fn a_hint_is_read_again_with_and_without_provenance() {
        for provenance in [None, Some("somebody")] {
            for hint in ["b", &"é".repeat(MAX_BASE_HINT / 2)] {
                let mut writer = HctWriter::new(Vec::new()).unwrap();
                if let Some(text) = provenance {
                    writer.set_provenance(text).unwrap();
                }
                writer.set_base_hint(hint).unwrap();
                let reader = HctReader::open(writer.finish().unwrap()).unwrap();
                assert_eq!(reader.index().base_hint.as_deref(), Some(hint));
                assert_eq!(reader.index().provenance.as_deref(), provenance);
            }
        }
    }

    #[test]
    fn no_hint_and_too_long_ones_are_refused_by_writer_and_reader() {
        for text in [String::new(), "x".repeat(MAX_BASE_HINT + 1)] {
            let mut writer = HctWriter::new(Vec::new()).unwrap();
            let refused = writer.set_base_hint(&text).unwrap_err();
            let mut bytes = Vec::new();
            put_blob(&mut bytes, text.as_bytes());
            let error = read(&mut Reader::new(&bytes, "test")).unwrap_err();
            assert_eq!(error.to_string(), refused.to_string());
        }
    }
}
