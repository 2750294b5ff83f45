//! `POST /v1/account/sign-up`: makes an account with its vault and signs in.
//!
//! The first account on a deployment is its owner, and shows the set-up code where the deployment has one. Afterwards sign-up is by invitation unless the operator opens it. Where
//! it is open the answer tells whether an address has an account, because it signs in at once; each such answer counts
//! toward the lockout.

use std::net::IpAddr;

use axum::extract::State;
use crypto::envelope::KeyContext;
use crypto::{Plaintext, random, sha256};
use edge::body::SMALL;
use edge::{Body, Code, Error, Json, MailRequest, SameOrigin, SignedIn, SourceAddress, WithCookie, new_session};
use http::HeaderMap;
use protocol::{UserId, VaultId};
use rules::audit::{Action, ActorKind};
use rules::limits::{self, NAME};
use rules::lockout::Guessed;
use rules::nouns::{User, Vault};
use schemars::JsonSchema;
use serde::Deserialize;
use store::CommitError;
use store::person::deployment_owner;
use store::person::{DeploymentOwner, EmailAddress};
use store::vault::VaultEntry;
use zeroize::Zeroizing;

use crate::App;

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SignUp {
    email: String,
    #[schemars(length(min = 1, max = NAME))]
    username: String,
    password: Plaintext,
    /// Of the first account, where the deployment asks for it: the code that `infra/deploy` printed.
    set_up_code: Option<Plaintext>,
}

pub(crate) async fn sign_up(
    State(app): State<App>,
    _: SameOrigin,
    from: SourceAddress,
    headers: HeaderMap,
    Body(body): Body<SignUp, SMALL>,
) -> Result<WithCookie<Json<SignedIn>>, Error> {
    let email = limits::email(&body.email)?;
    let username = limits::name("username", &body.username, NAME)?;
    limits::new_password("password", &body.password)?;
    let by_invitation = || Error::new(Code::InvitationRequired, "Sign-up is by invitation on this server");
    let first = app.store.get(&deployment_owner()).await?.is_none();
    if !first && !app.config.open_sign_up {
        return Err(by_invitation());
    }
    if first && let Some(hash) = &app.config.set_up_code_hash {
        app.check_set_up_code(body.set_up_code.as_ref(), hash, from.ip()).await?;
    }

    let turn = app.passwords.turn_at(from.ip()).await?;
    let now = app.clock.now();
    let vault_id = VaultId::from_entropy(random::bytes());
    let user = User {
        id: UserId::from_entropy(random::bytes()),
        email,
        username,
        password_hash: turn.hash(body.password).await?,
        vault: vault_id,
        created_at: now,
        email_verified_at: None,
        sessions_since: None,
    };
    let vault = Vault {
        id: vault_id,
        owner: user.id,
        key: app.keys.make_wrapped(&KeyContext::Vault(vault_id)).await?,
        allowlist_enabled: false,
        allowlist: std::collections::BTreeMap::new(),
        step_up_off: false,
        audit_retention_days: None,
        plan: app.config.default_plan.clone(),
        created_at: now,
    };
    let (session, cookie) = new_session(user.id, from.ip(), &headers, now)?;
    let origin = app.origins.of(&vault, ActorKind::User, Some(from.ip()), now);

    let mut write = app.store.transaction();
    let address = write.put_new(&EmailAddress { email: user.email.clone(), user: user.id });
    let owner = first.then(|| write.put_new(&DeploymentOwner { user: user.id }));
    write.put_new(&user);
    write.put_new(&vault);
    write.put_new(&VaultEntry::from(&vault));
    write.put_new(&session);
    write.record(&origin.entry(Action::AccountCreate, "Account created").person(user.id));
    match write.commit().await {
        Ok(()) => {
            // The account is made; a link that was not sent can be asked for again.
            if let Err(error) = app.mail.push(MailRequest::VerifyEmail { user: user.id }).await {
                tracing::warn!(?error, "the link that verifies an address was not asked for");
            }
            Ok(WithCookie(Json(SignedIn { user_id: user.id, vault_id }), cookie))
        }
        Err(CommitError::Refused(step)) if step == address => {
            // Counted, so that nobody can try addresses by the thousand.
            let exists = Error::new(Code::ExistsAlready, "An account with this e-mail address exists, sign in instead");
            Err(app.attempts.refuse(Guessed::Password, from.ip(), None, exists).await)
        }
        // Somebody else became the owner meanwhile; where sign-up is open, asking again is all it takes.
        Err(CommitError::Refused(step)) if Some(step) == owner && !app.config.open_sign_up => Err(by_invitation()),
        Err(error) => Err(error.into()),
    }
}

impl App {
    /// The code as it was printed, in either letter case, with or without dashes and spaces. A wrong one counts as a guess.
    async fn check_set_up_code(&self, code: Option<&Plaintext>, hash: &str, from: IpAddr) -> Result<(), Error> {
        let needed = |text| Error::new(Code::SetUpCodeRequired, text);
        let Some(code) = code else {
            return Err(needed("The first account needs the set-up code that infra/deploy printed, as setUpCode"));
        };
        let mut typed = Zeroizing::new(code.expose().to_ascii_uppercase());
        typed.retain(|byte| !b" -".contains(byte));
        if hex::encode(sha256(&typed)) == hash {
            return Ok(());
        }
        let wrong = needed("This is not the set-up code; infra/deploy --new-set-up-code makes another");
        Err(self.attempts.refuse(Guessed::Token, from, None, wrong).await)
    }
}
