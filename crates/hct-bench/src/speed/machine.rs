//! The machine that measures.

use std::fs;
use std::thread;

use hct_core::SimdLevel;
use serde::{Deserialize, Serialize};

/// What speeds depend on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's name, as far as it tells.
    pub cpu: String,
    /// Hardware threads.
    pub cores: usize,
    /// SIMD levels it has, lowest first.
    pub levels: Vec<String>,
    /// Mean number of running threads in the minute before: 0 on a machine with no other work.
    pub load_before: Option<f64>,
}

impl Machine {
    /// This one, now.
    pub fn here() -> Machine {
        let levels = SimdLevel::ALL.into_iter().filter(|l| l.is_available());
        Machine {
            cpu: cpu().unwrap_or_else(|| "a processor that does not tell its name".into()),
            cores: thread::available_parallelism().map_or(1, usize::from),
            levels: levels.map(|level| level.name().to_owned()).collect(),
            load_before: load(),
        }
    }

    /// Numbers of threads to measure with: one, and one per core.
    pub fn threads(&self) -> Vec<usize> {
        let mut threads = vec![1, self.cores];
        threads.dedup();
        threads
    }

    /// The highest level.
    pub fn best_level(&self) -> &str {
        self.levels.last().map_or("portable", String::as_str)
    }

    /// A sentence.
    pub fn describe(&self) -> String {
        let load = self.load_before.map_or_else(String::new, |load| {
            format!("; load average before it began: {load:.2}")
        });
        format!(
            "{}, {} {}, SIMD levels {}{load}.",
            self.cpu,
            self.cores,
            if self.cores == 1 { "core" } else { "cores" },
            self.levels.join(", ")
        )
    }
}

fn cpu() -> Option<String> {
    let info = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn load() -> Option<f64> {
    let load = fs::read_to_string("/proc/loadavg").ok()?;
    load.split(' ').next()?.parse().ok()
}
