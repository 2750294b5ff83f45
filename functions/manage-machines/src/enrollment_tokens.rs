//! `enrollment-tokens`: tokens with which CI runs and serverless functions enroll themselves. What a token
//! grants is fixed when it is made; its plaintext is shown once.

use axum::extract::State;
use crypto::{OneTimeToken, TokenHash, random};
use edge::answer::Done;
use edge::listing::{Page, Pager, Whole};
use edge::paging::SIZE_LIMIT;
use edge::{Body, Error, Ids, Json, Principal, done};
use ipnet::IpNet;
use protocol::{ProjectId, SecretId};
use rules::Time;
use rules::audit::Action;
use rules::enrollment::{self, LIFETIME_SECONDS, NAMED, USES};
use rules::limits::{self, NAME, TEXT};
use rules::names::NameFilter;
use rules::nouns::{EnrollmentToken, EnrollmentTokenId, EnrollmentTokenState, Revocation};
use rules::plan::Counted;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::token::EnrollmentTokenHash;
use store::{project, secret, token};

use crate::App;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "EnrollmentTokens")]
pub(crate) struct Tokens {
    tokens: Vec<TokenView>,
}

/// A token as people see it: everything but its plaintext, which nobody has any more.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "EnrollmentToken")]
#[serde(rename_all = "camelCase")]
pub(crate) struct TokenView {
    id: EnrollmentTokenId,
    name: String,
    description: Option<String>,
    project_ids: Vec<ProjectId>,
    secret_ids: Vec<SecretId>,
    machine_lifetime_seconds: u64,
    max_uses: u64,
    uses: u64,
    #[schemars(with = "Option<String>")]
    source_cidr: Option<IpNet>,
    hostname_pattern: Option<String>,
    name_pattern: Option<String>,
    expires_at: Time,
    revoked: bool,
    revoked_at: Option<Time>,
    revocation_reason: Option<String>,
    created_at: Time,
    last_used_at: Option<Time>,
}

impl From<EnrollmentToken> for TokenView {
    fn from(token: EnrollmentToken) -> Self {
        let (revoked_at, revocation_reason) = token.revoked.map_or((None, None), |r| (Some(r.at), r.reason));
        Self {
            id: token.id,
            name: token.name,
            description: token.description,
            project_ids: token.project_ids,
            secret_ids: token.secret_ids,
            machine_lifetime_seconds: token.machine_lifetime_seconds,
            max_uses: token.max_uses,
            uses: token.uses,
            source_cidr: token.source_cidr,
            hostname_pattern: token.hostname_pattern,
            name_pattern: token.name_pattern,
            expires_at: token.expires_at,
            revoked: revoked_at.is_some(),
            revoked_at,
            revocation_reason,
            created_at: token.created_at,
            last_used_at: token.last_used_at,
        }
    }
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "NewEnrollmentToken")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewToken {
    #[schemars(length(min = 1, max = NAME))]
    name: String,
    #[schemars(length(max = TEXT))]
    description: Option<String>,
    /// `null` counts as none.
    project_ids: Option<Vec<ProjectId>>,
    /// `null` counts as none.
    secret_ids: Option<Vec<SecretId>>,
    #[schemars(range(min = *LIFETIME_SECONDS.start(), max = *LIFETIME_SECONDS.end()))]
    token_lifetime_seconds: u64,
    #[schemars(range(min = *LIFETIME_SECONDS.start(), max = *LIFETIME_SECONDS.end()))]
    machine_lifetime_seconds: u64,
    #[schemars(range(min = *USES.start(), max = *USES.end()))]
    max_uses: u64,
    source_cidr: Option<String>,
    hostname_pattern: Option<String>,
    name_pattern: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "MadeEnrollmentToken")]
#[serde(rename_all = "camelCase")]
pub(crate) struct MadeToken {
    id: EnrollmentTokenId,
    /// Shown this once.
    token: String,
    enroll_url: String,
    expires_at: Time,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "RevocationReason")]
#[serde(deny_unknown_fields)]
pub(crate) struct Reason {
    #[schemars(length(max = TEXT))]
    reason: Option<String>,
}

