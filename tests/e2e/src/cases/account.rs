//! People: sign-up, sign-in, sessions, passwords, second factors, passkeys.

use serde_json::json;
use vault::audit::Action;

use super::{By, Case, OPEN, SELF, get, post};

/// Whoever comes from our own page.
const SAME_ORIGIN: By = [403, 200, 200, 403, 403, 403];
/// Who has the account that is named, and nobody else.
const OWNER: By = [401, 200, 404, 401, 401, 401];

pub(super) fn cases() -> Vec<Case> {
    let sign_up = json!({ "email": "$newEmail", "username": "x", "password": "$password" });
    let sign_in = json!({ "email": "$email", "password": "$password" });
    let change = json!({ "currentPassword": "$password", "newPassword": "$newPassword" });
    let reset = json!({ "token": "$resetToken", "newPassword": "$newPassword" });
    let password = json!({ "password": "$password" });
    let both = json!({ "password": "$password", "totp": "$recoveryCode" });
    let registered = json!({ "ceremony": "$registration", "name": "n", "credential": "$newCredential" });
    let asserted = json!({ "ceremony": "$ceremony", "credential": "$credential" });
    vec![
        post("/v1/account/sign-up").body(sign_up).by(SAME_ORIGIN).effect(Action::AccountCreate).refuses(&[429]),
        post("/v1/account/sign-in").body(sign_in).by(SAME_ORIGIN).effect(Action::SessionCreate).refuses(&[401, 429]),
        post("/v1/account/sign-out").by(SELF).alone().effect(Action::SessionEnd),
        get("/v1/account").by(SELF),
        post("/v1/account/password").body(change).by(SELF).alone().effect(Action::PasswordChange).refuses(&[429]),
        get("/v1/account/sessions").by(SELF),
        post("/v1/account/sessions/{id}/revoke").naming("id", "session").by(OWNER).effect(Action::SessionRevoke),
        post("/v1/account/verification").by(SELF).alone(),
        post("/v1/account/verification/confirm")
            .body(json!({ "token": "$verificationToken" }))
            .by([200, 410, 410, 410, 410, 410])
            .alone()
            .by_hand()
            .effect(Action::EmailVerify)
            .refuses(&[410, 429]),
        post("/v1/account/recovery")
            .body(json!({ "email": "$email" }))
            .by(OPEN)
            .alone()
            .effect(Action::PasswordResetRequest)
            .refuses(&[429]),
        post("/v1/account/recovery/confirm")
            .body(reset)
            .by([200, 410, 410, 410, 410, 410])
            .alone()
            .by_hand()
            .effect(Action::PasswordReset)
            .refuses(&[410, 429]),
        post("/v1/account/totp/enroll").body(password.clone()).by(SELF).alone().refuses(&[429]),
        post("/v1/account/totp/confirm")
            .body(json!({ "totp": "$firstCode" }))
            .by([401, 200, 409, 401, 401, 401])
            .alone()
            .by_hand()
            .effect(Action::TotpEnable)
            .refuses(&[429]),
        post("/v1/account/totp/recovery-codes")
            .body(both.clone())
            .by([401, 200, 409, 401, 401, 401])
            .alone()
            .by_hand()
            .effect(Action::RecoveryCodesCreate)
            .refuses(&[429]),
        post("/v1/account/totp/disable")
            .body(both)
            .by([401, 200, 409, 401, 401, 401])
            .alone()
            .by_hand()
            .effect(Action::TotpDisable)
            .refuses(&[429]),
        get("/v1/account/passkeys").by(SELF),
        post("/v1/account/passkeys/register").body(password).by(SELF).refuses(&[429]),
        post("/v1/account/passkeys/register/finish")
            .body(registered)
            .by([401, 200, 410, 401, 401, 401])
            .alone()
            .by_hand()
            .effect(Action::PasskeyAdd)
            .refuses(&[410]),
        post("/v1/account/passkeys/sign-in").by(OPEN).refuses(&[429]),
        post("/v1/account/passkeys/sign-in/finish")
            .body(asserted)
            .by([200, 410, 410, 410, 410, 410])
            .alone()
            .by_hand()
            .effect(Action::SessionCreate)
            .refuses(&[401, 410, 429]),
        post("/v1/account/passkeys/{id}/rename")
            .body(json!({ "name": "n" }))
            .naming("id", "passkey")
            .by(OWNER)
            .alone()
            .by_hand()
            .effect(Action::PasskeyRename),
        post("/v1/account/passkeys/{id}/remove")
            .naming("id", "passkey")
            .by(OWNER)
            .alone()
            .by_hand()
            .effect(Action::PasskeyRemove),
    ]
}
