//! A policy on the wire: all axes in one object, each with its own fields.

use std::collections::BTreeSet;

use edge::Error;
use protocol::{MachineId, ProjectId};
use rules::Time;
use rules::limits::{self, Invalid, NAME, TEXT};
use rules::nouns::{Policy, PolicyId};
use rules::policies::{Axes, ClockTime, Day, Zone};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Most days of a time window.
const DAYS: usize = 7;

/// What a policy is made from or changed by. What is not given stays as it is; in a new policy that is off.
#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "PolicyFields")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Fields {
    #[schemars(length(min = 1, max = NAME))]
    pub(crate) name: Option<String>,
    #[schemars(length(max = TEXT))]
    description: Option<String>,
    time_window_enabled: Option<bool>,
    #[schemars(with = "Option<ClockTime>")]
    time_window_start: Option<String>,
    #[schemars(with = "Option<ClockTime>")]
    time_window_end: Option<String>,
    /// A name of the IANA database.
    time_window_timezone: Option<String>,
    #[schemars(length(max = DAYS))]
    time_window_days: Option<Vec<Day>>,
    ip_allowlist_enabled: Option<bool>,
    #[schemars(length(max = 100))]
    ip_allowlist_cidrs: Option<Vec<String>>,
    rate_cap_enabled: Option<bool>,
    /// 0 clears it.
    #[schemars(range(max = 1_000_000))]
    max_reads_per_minute: Option<u64>,
    /// 0 clears it.
    #[schemars(range(max = 10_000_000))]
    max_reads_per_day: Option<u64>,
    co_sign_enabled: Option<bool>,
    co_sign_machine_id: Option<MachineId>,
    #[schemars(range(min = 10, max = 86_400))]
    co_sign_window_seconds: Option<u64>,
    /// Milliseconds since 1970; 0 is off.
    ttl_expires_at: Option<u64>,
    /// 0 is off.
    #[schemars(range(max = 1_000_000))]
    ttl_max_reads: Option<u64>,
    /// 0 is off.
    #[schemars(range(max = 1_000_000))]
    rotate_after_reads: Option<u64>,
}

/// Sets what is given.
fn set<T>(to: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *to = given;
    }
}

/// The same for what may be missing.
fn set_some<T>(to: &mut Option<T>, given: Option<T>) {
    if given.is_some() {
        *to = given;
    }
}

/// The same for what is written as a text.
fn set_parsed<T: TryFrom<String, Error = &'static str>>(
    to: &mut Option<T>,
    field: &'static str,
    given: Option<String>,
) -> Result<(), Invalid> {
    if let Some(text) = given {
        *to = Some(T::try_from(text).map_err(|problem| Invalid::new(field, problem))?);
    }
    Ok(())
}

/// The same for a number that 0 clears.
fn set_number<T>(to: &mut Option<T>, given: Option<u64>, from: impl Fn(u64) -> T) {
    if let Some(given) = given {
        *to = (given != 0).then(|| from(given));
    }
}

impl Fields {
    /// Puts what is given into a policy, which has to be complete then.
    pub(crate) fn merge(self, policy: &mut Policy) -> Result<(), Error> {
        if let Some(name) = &self.name {
            policy.name = limits::name("name", name, NAME)?;
        }
        if let Some(text) = &self.description {
            policy.description = limits::text("description", Some(text))?;
        }
        let Axes { time_window, address_list, co_sign, rate_cap, ttl, rotate_after } = &mut policy.axes;
        set(&mut time_window.enabled, self.time_window_enabled);
        set_parsed(&mut time_window.start, "timeWindowStart", self.time_window_start)?;
        set_parsed(&mut time_window.end, "timeWindowEnd", self.time_window_end)?;
        set_parsed(&mut time_window.zone, "timeWindowTimezone", self.time_window_timezone)?;
        if let Some(days) = self.time_window_days {
            if days.len() > DAYS {
                return Err(Error::invalid("timeWindowDays", format!("must list at most {DAYS} days")));
            }
            time_window.days = Some(days.into_iter().collect());
        }
        set(&mut address_list.enabled, self.ip_allowlist_enabled);
        if let Some(ranges) = self.ip_allowlist_cidrs {
            let parse = |text: &String| limits::cidr("ipAllowlistCidrs", text);
            address_list.ranges = ranges.iter().map(parse).collect::<Result<_, _>>()?;
        }
        set(&mut rate_cap.enabled, self.rate_cap_enabled);
        set_number(&mut rate_cap.per_minute, self.max_reads_per_minute, |reads| reads);
        set_number(&mut rate_cap.per_day, self.max_reads_per_day, |reads| reads);
        set(&mut co_sign.enabled, self.co_sign_enabled);
        set_some(&mut co_sign.machine, self.co_sign_machine_id);
        set_some(&mut co_sign.window_seconds, self.co_sign_window_seconds);
        set_number(&mut ttl.expires_at, self.ttl_expires_at, Time::from_ms);
        set_number(&mut ttl.max_reads, self.ttl_max_reads, |reads| reads);
        set_number(&mut rotate_after.reads, self.rotate_after_reads, |reads| reads);
        Ok(policy.axes.check()?)
    }
}

/// A policy as those who manage see it; `null` where nothing is set.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Policy")]
#[expect(clippy::struct_excessive_bools, reason = "one for each axis that has a switch on the wire")]
#[serde(rename_all = "camelCase")]
pub(crate) struct PolicyView {
    id: PolicyId,
    project_id: ProjectId,
    name: String,
    description: Option<String>,
    time_window_enabled: bool,
    time_window_start: Option<ClockTime>,
    time_window_end: Option<ClockTime>,
    time_window_timezone: Option<Zone>,
    time_window_days: Option<BTreeSet<Day>>,
    ip_allowlist_enabled: bool,
    ip_allowlist_cidrs: Option<Vec<String>>,
    rate_cap_enabled: bool,
    max_reads_per_minute: Option<u64>,
    max_reads_per_day: Option<u64>,
    co_sign_enabled: bool,
    co_sign_machine_id: Option<MachineId>,
    co_sign_window_seconds: Option<u64>,
    ttl_expires_at: Option<Time>,
    ttl_max_reads: Option<u64>,
    rotate_after_reads: Option<u64>,
    /// How many secrets are bound to it.
    bound_count: u64,
    created_at: Time,
    updated_at: Time,
}

impl From<Policy> for PolicyView {
    fn from(policy: Policy) -> Self {
        let Axes { time_window, address_list, co_sign, rate_cap, ttl, rotate_after } = policy.axes;
        let ranges: Vec<String> = address_list.ranges.iter().map(ToString::to_string).collect();
        Self {
            id: policy.id,
            project_id: policy.project,
            name: policy.name,
            description: policy.description,
            time_window_enabled: time_window.enabled,
            time_window_start: time_window.start,
            time_window_end: time_window.end,
            time_window_timezone: time_window.zone,
            time_window_days: time_window.days,
            ip_allowlist_enabled: address_list.enabled,
            ip_allowlist_cidrs: (!ranges.is_empty()).then_some(ranges),
            rate_cap_enabled: rate_cap.enabled,
            max_reads_per_minute: rate_cap.per_minute,
            max_reads_per_day: rate_cap.per_day,
            co_sign_enabled: co_sign.enabled,
            co_sign_machine_id: co_sign.machine,
            co_sign_window_seconds: co_sign.window_seconds,
            ttl_expires_at: ttl.expires_at,
            ttl_max_reads: ttl.max_reads,
            rotate_after_reads: rotate_after.reads,
            bound_count: policy.bound,
            created_at: policy.created_at,
            updated_at: policy.updated_at,
        }
    }
}
