//! Which file of a crate imports which.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::source::Source;

/// A module's path from the crate's root.
type Module = Vec<String>;

/// The files of a crate, and what they import of each other.
pub struct Graph {
    files: BTreeMap<Module, (String, Source)>,
    edges: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    /// Reads the crate whose `lib.rs` or `main.rs` is in `src`.
    pub fn of(src: &Path) -> Graph {
        let root = ["lib.rs", "main.rs"].map(|name| src.join(name));
        let root = root.into_iter().find(|path| path.is_file());
        let mut graph = Graph {
            files: BTreeMap::new(),
            edges: BTreeMap::new(),
        };
        graph.read(src, &root.expect("a crate"), Vec::new());
        graph.connect();
        graph
    }

    fn read(&mut self, src: &Path, path: &Path, module: Module) {
        let text = fs::read_to_string(path).expect("a file");
        let source = Source::parse(&text);
        let folder = match module.is_empty() || path.ends_with("mod.rs") {
            true => path.parent().expect("a folder").to_owned(),
            false => path.with_extension(""),
        };
        for name in &source.modules {
            let files: [PathBuf; 2] = [
                folder.join(format!("{name}.rs")),
                folder.join(name).join("mod.rs"),
            ];
            let file = files.into_iter().find(|file| file.is_file());
            let file = file.unwrap_or_else(|| panic!("{}: no file of {name}", path.display()));
            let mut module = module.clone();
            module.push(name.clone());
            self.read(src, &file, module);
        }
        let name = path.strip_prefix(src).expect("a path below").display();
        self.files.insert(module, (name.to_string(), source));
    }

    fn connect(&mut self) {
        let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (module, (file, source)) in &self.files {
            let aliases = source.aliases();
            let used = |name: &String| name != "*" && source.names.contains(name);
            let exports = source.exports.iter().filter(|(name, _)| used(name));
            let whole = source.imports.iter().chain(exports).map(|(_, path)| path);
            let mut targets = BTreeSet::new();
            for path in whole {
                // To import a module is to use nothing of it yet.
                let target = self.resolve(module, path, 0);
                targets.extend(target.filter(|(_, is_item)| *is_item).map(|t| t.0));
            }
            for path in &source.paths {
                let full = match aliases.get(path[0].as_str()) {
                    Some(alias) => [alias, &path[1..]].concat(),
                    None => path.clone(),
                };
                targets.extend(self.resolve(module, &full, 0).map(|t| t.0));
            }
            targets.remove(module);
            let names = targets.iter().map(|target| self.files[target].0.clone());
            edges.insert(file.clone(), names.collect());
        }
        self.edges = edges;
    }

    /// The module in whose file is what `path` names from within `module`, and whether that is an
    /// item rather than the module itself.
    fn resolve(&self, module: &Module, path: &[String], depth: usize) -> Option<(Module, bool)> {
        if depth > 16 {
            return None;
        }
        let mut here = module.clone();
        let mut rest = path;
        let child = |of: &Module, name: &String| {
            let mut child = of.clone();
            child.push(name.clone());
            self.files.contains_key(&child).then_some(child)
        };
        match rest.first()?.as_str() {
            "crate" => here.clear(),
            "self" => {}
            "super" => {
                here.pop()?;
                rest = &rest[1..];
                while rest.first().is_some_and(|name| name == "super") {
                    here.pop()?;
                    rest = &rest[1..];
                }
                return self.descend(here, rest, depth);
            }
            _ => {
                child(&here, rest.first()?)?;
                return self.descend(here, rest, depth);
            }
        }
        self.descend(here, &rest[1..], depth)
    }

    fn descend(&self, mut here: Module, path: &[String], depth: usize) -> Option<(Module, bool)> {
        for (i, name) in path.iter().enumerate() {
            let mut child = here.clone();
            child.push(name.clone());
            if self.files.contains_key(&child) {
                here = child;
                continue;
            }
            let source = &self.files.get(&here)?.1;
            let handed = source.exports.iter().chain(&source.imports);
            for (_, target) in handed.filter(|(alias, _)| alias == name) {
                let full = [target, &path[i + 1..]].concat();
                if let Some(found) = self.resolve(&here, &full, depth + 1) {
                    return Some(found);
                }
            }
            if !source.items.contains(name) {
                for (_, target) in source.exports.iter().filter(|(alias, _)| alias == "*") {
                    let full = [target, &path[i..]].concat();
                    let found = self.resolve(&here, &full, depth + 1);
                    let defined = |m: &Module| self.files[m].1.items.contains(name);
                    if let Some(found) = found.filter(|(m, _)| defined(m)) {
                        return Some(found);
                    }
                }
            }
            return Some((here, true));
        }
        Some((here, false))
    }

    /// How many imports there are.
    pub fn edges(&self) -> usize {
        self.edges.values().map(BTreeSet::len).sum()
    }

    /// Files that can reach each other, by name.
    pub fn circles(&self) -> Vec<Vec<String>> {
        let reach: BTreeMap<&String, BTreeSet<&String>> = self
            .edges
            .keys()
            .map(|file| (file, self.reach(file)))
            .collect();
        let mut circles: BTreeSet<Vec<String>> = BTreeSet::new();
        for (file, reached) in &reach {
            let back = reached.iter().filter(|other| reach[*other].contains(file));
            let circle: Vec<String> = back.map(|&other| other.clone()).collect();
            if circle.len() > 1 {
                circles.insert(circle);
            }
        }
        circles.into_iter().collect()
    }

    fn reach<'a>(&'a self, file: &String) -> BTreeSet<&'a String> {
        let mut reached = BTreeSet::new();
        let mut open: Vec<&String> = self.edges[file].iter().collect();
        while let Some(next) = open.pop() {
            if reached.insert(next) {
                open.extend(&self.edges[next]);
            }
        }
        reached
    }

    /// The imports between `files`, a line each.
    pub fn edges_within(&self, files: &[String]) -> Vec<String> {
        let mut lines = Vec::new();
        for file in files {
            let targets = self.edges.get(file).into_iter().flatten();
            for target in targets.filter(|target| files.contains(target)) {
                lines.push(format!("{file} -> {target}"));
            }
        }
        lines
    }
}
