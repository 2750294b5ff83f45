//! People: sign-up, sign-in, sessions, passwords, second factors, passkeys.

use rules::audit::Action;
use serde_json::json;

use super::topics::{ACCOUNT, MAILED_LINKS, PASSKEYS, SECOND_FACTOR, about};
use super::{By, Case, OPEN, SELF, get, post};

/// Whoever comes from our own page.
const SAME_ORIGIN: By = [403, 200, 200, 403, 403, 403];
/// Who has the account that is named, and nobody else.
const OWNER: By = [401, 200, 404, 401, 401, 401];

pub(super) fn cases() -> Vec<Case> {
    [
        about(ACCOUNT, account()),
        about(ACCOUNT, step_up()),
        about(MAILED_LINKS, mailed_links()),
        about(SECOND_FACTOR, second_factor()),
        about(PASSKEYS, passkeys()),
    ]
    .concat()
}

fn account() -> Vec<Case> {
    let sign_up = json!({ "email": "$newEmail", "username": "owner", "password": "$password" });
    let sign_in = json!({ "email": "$email", "password": "$password" });
    let change = json!({ "currentPassword": "$password", "newPassword": "$newPassword" });
    vec![
        post("signUp", "/v1/account/sign-up")
            .body(sign_up)
            .by(SAME_ORIGIN)
            .effect(Action::AccountCreate)
            .refuses(&[429]),
        post("signIn", "/v1/account/sign-in")
            .body(sign_in)
            .by(SAME_ORIGIN)
            .effect(Action::SessionCreate)
            .refuses(&[401, 429]),
        post("signOut", "/v1/account/sign-out").by(SELF).alone().effect(Action::SessionEnd),
        get("getAccount", "/v1/account").by(SELF),
        post("changePassword", "/v1/account/password")
            .body(change)
            .by(SELF)
            .alone()
            .effect(Action::PasswordChange)
            .refuses(&[429]),
        get("listSessions", "/v1/account/sessions").by(SELF),
        post("revokeSession", "/v1/account/sessions/{id}/revoke")
            .naming("id", "session")
            .by(OWNER)
            .effect(Action::SessionRevoke),
    ]
}

fn mailed_links() -> Vec<Case> {
    let reset = json!({ "token": "$resetToken", "newPassword": "$newPassword" });
    vec![
        post("requestVerification", "/v1/account/verification").by(SELF).alone(),
        post("verifyEmail", "/v1/account/verification/confirm")
            .body(json!({ "token": "$verificationToken" }))
            .by([200, 410, 410, 410, 410, 410])
            .alone()
            .by_hand()
            .effect(Action::EmailVerify)
            .refuses(&[410, 429]),
        post("requestPasswordReset", "/v1/account/recovery")
            .body(json!({ "email": "$email" }))
            .by(OPEN)
            .alone()
            .effect(Action::PasswordResetRequest)
            .recorded_later()
            .refuses(&[429]),
        post("resetPassword", "/v1/account/recovery/confirm")
            .body(reset)
            .by([200, 410, 410, 410, 410, 410])
            .alone()
            .by_hand()
            .effect(Action::PasswordReset)
            .refuses(&[410, 429]),
    ]
}

fn second_factor() -> Vec<Case> {
    let password = json!({ "password": "$password" });
    let both = json!({ "password": "$password", "totp": "$recoveryCode" });
    vec![
        post("enrollTotp", "/v1/account/totp/enroll").body(password.clone()).by(SELF).alone().refuses(&[429]),
        post("confirmTotp", "/v1/account/totp/confirm")
            .body(json!({ "totp": "$firstCode" }))
            .by([401, 200, 409, 401, 401, 401])
            .alone()
            .by_hand()
            .effect(Action::TotpEnable)
            .refuses(&[429]),
        post("replaceRecoveryCodes", "/v1/account/totp/recovery-codes")
            .body(both.clone())
            .by([401, 200, 409, 401, 401, 401])
            .alone()
            .by_hand()
            .effect(Action::RecoveryCodesCreate)
            .refuses(&[429]),
        post("disableTotp", "/v1/account/totp/disable")
            .body(both)
            .by([401, 200, 409, 401, 401, 401])
            .alone()
            .by_hand()
            .effect(Action::TotpDisable)
            .refuses(&[429]),
    ]
}

fn step_up() -> Vec<Case> {
    vec![
        post("stepUp", "/v1/account/step-up")
            .body(json!({ "password": "$password" }))
            .by(SELF)
            .effect(Action::StepUp)
            .refuses(&[410, 429]),
        post("beginStepUpWithPasskey", "/v1/account/step-up/passkey").by(SELF),
    ]
}

fn passkeys() -> Vec<Case> {
    let password = json!({ "password": "$password" });
    let registered = json!({ "ceremony": "$registration", "name": "laptop", "credential": "$newCredential" });
    let asserted = json!({ "ceremony": "$ceremony", "credential": "$credential" });
    vec![
        get("listPasskeys", "/v1/account/passkeys").by(SELF),
        post("beginPasskeyRegistration", "/v1/account/passkeys/register").body(password).by(SELF).refuses(&[429]),
        post("finishPasskeyRegistration", "/v1/account/passkeys/register/finish")
            .body(registered)
            .by([401, 200, 410, 401, 401, 401])
            .alone()
            .by_hand()
            .effect(Action::PasskeyAdd)
            .refuses(&[410]),
        post("beginPasskeySignIn", "/v1/account/passkeys/sign-in").by(OPEN).refuses(&[429]),
        post("finishPasskeySignIn", "/v1/account/passkeys/sign-in/finish")
            .body(asserted)
            .by([200, 410, 410, 410, 410, 410])
            .alone()
            .by_hand()
            .effect(Action::SessionCreate)
            .refuses(&[401, 410, 429]),
        post("renamePasskey", "/v1/account/passkeys/{id}/rename")
            .body(json!({ "name": "laptop" }))
            .naming("id", "passkey")
            .by(OWNER)
            .alone()
            .by_hand()
            .effect(Action::PasskeyRename),
        post("removePasskey", "/v1/account/passkeys/{id}/remove")
            .naming("id", "passkey")
            .by(OWNER)
            .alone()
            .by_hand()
            .effect(Action::PasskeyRemove),
    ]
}
