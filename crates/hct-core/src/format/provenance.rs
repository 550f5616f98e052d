//! What an encoder says of how it made a file.

use crate::wire::Reader;
use crate::{Error, Result};

/// Most bytes of UTF-8 that a file may say of how it was made: 64 KiB.
pub const MAX_PROVENANCE: usize = 1 << 16;

/// Errs unless a file may say `text` of itself.
pub(crate) fn check(text: &str) -> Result<()> {
    match text.len() {
        0 => Err(Error::invalid(
            "provenance",
            "is empty, where it could be left out",
        )),
        len if len > MAX_PROVENANCE => Err(Error::invalid(
            "provenance",
            format!("takes {len} bytes; at most {MAX_PROVENANCE} are allowed"),
        )),
        _ => Ok(()),
    }
}

pub(crate) fn read(r: &mut Reader<'_>) -> Result<String> {
    let text = r.string("provenance")?;
    check(&text)?;
    Ok(text)
}

#[cfg(all(test, feature = "encode"))]
mod tests {
    use super::*;
    use crate::wire::{put_blob, put_varint};
    use crate::{HctReader, HctWriter};

    #[test]
    fn what_is_said_is_read_again() {
        for text in [
            "x",
            "{\"a\": 1}\n\u{1b}[2J",
            &"é".repeat(MAX_PROVENANCE / 2),
        ] {
            let mut writer = HctWriter::new(Vec::new()).unwrap();
            writer.set_provenance("something else").unwrap();
            writer.set_provenance(text).unwrap();
            let reader = HctReader::open(writer.finish().unwrap()).unwrap();
            assert_eq!(reader.index().provenance.as_deref(), Some(text));
        }
        let silent = HctWriter::new(Vec::new()).unwrap().finish().unwrap();
        assert_eq!(HctReader::open(silent).unwrap().index().provenance, None);
    }

    #[test]
    fn nothing_and_too_much_are_refused_by_writer_and_reader() {
        for text in [String::new(), "x".repeat(MAX_PROVENANCE + 1)] {
            let mut writer = HctWriter::new(Vec::new()).unwrap();
            let refused = writer.set_provenance(&text).unwrap_err();
            let mut bytes = Vec::new();
            put_blob(&mut bytes, text.as_bytes());
            let error = read(&mut Reader::new(&bytes, "test")).unwrap_err();
            assert!(matches!(
                error,
                Error::Invalid {
                    what: "provenance",
                    ..
                }
            ));
            assert_eq!(error.to_string(), refused.to_string());
        }
    }

    #[test]
    fn what_is_no_text_is_refused() {
        let read = |bytes: &[u8]| read(&mut Reader::new(bytes, "test"));
        assert!(matches!(read(b"\x02\xc3\x28"), Err(Error::Invalid { .. })));
        let mut lie = Vec::new();
        put_varint(&mut lie, u64::MAX);
        lie.push(b'x');
        assert!(matches!(read(&lie), Err(Error::Truncated { .. })));
    }
}
