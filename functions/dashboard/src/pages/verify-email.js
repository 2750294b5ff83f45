
const token = location.hash.slice(1);
history.replaceState(null, "", location.pathname);
const form = document.querySelector("form");
const say = (text) => { document.querySelector("[role=status]").textContent = text; };
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  form.querySelector("button").disabled = true;
  try {
    const answer = await fetch("/v1/account/verification/confirm", {
      method: "POST",
      headers: { "content-type": "application/json", "x-sikkerkey-request": "1" },
      body: JSON.stringify({ token }),
    });
    say(answer.ok ? "Your address is verified. You can close this page." : (await answer.json()).error);
  } catch {
    say("The server did not answer. Try again.");
    form.querySelector("button").disabled = false;
  }
});
