//! Support tickets with their messages and files.

use protocol::VaultId;
use rules::Time;
use rules::nouns::ticket::{Attachment, AttachmentId, FileInfo, Message, Ticket, TicketId, TicketStatus};
use serde::{Deserialize, Serialize};

use crate::List;
use crate::engine::attribute::attributes;
use crate::engine::row::{Put, Row, RowKey, sortable};
use crate::engine::table::Table;

/// The partition of the list of all tickets.
const TICKETS: &str = "TICKETS";

/// A ticket in the list of all there are, which only who operates the deployment walks.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TicketEntry {
    /// The ticket.
    pub ticket: TicketId,
    /// When it was made.
    pub created_at: Time,
}

/// All tickets of the deployment, in the order in which they were made.
#[must_use]
pub fn every() -> List<TicketEntry> {
    List::stored(TICKETS.to_owned(), "TICKET#")
}

/// Key of a ticket.
#[must_use]
pub fn row(id: TicketId) -> RowKey<Ticket> {
    RowKey::new(format!("TICKET#{id}"), "TICKET")
}

/// A vault's tickets, in the order in which they were made.
#[must_use]
pub fn of_vault(vault: VaultId) -> List<Ticket> {
    List::owned(format!("VAULT#{vault}"), "TICKET#")
}

/// What was written in a ticket, in order.
#[must_use]
pub fn messages(id: TicketId) -> List<Message> {
    List::stored(format!("TICKET#{id}"), "MESSAGE#")
}

/// Key of an attachment.
#[must_use]
pub fn attachment(id: AttachmentId) -> RowKey<Attachment> {
    RowKey::new(format!("ATTACHMENT#{id}"), "ATTACHMENT")
}

impl Row for Ticket {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "ticket";
}

impl Put for Ticket {
    fn key(&self) -> RowKey<Self> {
        row(self.id)
    }

    fn owner(&self) -> Option<(String, String)> {
        Some((format!("VAULT#{}", self.vault), format!("TICKET#{}#{}", sortable(self.created_at), self.id)))
    }
}

attributes! {
    Ticket {
        STATUS = status "status": TicketStatus;
        RATING = rating "rating": Option<u64>;
        MESSAGES = messages "messages": u64;
        ATTACHMENTS = attachments "attachments": u64;
        WAITING = waiting "waiting": Vec<FileInfo>;
        UPDATED_AT = updated_at "updatedAt": Time;
    }
}

impl Row for TicketEntry {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "ticket in the list of all";
}

impl Put for TicketEntry {
    fn key(&self) -> RowKey<Self> {
        RowKey::new(TICKETS, format!("TICKET#{}#{}", sortable(self.created_at), self.ticket))
    }
}

impl Row for Message {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "message of a ticket";
}

impl Put for Message {
    fn key(&self) -> RowKey<Self> {
        RowKey::new(format!("TICKET#{}", self.ticket), format!("MESSAGE#{}#{}", sortable(self.created_at), self.id))
    }
}

impl Row for Attachment {
    const TABLE: Table = Table::Vault;
    const KIND: &'static str = "attachment";
}

impl Put for Attachment {
    fn key(&self) -> RowKey<Self> {
        attachment(self.info.id)
    }
}
