
// The link's token is the path. The server has no other place for the passphrase than this form, and the value comes nowhere
// but into the field below.
const left = form.querySelector("time");
const shown = document.querySelector("section");
const value = shown.querySelector("textarea");
const copy = shown.querySelector("button");

// Twenty letters and digits without those that look alike. What cannot be a passphrase is not sent, because it would destroy
// the value.
const isPassphrase = (text) => /^[a-hjkmnp-z02-9]{20}$/.test(text.toLowerCase().replace(/[^a-z0-9]/g, ""));

// From now on, because the clock here may be another one than the server's.
const endsAt = Date.now() + Number(left.dataset.left);

const countDown = () => {
  const seconds = Math.max(0, Math.ceil((endsAt - Date.now()) / 1000));
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  left.textContent = parts.map((part) => String(part).padStart(2, "0")).join(":");
  if (seconds > 0) return;
  clearInterval(counting);
  if (!form.hidden) end("This link has expired. Ask for a new one.");
};
const counting = setInterval(countDown, 1000);
countDown();

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!isPassphrase(form.passphrase.value)) {
    say("This cannot be the passphrase, so it was not sent: it has 20 letters and digits, without i, l, o and 1.");
    form.passphrase.focus();
    return;
  }
  send(location.pathname, { passphrase: form.passphrase.value }, (opened) => {
    form.passphrase.value = "";
    form.hidden = true;
    shown.querySelector("h2").textContent = opened.name;
    value.value = opened.value;
    shown.hidden = false;
    shown.querySelector("h2").focus();
  });
});

copy.addEventListener("click", async () => {
  value.select();
  try {
    await navigator.clipboard.writeText(value.value);
    say("Copied.");
  } catch {
    say("The browser does not let this page copy. The value is selected, copy it by hand.");
  }
});
