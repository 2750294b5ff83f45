//! What to do about a record that somebody is told of, in a mail.

use crate::audit::{Action, Category};

/// What the reader of an alert mail does next.
#[must_use]
pub fn next_step(action: Action) -> &'static str {
    use Action::{
        AgentApprove, AgentProjectsUpdate, AgentRegister, AgentScopesUpdate, AllowlistDisable, AuditRecordChange,
        AuthFailure, CanaryDisable, CanaryTriggered, EnrollmentDenied, MachineApprove, MachineEnroll, MachineRegister,
        PasswordChange, PasswordReset, PasswordResetRequest, ProjectFreeze, ProjectUnfreeze, SecretDelete,
        SecretReadDenied, SecretRotateDenied, ShareLinkFail, TotpDisable, VaultSettingsUpdate, WebhookDisable,
        WebhookLimitReached,
    };
    match action {
        CanaryTriggered => {
            "Nobody has a reason to read a canary. Take the machine's key for stolen: disable the machine, look in the \
             audit log for what it read, rotate what it could read, and unfreeze the project when that is done."
        }
        AuditRecordChange => {
            "Somebody with rights in the AWS account changed or deleted a record. CloudTrail has who may; restore the \
             audit table to a time before it, and compare."
        }
        AuthFailure => {
            "If you do not know the address or did not do this yourself, find out whose key or password is in use \
             there. A machine whose key may be stolen is disabled with one click."
        }
        SecretReadDenied => {
            "See in the detail which condition refused. If the machine should be able to read the secret, correct that \
             condition; if not, find out who runs on that machine."
        }
        SecretRotateDenied => "See in the detail why it was refused, and try again when that has changed.",
        SecretDelete => "A deleted secret stays in the trash for 30 days. Restore it there if this was a mistake.",
        ShareLinkFail => {
            "The value of the link is destroyed. Ask the person whom it was for whether it was them; make a new link."
        }
        MachineRegister | AgentRegister => {
            "It waits for approval and can do nothing before. Compare the fingerprint of its key, then approve or deny it."
        }
        MachineApprove | AgentApprove | MachineEnroll => {
            "If nobody of yours did this, revoke it and look in the audit log for what it did."
        }
        EnrollmentDenied => {
            "An enrollment token was used where it must not be. If no job of yours did that, revoke the token."
        }
        AgentScopesUpdate | AgentProjectsUpdate => {
            "Look at what the agent may do now, and take back what it does not need."
        }
        ProjectFreeze => "No machine reads in this project until it is unfrozen. Unfreeze it when the reason is gone.",
        ProjectUnfreeze => "Machines read in this project again. Freeze it again if that was too early.",
        CanaryDisable => "Nothing watches this canary any more. Arm it again unless that was meant.",
        AllowlistDisable => {
            "Machines are let in from every address again. Switch the IP allowlist on unless that was meant."
        }
        VaultSettingsUpdate => "Look at the settings of the vault, and set them back if nobody of yours changed them.",
        PasswordChange | PasswordReset | PasswordResetRequest | TotpDisable => {
            "If this was not you, set a new password now; that ends all your sessions. Then look at your second factors."
        }
        WebhookDisable => {
            "Deliveries to this webhook stopped. See the error of its last deliveries, mend the receiver, and switch the \
             webhook on again."
        }
        WebhookLimitReached => {
            "No more deliveries are sent today. Choose fewer actions for your webhooks, or ask the operator for another plan."
        }
        other => match other.kind().category {
            Category::Secrets => {
                "If nobody of yours did this, look in the audit log for who did, and rotate the secret."
            }
            Category::Machines => {
                "If nobody of yours did this, look at the machine or agent, and disable what you do not know."
            }
            Category::Projects => "If nobody of yours did this, look at who may read in the project, and freeze it.",
            Category::Authentication | Category::Teams => {
                "If nobody of yours did this, set it back, and look in the audit log for what else was done."
            }
            Category::Sessions => "If this was not you, revoke the session and set a new password.",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_has_a_sentence() {
        for action in Action::ALL {
            let said = next_step(*action);
            assert!(said.ends_with('.') && !said.contains("  "), "{action:?}: {said}");
        }
    }
}
