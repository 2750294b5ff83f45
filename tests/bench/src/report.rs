//! The figures as a table and as JSON.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::figures::{Ratio, Window, Windows};
use crate::{Arguments, Measured};

/// Most times the floor that a read may take.
const RATIO_GOAL: f64 = 1.3;
/// Reads a second to be passed on two cores.
const PER_SECOND_GOAL: f64 = 1_500.0;

/// Share of the machine that others may use before the report says that its figures suffer from it.
const QUIET: f64 = 0.05;

fn cores() -> usize {
    std::thread::available_parallelism().map_or(0, std::num::NonZero::get)
}

fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    model.map_or_else(|| "unknown processor".to_owned(), |(_, name)| name.trim().to_owned())
}

fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "missed" }
}

/// One second over operations per second: what an operation takes when all that can be done at once is.
fn saturated(window: &Window) -> f64 {
    1.0 / window.per_second()
}

impl Arguments {
    /// The name of the program that is measured beside.
    fn name_beside(&self) -> String {
        let name = self.beside.as_deref().and_then(Path::file_name).unwrap_or_default();
        name.to_string_lossy().into_owned()
    }
}

impl Measured {
    /// By latency with one client; by throughput with many.
    fn ratios(&self) -> [Ratio; 2] {
        [
            self.read[0].ratio(&self.floor[0], |window| window.p50().as_secs_f64()),
            self.read[1].ratio(&self.floor[1], saturated),
        ]
    }

    /// The same against the floor behind sockets: what is the server's own, and not of the sockets.
    fn ratios_behind_sockets(&self) -> [Ratio; 2] {
        [
            self.read[0].ratio(&self.behind_sockets[0], |window| window.p50().as_secs_f64()),
            self.read[1].ratio(&self.behind_sockets[1], saturated),
        ]
    }

    /// Reads a second, compared with those of what stands beside.
    fn ratio_beside(&self, at: usize) -> Option<Ratio> {
        let beside = self.beside.as_ref()?;
        Some(self.read[at].ratio(&beside[at], Window::per_second))
    }

    fn cpu_ratios(&self) -> [f64; 2] {
        [self.read[0].cpu_ratio(&self.floor[0]), self.read[1].cpu_ratio(&self.floor[1])]
    }

