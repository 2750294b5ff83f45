//! Configuration: one typed place, from environment variables. A wrong or missing one stops the function at its start
//! with a message that names it.

use rules::lockout::Limits;
use rules::plan::{Plans, UNLIMITED};

/// Everything that can be set.
#[derive(Debug, Clone)]
pub struct Config {
    /// `SIKKERKEY_URL`: the origin clients reach us at; no path, no trailing slash. Handed out as `apiUrl`.
    pub url: String,
    /// `SIKKERKEY_TABLE_PREFIX`: tables are named `{prefix}-vault` and so on.
    pub table_prefix: String,
    /// `SIKKERKEY_KEY_CACHE_SECONDS`: how long an unwrapped key may be kept, 0 to 300.
    pub key_cache_seconds: u64,
    /// `SIKKERKEY_LOCKOUT_FAILURES`, `_WINDOW_SECONDS`, `_LOCK_SECONDS`.
    pub lockout: Limits,
    /// `SIKKERKEY_OPEN_SIGN_UP`: whether anybody may make an account after the first one.
    pub open_sign_up: bool,
    /// `SIKKERKEY_SET_UP_CODE_HASH`: SHA-256 of the code that the first account has to show. Without it none is asked for.
    pub set_up_code_hash: Option<String>,
    /// `SIKKERKEY_PLANS`: the deployment's plans, a JSON object by name.
    pub plans: Plans,
    /// `SIKKERKEY_DEFAULT_PLAN`: the name of the plan of new vaults; without it they have no limits.
    pub default_plan: Option<String>,
    /// `SIKKERKEY_WEBHOOK_PORTS`: ports beside 443 that webhooks may have.
    pub webhook_ports: Vec<u16>,
    /// Whether webhooks may be on this computer, by http too. In local mode only, by an option of its command line.
    pub loopback_webhooks: bool,
    /// `SIKKERKEY_DELIVERY_FUNCTION`: name or ARN of the function that delivers to webhooks. On AWS only.
    pub delivery_function: Option<String>,
    /// `SIKKERKEY_KMS_KEY`: ARN of the KMS key under the keys of projects and vaults. On AWS only.
    pub kms_key: Option<String>,
    /// `SIKKERKEY_SEAL_FUNCTION`: name or ARN of the function that writes values. On AWS only.
    pub seal_function: Option<String>,
    /// `SIKKERKEY_MAIL_FUNCTION`: name or ARN of the function that sends mail. On AWS only.
    pub mail_function: Option<String>,
    /// `SIKKERKEY_MAIL_FROM`: the sender of our mail, as in a `From` line. Without it there is no mail. On AWS only.
    pub mail_from: Option<String>,
}

/// An environment variable that is missing or wrong.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("environment variable {name} {problem}")]
pub struct Misconfigured {
    name: &'static str,
    problem: String,
}

impl Config {
    /// The defaults, for a server at this origin.
    #[must_use]
    pub fn at(url: String) -> Self {
        Self {
            url,
            table_prefix: "sikkerkey".to_owned(),
            key_cache_seconds: 300,
            lockout: Limits::default(),
            open_sign_up: false,
            set_up_code_hash: None,
            plans: Plans::default(),
            default_plan: None,
            webhook_ports: vec![],
            loopback_webhooks: false,
            delivery_function: None,
            kms_key: None,
            seal_function: None,
            mail_function: None,
            mail_from: None,
        }
    }

