//! The axes: against a naive model on random settings and reads, at both changes of the clock, and at their bounds.

use std::collections::BTreeSet;

use proptest::prelude::*;
use protocol::SecretId;

use super::*;
use crate::nouns::PolicyId;

fn machine(n: u8) -> MachineId {
    MachineId::from_entropy([n; 16])
}

fn none() -> SecretReads {
    SecretReads::none(SecretId::from_entropy([1; 16]), PolicyId::from_entropy([1; 16]))
}

/// A moment by its UTC date and time, as `2026-03-29T01:30Z`.
pub(crate) fn at(text: &str) -> Time {
    let moment: jiff::Timestamp = text.parse().unwrap();
    Time::from_ms(u64::try_from(moment.as_millisecond()).unwrap())
}

fn window(start: &str, end: &str, zone: &str, days: &[Day]) -> TimeWindow {
    TimeWindow {
        enabled: true,
        start: Some(start.to_owned().try_into().unwrap()),
        end: Some(end.to_owned().try_into().unwrap()),
        zone: Some(zone.to_owned().try_into().unwrap()),
        days: Some(days.iter().copied().collect()),
    }
}

fn is_open(window: &TimeWindow, moment: &str) -> bool {
    let reads = none();
    let read = Asked { machine: machine(1), address: "192.0.2.7".parse().unwrap(), now: at(moment), reads: &reads };
    window.judge(&read).is_ok()
}

#[test]
fn a_window_is_of_a_place_and_its_days() {
    let office = window("09:00", "17:00", "Europe/Copenhagen", &[Day::Mon, Day::Fri]);
    // A Friday in winter: an hour ahead of UTC.
    for (moment, open) in [
        ("2026-11-27T07:59:59Z", false),
        ("2026-11-27T08:00:00Z", true),
        ("2026-11-27T15:59:59Z", true),
        ("2026-11-27T16:00:00Z", false),
        ("2026-11-28T10:00:00Z", false),
        ("2026-11-30T10:00:00Z", true),
        // In summer two hours.
        ("2026-07-03T06:59:59Z", false),
        ("2026-07-03T07:00:00Z", true),
        ("2026-07-03T15:00:00Z", false),
    ] {
        assert_eq!(is_open(&office, moment), open, "{moment}");
    }
}

#[test]
fn a_window_over_midnight_is_of_the_day_it_began() {
    let night = window("22:00", "06:00", "UTC", &[Day::Fri]);
    for (moment, open) in [
        ("2026-11-27T05:00:00Z", false), // Friday, of Thursday's
        ("2026-11-27T21:59:59Z", false),
        ("2026-11-27T22:00:00Z", true),
        ("2026-11-28T05:59:59Z", true), // Saturday, of Friday's
        ("2026-11-28T06:00:00Z", false),
        ("2026-11-28T22:00:00Z", false),
    ] {
        assert_eq!(is_open(&night, moment), open, "{moment}");
    }
}

#[test]
fn a_window_follows_the_clock_when_it_is_changed() {
    let every = [Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri, Day::Sat, Day::Sun];
    // On 29 March 2026 the clock of Copenhagen goes from 02:00 to 03:00, which is 01:00 UTC.
    let early = window("02:30", "03:30", "Europe/Copenhagen", &every);
    for (moment, open) in [
        ("2026-03-28T01:30:00Z", true),
        ("2026-03-29T00:59:59Z", false),
        ("2026-03-29T01:00:00Z", true),
        ("2026-03-29T01:29:59Z", true),
        ("2026-03-29T01:30:00Z", false),
    ] {
        assert_eq!(is_open(&early, moment), open, "{moment}");
    }
    // On 25 October 2026 it goes from 03:00 back to 02:00, which is 01:00 UTC: the hour comes twice.
    let twice = window("02:15", "02:45", "Europe/Copenhagen", &every);
    for (moment, open) in [
        ("2026-10-25T00:15:00Z", true),
        ("2026-10-25T00:45:00Z", false),
        ("2026-10-25T01:15:00Z", true),
        ("2026-10-25T01:45:00Z", false),
    ] {
        assert_eq!(is_open(&twice, moment), open, "{moment}");
    }
    // Over midnight, in the night of each change.
    let night = window("23:00", "04:00", "Europe/Copenhagen", &[Day::Sat]);
    for (moment, open) in [
        ("2026-03-28T21:59:59Z", false),
        ("2026-03-28T22:00:00Z", true),
        ("2026-03-29T01:59:59Z", true),
        ("2026-03-29T02:00:00Z", false),
        ("2026-10-24T20:59:59Z", false),
        ("2026-10-24T21:00:00Z", true),
        ("2026-10-25T02:59:59Z", true),
        ("2026-10-25T03:00:00Z", false),
    ] {
        assert_eq!(is_open(&night, moment), open, "{moment}");
    }
}

