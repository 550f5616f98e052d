//! Several .hct files, or folders of them, as the input of a command.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::bail;
use hct_model::{find_models, is_hct};

/// The .hct files that `inputs` are or hold, in folders within folders as well: none where the only
/// input is a file, or is to be taken for one.
///
/// # Errors
/// When a folder cannot be listed, or has no such file.
pub fn hct_files(inputs: &[PathBuf]) -> anyhow::Result<Option<Vec<PathBuf>>> {
    if let [input] = inputs
        && !input.is_dir()
    {
        return Ok(None);
    }
    let mut files = Vec::new();
    for input in inputs {
        if !input.is_dir() {
            files.push(input.clone());
            continue;
        }
        let mut found = find_models(input)?;
        found.retain(|path| is_hct(path));
        if found.is_empty() {
            bail!("{} has no .hct file; give another folder", input.display());
        }
        files.append(&mut found);
    }
    Ok(Some(files))
}

/// What `work` makes of each of `files`, in their order, `jobs` of them at once.
pub fn at_once<T: Send>(
    jobs: usize,
    files: &[PathBuf],
    work: impl Fn(&PathBuf) -> T + Sync,
) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(files.len()));
    let worker = || {
        while let Some((i, file)) = {
            let i = next.fetch_add(1, Ordering::Relaxed);
            files.get(i).map(|file| (i, file))
        } {
            let made = work(file);
            done.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push((i, made));
        }
    };
    thread::scope(|scope| {
        for _ in 1..jobs.min(files.len()) {
            scope.spawn(worker);
        }
        worker();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|&(i, _)| i);
    done.into_iter().map(|(_, made)| made).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_order_however_many_work() {
        let files: Vec<PathBuf> = (0..20).map(|i| i.to_string().into()).collect();
        for jobs in [1, 3, 50] {
            let made = at_once(jobs, &files, |file| file.clone());
            assert_eq!(made, files, "{jobs}");
        }
        assert!(at_once(2, &[], |_| ()).is_empty());
    }
}
