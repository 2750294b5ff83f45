//! Alert mails: at most one for an action and a vault in a minute. What happens meanwhile is counted, and the next mail says
//! how often it was; the sweep asks for that mail when nothing else brings it.

use std::net::IpAddr;

use edge::Error;
use protocol::VaultId;
use rules::Time;
use rules::audit::{Action, Record};
use rules::nouns::{Alerts, Expiring, Expiry, SentAlert, User};
use store::alerts::{self, of_sent};
use store::{agent, machine, person, vault};

use crate::SendMail;
use crate::alert_text::{Alert, Happened, mail};

/// How often a count is tried again when another one was written first.
const TRIES: usize = 16;

/// What becomes of a mail that is wanted now.
enum Turn {
    /// It is sent. It tells of so many held back before it.
    Sent { held: u64 },
    /// It is held back.
    Held,
}

impl SendMail {
    /// Tells of a record, and that the same happened so often besides.
    pub(crate) async fn alert(&self, record: &Record, more: u64) -> Result<usize, Error> {
        let (vault, action) = (record.vault, record.action);
        if !Alerts::holds_back(action) {
            return self.send_alert(vault, action, Happened { record: Some(record), more }).await;
        }
        let Turn::Sent { held } = self.take_turn(vault, action, more + 1).await? else { return Ok(0) };
        let sent = self.send_alert(vault, action, Happened { record: Some(record), more: more + held }).await;
        if sent.is_err() {
            self.give_turn_back(vault, action, held).await?;
        }
        sent
    }

    /// Tells how often it happened since the last mail, if that was not told.
    pub(crate) async fn held_alerts(&self, vault: VaultId, action: Action) -> Result<usize, Error> {
        let held = self.take_held(vault, action).await?;
        if held == 0 {
            return Ok(0);
        }
        let sent = self.send_alert(vault, action, Happened { record: None, more: held }).await;
        if sent.is_err() {
            self.give_turn_back(vault, action, held).await?;
        }
        sent
    }

    /// Takes the right to send a mail of this action now, or counts what is held back and has the sweep ask for it.
    async fn take_turn(&self, vault: VaultId, action: Action, count: u64) -> Result<Turn, Error> {
        for _ in 0..TRIES {
            let now = self.clock.now();
            let key = alerts::sent(vault, action);
            let known = self.store.get(&key).await?;
            let (sent_at, held) = known.as_ref().map_or((None, 0), |known| (known.sent_at, known.held));
            let quiet_until = sent_at.map(|at| at.plus_seconds(Alerts::QUIET_SECONDS)).filter(|until| now < *until);
            let unchanged = |change: store::Change<SentAlert>| match &known {
                None => change.only_if(of_sent::SENT_AT.absent()).only_if(of_sent::HELD.missing()),
                Some(_) => change.only_if(of_sent::SENT_AT.is(&sent_at)).only_if(of_sent::HELD.is(&held)),
            };
            let mut write = self.store.transaction();
            let change = match quiet_until {
                None => key.upsert().set(of_sent::SENT_AT, &Some(now)).set(of_sent::HELD, &0),
                Some(_) => key.upsert().set(of_sent::HELD, &(held + count)),
            };
            let counted = write.change(unchanged(change));
            if let Some(at) = quiet_until {
                write.put(&Expiry { at, of: Expiring::Alert(vault, action) });
            }
            if write.commit_unless_refused(counted).await? {
                return Ok(if quiet_until.is_some() { Turn::Held } else { Turn::Sent { held } });
            }
        }
        Err(Error::unavailable("Many mails of one action are asked for at once"))
    }

    /// Takes the right to send what was held back; zero when there is nothing, or another mail has told it.
    async fn take_held(&self, vault: VaultId, action: Action) -> Result<u64, Error> {
        let (key, now) = (alerts::sent(vault, action), self.clock.now());
        let Some(known) = self.store.get(&key).await? else { return Ok(0) };
        let is_quiet = known.sent_at.is_some_and(|at| now < at.plus_seconds(Alerts::QUIET_SECONDS));
        if known.held == 0 || is_quiet {
            return Ok(0);
        }
        let change = key.change().set(of_sent::SENT_AT, &Some(now)).set(of_sent::HELD, &0);
        let change = change.only_if(of_sent::SENT_AT.is(&known.sent_at)).only_if(of_sent::HELD.is(&known.held));
        Ok(if self.store.change_if(change).await? { known.held } else { 0 })
    }

    /// After a mail that was not taken: what it would have told is still to be told.
    async fn give_turn_back(&self, vault: VaultId, action: Action, held: u64) -> Result<(), Error> {
        let change = alerts::sent(vault, action).upsert().remove(of_sent::SENT_AT).add(of_sent::HELD, held);
        self.store.change_if(change).await?;
        Ok(())
    }

    /// Sends the mail to everybody who gets it. Addresses that nobody has verified get none.
    async fn send_alert(&self, vault: VaultId, action: Action, happened: Happened<'_>) -> Result<usize, Error> {
        let Some(row) = self.store.get(&vault::row(vault)).await? else { return Ok(0) };
        let Some(owner) = self.store.get(&person::row(row.owner)).await? else { return Ok(0) };
        let who = match happened.record {
            Some(record) => self.who(record, &owner).await?,
            None => None,
        };
        if owner.email_verified_at.is_none() {
            tracing::warn!(%vault, "no alert mail was sent: the owner's address is not verified");
            return Ok(0);
        }
        let alert = Alert { url: &self.config.url, vault, owner: &owner.username, action, happened, who };
        self.mailer
            .send(&mail(&owner.email, &alert))
            .await
            .map_err(|error| Error::unavailable("The mail was not taken").inside(error.to_string()))?;
        Ok(1)
    }

    /// Who acted, in words.
    async fn who(&self, record: &Record, owner: &User) -> Result<Option<String>, Error> {
        if let Some(id) = record.actor_user_id {
            let name = if id == owner.id {
                Some(owner.username.clone())
            } else {
                self.store.get(&person::row(id)).await?.map(|user| user.username)
            };
            return Ok(name);
        }
        if let Some(id) = record.ai_agent_id {
            let name = self.store.get(&agent::row(id)).await?.map_or_else(|| "removed".to_owned(), |agent| agent.name);
            return Ok(Some(format!("AI agent {name}")));
        }
        if let Some(id) = record.machine_id {
            let found = self.store.get(&machine::row(id)).await?;
            let name = found.map_or_else(|| "removed".to_owned(), |machine| machine.name);
            let short: String = id.to_string().chars().take(8).collect();
            return Ok(Some(format!("machine {name} ({short})")));
        }
        Ok(None)
    }
}

/// Whether a source is an address that somebody can look for.
pub(crate) fn is_address(source: &str) -> bool {
    source.parse::<IpAddr>().is_ok()
}

/// A time as people read it.
pub(crate) fn in_words(time: Time) -> String {
    let ms = i64::try_from(time.ms()).ok();
    let time = ms.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok()).unwrap_or_default();
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}