#[test]
fn times_and_zones_are_what_they_say() {
    for good in ["00:00", "09:05", "23:59"] {
        assert_eq!(String::from(ClockTime::try_from(good.to_owned()).unwrap()), good);
    }
    for bad in ["", "9:05", "24:00", "12:60", "12:5", "12:05:00", "+1:00", "a:bc", "12-05"] {
        assert!(ClockTime::try_from(bad.to_owned()).is_err(), "{bad}");
    }
    for (given, kept) in
        [("Europe/Copenhagen", "Europe/Copenhagen"), ("UTC", "UTC"), ("america/new_york", "America/New_York")]
    {
        assert_eq!(String::from(Zone::try_from(given.to_owned()).unwrap()), kept);
    }
    for bad in ["", "Mars/Olympus", "+01:00", "Europe/Copenhagen ", "../../etc/passwd"] {
        assert!(Zone::try_from(bad.to_owned()).is_err(), "{bad}");
    }
}

#[test]
fn settings_have_bounds_and_are_complete_where_an_axis_is_on() {
    let ranges = |count: usize| vec!["192.0.2.0/24".parse().unwrap(); count];
    let whole = window("09:00", "17:00", "UTC", &[Day::Mon]);
    let axes = Axes::default();
    for (field, axes) in [
        ("timeWindowStart", Axes { time_window: TimeWindow { start: None, ..whole.clone() }, ..axes.clone() }),
        ("timeWindowEnd", Axes { time_window: TimeWindow { end: None, ..whole.clone() }, ..axes.clone() }),
        ("timeWindowEnd", Axes { time_window: TimeWindow { end: whole.start, ..whole.clone() }, ..axes.clone() }),
        ("timeWindowTimezone", Axes { time_window: TimeWindow { zone: None, ..whole.clone() }, ..axes.clone() }),
        ("timeWindowDays", Axes { time_window: TimeWindow { days: None, ..whole.clone() }, ..axes.clone() }),
        (
            "timeWindowDays",
            Axes { time_window: TimeWindow { days: Some(BTreeSet::new()), ..whole.clone() }, ..axes.clone() },
        ),
        ("ipAllowlistCidrs", Axes { address_list: AddressList { enabled: true, ranges: vec![] }, ..axes.clone() }),
        (
            "ipAllowlistCidrs",
            Axes { address_list: AddressList { enabled: false, ranges: ranges(101) }, ..axes.clone() },
        ),
        ("coSignMachineId", Axes { co_sign: CoSign { enabled: true, ..CoSign::default() }, ..axes.clone() }),
        (
            "coSignWindowSeconds",
            Axes { co_sign: CoSign { enabled: true, machine: Some(machine(2)), window_seconds: None }, ..axes.clone() },
        ),
        (
            "coSignWindowSeconds",
            Axes { co_sign: CoSign { window_seconds: Some(9), ..CoSign::default() }, ..axes.clone() },
        ),
        (
            "coSignWindowSeconds",
            Axes { co_sign: CoSign { window_seconds: Some(86_401), ..CoSign::default() }, ..axes.clone() },
        ),
        ("maxReadsPerMinute", Axes { rate_cap: RateCap { enabled: true, ..RateCap::default() }, ..axes.clone() }),
        (
            "maxReadsPerMinute",
            Axes { rate_cap: RateCap { per_minute: Some(1_000_001), ..RateCap::default() }, ..axes.clone() },
        ),
        (
            "maxReadsPerDay",
            Axes { rate_cap: RateCap { per_day: Some(10_000_001), ..RateCap::default() }, ..axes.clone() },
        ),
        ("ttlMaxReads", Axes { ttl: Ttl { max_reads: Some(1_000_001), expires_at: None }, ..axes.clone() }),
        ("rotateAfterReads", Axes { rotate_after: RotateAfter { reads: Some(1_000_001) }, ..axes.clone() }),
    ] {
        assert_eq!(axes.check().unwrap_err().field, field, "{axes:?}");
    }
    let most = Axes {
        time_window: whole,
        address_list: AddressList { enabled: true, ranges: ranges(100) },
        co_sign: CoSign { enabled: true, machine: Some(machine(2)), window_seconds: Some(86_400) },
        rate_cap: RateCap { enabled: true, per_minute: Some(1_000_000), per_day: Some(10_000_000) },
        ttl: Ttl { expires_at: Some(at("2027-01-01T00:00:00Z")), max_reads: Some(1_000_000) },
        rotate_after: RotateAfter { reads: Some(1_000_000) },
    };
    assert_eq!(most.check(), Ok(()));
    assert_eq!(Axes::default().check(), Ok(()));
}

