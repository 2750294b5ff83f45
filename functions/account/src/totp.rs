//! `POST /v1/account/totp/enroll`, `/confirm`, `/disable`, `/recovery-codes`: the second factor, an authenticator app with
//! recovery codes.
//!
//! Each of these but the confirmation asks for the password, and what takes protection away asks for a code too: a
//! session that was stolen must not be able to lock its owner out or let the thief stay.

use std::collections::BTreeSet;

use axum::extract::State;
use crypto::recovery_codes::{RecoveryCodes, RecoveryHashes};
use crypto::{Plaintext, totp};
use edge::answer::{self, Done, Nothing, SecretJson};
use edge::body::SMALL;
use edge::passwords::Turn;
use edge::{Body, Code, Error, Json, Person, done};
use rules::audit::Action;
use rules::nouns::SecondFactor;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{Change, second_factor, vault};
use zeroize::Zeroizing;

use crate::App;

#[derive(Deserialize, JsonSchema)]
#[schemars(rename = "PasswordConfirmation")]
#[serde(deny_unknown_fields)]
pub(crate) struct Password {
    password: Plaintext,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TotpCode {
    totp: Plaintext,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordAndCode {
    password: Plaintext,
    totp: Plaintext,
}

/// A seed, to be shown once.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "TotpEnrollment")]
pub(crate) struct Enrollment {
    /// Base32, to be typed into an app.
    #[schemars(with = "String")]
    secret: Zeroizing<String>,
    /// The same as an `otpauth:` address, for a QR code.
    #[schemars(with = "String")]
    uri: Zeroizing<String>,
}

/// Recovery codes, to be shown once.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RecoveryCodes")]
#[serde(rename_all = "camelCase")]
pub(crate) struct Codes {
    #[schemars(with = "Vec<String>")]
    recovery_codes: Vec<Zeroizing<String>>,
}

/// `POST /v1/account/totp/enroll`: a seed for an authenticator app. It asks for nothing at sign-in until a code confirms it.
pub(crate) async fn enroll(
    State(app): State<App>,
    person: Person,
    Body(body): Body<Password, SMALL>,
) -> Result<SecretJson<Enrollment>, Error> {
    app.passwords.confirm_alone(&person, body.password, "Enrollment of an authenticator app").await?;
    let user = &person.user;
    if app.store.second_factor(user.id).await?.is_some() {
        return Err(Error::new(Code::SecondFactorExists, "There is a second factor; disable it first"));
    }
    let vault = app.store.get(&vault::row(user.vault)).await?.ok_or_else(|| Error::internal("no vault"))?;
    let vault_key = app.keys.vault_key(&vault, person.now).await?;
    let seed = totp::make_seed();
    let factor = SecondFactor {
        user: user.id,
        seed: vault_key.seal(SecondFactor::PURPOSE, &user.id, &seed),
        created_at: person.now,
        confirmed_at: None,
        last_step: 0,
        recovery_salt: String::new(),
        recovery_hashes: BTreeSet::new(),
    };
    let mut write = app.store.transaction();
    // One that was confirmed meanwhile stays.
    let unconfirmed = write.put_unless(&factor, second_factor::CONFIRMED_AT);
    if !write.commit_unless_refused(unconfirmed).await? {
        return Err(Error::new(Code::SecondFactorExists, "There is a second factor; disable it first"));
    }
    let enrollment = Enrollment { secret: totp::base32(&seed), uri: totp::otpauth(&seed, &user.email) };
    Ok(answer::secret_json(&enrollment, enrollment.uri.len() * 2))
}

/// `POST /v1/account/totp/confirm`: switches the second factor on by a first right code. Answers with the recovery codes.
pub(crate) async fn confirm(
    State(app): State<App>,
    person: Person,
    Body(body): Body<TotpCode, SMALL>,
) -> Result<SecretJson<Codes>, Error> {
    let begun = app.store.get(&second_factor::row(person.user.id)).await?.filter(|factor| {
        factor.confirmed_at.is_none() && factor.created_at.plus_seconds(SecondFactor::CONFIRM_SECONDS) > person.now
    });
    let factor = begun
        .ok_or_else(|| Error::new(Code::NotBegun, "No enrollment was begun in the last ten minutes; begin one"))?;
    let attempt = app.passwords.begin_again(&person).await?;
    let Some(step) = app.codes.step_of(person.user.vault, &factor, &body.totp).await? else {
        let detail = "Confirmation of an authenticator app with a wrong code".to_owned();
        return Err(app.passwords.refuse(&person, detail).await);
    };
    let change = second_factor::row(factor.user)
        .change()
        .set(second_factor::CONFIRMED_AT, &Some(person.now))
        .set(second_factor::LAST_STEP, &step)
        .only_if(second_factor::SEED.is(&factor.seed))
        .only_if(second_factor::LAST_STEP.is(&factor.last_step));
    let record = person.entry(Action::TotpEnable, "Authenticator app enabled");
    app.set_codes(&attempt.right().await?, change, &record).await
}

/// `POST /v1/account/totp/recovery-codes`: new recovery codes in place of those there are.
pub(crate) async fn recovery_codes(
    State(app): State<App>,
    person: Person,
    Body(body): Body<PasswordAndCode, SMALL>,
) -> Result<SecretJson<Codes>, Error> {
    let what = "New recovery codes";
    let factor = app.second_factor(&person).await?;
    let begun = app.passwords.confirm(&person, body.password, what).await?;
    let proof = app.confirm_code(&begun, &person, &factor, body.totp, what).await?;
    let record = person.entry(Action::RecoveryCodesCreate, "Recovery codes replaced");
    app.set_codes(&begun.right().await?, proof.spend_replacing(&factor), &record).await
}

/// `POST /v1/account/totp/disable`: switches the second factor off.
pub(crate) async fn disable(
    State(app): State<App>,
    person: Person,
    Body(body): Body<PasswordAndCode, SMALL>,
) -> Result<Json<Done<Nothing>>, Error> {
    let what = "Disabling of the second factor";
    let factor = app.second_factor(&person).await?;
    let begun = app.passwords.confirm(&person, body.password, what).await?;
    app.confirm_code(&begun, &person, &factor, body.totp, what).await?;
    begun.right().await?;
    let mut write = app.store.transaction();
    // Not a second factor that was set up meanwhile.
    write.delete_if(&second_factor::row(factor.user), [second_factor::SEED.is(&factor.seed)]);
    write.record(&person.entry(Action::TotpDisable, "Authenticator app and recovery codes disabled"));
    write.commit().await?;
    Ok(done(Nothing {}))
}

impl App {
    /// Makes a set of recovery codes part of an update of the second factor, and answers with them.
    async fn set_codes(
        &self,
        turn: &Turn,
        change: Change<SecondFactor>,
        record: &rules::audit::Record,
    ) -> Result<SecretJson<Codes>, Error> {
        let (codes, RecoveryHashes { salt, hashes }) = turn.work(RecoveryCodes::make).await?;
        let mut write = self.store.transaction();
        write.change(change.set(second_factor::RECOVERY_SALT, &salt).set(second_factor::RECOVERY_HASHES, &hashes));
        write.record(record);
        write.commit().await?;
        let codes = Codes { recovery_codes: codes.expose().collect() };
        let size = codes.recovery_codes.iter().map(|code| code.len() + 3).sum();
        Ok(answer::secret_json(&codes, size))
    }
}
