"""Which functions can send to where somebody else chooses. No role can say so: outside a network of its own every function of
Lambda may open connections. So it is for what is linked in: one function depends on the crate that sends, and that crate alone on
a client of HTTP."""

import tomllib

# A crate that sends, and the crates that may depend on it; beside them tests and what has all functions in one process.
SENDERS = {"reqwest": ("outbound",), "outbound": ("deliver-webhooks",), "hickory-resolver": ()}


def problems(root):
    """A crate of the server that depends on what it must not."""
    for path in sorted(root.glob("shared/*/Cargo.toml")) + sorted(root.glob("functions/*/Cargo.toml")):
        manifest = tomllib.loads(path.read_text())
        name, needs = manifest["package"]["name"], manifest.get("dependencies", {})
        for sender, takers in SENDERS.items():
            if sender in needs and name not in takers:
                yield f"{name} depends on {sender}, which only {' and '.join(takers) or 'nothing'} may"
            if sender not in needs and name in takers:
                yield f"{name} does not depend on {sender}; who sends instead?"
