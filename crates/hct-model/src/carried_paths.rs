//! Whether the files of a checkpoint can lie beside each other in a folder.

use std::collections::HashMap;

use crate::error::Error;
use crate::safe_path::fault_in_path;

/// Checks the paths of a checkpoint's files, each by itself and all together: on no system may one
/// take the place of another, or be the folder that another is in.
///
/// # Errors
/// [`Error::UnsafePath`], naming one that cannot be written.
pub(crate) fn check_paths<'a>(paths: impl Iterator<Item = &'a str>) -> Result<(), Error> {
    let mut known = Paths::default();
    for path in paths {
        if let Some(reason) = known.add(path) {
            let path = path.to_owned();
            return Err(Error::UnsafePath { path, reason });
        }
    }
    Ok(())
}

/// Paths of files that can lie beside each other.
#[derive(Default)]
pub(crate) struct Paths {
    /// Files and the folders they are in, folded; whether it is a file.
    taken: HashMap<String, bool>,
}

impl Paths {
    /// Adds a file; gives what is wrong where it cannot be added, which leaves the others.
    pub fn add(&mut self, path: &str) -> Option<&'static str> {
        if let Some(fault) = fault_in_path(path) {
            return Some(fault);
        }
        let folded = folded(path);
        let folders: Vec<&str> = folded
            .match_indices('/')
            .map(|(at, _)| &folded[..at])
            .collect();
        if folders
            .iter()
            .any(|&folder| self.taken.get(folder) == Some(&true))
        {
            return Some("a folder in it has the name of another file");
        }
        match self.taken.get(&folded) {
            Some(true) => {
                return Some(
                    "another file has its name, on systems that take capitals for small letters at least",
                );
            }
            Some(false) => return Some("other files are in a folder of its name"),
            None => {}
        }
        for folder in folders {
            if !self.taken.contains_key(folder) {
                self.taken.insert(folder.to_owned(), false);
            }
        }
        self.taken.insert(folded, true);
        None
    }
}

/// What systems that take capitals for small letters may compare: capitals first, which joins what has
/// several small forms, such as the two of sigma.
fn folded(path: &str) -> String {
    path.chars()
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_would_take_each_others_place_are_refused() {
        let fault = |first: &str, second: &str| {
            let mut paths = Paths::default();
            assert_eq!(paths.add(first), None);
            paths.add(second)
        };
        for (first, second) in [
            ("config.json", "config.json"),
            ("config.json", "Config.JSON"),
            ("a/b", "A/B"),
            ("stra\u{df}e", "STRASSE"),
            ("\u{3c3}", "\u{3c2}"),
            ("k", "\u{212a}"),
            ("a", "a/b"),
            ("a/b", "A"),
            ("a/b/c", "a/B"),
            ("a/b", "a/b/c/d"),
        ] {
            assert!(fault(first, second).is_some(), "{first} {second}");
        }
        for (first, second) in [("a/b", "a/c"), ("a/x", "A/y"), ("ab", "a"), ("a/b", "ab")] {
            assert_eq!(fault(first, second), None, "{first} {second}");
        }
    }

    #[test]
    fn a_refused_file_takes_no_name() {
        let mut paths = Paths::default();
        assert_eq!(paths.add("a"), None);
        assert!(paths.add("a/b/c").is_some());
        assert_eq!(paths.add("b"), None);
    }
}
