//! Coders side by side: the driver.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use indicatif::ProgressBar;

use super::entrants::{BASELINE, DTYPES, Entrant, entrants};
use super::lane::Lane;
use super::machine::Machine;
use super::order::{Measured, Order};
use super::report::{CoderRow, Coders};
use super::spread::Spread;
use super::worker::SHAPE;
use super::zipnn::{self, ZipNn};
use crate::weights::DEVIATION;

/// Workers of one SIMD level and number of threads.
struct OurLane {
    level: String,
    threads: usize,
    lane: Lane,
}

/// A coder in a setting, and what the rounds gave.
struct Course {
    order: Order,
    lane: Which,
    row: CoderRow,
    hash: u64,
    encode: Vec<f64>,
    decode: Vec<f64>,
}

/// The worker of a course.
#[derive(Clone, Copy)]
enum Which {
    Ours(usize),
    ZipNn,
}

/// Measures every coder whose name holds `only`, once a round, until `rounds` are done or
/// `budget` is spent.
pub fn measure(only: &str, rounds: usize, budget: Duration) -> Result<Coders> {
    let machine = Machine::here();
    let mut lanes = lanes(&machine)?;
    let mut skipped = Vec::new();
    let mut zipnn = match wanted(zipnn::NAME, only) {
        true => ZipNn::start()
            .map_err(|e| {
                let why = format!("{}: {e:#}", zipnn::NAME);
                eprintln!("skipped: {why}");
                skipped.push(why);
            })
            .ok(),
        false => None,
    };
    let mut courses = courses(&machine, &lanes, only, zipnn.is_some());
    let bar = ProgressBar::new(((rounds + 1) * courses.len()) as u64);
    let start = Instant::now();
    let mut done = 0;
    // The first round warms up and shows that everything works.
    for round in 0..=rounds {
        if done > 0 && start.elapsed() > budget {
            break;
        }
        for course in &mut courses {
            bar.set_message(course.row.coder.clone());
            let lane = match (course.lane, &mut zipnn) {
                (Which::Ours(i), _) => &mut lanes[i].lane,
                (Which::ZipNn, Some(zipnn)) => &mut zipnn.lane,
                (Which::ZipNn, None) => continue,
            };
            let measured = lane.measure(&course.order);
            let measured = measured.with_context(|| course.row.coder.clone())?;
            course.add(round, &measured)?;
            bar.inc(1);
        }
        done = round;
    }
    bar.finish_and_clear();
    check_levels(&courses)?;
    Ok(Coders {
        machine,
        rounds: done,
        weights: (SHAPE.0 * SHAPE.1) as u64,
        deviation: DEVIATION,
        rows: courses.into_iter().map(Course::finish).collect(),
        skipped,
    })
}

/// One worker per SIMD level and number of threads.
fn lanes(machine: &Machine) -> Result<Vec<OurLane>> {
    let mut lanes = Vec::new();
    for threads in machine.threads() {
        for level in &machine.levels {
            lanes.push(OurLane {
                level: level.clone(),
                threads,
                lane: Lane::ours(level, threads)?,
            });
        }
    }
    Ok(lanes)
}

fn wanted(name: &str, only: &str) -> bool {
    name == BASELINE || name.to_lowercase().contains(&only.to_lowercase())
}

fn courses(machine: &Machine, lanes: &[OurLane], only: &str, zipnn: bool) -> Vec<Course> {
    let best = machine.best_level();
    let mut courses = Vec::new();
    for entrant in entrants().iter().filter(|e| wanted(&e.name, only)) {
        for (i, lane) in lanes.iter().enumerate() {
            // The level is nothing to other coders, and they know no threads.
            if entrant.ours || (lane.threads == 1 && lane.level == best) {
                courses.push(Course::of(entrant, Which::Ours(i), Some(lane)));
            }
        }
    }
    if zipnn {
        for dtype in DTYPES {
            courses.push(Course::new(zipnn::NAME, dtype.name(), Which::ZipNn, None));
        }
    }
    courses
}

impl Course {
    fn of(entrant: &Entrant, which: Which, lane: Option<&OurLane>) -> Course {
        let lane = lane.filter(|_| entrant.ours);
        Course::new(&entrant.name, entrant.dtype.name(), which, lane)
    }

    fn new(name: &str, dtype: &str, which: Which, ours: Option<&OurLane>) -> Course {
        let none = Spread::of(&[]);
        Course {
            order: Order::Coder {
                name: name.to_owned(),
                dtype: dtype.to_owned(),
            },
            lane: which,
            row: CoderRow {
                coder: name.to_owned(),
                ours: ours.is_some(),
                dtype: dtype.to_owned(),
                level: ours.map(|lane| lane.level.clone()),
                threads: ours.map_or(1, |lane| lane.threads),
                bytes: 0,
                rel_mse: 0.0,
                encode: none,
                decode: none,
            },
            hash: 0,
            encode: Vec::new(),
            decode: Vec::new(),
        }
    }

    fn add(&mut self, round: usize, measured: &Measured) -> Result<()> {
        if round == 0 {
            self.row.bytes = measured.bytes;
            self.row.rel_mse = measured.rel_mse;
            self.hash = measured.hash;
            return Ok(());
        }
        ensure!(
            self.hash == measured.hash,
            "{} gives other bits in every round",
            self.row.coder
        );
        self.encode.push(measured.encode);
        self.decode.push(measured.decode);
        Ok(())
    }

    fn finish(mut self) -> CoderRow {
        self.row.encode = Spread::of(&self.encode);
        self.row.decode = Spread::of(&self.decode);
        self.row
    }
}

/// Fails unless our coders give the same bits at every level and on any number of threads.
fn check_levels(courses: &[Course]) -> Result<()> {
    for course in courses {
        let mut alike = courses.iter();
        let first = alike.find(|other| other.order == course.order);
        ensure!(
            first.is_none_or(|first| first.hash == course.hash),
            "{} on {} gives other bits at {} on {} threads",
            course.row.coder,
            course.row.dtype,
            course.row.level.as_deref().unwrap_or("no level"),
            course.row.threads
        );
    }
    Ok(())
}
