//! A support ticket: a question of a vault's people to the operator of the deployment, with what both wrote.

use protocol::VaultId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Time;
use crate::owned::owned;

protocol::prefixed_id!(
    /// A support ticket.
    TicketId, "tkt_", "ticket id"
);

protocol::prefixed_id!(
    /// A message in a ticket.
    MessageId, "msg_", "message id"
);

protocol::prefixed_id!(
    /// A file that a message carries.
    AttachmentId, "att_", "attachment id"
);

/// What a ticket is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "TicketCategory")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Category {
    Access,
    Billing,
    Bug,
    Feature,
    Other,
}

impl Category {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Access, Self::Billing, Self::Bug, Self::Feature, Self::Other];

    /// What people call it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Access => "Access and accounts",
            Self::Billing => "Plans and billing",
            Self::Bug => "Something is broken",
            Self::Feature => "A wish",
            Self::Other => "Something else",
        }
    }
}

/// How much it matters to whoever asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "TicketPriority")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Priority {
    Low,
    Normal,
    High,
    Urgent,
}

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TicketStatus {
    /// In a filter: neither resolved nor closed. No ticket is said to be this.
    Open,
    /// The operator wrote last.
    WaitingOnCustomer,
    /// The customer wrote last.
    WaitingOnStaff,
    /// The operator takes it for answered. A reply opens it again.
    Resolved,
    /// It takes no more replies.
    Closed,
}

impl TicketStatus {
    /// Whether a ticket with this status is among those that are asked for.
    #[must_use]
    pub fn is_asked_for(self, by: Option<Self>) -> bool {
        match by {
            None => true,
            Some(Self::Open) => !matches!(self, Self::Resolved | Self::Closed),
            Some(asked) => self == asked,
        }
    }
}

/// A file, without its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AttachmentInfo")]
pub struct FileInfo {
    /// The attachment.
    pub id: AttachmentId,
    /// What it is called.
    pub file_name: String,
    /// Its media type, as whoever attached it says.
    pub content_type: String,
    /// How many bytes it has.
    pub size: u64,
}

/// A ticket, without its messages.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ticket {
    /// Its id.
    pub id: TicketId,
    /// The vault it comes from.
    pub vault: VaultId,
    /// What it is about.
    pub category: Category,
    /// How much it matters.
    pub priority: Priority,
    /// Whose turn it is.
    pub status: TicketStatus,
    /// Its subject.
    pub title: String,
    /// What the customer made of the answer, 1 to 5.
    pub rating: Option<u64>,
    /// How many messages it has, internal notes too.
    pub messages: u64,
    /// How many files it has.
    pub attachments: u64,
    /// Files that the customer's next reply carries.
    pub waiting: Vec<FileInfo>,
    /// When it was made.
    pub created_at: Time,
    /// When somebody last wrote or changed its status.
    pub updated_at: Time,
}

owned!(Ticket "Ticket");

impl Ticket {
    /// Most characters in its title.
    pub const TITLE: usize = 256;
    /// Most characters in a message.
    pub const BODY: usize = 10_000;
    /// Most messages in one.
    pub const MESSAGES: u64 = 200;
    /// Most files in one.
    pub const ATTACHMENTS: u64 = 5;
    /// Most tickets in a vault.
    pub const IN_VAULT: usize = 1_000;
    /// Bounds of a rating.
    pub const RATING: std::ops::RangeInclusive<u64> = 1..=5;
}

/// Who wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "TicketAuthor")]
pub enum Author {
    /// Somebody of the vault, or an AI agent of it.
    Customer,
    /// The operator of the deployment.
    Staff,
}

/// What somebody wrote.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// The ticket.
    pub ticket: TicketId,
    /// Who wrote it.
    pub author: Author,
    /// Their name.
    pub author_name: String,
    /// What they wrote.
    pub body: String,
    /// Whether the operator alone sees it.
    pub internal: bool,
    /// The files it carries.
    pub attachments: Vec<FileInfo>,
    /// When it was written.
    pub created_at: Time,
}

/// A file with its bytes.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attachment {
    /// Its name and kind.
    #[serde(flatten)]
    pub info: FileInfo,
    /// The vault.
    pub vault: VaultId,
    /// The ticket.
    pub ticket: TicketId,
    /// Its bytes, in base64.
    pub base64: String,
}

owned!(Attachment "Attachment");

impl Attachment {
    /// Most bytes in one (256 KiB).
    pub const BYTES: usize = 256 * 1_024;
}

/// A ticket as both sides see it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Ticket")]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields of a Ticket")]
pub struct View {
    pub id: TicketId,
    pub category_id: Category,
    pub priority: Priority,
    pub status: TicketStatus,
    pub title: String,
    pub rating: Option<u64>,
    pub created_at: Time,
    pub updated_at: Time,
}

impl From<Ticket> for View {
    fn from(ticket: Ticket) -> Self {
        Self {
            id: ticket.id,
            category_id: ticket.category,
            priority: ticket.priority,
            status: ticket.status,
            title: ticket.title,
            rating: ticket.rating,
            created_at: ticket.created_at,
            updated_at: ticket.updated_at,
        }
    }
}

/// A message as both sides see it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "TicketMessage")]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields of a Message")]
pub struct MessageView {
    pub id: MessageId,
    pub author: Author,
    pub author_name: String,
    pub body: String,
    pub created_at: Time,
    pub attachments: Vec<FileInfo>,
}

impl From<Message> for MessageView {
    fn from(message: Message) -> Self {
        let Message { id, author, author_name, body, created_at, attachments, .. } = message;
        Self { id, author, author_name, body, created_at, attachments }
    }
}
