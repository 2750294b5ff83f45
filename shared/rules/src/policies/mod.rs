//! Access policies: the conditions that a policy adds to a read. Each axis is a file: its settings with their bounds, and
//! when it refuses. Here they are put together, in the order in which they are looked at (decisions 6).

mod address_list;
mod co_sign;
mod rate_cap;
mod rotate_after;
mod time_window;
mod ttl;

use std::net::IpAddr;

use protocol::MachineId;
use serde::{Deserialize, Serialize};

pub use address_list::AddressList;
pub use co_sign::CoSign;
pub use rate_cap::RateCap;
pub use rotate_after::RotateAfter;
pub use time_window::{ClockTime, Day, TimeWindow, Zone};
pub use ttl::Ttl;

use crate::Time;
use crate::limits::Invalid;
use crate::nouns::SecretReads;

/// A read, as policies see it.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Who reads.
    pub machine: MachineId,
    /// From where, as the gateway reports it.
    pub address: IpAddr,
    /// When.
    pub now: Time,
    /// What was counted of the secret's reads.
    pub reads: &'a SecretReads,
}

/// Why a policy refuses a read. The texts are what the machine is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the texts say it")]
pub enum Denied {
    #[error("This secret is read at other times only")]
    OutsideTimeWindow,
    #[error("This secret is not read from this address")]
    AddressNotAllowed,
    #[error("Another machine has to read this secret first")]
    NotCosigned,
    #[error("The read limit of this secret is reached, try again later")]
    RateCapped { retry_after_seconds: u64 },
    #[error("Secret not found")]
    TtlReached,
}

impl Denied {
    /// The reason for our records.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::OutsideTimeWindow => "outside the policy's time window",
            Self::AddressNotAllowed => "address not in the policy's allowlist",
            Self::NotCosigned => "not co-signed",
            Self::RateCapped { .. } => "rate cap reached",
            Self::TtlReached => "TTL reached",
        }
    }
}

/// One condition of a policy. An axis that is off keeps its settings and is ignored.
pub trait Axis {
    /// What it is called where it is named: in records and by the simulator.
    const NAME: &'static str;

    /// Whether it is switched on.
    fn is_on(&self) -> bool;

    /// Whether its settings are within bounds, and complete if it is on.
    fn check(&self) -> Result<(), Invalid>;

    /// Whether the read passes it, if it is on.
    fn judge(&self, read: &Asked<'_>) -> Result<(), Denied>;
}

/// What a policy says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "the types say it")]
pub struct Axes {
    pub time_window: TimeWindow,
    pub address_list: AddressList,
    pub co_sign: CoSign,
    pub rate_cap: RateCap,
    pub ttl: Ttl,
    pub rotate_after: RotateAfter,
}

/// One axis and what it says of a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judged {
    /// The axis.
    pub axis: &'static str,
    /// Whether it is switched on.
    pub is_on: bool,
    /// Why it refuses, if it does.
    pub denied: Option<Denied>,
}

/// What an admitted read brings about, to be written with its nonce.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// What is counted from now on.
    pub reads: SecretReads,
    /// It was the last read that the TTL allows: the secret is to be destroyed.
    pub destroys: bool,
    /// It was the read after which the secret is to be rotated.
    pub rotates: bool,
}

impl Axes {
    /// Whether all settings are within bounds, and complete where an axis is on.
    pub fn check(&self) -> Result<(), Invalid> {
        self.time_window.check()?;
        self.address_list.check()?;
        self.co_sign.check()?;
        self.rate_cap.check()?;
        self.ttl.check()?;
        self.rotate_after.check()
    }

    /// Whether an axis is on that a managed secret cannot be bound to: its agent has to be able to read.
    #[must_use]
    pub fn holds_back(&self) -> bool {
        self.co_sign.is_on() || self.rate_cap.is_on() || self.ttl.is_on() || self.rotate_after.is_on()
    }

    /// Each axis, in order.
    #[must_use]
    pub fn judged(&self, read: &Asked<'_>) -> [Judged; 6] {
        fn of<A: Axis>(axis: &A, read: &Asked<'_>) -> Judged {
            let denied = axis.is_on().then(|| axis.judge(read).err()).flatten();
            Judged { axis: A::NAME, is_on: axis.is_on(), denied }
        }
        [
            of(&self.time_window, read),
            of(&self.address_list, read),
            of(&self.co_sign, read),
            of(&self.rate_cap, read),
            of(&self.ttl, read),
            of(&self.rotate_after, read),
        ]
    }

    /// Whether the read passes all axes that are on; the first that refuses says why.
    pub fn judge(&self, read: &Asked<'_>) -> Result<(), Denied> {
        self.judged(read).iter().find_map(|judged| judged.denied).map_or(Ok(()), Err)
    }

    /// What would make a read pass that is refused, of the first axis that refuses.
    #[must_use]
    pub fn remedy(&self, read: &Asked<'_>) -> Option<String> {
        Some(match self.judge(read).err()? {
            Denied::OutsideTimeWindow => self.time_window.remedy(),
            Denied::AddressNotAllowed => AddressList::remedy(read),
            Denied::NotCosigned => self.co_sign.remedy(),
            Denied::RateCapped { retry_after_seconds } => RateCap::remedy(retry_after_seconds),
            Denied::TtlReached => Ttl::remedy(),
        })
    }

    /// What a read that passed brings about; nothing when nothing is counted. `version` is the secret's.
    #[must_use]
    pub fn effect(&self, read: &Asked<'_>, version: u64) -> Option<Effect> {
        let cosigns = self.co_sign.is_on() && self.co_sign.machine == Some(read.machine);
        let counts = self.rate_cap.is_on() || self.ttl.max_reads.is_some() || self.rotate_after.is_on();
        if !(cosigns || counts) {
            return None;
        }
        let mut reads = read.reads.clone();
        reads.count(read.now, version);
        if cosigns {
            reads.cosigned_at = Some(read.now);
        }
        let destroys = self.ttl.is_last(&reads);
        let rotates = !destroys && self.rotate_after.is_due(&reads);
        if rotates {
            reads.since_rotation = 0;
        }
        Some(Effect { reads, destroys, rotates })
    }
}

#[cfg(test)]
#[path = "policies_tests.rs"]
pub(crate) mod tests;
