//! What is given out as it is.

use super::{Case, OPEN, get};

pub(super) fn cases() -> Vec<Case> {
    ["/", "/v1/openapi.json", "/verify-email", "/reset-password"].map(|path| get(path).by(OPEN)).to_vec()
}