#[test]
fn what_is_counted_is_of_its_minute_its_day_and_its_version() {
    let mut reads = none();
    let mut count = |moment: &str, version| {
        reads.count(at(moment), version);
        (reads.total, reads.minute_reads, reads.day_reads, reads.since_rotation)
    };
    assert_eq!(count("2026-11-27T10:00:00Z", 1), (1, 1, 1, 1));
    assert_eq!(count("2026-11-27T10:00:59Z", 1), (2, 2, 2, 2));
    assert_eq!(count("2026-11-27T10:01:00Z", 2), (3, 1, 3, 1));
    // A clock that went back gives nobody a new minute.
    assert_eq!(count("2026-11-27T10:00:30Z", 2), (4, 2, 4, 2));
    assert_eq!(count("2026-11-28T00:00:00Z", 2), (5, 1, 1, 3));
}

#[test]
fn a_capped_read_may_come_when_the_next_period_begins() {
    let mut reads = none();
    reads.count(at("2026-11-27T10:00:12Z"), 1);
    let read =
        |moment: &str| Asked { machine: machine(1), address: "::1".parse().unwrap(), now: at(moment), reads: &reads };
    let cap = RateCap { enabled: true, per_minute: Some(1), per_day: None };
    let wait = |seconds| Err(Denied::RateCapped { retry_after_seconds: seconds });
    assert_eq!(cap.judge(&read("2026-11-27T10:00:12Z")), wait(48));
    assert_eq!(cap.judge(&read("2026-11-27T10:00:59Z")), wait(1));
    assert_eq!(cap.judge(&read("2026-11-27T10:01:00Z")), Ok(()));
    let cap = RateCap { per_day: Some(1), ..cap };
    assert_eq!(cap.judge(&read("2026-11-27T23:59:00Z")), wait(60));
    assert_eq!(cap.judge(&read("2026-11-28T00:00:00Z")), Ok(()));
}

/// A policy and a read, as plain switches.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "switches are what it is made of")]
pub(crate) struct Case {
    pub(crate) on: [bool; 6],
    pub(crate) in_window: bool,
    pub(crate) listed: bool,
    pub(crate) is_cosigner: bool,
    pub(crate) cosigned_seconds_ago: Option<u64>,
    pub(crate) reads: u64,
    pub(crate) caps: (Option<u64>, Option<u64>),
    pub(crate) ttl_expired: bool,
    pub(crate) ttl_reads: Option<u64>,
    pub(crate) rotate_after: u64,
}

/// A Friday.
pub(crate) const NOW: &str = "2026-11-27T10:00:30Z";

impl Case {
    /// A read that passes all axes, which are off.
    pub(crate) fn off() -> Self {
        Self {
            on: [false; 6],
            in_window: true,
            listed: true,
            is_cosigner: false,
            cosigned_seconds_ago: Some(60),
            reads: 0,
            caps: (Some(2), Some(2)),
            ttl_expired: false,
            ttl_reads: Some(2),
            rotate_after: 1,
        }
    }

    pub(crate) fn axes(&self) -> Axes {
        let day = if self.in_window { Day::Fri } else { Day::Sat };
        let range = if self.listed { "192.0.2.0/24" } else { "198.51.100.0/24" };
        let cosigner = machine(if self.is_cosigner { 1 } else { 2 });
        let [time_window, address_list, co_sign, rate_cap, ttl, rotate_after] = self.on;
        Axes {
            time_window: TimeWindow { enabled: time_window, ..window("09:00", "17:00", "UTC", &[day]) },
            address_list: AddressList { enabled: address_list, ranges: vec![range.parse().unwrap()] },
            co_sign: CoSign { enabled: co_sign, machine: Some(cosigner), window_seconds: Some(60) },
            rate_cap: RateCap { enabled: rate_cap, per_minute: self.caps.0, per_day: self.caps.1 },
            ttl: Ttl {
                expires_at: (ttl && self.ttl_expired).then(|| at(NOW)),
                max_reads: self.ttl_reads.filter(|_| ttl),
            },
            rotate_after: RotateAfter { reads: rotate_after.then_some(self.rotate_after) },
        }
    }

