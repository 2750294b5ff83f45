// What pages with a form have in common.
const form = document.querySelector("form");
const button = form.querySelector("button");
const status = document.querySelector("[role=status]");

const say = (text) => { status.textContent = text; };

// The last word: nothing more can be done here.
const end = (text) => {
  history.replaceState(null, "", location.pathname);
  form.hidden = true;
  say(text);
  status.focus();
};

// What went wrong. Our own answers say it in `error`, the gateway's in `message`.
const problem = async (answer) => {
  const body = await answer.json().catch(() => ({}));
  const text = body.error ?? body.message ?? `The server answered with status ${answer.status}`;
  return answer.status === 410 ? `${text}. Ask for a new one.` : `${text}. You can try again.`;
};

// Sends the form to the API. The button is not disabled, because that takes the focus away.
const send = async (path, body, done) => {
  if (button.ariaDisabled === "true") return;
  button.ariaDisabled = "true";
  say("");
  try {
    const answer = await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json", "x-sikkerkey-request": "1" },
      body: JSON.stringify(body),
    });
    if (answer.ok) done(await answer.json());
    else if (answer.status === 410) end(await problem(answer));
    else say(await problem(answer));
  } catch {
    say("The server did not answer. You can try again.");
  }
  button.ariaDisabled = null;
};
