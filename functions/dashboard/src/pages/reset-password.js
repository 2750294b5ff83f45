
const token = location.hash.slice(1);
history.replaceState(null, "", location.pathname);
const form = document.querySelector("form");
const button = form.querySelector("button");
const say = (text) => { document.querySelector("[role=status]").textContent = text; };
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (form.password.value !== form.again.value) {
    say("The two are not the same.");
    return;
  }
  button.disabled = true;
  try {
    const answer = await fetch("/v1/account/recovery/confirm", {
      method: "POST",
      headers: { "content-type": "application/json", "x-sikkerkey-request": "1" },
      body: JSON.stringify({ token, newPassword: form.password.value }),
    });
    if (answer.ok) {
      form.remove();
      say("Your password is set. You can sign in with it now.");
      return;
    }
    say((await answer.json()).error);
  } catch {
    say("The server did not answer. Try again.");
  }
  button.disabled = false;
});
