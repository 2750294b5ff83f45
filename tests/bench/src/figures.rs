//! Figures of one window, and of several windows of the same kind.

use std::time::Duration;

use serde_json::{Value, json};

/// What was measured in one window.
pub struct Window {
    /// How long each operation took, shortest first.
    times: Vec<Duration>,
    /// From the first to the last of them.
    elapsed: Duration,
    /// Processor time of the side that is measured: the server, or this process for the floor.
    cpu: Duration,
    /// Processor time of the load generator; none for the floor, which has no other side.
    generator_cpu: Duration,
}

impl Window {
    pub fn new(mut times: Vec<Duration>, elapsed: Duration, cpu: Duration, generator_cpu: Duration) -> Self {
        times.sort_unstable();
        Self { times, elapsed, cpu, generator_cpu }
    }

    /// The smallest time that this share of the operations did not exceed.
    fn percentile(&self, share: f64) -> Duration {
        let rank = (share * self.times.len() as f64).ceil() as usize;
        self.times.get(rank.saturating_sub(1)).copied().unwrap_or_default()
    }

    pub fn p50(&self) -> Duration {
        self.percentile(0.5)
    }

    pub fn per_second(&self) -> f64 {
        self.times.len() as f64 / self.elapsed.as_secs_f64()
    }
}

/// Windows of the same kind, from several rounds.
#[derive(Default)]
pub struct Windows(pub Vec<Window>);

fn us(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// The middle one; of an even number the mean of the middle two.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    let middle = figures.len() / 2;
    match figures.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => figures[middle],
        _ => f64::midpoint(figures[middle - 1], figures[middle]),
    }
}

impl Windows {
    fn median(&self, of: impl Fn(&Window) -> f64) -> f64 {
        median(self.0.iter().map(of).collect())
    }

    fn operations(&self) -> usize {
        self.0.iter().map(|window| window.times.len()).sum()
    }

    fn cpu_us(&self, of: impl Fn(&Window) -> Duration) -> f64 {
        us(self.0.iter().map(of).sum()) / self.operations() as f64
    }

    pub fn per_second(&self) -> f64 {
        self.median(Window::per_second)
    }

    /// The longest of all.
    fn max(&self) -> Duration {
        self.0.iter().map(|window| window.percentile(1.0)).max().unwrap_or_default()
    }

    /// How this compares with the floor, round by round, so that what slows a round slows both sides.
    pub fn ratio(&self, floor: &Self, of: impl Fn(&Window) -> f64) -> Ratio {
        let mut rounds: Vec<f64> = self.0.iter().zip(&floor.0).map(|(one, other)| of(one) / of(other)).collect();
        rounds.sort_unstable_by(f64::total_cmp);
        let (least, most) = (rounds.first().copied(), rounds.last().copied());
        Ratio { least: least.unwrap_or(f64::NAN), most: most.unwrap_or(f64::NAN), median: median(rounds) }
    }

    /// How processor time per operation compares; over all rounds, as its clock is coarse.
    pub fn cpu_ratio(&self, floor: &Self) -> f64 {
        self.cpu_us(|window| window.cpu) / floor.cpu_us(|window| window.cpu)
    }

    pub const HEADINGS: &str = "  per second   p50 us   p99 us    max us   CPU us   generator CPU us";

    pub fn row(&self) -> String {
        format!(
            "{:>12.0} {:>8.0} {:>8.0} {:>9.0} {:>8.0} {:>18.0}",
            self.per_second(),
            self.median(|window| us(window.p50())),
            self.median(|window| us(window.percentile(0.99))),
            us(self.max()),
            self.cpu_us(|window| window.cpu),
            self.cpu_us(|window| window.generator_cpu),
        )
    }

    pub fn to_json(&self) -> Value {
        json!({
            "operations": self.operations(),
            "perSecond": self.per_second(),
            "p50Us": self.median(|window| us(window.p50())),
            "p99Us": self.median(|window| us(window.percentile(0.99))),
            "maxUs": us(self.max()),
            "cpuUs": self.cpu_us(|window| window.cpu),
            "generatorCpuUs": self.cpu_us(|window| window.generator_cpu),
        })
    }
}

/// How many times as long as the floor: median of the rounds, and the rounds furthest from it.
pub struct Ratio {
    pub median: f64,
    pub least: f64,
    pub most: f64,
}

impl std::fmt::Display for Ratio {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.2} ({:.2} to {:.2})", self.median, self.least, self.most)
    }
}

impl Ratio {
    pub fn to_json(&self) -> Value {
        json!({ "median": self.median, "least": self.least, "most": self.most })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(times_ms: &[u64]) -> Window {
        let times = times_ms.iter().map(|ms| Duration::from_millis(*ms)).collect();
        Window::new(times, Duration::from_secs(2), Duration::from_millis(10), Duration::ZERO)
    }

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let window = window(&(1..=200).rev().collect::<Vec<_>>());
        assert_eq!(window.p50(), Duration::from_millis(100));
        assert_eq!(window.percentile(0.99), Duration::from_millis(198));
        assert_eq!(window.percentile(1.0), Duration::from_millis(200));
        assert!((window.per_second() - 100.0).abs() < 1e-9);
    }

    #[test]
    fn medians() {
        assert!((median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median(vec![4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
        assert!(median(vec![]).is_nan());
    }

    #[test]
    fn a_ratio_is_of_windows_of_the_same_round() {
        let (read, floor) = (Windows(vec![window(&[20]), window(&[90])]), Windows(vec![window(&[10]), window(&[30])]));
        let ratio = read.ratio(&floor, |window| window.p50().as_secs_f64());
        assert_eq!(ratio.to_string(), "2.50 (2.00 to 3.00)");
    }
}
