//! The end-to-end suite. One program, so that it links once.

mod agents;
mod audit;
mod bad_input;
mod boundaries;
mod cases;
mod credentials;
mod doors;
mod faults;
mod leaks;
mod listing;
mod lists;
mod lockout;
mod manage;
mod onboarding;
mod openapi;
mod passkeys;
mod people;
mod policies;
mod projects;
mod races;
mod read;
mod secrets;
mod step_up;
mod tampering;
mod telemetry;
mod walk;
