//! The only sender of mail. Other functions ask for one by its occasion. A link in a mail is made here, exists in the mail alone,
//! and is stored as a hash; alerts tell of what was recorded.
//!
//! Whether there is an account for an address is found out here and told to nobody. A person gets at most a few links of
//! a kind at a time, however often somebody asks. A mail that cannot be handed over is an error, so that whoever runs
//! this tries again; its link is taken back.

mod alert;
mod alert_text;

use std::sync::Arc;

use crypto::{OneTimeToken, TokenHash};
use edge::{Base, Clock, Config, Error, MailRequest, Origins};
use rules::audit::{Action, ActorKind, Record};
use rules::nouns::{LinkPurpose, MailedLink, User};
use store::{Mail, Mailer, Store, link, person};

/// How often a link is tried again when another one was counted first.
const TRIES: usize = 8;

/// The function.
#[derive(Clone)]
pub struct SendMail {
    store: Store,
    clock: Clock,
    config: Arc<Config>,
    mailer: Arc<dyn Mailer>,
    origins: Origins,
}

impl SendMail {
    /// From the services, and what carries mail.
    #[must_use]
    pub fn new(base: &Base, mailer: Arc<dyn Mailer>) -> Self {
        let (store, clock, config) = (base.store.clone(), base.clock.clone(), base.config.clone());
        Self { store, clock, config, mailer, origins: Origins::new(base) }
    }

    /// Does what was asked for. Says how many mails that were.
    pub async fn send(&self, request: &MailRequest) -> Result<usize, Error> {
        match request {
            MailRequest::VerifyEmail { user } => {
                let user = self.store.get(&person::row(*user)).await?;
                match user.filter(|user| user.email_verified_at.is_none()) {
                    Some(user) => self.send_link(&user, LinkPurpose::VerifyEmail, None).await,
                    None => Ok(0),
                }
            }
            MailRequest::ResetPassword { email, address } => {
                let Some(user) = self.store.user_by_email(email).await? else { return Ok(0) };
                let now = self.clock.now();
                let origin = self.origins.in_vault(user.vault, ActorKind::External, Some(*address), now).await?;
                let record = origin.entry(Action::PasswordResetRequest, "Link to set a new password asked for");
                self.send_link(&user, LinkPurpose::ResetPassword, Some(&record)).await
            }
            MailRequest::Alert { record, more } => self.alert(record, *more).await,
            MailRequest::HeldAlerts { vault, action } => self.held_alerts(*vault, *action).await,
        }
    }

    async fn send_link(&self, user: &User, purpose: LinkPurpose, record: Option<&Record>) -> Result<usize, Error> {
        let now = self.clock.now();
        let until = now.plus_seconds(purpose.seconds());
        for _ in 0..TRIES {
            let known = self.store.get(&link::sent(user.id, purpose)).await?;
            let Some(next) = known.clone().unwrap_or_default().with(until, now) else {
                tracing::warn!(?purpose, "no link was sent: three of this purpose are good already");
                return Ok(0);
            };
            let token = OneTimeToken::make().to_link_text();
            let made = MailedLink {
                hash: TokenHash::of_link_text(&token).ok_or_else(|| Error::internal("a token of another shape"))?,
                purpose,
                user: user.id,
                email: user.email.clone(),
                created_at: now,
                expires_at: until,
            };
            let mut write = self.store.transaction();
            let counted = write.change(link::note_sent(user.id, purpose, known.as_ref(), &next, now));
            write.put_new(&made);
            if let Some(record) = record {
                write.record(record);
            }
            if !write.commit_unless_refused(counted).await? {
                // Somebody else had one sent meanwhile.
                continue;
            }
            if let Err(error) = self.mailer.send(&self.mail(user, purpose, &token)).await {
                self.take_back(&made).await?;
                return Err(Error::unavailable("The mail was not taken").inside(error.to_string()));
            }
            return Ok(1);
        }
        Err(Error::unavailable("Many links are asked for at once, try again"))
    }

    /// Takes back a link that was not sent, and its place in the count.
    async fn take_back(&self, made: &MailedLink) -> Result<(), Error> {
        self.store.delete_all(std::slice::from_ref(made)).await?;
        for _ in 0..TRIES {
            let Some(known) = self.store.get(&link::sent(made.user, made.purpose)).await? else { return Ok(()) };
            let next = known.without(made.expires_at);
            let change = link::note_sent(made.user, made.purpose, Some(&known), &next, self.clock.now());
            if self.store.change_if(change).await? {
                break;
            }
        }
        Ok(())
    }

    /// The mail with a link. The token is behind a `#`, so that it reaches no server's log and no scanner of mail uses it up.
    fn mail(&self, user: &User, purpose: LinkPurpose, token: &str) -> Mail {
        let url = &self.config.url;
        let (subject, text) = match purpose {
            LinkPurpose::VerifyEmail => (
                "Verify your e-mail address for SikkerKey",
                format!(
                    "This address was given for an account at {url}.\n\n\
                     To show that it is yours, open this link within 24 hours:\n\n\
                     {url}/verify-email#{token}\n\n\
                     If you made no account there, ignore this mail.\n"
                ),
            ),
            LinkPurpose::ResetPassword => (
                "Set a new password for SikkerKey",
                format!(
                    "Somebody asked to set a new password for your account at {url}.\n\n\
                     To set one, open this link within 30 minutes. It works once and ends all your sessions:\n\n\
                     {url}/reset-password#{token}\n\n\
                     If that was not you, ignore this mail; your password stays as it is.\n"
                ),
            ),
        };
        Mail { to: user.email.clone(), subject: subject.to_owned(), text, html: None }
    }
}
