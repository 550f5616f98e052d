//! Writes the committed files of `tests/vectors`, which together use every recipe, and what they
//! decode to: `cargo run --release -p hct-core --example vectors [FOLDER]`. Before the format is
//! frozen they are rewritten when it changes; afterwards new ones are added beside the old.
//!
//! `FOLDER/manifest.txt` has a line for each tensor and each number of fragments that it can be
//! decoded from: file, number of the tensor, fragments, dtype, and what the bytes are: `sha256` and
//! their hash, or, where an inverse DCT makes them exact to rounding only, `near` and the file with
//! the bytes.

mod cases;

use std::fmt::Write as _;
use std::path::PathBuf;

use hct_core::{HctReader, Recipe};
use sha2::{Digest, Sha256};

type Anyhow<T> = Result<T, Box<dyn std::error::Error>>;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn main() -> Anyhow<()> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors");
    let folder: PathBuf = std::env::args_os()
        .nth(1)
        .unwrap_or_else(|| default.into())
        .into();
    std::fs::create_dir_all(&folder)?;
    let (mut manifest, mut total) = (String::new(), 0);
    for (name, file) in cases::all()? {
        std::fs::write(folder.join(format!("{name}.hct")), &file)?;
        total += file.len();
        let reader = HctReader::open(&file[..])?;
        for (number, record) in reader.index().tensors.iter().enumerate() {
            let fragments = match &record.recipe {
                Recipe::Fragments { fragments, .. } => fragments.len(),
                _ => 1,
            };
            let near = record.recipe.to_string().contains("dct");
            for n in 1..=fragments {
                let bytes = reader.tensor(number)?.fragments(n).decode()?;
                let what = if near {
                    let expected = format!("{name}.{number}.{n}.bin");
                    std::fs::write(folder.join(&expected), &bytes)?;
                    total += bytes.len();
                    format!("near {expected}")
                } else {
                    format!("sha256 {}", hex(&Sha256::digest(&bytes)))
                };
                writeln!(manifest, "{name}.hct {number} {n} {} {what}", record.dtype)?;
            }
        }
    }
    std::fs::write(folder.join("manifest.txt"), &manifest)?;
    println!("{total} bytes in {}", folder.display());
    Ok(())
}
