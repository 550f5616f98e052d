//! Adds the committed files of `tests/vectors` that are not there yet, which together use every
//! recipe, and what they decode to: `cargo run --release -p hct-core --example vectors [FOLDER]`. What
//! is there is never rewritten, since the format is frozen: a file that would come out otherwise is an
//! error, and its case takes another name.
//!
//! `FOLDER/manifest.txt` has a line for each tensor and each number of fragments that it can be
//! decoded from: file, number of the tensor, fragments, dtype, and what the bytes are: `sha256` and
//! their hash, or, where an inverse DCT makes them exact to rounding only, `near` and the file with
//! the bytes.

mod base_file;
mod cases;

use std::fmt::Write as _;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use hct_core::Recipe;
use sha2::{Digest, Sha256};

type Anyhow<T> = Result<T, Box<dyn std::error::Error>>;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Writes a file that is not there yet.
fn add(path: &Path, bytes: &[u8]) -> Anyhow<()> {
    match std::fs::read(path) {
        Ok(committed) if committed == bytes => Ok(()),
        Ok(_) => Err(format!("{} is frozen, and comes out otherwise", path.display()).into()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(std::fs::write(path, bytes)?),
        Err(error) => Err(error.into()),
    }
}

fn main() -> Anyhow<()> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors");
    let folder: PathBuf = std::env::args_os()
        .nth(1)
        .unwrap_or_else(|| default.into())
        .into();
    std::fs::create_dir_all(&folder)?;
    let (mut manifest, mut total) = (String::new(), 0);
    let files = cases::all()?;
    let find = |base: &str| {
        let mut files = files.iter();
        let found = files.find(|(name, _)| format!("{name}.hct") == base);
        found.map(|(_, file)| file.clone())
    };
    for (name, file) in &files {
        add(&folder.join(format!("{name}.hct")), file)?;
        total += file.len();
        let bases = base_file::bases(name).iter().map(|base| find(base));
        let bases = bases.collect::<Option<_>>().ok_or("no base")?;
        let reader = base_file::open(&file[..], bases)?;
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
                    add(&folder.join(&expected), &bytes)?;
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