    /// Reads the environment through `lookup`, so that this is the only place that knows the names of our variables.
    pub fn from_environment(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, Misconfigured> {
        let wrong = |name, problem: &str| Misconfigured { name, problem: problem.to_owned() };
        let number = |name: &'static str, default: u64| match lookup(name) {
            None => Ok(default),
            Some(text) => text.parse().map_err(|_| wrong(name, "must be a whole number")),
        };
        let url = lookup("SIKKERKEY_URL").ok_or_else(|| wrong("SIKKERKEY_URL", "is missing; set it to our origin"))?;
        let mut config = Self::at(url);
        if !is_origin(&config.url) {
            let problem = "must be https://HOST or http://localhost:PORT, without a path or a trailing slash";
            return Err(wrong("SIKKERKEY_URL", problem));
        }
        if let Some(prefix) = lookup("SIKKERKEY_TABLE_PREFIX") {
            config.table_prefix = prefix;
        }
        let in_names = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        if !(1..=200).contains(&config.table_prefix.len()) || !config.table_prefix.bytes().all(in_names) {
            return Err(wrong("SIKKERKEY_TABLE_PREFIX", "must be 1 to 200 letters, digits, `_`, `.` and `-`"));
        }
        config.key_cache_seconds = number("SIKKERKEY_KEY_CACHE_SECONDS", config.key_cache_seconds)?;
        if config.key_cache_seconds > store::KeyRing::LONGEST_SECONDS {
            return Err(wrong("SIKKERKEY_KEY_CACHE_SECONDS", "must be 0 to 300"));
        }
        let failures = number("SIKKERKEY_LOCKOUT_FAILURES", 10)?;
        if !(1..=1_000).contains(&failures) {
            return Err(wrong("SIKKERKEY_LOCKOUT_FAILURES", "must be 1 to 1000"));
        }
        config.lockout.failures = usize::try_from(failures).unwrap_or(10);
        let seconds = |name: &'static str, default| match number(name, default)? {
            seconds @ 1..=86_400 => Ok(seconds),
            _ => Err(wrong(name, "must be 1 to 86400")),
        };
        config.lockout.window_seconds = seconds("SIKKERKEY_LOCKOUT_WINDOW_SECONDS", config.lockout.window_seconds)?;
        config.lockout.lock_seconds = seconds("SIKKERKEY_LOCKOUT_LOCK_SECONDS", config.lockout.lock_seconds)?;
        config.open_sign_up = match lookup("SIKKERKEY_OPEN_SIGN_UP").as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return Err(wrong("SIKKERKEY_OPEN_SIGN_UP", "must be true or false")),
        };
        config.set_up_code_hash = lookup("SIKKERKEY_SET_UP_CODE_HASH");
        let is_hash = |text: &String| text.len() == 64 && text.bytes().all(|b| b"0123456789abcdef".contains(&b));
        if config.set_up_code_hash.as_ref().is_some_and(|text| !is_hash(text)) {
            return Err(wrong("SIKKERKEY_SET_UP_CODE_HASH", "must be 64 lower-case hex digits"));
        }
        let given = |name| lookup(name).filter(|text| !text.is_empty());
        if let Some(json) = given("SIKKERKEY_PLANS") {
            config.plans = Plans::parse(&json).map_err(|error| wrong("SIKKERKEY_PLANS", &error.to_string()))?;
        }
        config.default_plan = given("SIKKERKEY_DEFAULT_PLAN");
        if config.default_plan.as_ref().is_some_and(|name| !config.plans.has(name)) {
            return Err(wrong("SIKKERKEY_DEFAULT_PLAN", &format!("must be one of SIKKERKEY_PLANS, or {UNLIMITED}")));
        }
        // A vault on it has no plan in its row.
        config.default_plan = config.default_plan.filter(|name| name != UNLIMITED);
        let ports = given("SIKKERKEY_WEBHOOK_PORTS").unwrap_or_default();
        let port = |text: &str| text.trim().parse().ok().filter(|port| *port != 0);
        let ports: Option<Vec<u16>> = ports.split(',').filter(|text| !text.trim().is_empty()).map(port).collect();
        config.webhook_ports =
            ports.ok_or_else(|| wrong("SIKKERKEY_WEBHOOK_PORTS", "must list ports, as 8443,9443"))?;
        config.delivery_function = lookup("SIKKERKEY_DELIVERY_FUNCTION");
        config.kms_key = lookup("SIKKERKEY_KMS_KEY");
        if config.kms_key.as_ref().is_some_and(|key| !key.starts_with("arn:")) {
            return Err(wrong("SIKKERKEY_KMS_KEY", "must be an ARN (arn:aws:kms:...)"));
        }
        config.seal_function = lookup("SIKKERKEY_SEAL_FUNCTION");
        config.mail_function = lookup("SIKKERKEY_MAIL_FUNCTION");
        config.mail_from = lookup("SIKKERKEY_MAIL_FROM").filter(|from| !from.is_empty());
        if config.mail_from.as_ref().is_some_and(|from| !from.contains('@') || from.contains(char::is_control)) {
            return Err(wrong("SIKKERKEY_MAIL_FROM", "must be an address, as keys@example.org"));
        }
        Ok(config)
    }

    /// `SIKKERKEY_LOG` of a function: `info`, `warn` or `error`. Below that the AWS clients would log what they send.
    pub fn log_level(lookup: impl Fn(&str) -> Option<String>) -> Result<&'static str, Misconfigured> {
        match lookup("SIKKERKEY_LOG").as_deref() {
            None | Some("info") => Ok("info"),
            Some("warn") => Ok("warn"),
            Some("error") => Ok("error"),
            Some(_) => Err(Misconfigured { name: "SIKKERKEY_LOG", problem: "must be info, warn or error".to_owned() }),
        }
    }

    /// The KMS key, for a function that needs one.
    pub fn kms_key(&self) -> Result<&str, Misconfigured> {
        let problem = "is missing; set it to the ARN of the deployment's KMS key";
        self.kms_key.as_deref().ok_or_else(|| Misconfigured { name: "SIKKERKEY_KMS_KEY", problem: problem.to_owned() })
    }

    /// The function that sends mail, for a function that has mail sent.
    pub fn mail_function(&self) -> Result<&str, Misconfigured> {
        let problem = "is missing; set it to the name of the deployment's send-mail function".to_owned();
        self.mail_function.as_deref().ok_or(Misconfigured { name: "SIKKERKEY_MAIL_FUNCTION", problem })
    }

    /// The function that delivers to webhooks, for a function that has something delivered.
    pub fn delivery_function(&self) -> Result<&str, Misconfigured> {
        let problem = "is missing; set it to the name of the deployment's deliver-webhooks function".to_owned();
        self.delivery_function.as_deref().ok_or(Misconfigured { name: "SIKKERKEY_DELIVERY_FUNCTION", problem })
    }

    /// The function that writes values, for a function that has values written.
    pub fn seal_function(&self) -> Result<&str, Misconfigured> {
        let problem = "is missing; set it to the name of the deployment's seal-secret function".to_owned();
        self.seal_function.as_deref().ok_or(Misconfigured { name: "SIKKERKEY_SEAL_FUNCTION", problem })
    }
}

