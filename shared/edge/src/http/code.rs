//! Codes of errors, for programs: the header `X-SikkerKey-Error`. Texts may get better, codes stay.

use http::StatusCode;

/// The header that carries the code.
pub(crate) const HEADER: &str = "x-sikkerkey-error";

macro_rules! codes {
    ($($status:literal: $($name:ident $text:literal,)+)+) => {
        /// What went wrong, for programs. The status follows from it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[expect(missing_docs, reason = "the names say it")]
        pub enum Code {
            $($($name,)+)+
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$($(Self::$name,)+)+];

            /// The name on the wire.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $($(Self::$name => $text,)+)+
                }
            }

            /// The status that it is sent with.
            #[must_use]
            pub fn status(self) -> StatusCode {
                let status = match self {
                    $($(Self::$name => $status,)+)+
                };
                StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
            }

            /// The code of this name.
            #[must_use]
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.name() == name)
            }
        }
    };
}

codes! {
    400:
        BadJson "bad_json",
        BodyIncomplete "body_incomplete",
        FieldTwice "field_twice",
        NullNotAllowed "null_not_allowed",
        QueryString "query_string",
    401:
        AuthenticationFailed "authentication_failed",
        SecondFactorRequired "second_factor_required",
        SignInRequired "sign_in_required",
    403:
        AccessDenied "access_denied",
        AddressNotAllowed "address_not_allowed",
        AgentDisabled "agent_disabled",
        AgentNotApproved "agent_not_approved",
        EnrollmentAddress "enrollment_address",
        EnrollmentHostname "enrollment_hostname",
        HeaderRequired "header_required",
        HostRefused "host_refused",
        InvitationRequired "invitation_required",
        MachineDisabled "machine_disabled",
        MachineNotApproved "machine_not_approved",
        NotAMember "not_a_member",
        NotCosigned "not_cosigned",
        NotGranted "not_granted",
        OperatorOnly "operator_only",
        OriginRefused "origin_refused",
        OutsideTimeWindow "outside_time_window",
        OwnIdentity "own_identity",
        PlanLimit "plan_limit",
        ScopeMissing "scope_missing",
        SetUpCodeRequired "set_up_code_required",
        StepUpRequired "step_up_required",
    404:
        AgentNotFound "agent_not_found",
        AllowlistEntryNotFound "allowlist_entry_not_found",
        AttachmentNotFound "attachment_not_found",
        ApplicationNotFound "application_not_found",
        CanaryNotFound "canary_not_found",
        DeliveryNotFound "delivery_not_found",
        EnrollmentTokenNotFound "enrollment_token_not_found",
        MachineNotFound "machine_not_found",
        PasskeyNotFound "passkey_not_found",
        PolicyNotFound "policy_not_found",
        ProjectNotFound "project_not_found",
        ResourceNotFound "resource_not_found",
        RouteNotFound "route_not_found",
        SdkNotFound "sdk_not_found",
        ScheduleNotFound "schedule_not_found",
        SecretNotFound "secret_not_found",
        SessionNotFound "session_not_found",
        TicketNotFound "ticket_not_found",
        VaultNotFound "vault_not_found",
        VersionNotFound "version_not_found",
        WebhookNotFound "webhook_not_found",
    409:
        ChangedMeanwhile "changed_meanwhile",
        DenyInstead "deny_instead",
        EmailVerified "email_verified",
        ExistsAlready "exists_already",
        LimitReached "limit_reached",
        NameTaken "name_taken",
        NotAttached "not_attached",
        NotBegun "not_begun",
        NotInTrash "not_in_trash",
        OtherFingerprint "other_fingerprint",
        PasskeysUnavailable "passkeys_unavailable",
        PolicyBound "policy_bound",
        PolicyNotBindable "policy_not_bindable",
        RatedAlready "rated_already",
        RevokeInstead "revoke_instead",
        SecondFactorExists "second_factor_exists",
        SecondFactorMissing "second_factor_missing",
        TicketClosed "ticket_closed",
        TicketNotResolved "ticket_not_resolved",
        TokenUsedUp "token_used_up",
        ScheduleExists "schedule_exists",
        ValueFixed "value_fixed",
    410:
        LinkGone "link_gone",
        PassphraseWrong "passphrase_wrong",
    413:
        AnswerTooLarge "answer_too_large",
        BodyTooLarge "body_too_large",
    415:
        ContentType "content_type",
    422:
        Invalid "invalid",
    423:
        ProjectFrozen "project_frozen",
    429:
        Busy "busy",
        HeldBack "held_back",
        LockedOut "locked_out",
        RateCapped "rate_capped",
    500:
        Internal "internal",
    503:
        MailUnavailable "mail_unavailable",
        OutcomeUnknown "outcome_unknown",
        Sealed "sealed",
        Unavailable "unavailable",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_names_that_lead_back() {
        for code in Code::ALL {
            assert!(code.name().chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{}", code.name());
            assert_eq!(Code::named(code.name()), Some(*code));
        }
        assert_eq!(Code::named("nonsense"), None);
    }
}
