//! What is given out as it is.

use super::topics::{PAGES, about};
use super::{Case, OPEN, get};

pub(super) fn cases() -> Vec<Case> {
    let cases = [
        get("getWelcome", "/"),
        get("getOpenApi", "/v1/openapi.json"),
        get("getHealth", "/v1/health"),
        get("getWebhookKeys", "/v1/webhooks/keys"),
        get("getVerificationPage", "/verify-email"),
        get("getPasswordResetPage", "/reset-password"),
    ];
    about(PAGES, cases.map(|case| case.by(OPEN)))
}
