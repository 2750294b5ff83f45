//! Failures of a source address, apart by what was guessed. Read and written only on failure.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr};

use crypto::random;
use rules::Time;
use rules::lockout::{Guessed, Limits, Lockout, failure};

use crate::engine::attribute::attributes;
use crate::engine::meter::{self, Counted};
use crate::engine::row::{Row, RowKey};
use crate::engine::table::Table;
use crate::{Lists, StoreError};

/// What an address counts as. An IPv6 address is its /64, because one client usually has all addresses of a /64.
#[must_use]
pub fn source(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
    }
}

/// Key of a source address and what was guessed.
#[must_use]
pub fn row(guessed: Guessed, address: IpAddr) -> RowKey<Lockout> {
    let what = match guessed {
        Guessed::Signature => "signature",
        Guessed::Token => "token",
        Guessed::Password => "password",
    };
    RowKey::new(format!("LOCKOUT#{what}#{}", source(address)), "LOCKOUT")
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
    /// Counts one failure and locks the address out when it was one too many. Writing it twice counts once.
    pub async fn count_failure(
        &self,
        guessed: Guessed,
        address: IpAddr,
        limits: &Limits,
        now: Time,
    ) -> Result<(), StoreError> {
        let key = row(guessed, address);
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