    pub(crate) fn to_text(&self, arguments: &Arguments) -> String {
        let mut text = String::new();
        let mut line = |of: &str| {
            text.push_str(of.trim_end());
            text.push('\n');
        };
        let kept = if arguments.data.is_some() { "on disk" } else { "in memory" };
        line(&format!(
            "{} cores, {}; stores {kept}; medians of {} rounds of {} s windows",
            cores(),
            processor(),
            arguments.rounds,
            arguments.seconds
        ));
        let others = 100.0 * self.others;
        let caution = if self.others > QUIET { "; figures of a machine that is busy with other work" } else { "" };
        line(&format!("other processes used {others:.0} % of the machine{caution}"));
        line("");
        line(&format!("{:<26}{}", "", Windows::HEADINGS));
        for (at, clients) in ["1 client", "16 clients"].into_iter().enumerate() {
            for (name, windows) in [
                ("floor", &self.floor[at]),
                ("floor, sockets", &self.behind_sockets[at]),
                ("in process", &self.in_process[at]),
                ("read", &self.read[at]),
                ("no route (404)", &self.no_route[at]),
            ] {
                line(&format!("{name:<16}{clients:<10}{}", windows.row()));
            }
            if let Some(beside) = &self.beside {
                line(&format!("{:<16}{clients:<10}{}", arguments.name_beside(), beside[at].row()));
            }
        }
        line(&format!("{:<16}{:<10}{}", "read", format!("{}/s", arguments.rate), self.constant.row()));
        line("");
        let [one, many] = self.ratios();
        let [one_cpu, many_cpu] = self.cpu_ratios();
        let rate = self.read[1].per_second();
        let cpu = |ratio: f64| format!("(CPU {ratio:.2})");
        line(&format!(
            "read / floor, 1 client, p50:            {one} {}  goal 1.3 {}",
            cpu(one_cpu),
            verdict(one.median <= RATIO_GOAL)
        ));
        line(&format!(
            "read / floor, 16 clients, 1/throughput: {many} {}  goal 1.3 {}",
            cpu(many_cpu),
            verdict(many.median <= RATIO_GOAL)
        ));
        let [one, many] = self.ratios_behind_sockets();
        line(&format!("read / floor behind sockets:            {one} with 1 client, {many} with 16"));
        line(&format!(
            "reads a second, 16 clients:             {rate:.0}  goal 1500 {}",
            verdict(rate > PER_SECOND_GOAL)
        ));
        for (at, clients) in ["1 client", "16 clients"].into_iter().enumerate() {
            let Some(ratio) = self.ratio_beside(at) else { continue };
            let cpu = self.beside.as_ref().map_or(f64::NAN, |beside| self.read[at].cpu_ratio(&beside[at]));
            line(&format!("reads a second / those of {}, {clients}: {ratio} (CPU {cpu:.2})", arguments.name_beside()));
        }
        let mut parts = String::from("floor, 1 client, p50 of its parts in us: ");
        for (name, time) in &self.parts {
            let _ = write!(parts, " {name} {time:.0} ");
        }
        line(&parts);
        line("");
        line(&format!("A warm read, counted over {}:", self.asked.reads));
        let reads = self.asked.reads as f64;
        for (name, tally) in &self.asked.by_operation {
            line(&format!(
                "  {name:<14} {:.2} requests, {:.2} units by DynamoDB's rules ({:.2} as the embedded store reports), \
                 {:.2} items, the largest {} bytes",
                tally.requests as f64 / reads,
                tally.units as f64 / reads,
                tally.reported_units / reads,
                tally.items as f64 / reads,
                tally.largest_item
            ));
        }
        line(&format!("  key layer      {:.2} unwraps", self.asked.unwraps as f64 / reads));
        text.truncate(text.trim_end().len());
        text
    }

    pub(crate) fn to_json(&self, arguments: &Arguments) -> Value {
        let windows = |of: &[Windows; 2]| json!({ "1": of[0].to_json(), "16": of[1].to_json() });
        let [one, many] = self.ratios();
        let beside = [0, 1].map(|at| self.ratio_beside(at).map(|ratio| ratio.to_json()));
        let reads = self.asked.reads as f64;
        let asked: serde_json::Map<String, Value> = self
            .asked
            .by_operation
            .iter()
            .map(|(name, tally)| {
                let figures = json!({
                    "requests": tally.requests as f64 / reads,
                    "units": tally.units as f64 / reads,
                    "reportedUnits": tally.reported_units / reads,
                    "items": tally.items as f64 / reads,
                    "largestItemBytes": tally.largest_item,
                });
                (name.clone(), figures)
            })
            .collect();
        json!({
            "cores": cores(),
            "processor": processor(),
            "store": if arguments.data.is_some() { "disk" } else { "memory" },
            "shareOfOthers": self.others,
            "rounds": arguments.rounds,
            "windowSeconds": arguments.seconds,
            "floor": windows(&self.floor),
            "floorBehindSockets": windows(&self.behind_sockets),
            "inProcess": windows(&self.in_process),
            "read": windows(&self.read),
            "noRoute": windows(&self.no_route),
            "beside": self.beside.as_ref().map(windows),
            "ratioBeside": { "1": beside[0], "16": beside[1] },
            "constantRate": { "perSecond": arguments.rate, "read": self.constant.to_json() },
            "ratio": { "1": one.to_json(), "16": many.to_json() },
            "ratioBehindSockets": {
                "1": self.ratios_behind_sockets()[0].to_json(),
                "16": self.ratios_behind_sockets()[1].to_json(),
            },
            "cpuRatio": { "1": self.cpu_ratios()[0], "16": self.cpu_ratios()[1] },
            "floorPartsUs": self.parts.iter().map(|(name, time)| ((*name).to_owned(), json!(time))).collect::<serde_json::Map<_, _>>(),
            "warmRead": { "dynamodb": asked, "keyUnwraps": self.asked.unwraps as f64 / reads },
        })
    }
}
