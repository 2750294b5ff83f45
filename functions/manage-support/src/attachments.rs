//! `POST tickets/{ticketId}/attachments`: a file for the next reply, by people only; and `GET tickets/attachments/{attachmentId}`:
//! a file that is there.

use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::random;
use edge::{Body, Code, Error, Ids, Json, Principal};
use rules::audit::Action;
use rules::limits::{self, NAME};
use rules::nouns::ticket::{Attachment, AttachmentId, FileInfo, Ticket, TicketId, TicketStatus};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::ticket;

use crate::{App, closed};

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewAttachment {
    #[schemars(length(min = 1, max = NAME))]
    file_name: String,
    /// A media type, as text/plain.
    #[schemars(length(min = 3, max = 127))]
    content_type: String,
    /// The bytes in standard base64, at most 262,144 of them.
    base64: String,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CreatedAttachment")]
pub(crate) struct Created {
    id: AttachmentId,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Attachment")]
#[serde(rename_all = "camelCase")]
pub(crate) struct Downloaded {
    file_name: String,
    content_type: String,
    /// The bytes in standard base64.
    base64: String,
}

/// `POST …/attachments`: keeps a file, which the next reply carries.
pub(crate) async fn add(
    State(app): State<App>,
    by: Principal,
    Ids(id): Ids<TicketId>,
    Body(body): Body<NewAttachment>,
) -> Result<Json<Created>, Error> {
    let found = by.find(&ticket::row(id)).await?;
    let file_name = limits::name("fileName", &body.file_name, NAME)?;
    if !limits::is_media_type(&body.content_type) {
        return Err(Error::invalid("contentType", "must be a media type such as text/plain"));
    }
    let bytes = STANDARD.decode(&body.base64);
    let bytes = bytes.map_err(|_| Error::invalid("base64", "must be standard base64 with padding"))?;
    if !(1..=Attachment::BYTES).contains(&bytes.len()) {
        return Err(Error::invalid("base64", format!("must be 1 to {} bytes", Attachment::BYTES)));
    }
    if found.status == TicketStatus::Closed {
        return Err(closed());
    }
    let info = FileInfo {
        id: AttachmentId::from_entropy(random::bytes()),
        file_name,
        content_type: body.content_type,
        size: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
    };
    let mut waiting = found.waiting.clone();
    waiting.push(info.clone());
    let attachment = Attachment { info, vault: by.vault, ticket: id, base64: body.base64 };
    let created = Created { id: attachment.info.id };
    let mut write = app.store.transaction();
    let change = ticket::row(id).change().set(ticket::WAITING, &waiting).add(ticket::ATTACHMENTS, 1);
    let has_room = write.change(
        change.only_if(ticket::WAITING.is(&found.waiting)).only_if(ticket::ATTACHMENTS.less_than(&Ticket::ATTACHMENTS)),
    );
    write.put_new(&attachment);
    write.record(&by.entry(Action::TicketAttachmentAdd, format!("File attached to ticket {id}")));
    if write.commit_unless_refused(has_room).await? {
        return Ok(Json(created));
    }
    if by.find(&ticket::row(id)).await?.attachments >= Ticket::ATTACHMENTS {
        let text = format!("A ticket has at most {} attachments", Ticket::ATTACHMENTS);
        return Err(Error::new(Code::LimitReached, text));
    }
    Err(Error::new(Code::ChangedMeanwhile, "The ticket changed meanwhile, try again"))
}

/// `GET tickets/attachments/{attachmentId}`: a file with its bytes.
pub(crate) async fn one(by: Principal, Ids(id): Ids<AttachmentId>) -> Result<Json<Downloaded>, Error> {
    let Attachment { info, base64, .. } = by.find(&ticket::attachment(id)).await?;
    Ok(Json(Downloaded { file_name: info.file_name, content_type: info.content_type, base64 }))
}