impl Tokens {
    fn of(tokens: Vec<TokenView>) -> Self {
        Self { tokens }
    }
}

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "EnrollmentTokenQuery")]
#[serde(deny_unknown_fields)]
pub(crate) struct Query {
    #[schemars(range(min = 1, max = SIZE_LIMIT))]
    limit: Option<u64>,
    cursor: Option<String>,
    /// The whole name, in any letter case.
    name: Option<String>,
    state: Option<EnrollmentTokenState>,
    /// Those that enrolled nothing for 30 days; or, with `false`, the others.
    unused: Option<bool>,
}

/// `GET enrollment-tokens`: the enrollment tokens, revoked and expired ones too, for 90 days after their end.
pub(crate) async fn list(State(app): State<App>, by: Principal) -> Result<Json<Whole<Tokens>>, Error> {
    let show = |token| by.may_see(&token).then(|| TokenView::from(token));
    Ok(Pager::whole().along(&app.store, token::of_vault(by.vault), show).await?.whole(Tokens::of))
}

/// `POST enrollment-tokens/query`: the same a page at a time; by name, state and use.
pub(crate) async fn query(
    State(app): State<App>,
    by: Principal,
    Body(query): Body<Query>,
) -> Result<Json<Page<Tokens>>, Error> {
    let pager = Pager::page(query.limit, query.cursor.as_deref())?;
    let name = NameFilter::of(query.name.as_deref());
    let wanted = |token: &EnrollmentToken| {
        by.may_see(token)
            && name.takes(&token.name)
            && query.state.is_none_or(|state| state == token.state(by.now))
            && query.unused.is_none_or(|unused| unused == by.now.is_unused(token.last_used_at, token.created_at))
    };
    let show = |token| wanted(&token).then(|| TokenView::from(token));
    Ok(pager.along(&app.store, token::of_vault(by.vault), show).await?.page(Tokens::of))
}

/// `GET enrollment-tokens/{tokenId}`: one enrollment token, without its plaintext.
pub(crate) async fn one(by: Principal, Ids(id): Ids<EnrollmentTokenId>) -> Result<Json<TokenView>, Error> {
    Ok(Json(by.find(&token::enrollment(id)).await?.into()))
}

