//! Signatures of a delivery: the published header over the body, and those of Standard Webhooks
//! (github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md) over id, time and body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::KeyPair;
use crypto::mac::hmac_sha256;

use super::SigningSecret;
use crate::Time;
use crate::nouns::DeliveryId;

/// The values of a delivery's signing headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signatures {
    /// `X-SikkerKey-Signature`: hex HMAC-SHA256 of the body, its key the secret's text.
    pub body: String,
    /// `X-SikkerKey-Signature-Previous`: the same by the secret before, while there are two.
    pub body_previous: Option<String>,
    /// `webhook-timestamp`: epoch seconds.
    pub timestamp: String,
    /// `webhook-signature`: a `v1` for each secret, the newest first, and a `v1a` by the deployment's key.
    pub standard: String,
}

/// Signs an attempt with each of the webhook's secrets, the newest first, and with the deployment's key. Nothing when a
/// secret is none, or none is given.
#[must_use]
pub fn sign(
    id: DeliveryId,
    body: &str,
    now: Time,
    secrets: &[SigningSecret],
    deployment: &KeyPair,
) -> Option<Signatures> {
    let (id, timestamp) = (id.to_string(), now.seconds().to_string());
    let signed = [&id, ".", &timestamp, ".", body].map(str::as_bytes);
    let mut of_body = vec![];
    let mut standard = vec![];
    for secret in secrets {
        of_body.push(hex::encode(hmac_sha256(secret.text().expose(), &[body.as_bytes()])));
        standard.push(format!("v1,{}", STANDARD.encode(hmac_sha256(&secret.bytes()?, &signed))));
    }
    standard.push(format!("v1a,{}", STANDARD.encode(deployment.sign(&signed.concat()))));
    let mut of_body = of_body.into_iter();
    let (body, body_previous) = (of_body.next()?, of_body.next());
    Some(Signatures { body, body_previous, timestamp, standard: standard.join(" ") })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks libraries, and signatures that were made with OpenSSL.
    #[test]
    fn golden() {
        let secret = |text: &str| SigningSecret::opened(crypto::Plaintext::new(text.as_bytes().to_vec()));
        let known = secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let signed = [b"msg_p5jXN8AQM9LWM0D4loKWxJek".as_slice(), b".1614265330.", br#"{"test": 2432232314}"#];
        let code = STANDARD.encode(hmac_sha256(&known.bytes().unwrap(), &signed));
        assert_eq!(code, "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");

        let secrets = [SigningSecret::of(&[7; 32]), SigningSecret::of(&[8; 32])];
        assert_eq!(secrets[0].text().expose_str(), Some("whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="));
        let (id, now) = (DeliveryId::from_entropy([3; 16]), Time::from_ms(1_800_000_000_999));
        let deployment = KeyPair::from_seed(&[9; 32]);
        let both = sign(id, "{}", now, &secrets, &deployment).unwrap();
        assert_eq!(both.timestamp, "1800000000");
        let parts: Vec<_> = both.standard.split(' ').collect();
        assert_eq!(parts.len(), 3);
        let signature: [u8; 64] = STANDARD.decode(parts[2].strip_prefix("v1a,").unwrap()).unwrap().try_into().unwrap();
        assert!(deployment.public().verify(format!("{id}.1800000000.{{}}").as_bytes(), &signature));
        let one = sign(id, "{}", now, &secrets[..1], &deployment).unwrap();
        assert_eq!((one.body, one.body_previous), (both.body, None));
        assert!(sign(id, "{}", now, &[], &deployment).is_none());
        assert!(sign(id, "{}", now, &[secret("whsec_%")], &deployment).is_none());
    }
}
