//! Beginning an HCT file.

use std::io::Write;

use hct_core::HctWriter;

use crate::error::Error;

/// A writer whose file says how it was made and where its base was, if anything.
pub(crate) fn begin<W: Write>(
    output: W,
    provenance: Option<&str>,
    base_hint: Option<&str>,
) -> Result<HctWriter<W>, Error> {
    let mut writer = HctWriter::new(output).map_err(Error::output)?;
    if let Some(text) = provenance {
        writer.set_provenance(text).map_err(Error::output)?;
    }
    if let Some(hint) = base_hint {
        writer.set_base_hint(hint).map_err(Error::output)?;
    }
    Ok(writer)
}
