//! The function itself: it starts, and answers one kind of event until Lambda ends it.

use std::process::ExitCode;

use edge::seal::Perform;
use edge::{Config, DeliveryRequest, Error, MailRequest, Routes, telemetry};
use serde_json::Value;
use store::audit::Seen;

use crate::start::{Start, StartError};
use crate::{direct, http};

/// A function that is about to start.
pub struct Function {
    name: &'static str,
}

impl Function {
    /// The function of this name.
    #[must_use]
    pub fn named(name: &'static str) -> Self {
        Self { name }
    }

    /// Answers API Gateway with these routes until Lambda ends the process.
    pub fn http(self, routes: impl AsyncFnOnce(&Start) -> Result<Routes, StartError>) -> ExitCode {
        self.run(async |start| http::answer(start, start.make(routes).await?).await.map_err(StartError::Lambda))
    }

    /// Answers other functions' requests for mail, and says of each how many mails that were. An error makes Lambda try again,
    /// and then keep the request for a person.
    pub fn mail_requests<J, D>(self, job: impl AsyncFnOnce(&Start) -> Result<J, StartError>) -> ExitCode
    where
        J: Fn(MailRequest) -> D,
        D: Future<Output = Result<usize, Error>>,
    {
        self.run(async |start| {
            direct::answer_mail_requests(start, start.make(job).await?).await.map_err(StartError::Lambda)
        })
    }

    /// Answers the messages of other functions that have values written.
    pub fn sealing<P: Perform>(self, seal: impl AsyncFnOnce(&Start) -> Result<P, StartError>) -> ExitCode {
        self.run(async |start| {
            direct::answer_sealing(start, &start.make(seal).await?).await.map_err(StartError::Lambda)
        })
    }

    /// Does something each time a schedule fires, and says how many things it ended, changed or sent. An error makes Lambda try
    /// again, and then keep the event for a person.
    pub fn schedule<J, D>(self, job: impl AsyncFnOnce(&Start) -> Result<J, StartError>) -> ExitCode
    where
        J: Fn() -> D,
        D: Future<Output = Result<usize, Error>>,
    {
        self.run(async |start| direct::answer_schedule(start, start.make(job).await?).await.map_err(StartError::Lambda))
    }

    /// Answers other functions and a schedule that have webhooks told. An error makes Lambda try again.
    pub fn deliveries<J, D>(self, job: impl AsyncFnOnce(&Start) -> Result<J, StartError>) -> ExitCode
    where
        J: Fn(DeliveryRequest) -> D,
        D: Future<Output = Result<Value, Error>>,
    {
        self.run(async |start| {
            direct::answer_deliveries(start, start.make(job).await?).await.map_err(StartError::Lambda)
        })
    }

    /// Follows the stream of the audit table, and says of each batch how many of its records mattered. An error makes Lambda
    /// send the batch again.
    pub fn stream<J, D>(self, job: impl AsyncFnOnce(&Start) -> Result<J, StartError>) -> ExitCode
    where
        J: Fn(Vec<Seen>) -> D,
        D: Future<Output = Result<usize, Error>>,
    {
        self.run(async |start| direct::answer_stream(start, start.make(job).await?).await.map_err(StartError::Lambda))
    }

    /// Starts, and goes on until the end; what ends it is the last line of the log.
    #[expect(clippy::disallowed_methods, reason = "the one place of a function that reads the environment")]
    fn run(self, work: impl AsyncFnOnce(&Start) -> Result<(), StartError>) -> ExitCode {
        let environment = |name: &str| std::env::var(name).ok();
        let level = Config::log_level(environment);
        telemetry::start(level.as_ref().unwrap_or(&"info"), std::io::stdout);
        let ended = level.map_err(StartError::Misconfigured).and_then(|_| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async { work(&Start::of(self.name, environment)?).await })
        });
        match ended {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                tracing::error!("{}: {error}", self.name);
                ExitCode::FAILURE
            }
        }
    }
}