    pub(crate) fn reads(&self) -> SecretReads {
        let mut reads = none();
        for _ in 0..self.reads {
            reads.count(at(NOW), 1);
        }
        reads.cosigned_at = self.cosigned_seconds_ago.map(|seconds| at(NOW).minus_seconds(seconds));
        reads
    }

    fn read(reads: &SecretReads) -> Asked<'_> {
        Asked { machine: machine(1), address: "192.0.2.7".parse().unwrap(), now: at(NOW), reads }
    }

    /// What decisions 6 says, as a list of conditions from first to last.
    pub(crate) fn model(&self) -> Result<(), &'static str> {
        let below = |most: Option<u64>| most.is_none_or(|most| self.reads < most);
        let conditions = [
            (self.in_window, "outside the policy's time window"),
            (self.listed, "address not in the policy's allowlist"),
            (self.is_cosigner || self.cosigned_seconds_ago.is_some_and(|ago| ago <= 60), "not co-signed"),
            (below(self.caps.0) && below(self.caps.1), "rate cap reached"),
            (!self.ttl_expired && below(self.ttl_reads), "TTL reached"),
        ];
        let refusal = self.on.iter().zip(conditions).find(|(on, (holds, _))| **on && !holds);
        refusal.map_or(Ok(()), |(_, (_, why))| Err(why))
    }
}

prop_compose! {
    pub(crate) fn case()(
        on: [bool; 6],
        (in_window, listed) in (proptest::bool::weighted(0.8), proptest::bool::weighted(0.8)),
        is_cosigner: bool,
        cosigned_seconds_ago in proptest::option::of(0_u64..120),
        reads in 0_u64..6,
        caps in (proptest::option::of(1_u64..6), proptest::option::of(1_u64..6)),
        ttl_expired in proptest::bool::weighted(0.2),
        ttl_reads in proptest::option::of(1_u64..6),
        rotate_after in 1_u64..6,
    ) -> Case {
        Case {
            on, in_window, listed, is_cosigner, cosigned_seconds_ago, reads, caps, ttl_expired, ttl_reads, rotate_after,
        }
    }
}

proptest! {
    #[test]
    fn the_axes_agree_with_the_model(case in case()) {
        let reads = case.reads();
        let said = case.axes().judge(&Case::read(&reads)).map_err(Denied::reason);
        prop_assert_eq!(said, case.model());
    }

    /// The loss of any one condition turns an admission into a refusal, and no axis turns a refusal into an admission.
    #[test]
    fn more_conditions_never_admit_more(case in case(), axis in 0_usize..6) {
        let reads = case.reads();
        let (mut with, mut without) = (case.clone(), case.clone());
        with.on[axis] = true;
        without.on[axis] = false;
        let judge = |case: &Case| case.axes().judge(&Case::read(&reads));
        prop_assert!(judge(&with).is_err() || judge(&without).is_ok());
    }

    /// What is counted destroys and rotates at the read that the numbers name, and at no other.
    #[test]
    fn the_nth_read_brings_about_what_is_due(case in case()) {
        let (axes, reads) = (case.axes(), case.reads());
        let read = Case::read(&reads);
        if axes.judge(&read).is_err() {
            // Nobody asks what a refused read brings about.
            return Ok(());
        }
        let counts = case.on[3] || (case.on[4] && case.ttl_reads.is_some()) || case.on[5] || (case.on[2] && case.is_cosigner);
        let effect = axes.effect(&read, 1);
        prop_assert_eq!(effect.is_some(), counts);
        if let Some(effect) = effect {
            prop_assert_eq!(effect.reads.total, reads.total + 1);
            let destroys = case.on[4] && case.ttl_reads == Some(case.reads + 1);
            prop_assert_eq!(effect.destroys, destroys);
            prop_assert_eq!(effect.rotates, case.on[5] && !destroys && case.reads + 1 >= case.rotate_after);
        }
    }
}