/// `POST enrollment-tokens`: a new enrollment token.
pub(crate) async fn create(
    State(app): State<App>,
    by: Principal,
    Body(body): Body<NewToken>,
) -> Result<Json<MadeToken>, Error> {
    let plaintext = OneTimeToken::make().to_enrollment_text();
    let hash = TokenHash::of_enrollment_text(&plaintext).ok_or_else(|| Error::internal("a token of another shape"))?;
    let token = app.checked(&by, body, hash).await?;
    by.step_up()?;
    let is_kept = app.keep(&by, &token).await? || (app.settle(&by).await? && app.keep(&by, &token).await?);
    if !is_kept {
        return Err(by.room(Counted::EnrollmentTokens).full());
    }
    let enroll_url = format!("{}/v1/{}/enroll/register", app.config.url, by.vault);
    Ok(Json(MadeToken { id: token.id, token: plaintext, enroll_url, expires_at: token.expires_at }))
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RevokedEnrollmentToken")]
#[serde(rename_all = "camelCase")]
pub(crate) struct RevokedToken {
    token_id: EnrollmentTokenId,
}

/// `POST enrollment-tokens/{tokenId}/revoke`: stops new enrollments; machines already enrolled stay. A
/// revoked token stays as it is.
pub(crate) async fn revoke(
    State(app): State<App>,
    by: Principal,
    Ids(id): Ids<EnrollmentTokenId>,
    Body(body): Body<Reason>,
) -> Result<Json<Done<RevokedToken>>, Error> {
    let token = by.find(&token::enrollment(id)).await?;
    let revocation = Some(Revocation { at: by.now, reason: limits::text("reason", body.reason.as_deref())? });
    let mut write = app.store.transaction();
    let removed_at = EnrollmentToken::removed_at(by.now);
    let revoked = token::enrollment(id).change().set(token::REVOKED, &revocation).drop_after(removed_at);
    let revoked = write.change(revoked.only_if(token::REVOKED.absent()));
    let hash = token::enrollment_hash(&token.hash).change().set(token::of_hash::REVOKED, &revocation);
    write.change(hash.drop_after(removed_at));
    write.record(&by.entry(Action::EnrollmentTokenRevoke, format!("Enrollment token {} revoked", token.name)));
    // Refused means that it was revoked before.
    write.commit_unless_refused(revoked).await?;
    Ok(done(RevokedToken { token_id: id }))
}

impl App {
    /// Writes a new token, if there is room for it.
    async fn keep(&self, by: &Principal, token: &EnrollmentToken) -> Result<bool, Error> {
        let EnrollmentToken { id, expires_at, .. } = *token;
        let mut write = self.store.transaction();
        let has_room = by.room(Counted::EnrollmentTokens).take(&mut write, by.now);
        write.put_new(token);
        write.put_new(&EnrollmentTokenHash { hash: token.hash.clone(), id, expires_at, revoked: None });
        write.record(&by.entry(Action::EnrollmentTokenCreate, format!("Enrollment token {} created", token.name)));
        Ok(write.commit_unless_refused(has_room).await?)
    }

    /// Counts the tokens that can still be used: they end by themselves, and nobody takes them off the count then. Says whether
    /// the count was too high.
    async fn settle(&self, by: &Principal) -> Result<bool, Error> {
        let kind = Counted::EnrollmentTokens;
        let counted = self.store.usage(by.vault).await?.get(&kind).copied().unwrap_or_default();
        let usable = EnrollmentToken::usable(&self.store.all(token::of_vault(by.vault)).await?, by.now);
        Ok(self.store.settle_usage(by.vault, kind, counted, usable, by.now).await?)
    }

    /// A token from what was asked for, if all of it is allowed.
    async fn checked(&self, by: &Principal, body: NewToken, hash: TokenHash) -> Result<EnrollmentToken, Error> {
        let mut project_ids = body.project_ids.unwrap_or_default();
        let mut secret_ids = body.secret_ids.unwrap_or_default();
        project_ids.sort_unstable();
        project_ids.dedup();
        secret_ids.sort_unstable();
        secret_ids.dedup();
        let too_many = || {
            let problem =
                format!("and projectIds must list at most {NAMED} ids together, with the projects of the secrets");
            Error::invalid("secretIds", problem)
        };
        if project_ids.len() + secret_ids.len() > NAMED {
            return Err(too_many());
        }
        project_ids.extend(self.check_named(by, &project_ids, &secret_ids).await?);
        project_ids.sort_unstable();
        project_ids.dedup();
        if project_ids.len() + secret_ids.len() > NAMED {
            return Err(too_many());
        }
        // An empty text is none, as everywhere.
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let (hostname_pattern, name_pattern) = (given(body.hostname_pattern), given(body.name_pattern));
        if let Some(pattern) = &hostname_pattern {
            enrollment::hostname_pattern(pattern)?;
        }
        if let Some(pattern) = &name_pattern {
            enrollment::name_pattern(pattern)?;
        }
        let lifetime = limits::number("tokenLifetimeSeconds", body.token_lifetime_seconds, LIFETIME_SECONDS)?;
        Ok(EnrollmentToken {
            id: EnrollmentTokenId::from_entropy(random::bytes()),
            hash,
            vault: by.vault,
            name: limits::name("name", &body.name, NAME)?,
            description: limits::text("description", body.description.as_deref())?,
            project_ids,
            secret_ids,
            machine_lifetime_seconds: limits::number(
                "machineLifetimeSeconds",
                body.machine_lifetime_seconds,
                LIFETIME_SECONDS,
            )?,
            max_uses: limits::number("maxUses", body.max_uses, USES)?,
            uses: 0,
            source_cidr: given(body.source_cidr).map(|text| limits::cidr("sourceCidr", &text)).transpose()?,
            hostname_pattern,
            name_pattern,
            expires_at: by.now.plus_seconds(lifetime),
            revoked: None,
            created_at: by.now,
            last_used_at: None,
        })
    }

    /// Every project and every secret has to be of this vault and there. Gives the projects of the secrets.
    async fn check_named(
        &self,
        by: &Principal,
        projects: &[ProjectId],
        secrets: &[SecretId],
    ) -> Result<Vec<ProjectId>, Error> {
        let keys: Vec<_> = projects.iter().map(|id| project::row(*id)).collect();
        if by.find_all(&keys).await?.len() != projects.len() {
            return Err(Error::not_found("Project"));
        }
        let keys: Vec<_> = secrets.iter().map(|id| secret::row(*id)).collect();
        let found = by.find_all(&keys).await?;
        if found.len() != secrets.len() {
            return Err(Error::not_found("Secret"));
        }
        Ok(found.iter().map(|secret| secret.project).collect())
    }
}
