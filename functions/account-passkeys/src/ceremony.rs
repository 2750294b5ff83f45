//! A ceremony between its two requests.

use crypto::{OneTimeToken, TokenHash};
use edge::Error;
use protocol::UserId;
use rules::Time;
use rules::nouns::Ceremony;
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::passkey;

use crate::App;

impl App {
    /// Keeps what the end of a ceremony has to know. Gives the token under which it is kept.
    pub(crate) async fn begin(&self, user: Option<UserId>, state: &impl Serialize, now: Time) -> Result<String, Error> {
        let token = OneTimeToken::make().to_hex();
        let ceremony = Ceremony {
            hash: TokenHash::of_hex(&token).ok_or_else(|| Error::internal("a token of another shape"))?,
            user,
            state: serde_json::to_string(state).map_err(|error| Error::internal(error.to_string()))?,
            expires_at: now.plus_seconds(Ceremony::SECONDS),
        };
        let mut write = self.store.transaction();
        write.put_new(&ceremony);
        write.commit().await?;
        Ok(token)
    }

    /// What was kept, if it is of this person, or of nobody, and in time. The caller deletes it with what it changes, so
    /// that no ceremony ends twice.
    pub(crate) async fn begun<T: DeserializeOwned>(
        &self,
        token: &str,
        user: Option<UserId>,
        now: Time,
    ) -> Result<(TokenHash, T), Error> {
        let hash = TokenHash::of_hex(token).ok_or_else(Error::gone)?;
        let ceremony = self.store.get(&passkey::ceremony(&hash)).await?;
        let ceremony = ceremony.filter(|ceremony| ceremony.user == user && ceremony.expires_at > now);
        let state = serde_json::from_str(&ceremony.ok_or_else(Error::gone)?.state);
        Ok((hash, state.map_err(|_| Error::internal("a ceremony of another shape"))?))
    }
}
