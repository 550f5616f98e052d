//! Enums that users write by name.

/// A name that stands for nothing here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is no {what}; choose one of {known}")]
pub struct UnknownName {
    /// What was to be named.
    pub what: &'static str,
    /// The name, cut short where it is long.
    pub name: String,
    /// The names there are.
    pub known: String,
}

impl UnknownName {
    pub(crate) fn new(what: &'static str, name: &str, known: &[&str]) -> Self {
        UnknownName {
            what,
            name: excerpt(name),
            known: known.join(", "),
        }
    }
}

/// `text`, its end left out where it is long.
pub(crate) fn excerpt(text: &str) -> String {
    const MOST: usize = 60;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Gives a fieldless enum its names, each with a line on what it stands for.
macro_rules! named {
    ($type:ident, $what:literal, { $($variant:ident: $name:literal, $summary:literal;)* }) => {
        impl $type {
            /// All of them, in the order that help texts have.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name users write.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// One line on what it is, for help texts.
            pub const fn summary(self) -> &'static str {
                match self { $(Self::$variant => $summary),* }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::UnknownName;

            fn from_str(name: &str) -> std::result::Result<Self, Self::Err> {
                let found = Self::ALL.iter().find(|known| known.name() == name);
                found
                    .copied()
                    .ok_or_else(|| $crate::UnknownName::new($what, name, &[$($name),*]))
            }
        }
    };
}
pub(crate) use named;

#[cfg(test)]
mod tests {
    use crate::{Effort, Preset, StrategyName};

    #[test]
    fn names_are_read_as_they_are_written() {
        for &strategy in StrategyName::ALL {
            assert_eq!(strategy.to_string().parse(), Ok(strategy));
        }
        for &preset in Preset::ALL {
            assert_eq!(preset.to_string().parse(), Ok(preset));
        }
        for &effort in Effort::ALL {
            assert_eq!(effort.to_string().parse(), Ok(effort));
        }
        let error = "Uniform".parse::<StrategyName>().unwrap_err().to_string();
        assert!(error.contains("\"Uniform\" is no strategy; choose one of uniform, adaptive"));
        let error = "x".repeat(1 << 20).parse::<Effort>().unwrap_err();
        assert!(error.to_string().len() < 200);
    }
}
