//! Failed authentications of a source address. Written only on failure.

use std::net::{IpAddr, Ipv6Addr};

use crypto::random;
use vault::Time;
use vault::lockout::{Limits, Lockout, failure};

use crate::engine::backend::{Change, Terms};
use crate::engine::item::Value;
use crate::engine::meter::{self, Counted};
use crate::engine::row::{Key, Row, from_item};
use crate::engine::table::{TTL, Table};
use crate::{Lists, StoreError, Update};

/// A lockout row and the address it is about. The row's key is the address, so it is not among its attributes.
impl Row for Lockout {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "lockout";
    /// Never put whole: the row comes to be by its first failure.
    fn key(&self) -> Key<Self> {
        Key::new("LOCKOUT#", "LOCKOUT")
    }
}

/// Key of what is known of an address. An IPv6 address counts as its /64: whoever has one of those has them all.
#[must_use]
pub fn lockout(address: IpAddr) -> Key<Lockout> {
    let source = match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
    };
    Key::new(format!("LOCKOUT#{source}"), "LOCKOUT")
}

/// How many failures a row holds before the old ones are taken out.
const KEPT: usize = 50;

impl Lists {
    /// Counts one failed authentication and locks the address out when it was one too many.
    pub async fn count_failure(&self, address: IpAddr, limits: &Limits, now: Time) -> Result<(), StoreError> {
        let key = lockout(address);
        let name = failure(now, &hex::encode(random::bytes::<6>()));
        let ttl = now.plus_seconds(limits.window_seconds.max(limits.lock_seconds) + 60);
        let known = self.update_set(&key, "ADD", vec![name], ttl).await?;
        if let Some(until) = known.due(limits, now) {
            self.update(Update::of(&key).set("lockedUntil", &until)?.remove("failures")).await?;
            meter::count(Counted::Lockout);
        } else if known.failures.len() > KEPT {
            self.update_set(&key, "DELETE", known.old(limits, now).cloned().collect(), ttl).await?;
        }
        Ok(())
    }

    /// Adds names to the set of failures, or deletes them from it; either can happen twice without harm.
    async fn update_set(
        &self,
        key: &Key<Lockout>,
        verb: &str,
        names: Vec<String>,
        ttl: Time,
    ) -> Result<Lockout, StoreError> {
        if names.is_empty() {
            return Ok(Lockout::default());
        }
        let change = Change {
            table: self.name(Table::Vault).clone(),
            key: key.primary(),
            update: format!("{verb} failures :names SET #ttl = :ttl").into(),
            condition: None,
            terms: Terms::default().name("#ttl", TTL).value(":names", Value::Ss(names)).value(":ttl", ttl.seconds()),
            tell_new: true,
        };
        let known = self.backend.update(change).await?;
        from_item(Lockout::KIND, known.unwrap_or_default())
    }
}
