//! A worker as the driver sees it: a process that waits for orders.
//!
//! The SIMD level is read once a process, and threads are started once, so that each combination
//! takes a process of its own. All wait while one works: their measurements take turns.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, anyhow};

use super::order::{Answer, Measured, Order};

/// The first argument of a process that is a worker.
pub const WORKER: &str = "bench-worker";

/// A process that measures.
pub struct Lane {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Lane {
    /// A worker of this program at a SIMD level, on so many threads.
    pub fn ours(level: &str, threads: usize) -> Result<Lane> {
        let program = env::current_exe().context("this program cannot find itself")?;
        let mut command = Command::new(program);
        command.arg(WORKER).env("HCT_SIMD", level);
        command.env("RAYON_NUM_THREADS", threads.to_string());
        Lane::start(command).with_context(|| format!("{level} on {threads} threads"))
    }

    /// A worker of any program.
    pub fn start(mut command: Command) -> Result<Lane> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("cannot start a worker")?;
        let orders = child.stdin.take().context("a worker without an input")?;
        let answers = child.stdout.take().context("a worker without an output")?;
        Ok(Lane {
            child,
            orders,
            answers: BufReader::new(answers),
        })
    }

    /// Has one thing measured.
    pub fn measure(&mut self, order: &Order) -> Result<Measured> {
        let mut line = serde_json::to_string(order)?;
        line.push('\n');
        self.orders
            .write_all(line.as_bytes())
            .context("a worker has ended")?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        let answer: Answer = serde_json::from_str(&answer)
            .with_context(|| format!("a worker answered `{}`", answer.trim_end()))?;
        answer.map_err(|why| anyhow!(why))
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        // It waits for nothing but orders, and is not to outlive the driver.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
