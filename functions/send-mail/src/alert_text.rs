//! The words of an alert mail, as text and as a page. Everything that somebody else chose is escaped there.

use std::fmt::Write as _;

use protocol::VaultId;
use rules::advice::next_step;
use rules::audit::{Action, Record};
use store::Mail;

use crate::alert::{in_words, is_address};

/// How the head of a row looks.
const HEAD: &str = "text-align:left;padding:2px 12px 2px 0;vertical-align:top";

/// What a mail tells of.
pub(crate) struct Alert<'a> {
    /// Our own address.
    pub(crate) url: &'a str,
    pub(crate) vault: VaultId,
    /// The name of the vault's owner.
    pub(crate) owner: &'a str,
    pub(crate) action: Action,
    pub(crate) happened: Happened<'a>,
    /// Who acted, if that is known.
    pub(crate) who: Option<String>,
}

/// What happened, and how often the same besides.
pub(crate) struct Happened<'a> {
    /// None when all of it was held back.
    pub(crate) record: Option<&'a Record>,
    pub(crate) more: u64,
}

/// `auth_failure` as people write it: Auth Failure.
fn title(action: Action) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>()).unwrap_or_default()
    };
    action.kind().name.split('_').map(capital).collect::<Vec<_>>().join(" ")
}

/// Where the page has what a record is about.
fn link(url: &str, record: &Record) -> String {
    match (record.project_id, record.secret_id, record.machine_id, record.ai_agent_id) {
        (Some(project), Some(secret), _, _) => format!("{url}/projects/{project}/secrets/{secret}"),
        (_, _, Some(machine), _) => format!("{url}/machines/{machine}"),
        (_, _, _, Some(agent)) => format!("{url}/ai-agents/{agent}"),
        (Some(project), ..) => format!("{url}/projects/{project}"),
        _ => format!("{url}/audit"),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The mail.
pub(crate) fn mail(to: &str, alert: &Alert<'_>) -> Mail {
    let Alert { url, vault, owner, action, happened, who } = alert;
    let (title, severity) = (title(*action), action.kind().severity.name());
    let mut facts: Vec<(&str, String)> = vec![];
    if let Some(record) = happened.record {
        facts.push(("What", record.detail.clone()));
        facts.extend(who.clone().map(|who| ("Who", who)));
        if is_address(&record.source_ip) {
            facts.push(("From", record.source_ip.clone()));
        }
        facts.push(("When", in_words(record.timestamp)));
        facts.extend(record.secret_id.map(|id| ("Secret", id.to_string())));
        facts.extend(record.project_id.map(|id| ("Project", id.to_string())));
    }
    facts.push(("Vault", format!("{vault} of {owner}")));
    let besides = match (happened.record, happened.more) {
        (_, 0) => None,
        (Some(_), 1) => Some("The same happened once more since the last mail of this kind.".to_owned()),
        (Some(_), more) => Some(format!("The same happened {more} times more since the last mail of this kind.")),
        (None, 1) => Some("It happened once since the last mail of this kind.".to_owned()),
        (None, more) => Some(format!("It happened {more} times since the last mail of this kind.")),
    };
    let links = [
        ("See it", happened.record.map_or_else(|| format!("{url}/audit"), |record| link(url, record))),
        ("Switch mails of this kind off", format!("{url}/alerts")),
    ];

    let mut text = format!("{title} ({severity})\n\n");
    let mut rows = String::new();
    for (name, value) in &facts {
        let _ = writeln!(text, "{name}: {value}");
        let value = escaped(value);
        let _ = writeln!(
            rows,
            "<tr><th scope=\"row\" style=\"{HEAD}\">{name}</th><td style=\"padding:2px 0\">{value}</td></tr>"
        );
    }
    let mut paragraphs: Vec<String> = besides.into_iter().collect();
    paragraphs.push(format!("What to do: {}", next_step(*action)));
    for paragraph in &paragraphs {
        let _ = write!(text, "\n{paragraph}\n");
    }
    for (words, link) in &links {
        let _ = write!(text, "\n{words}:\n{link}\n");
    }
    let mut below = String::new();
    for paragraph in &paragraphs {
        let _ = writeln!(below, "<p>{}</p>", escaped(paragraph));
    }
    for (words, link) in &links {
        let _ = writeln!(below, "<p><a href=\"{}\">{words}</a></p>", escaped(link));
    }
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title}</title>\n<body style=\"font-family:sans-serif;max-width:40em\">\n\
         <h1 style=\"font-size:1.2em\">{title} <small>({severity})</small></h1>\n<table>\n{rows}</table>\n{below}</body>\n</html>\n"
    );
    Mail { to: to.to_owned(), subject: format!("SikkerKey: {title} ({severity})"), text, html: Some(html) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::UserId;
    use rules::Time;
    use rules::audit::{ActorKind, Origin};

    #[test]
    fn a_mail_says_what_to_do_and_runs_nothing_of_what_others_wrote() {
        let (vault, owner) = (VaultId::from_entropy([1; 16]), UserId::from_entropy([2; 16]));
        let address = Some("192.0.2.7".parse().unwrap());
        let at = Time::from_ms(1_800_000_000_000);
        let origin = Origin { vault, owner, actor: ActorKind::External, address, at, kept_days: 1 };
        let record = origin.entry(Action::AuthFailure, "Name <script>\"&\" tried");
        let alert = Alert {
            url: "https://keys.example.org",
            vault,
            owner: "<b>ada</b>",
            action: Action::AuthFailure,
            happened: Happened { record: Some(&record), more: 3 },
            who: None,
        };
        let mail = mail("ada@example.org", &alert);
        assert_eq!(mail.subject, "SikkerKey: Auth Failure (medium)");
        for part in [
            "What: Name <script>\"&\" tried\n",
            "From: 192.0.2.7\n",
            "When: 2027-01-15 08:00:00 UTC\n",
            "3 times more",
            "What to do: If you do not know",
            "\nhttps://keys.example.org/audit\n",
            "\nhttps://keys.example.org/alerts\n",
        ] {
            assert!(mail.text.contains(part), "{part}: {}", mail.text);
        }
        let html = mail.html.unwrap();
        assert!(html.contains("Name &lt;script&gt;&quot;&amp;&quot; tried"), "{html}");
        assert!(!html.contains("<script") && !html.contains("<b>"), "{html}");
        let links = html.matches("href=\"https://keys.example.org/").count();
        assert_eq!(links, 2);
    }
}