/// Whether a text is an origin that clients accept. It goes into scripts unquoted, so nothing else may be in it.
fn is_origin(url: &str) -> bool {
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let (rest, local) = match (url.strip_prefix("https://"), url.strip_prefix("http://localhost")) {
        (Some(rest), _) => (rest, false),
        (None, Some(rest)) => (rest, true),
        (None, None) => return false,
    };
    let (host, port) = rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port)));
    let is_host = !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
    port.is_none_or(is_port) && if local { host.is_empty() } else { is_host }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(set: &[(&str, &str)]) -> Result<Config, Misconfigured> {
        Config::from_environment(|name| {
            set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn defaults_need_only_the_url() {
        let config = read(&[("SIKKERKEY_URL", "https://keys.example.org")]).unwrap();
        assert_eq!((config.key_cache_seconds, config.lockout.failures, config.open_sign_up), (300, 10, false));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let url = ("SIKKERKEY_URL", "http://localhost:8080");
        for (set, name) in [
            (&[][..], "SIKKERKEY_URL"),
            (&[("SIKKERKEY_URL", "https://keys.example.org/")], "SIKKERKEY_URL"),
            (&[("SIKKERKEY_URL", "https://keys.example.org/path")], "SIKKERKEY_URL"),
            (&[("SIKKERKEY_URL", "http://keys.example.org")], "SIKKERKEY_URL"),
            (&[("SIKKERKEY_URL", "http://localhost.evil.example")], "SIKKERKEY_URL"),
            (&[("SIKKERKEY_URL", "http://localhost:80/path")], "SIKKERKEY_URL"),
            (&[("SIKKERKEY_URL", "https://keys.example.org;id")], "SIKKERKEY_URL"),
            (&[("SIKKERKEY_URL", "https://")], "SIKKERKEY_URL"),
            (&[url, ("SIKKERKEY_LOCKOUT_LOCK_SECONDS", "0")], "SIKKERKEY_LOCKOUT_LOCK_SECONDS"),
            (&[url, ("SIKKERKEY_KEY_CACHE_SECONDS", "301")], "SIKKERKEY_KEY_CACHE_SECONDS"),
            (&[url, ("SIKKERKEY_LOCKOUT_FAILURES", "many")], "SIKKERKEY_LOCKOUT_FAILURES"),
            (&[url, ("SIKKERKEY_LOCKOUT_FAILURES", "0")], "SIKKERKEY_LOCKOUT_FAILURES"),
            (&[url, ("SIKKERKEY_OPEN_SIGN_UP", "yes")], "SIKKERKEY_OPEN_SIGN_UP"),
            (&[url, ("SIKKERKEY_TABLE_PREFIX", "")], "SIKKERKEY_TABLE_PREFIX"),
            (&[url, ("SIKKERKEY_TABLE_PREFIX", "a/b")], "SIKKERKEY_TABLE_PREFIX"),
            (&[url, ("SIKKERKEY_SET_UP_CODE_HASH", "ABC")], "SIKKERKEY_SET_UP_CODE_HASH"),
            (&[url, ("SIKKERKEY_KMS_KEY", "alias/sikkerkey")], "SIKKERKEY_KMS_KEY"),
            (&[url, ("SIKKERKEY_PLANS", "free")], "SIKKERKEY_PLANS"),
            (&[url, ("SIKKERKEY_PLANS", r#"{"free":{"project":1}}"#)], "SIKKERKEY_PLANS"),
            (&[url, ("SIKKERKEY_DEFAULT_PLAN", "free")], "SIKKERKEY_DEFAULT_PLAN"),
            (&[url, ("SIKKERKEY_WEBHOOK_PORTS", "8443;9443")], "SIKKERKEY_WEBHOOK_PORTS"),
            (&[url, ("SIKKERKEY_WEBHOOK_PORTS", "0")], "SIKKERKEY_WEBHOOK_PORTS"),
            (&[url, ("SIKKERKEY_MAIL_FROM", "example.org")], "SIKKERKEY_MAIL_FROM"),
            (&[url, ("SIKKERKEY_MAIL_FROM", "keys@example.org\nBcc: x@example.org")], "SIKKERKEY_MAIL_FROM"),
        ] {
            assert_eq!(read(set).unwrap_err().name, name, "{set:?}");
        }
        let config = read(&[url]).unwrap();
        let plans = ("SIKKERKEY_PLANS", r#"{"free":{"projects":1}}"#);
        let with_plans = read(&[url, plans, ("SIKKERKEY_DEFAULT_PLAN", "free")]).unwrap();
        assert_eq!(with_plans.default_plan.as_deref(), Some("free"));
        assert_eq!(read(&[url, ("SIKKERKEY_PLANS", ""), ("SIKKERKEY_DEFAULT_PLAN", "")]).unwrap().default_plan, None);
        let ports = ("SIKKERKEY_WEBHOOK_PORTS", "8443, 9443");
        assert_eq!(read(&[url, ports]).unwrap().webhook_ports, [8443, 9443]);
        assert_eq!(config.delivery_function().unwrap_err().name, "SIKKERKEY_DELIVERY_FUNCTION");
        assert_eq!(config.kms_key().unwrap_err().name, "SIKKERKEY_KMS_KEY");
        assert_eq!(Config::log_level(|_| None), Ok("info"));
        assert_eq!(Config::log_level(|_| Some("debug".to_owned())).unwrap_err().name, "SIKKERKEY_LOG");
        assert_eq!(config.seal_function().unwrap_err().name, "SIKKERKEY_SEAL_FUNCTION");
        assert_eq!(config.mail_function().unwrap_err().name, "SIKKERKEY_MAIL_FUNCTION");
        assert_eq!(read(&[url, ("SIKKERKEY_MAIL_FROM", "")]).unwrap().mail_from, None);
    }
}
