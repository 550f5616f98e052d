//! What a file of Rust declares, imports and names, from its tokens.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A file, tests left out.
#[derive(Default)]
pub struct Source {
    /// Modules in files of their own.
    pub modules: Vec<String>,
    /// Paths that are imported, by the name they get: `*` for all.
    pub imports: Vec<(String, Vec<String>)>,
    /// The same of paths that are handed on: `pub use`.
    pub exports: Vec<(String, Vec<String>)>,
    /// Other paths of more than one name.
    pub paths: BTreeSet<Vec<String>>,
    /// Every name that stands alone or begins a path.
    pub names: BTreeSet<String>,
    /// Names that items are declared under.
    pub items: BTreeSet<String>,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Name(String),
    Sign(char),
    Open(char),
    Close(char),
    Other,
}

impl Source {
    /// Parses the text of a file.
    pub fn parse(text: &str) -> Source {
        let stream: TokenStream = text.parse().expect("Rust");
        let mut tokens = Vec::new();
        flatten(stream, &mut tokens);
        let mut source = Source::default();
        source.read(&tokens);
        source
    }

    fn read(&mut self, tokens: &[Token]) {
        let mut at = 0;
        let mut public = false;
        while at < tokens.len() {
            let rest = &tokens[at..];
            if let Some(len) = attribute(rest) {
                at += len;
                if is_test(&rest[..len]) {
                    at += item(&tokens[at..]);
                }
                continue;
            }
            let name = match &rest[0] {
                Token::Name(name) => name.as_str(),
                _ => {
                    public = false;
                    at += 1;
                    continue;
                }
            };
            match (name, rest.get(1)) {
                ("pub", next) => {
                    public = true;
                    at += match next {
                        Some(Token::Open('(')) => 1 + group(&rest[1..]),
                        _ => 1,
                    };
                    continue;
                }
                ("mod", Some(Token::Name(module))) => {
                    if rest.get(2) == Some(&Token::Sign(';')) {
                        self.modules.push(module.clone());
                        at += 3;
                    } else {
                        panic!("the module {module} is not in a file of its own");
                    }
                }
                ("use", _) => {
                    let mut tree = Vec::new();
                    let len = use_tree(&rest[1..], &[], &mut tree);
                    match public {
                        true => self.exports.extend(tree),
                        false => self.imports.extend(tree),
                    }
                    at += 1 + len;
                }
                _ => at += self.path(rest, at.checked_sub(1).map(|i| &tokens[i])),
            }
            public = false;
        }
    }

    /// Reads a path; gives its length in tokens.
    fn path(&mut self, rest: &[Token], before: Option<&Token>) -> usize {
        let Token::Name(first) = &rest[0] else {
            return 1;
        };
        const ITEMS: [&str; 9] = [
            "fn",
            "struct",
            "enum",
            "trait",
            "const",
            "static",
            "type",
            "union",
            "macro_rules",
        ];
        if let Some(Token::Name(before)) = before
            && ITEMS.contains(&before.as_str())
        {
            self.items.insert(first.clone());
            return 1;
        }
        let mut path = vec![first.clone()];
        let mut len = 1;
        while let [Token::Sign(':'), Token::Sign(':'), Token::Name(next), ..] = &rest[len..] {
            path.push(next.clone());
            len += 3;
        }
        // A field or a method is no path.
        if before != Some(&Token::Sign('.')) {
            self.names.insert(first.clone());
            if path.len() > 1 {
                self.paths.insert(path);
            }
        }
        len
    }

    /// The paths by the names they are imported under.
    pub fn aliases(&self) -> BTreeMap<&str, &[String]> {
        let all = self.imports.iter().chain(&self.exports);
        all.map(|(name, path)| (name.as_str(), &path[..])).collect()
    }
}

fn flatten(stream: TokenStream, out: &mut Vec<Token>) {
    for tree in stream {
        match tree {
            TokenTree::Ident(name) => out.push(Token::Name(name.to_string())),
            TokenTree::Punct(sign) => out.push(Token::Sign(sign.as_char())),
            TokenTree::Literal(_) => out.push(Token::Other),
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Brace => ('{', '}'),
                    Delimiter::Bracket => ('[', ']'),
                    Delimiter::Parenthesis | Delimiter::None => ('(', ')'),
                };
                out.push(Token::Open(open));
                flatten(group.stream(), out);
                out.push(Token::Close(close));
            }
        }
    }
}

/// The length of a group that begins here.
fn group(tokens: &[Token]) -> usize {
    let mut depth = 0;
    for (i, token) in tokens.iter().enumerate() {
        match token {
            Token::Open(_) => depth += 1,
            Token::Close(_) => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return i + 1;
        }
    }
    tokens.len()
}

/// The length of an attribute that begins here.
fn attribute(tokens: &[Token]) -> Option<usize> {
    match tokens {
        [Token::Sign('#'), Token::Open('['), ..] => Some(1 + group(&tokens[1..])),
        [Token::Sign('#'), Token::Sign('!'), Token::Open('['), ..] => Some(2 + group(&tokens[2..])),
        _ => None,
    }
}

fn is_test(attribute: &[Token]) -> bool {
    let names: Vec<&str> = attribute
        .iter()
        .filter_map(|token| match token {
            Token::Name(name) => Some(name.as_str()),
            _ => None,
        })
        .collect();
    names.first() == Some(&"cfg") && names.contains(&"test") && !names.contains(&"not")
}

/// The length of the item that begins here: up to a semicolon or the end of a block.
fn item(tokens: &[Token]) -> usize {
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            Token::Sign(';') => return at + 1,
            Token::Open('{') => return at + group(&tokens[at..]),
            Token::Open(_) => at += group(&tokens[at..]),
            // A tree of imports ends with a semicolon.
            Token::Name(name) if name == "use" => {
                let end = tokens[at..].iter().position(|t| *t == Token::Sign(';'));
                return end.map_or(tokens.len(), |end| at + end + 1);
            }
            _ => at += 1,
        }
    }
    at
}

/// Reads what follows `use`, below the path `above`; gives its length in tokens.
fn use_tree(tokens: &[Token], above: &[String], out: &mut Vec<(String, Vec<String>)>) -> usize {
    let mut path = above.to_vec();
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            Token::Name(name) if name == "as" => {
                let Some(Token::Name(alias)) = tokens.get(at + 1) else {
                    panic!("`as` without a name");
                };
                out.push((alias.clone(), path));
                return at + 2;
            }
            Token::Name(name) => {
                if name != "self" || path.is_empty() {
                    path.push(name.clone());
                }
                at += 1;
            }
            Token::Sign(':') => at += 1,
            Token::Sign('*') => {
                out.push(("*".into(), path));
                return at + 1;
            }
            Token::Open('{') => {
                let end = at + group(&tokens[at..]);
                at += 1;
                while at < end - 1 {
                    at += use_tree(&tokens[at..end - 1], &path, out);
                    if tokens.get(at) == Some(&Token::Sign(',')) {
                        at += 1;
                    }
                }
                return end;
            }
            _ => break,
        }
    }
    if let Some(name) = path.last() {
        out.push((name.clone(), path.clone()));
    }
    at
}
