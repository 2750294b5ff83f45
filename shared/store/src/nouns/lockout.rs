//! Failed authentications of a source address. Written only on failure.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr};

use crypto::random;
use rules::Time;
use rules::lockout::{Limits, Lockout, failure};

use crate::engine::attribute::attributes;
use crate::engine::meter::{self, Counted};
use crate::engine::row::{Row, RowKey};
use crate::engine::table::Table;
use crate::{Lists, StoreError};

/// Key of a source address. An IPv6 address counts as its /64, because one client usually has all addresses of a /64.
#[must_use]
pub fn row(address: IpAddr) -> RowKey<Lockout> {
    let source = match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
    };
    RowKey::new(format!("LOCKOUT#{source}"), "LOCKOUT")
}

/// Its key is the address, which is not among its attributes.
impl Row for Lockout {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "lockout";
}

attributes! {
    Lockout {
        FAILURES = failures "failures": BTreeSet<String>;
        LOCKED_UNTIL = locked_until "lockedUntil": Option<Time>;
    }
}

/// How many failures a row holds before the old failures are removed.
const KEPT: usize = 50;

impl Lists {
    /// Counts one failed authentication and locks the address out when it was one too many. Writing it twice counts once.
    pub async fn count_failure(&self, address: IpAddr, limits: &Limits, now: Time) -> Result<(), StoreError> {
        let key = row(address);
        let name = failure(now, &hex::encode(random::bytes::<6>()));
        let ends = now.plus_seconds(limits.window_seconds.max(limits.lock_seconds) + 60);
        let known = self.changed(key.upsert().add_names(FAILURES, vec![name]).drop_after(ends)).await?;
        if let Some(until) = known.due(limits, now) {
            self.change(key.upsert().set(LOCKED_UNTIL, &Some(until)).remove(FAILURES)).await?;
            meter::count(Counted::Lockout);
        } else if known.failures.len() > KEPT {
            let old: Vec<String> = known.old(limits, now).cloned().collect();
            if !old.is_empty() {
                self.change(key.upsert().take_names(FAILURES, old).drop_after(ends)).await?;
            }
        }
        Ok(())
    }
}
