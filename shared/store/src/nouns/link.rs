//! Links that were mailed to people.

use crypto::TokenHash;
use protocol::UserId;
use rules::Time;
use rules::nouns::{LinkPurpose, MailedLink, SentLinks};

use crate::Change;
use crate::engine::attribute::attributes;
use crate::engine::row::{Put, Row, RowKey};
use crate::engine::table::Table;

/// Key of a link that was mailed.
#[must_use]
pub fn row(hash: &TokenHash) -> RowKey<MailedLink> {
    RowKey::new(format!("LINK#{}", hash.as_str()), "LINK")
}

impl Row for MailedLink {
    const TABLE: Table = Table::Accounts;
    const KIND: &'static str = "mailed link";
}

impl Put for MailedLink {
    fn key(&self) -> RowKey<Self> {
        row(&self.hash)
    }

    fn drop_after(&self) -> Option<Time> {
        Some(self.expires_at)
    }
}

impl Row for SentLinks {
    const TABLE: Table = Table::Accounts;
    const KIND: &'static str = "count of mailed links";
}

attributes! {
    SentLinks {
        UNTIL = until "until": Vec<Time>;
        WRITTEN = written "written": u64;
    }
}

/// Key of the count of links of one purpose that were mailed to a person.
#[must_use]
pub fn sent(user: UserId, purpose: LinkPurpose) -> RowKey<SentLinks> {
    let purpose = match purpose {
        LinkPurpose::VerifyEmail => "verify-email",
        LinkPurpose::ResetPassword => "reset-password",
    };
    RowKey::new(format!("LINKS#{user}#{purpose}"), "LINKS")
}

/// Puts `next` in the place of what is known of the links that were mailed, unless somebody else did meanwhile.
pub fn note_sent(
    user: UserId,
    purpose: LinkPurpose,
    known: Option<&SentLinks>,
    next: &SentLinks,
    now: Time,
) -> Change<SentLinks> {
    let change = sent(user, purpose).upsert().set(UNTIL, &next.until).set(WRITTEN, &next.written);
    let unchanged = match known {
        Some(known) => WRITTEN.is(&known.written),
        None => WRITTEN.missing(),
    };
    change.only_if(unchanged).drop_after(now.plus_seconds(2 * LinkPurpose::VerifyEmail.seconds()))
}
