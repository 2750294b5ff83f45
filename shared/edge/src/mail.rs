//! Asking for a mail. Who asks names the occasion and the person, or what happened; `send-mail` alone makes the link in a mail and
//! sends it.
//!
//! A request waits for nothing that depends on the person, so that its answer and its time say nothing about whether
//! there is an account.

use std::net::IpAddr;

use async_trait::async_trait;
use protocol::{UserId, VaultId};
use rules::audit::{Action, Record};
use serde::{Deserialize, Serialize};

use crate::{Code, Error};

/// A mail that somebody asks for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "mail", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum MailRequest {
    /// The link that shows that an address is a person's.
    VerifyEmail {
        /// Who has to show it.
        user: UserId,
    },
    /// The link that sets a new password, if there is an account with this address.
    ResetPassword {
        /// The address, as somebody typed it.
        email: String,
        /// Where they are.
        address: IpAddr,
    },
    /// What a vault's owner wants to be told of, if a mail of the same was not sent a moment ago.
    Alert {
        /// What happened.
        record: Box<Record>,
        /// How often the same happened besides, just now.
        more: u64,
    },
    /// How often it happened since, if mails of this action were held back.
    HeldAlerts {
        /// The vault.
        vault: VaultId,
        /// The action.
        action: Action,
    },
}

impl MailRequest {
    /// The occasion's name, for the log.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::VerifyEmail { .. } => "verify_email",
            Self::ResetPassword { .. } => "reset_password",
            Self::Alert { .. } => "alert",
            Self::HeldAlerts { .. } => "held_alerts",
        }
    }
}

/// Takes requests for mail; what becomes of them is not this caller's business.
#[async_trait]
pub trait MailQueue: Send + Sync {
    /// Hands a request over.
    async fn push(&self, request: MailRequest) -> Result<(), Error>;
}

impl dyn MailQueue {
    /// Hands a request over that somebody in the background makes; none where this server sends no mail.
    pub async fn push_if_sent(&self, request: MailRequest) -> Result<(), Error> {
        match self.push(request).await {
            Err(error) if error.code() == Code::MailUnavailable => Ok(()),
            other => other,
        }
    }
}

/// The queue of a server that has no sender.
pub struct NoMail;

#[async_trait]
impl MailQueue for NoMail {
    async fn push(&self, _: MailRequest) -> Result<(), Error> {
        Err(Error::new(
            Code::MailUnavailable,
            "This server sends no mail; its operator has to set the sender (MailFrom)",
        ))
    }
}
