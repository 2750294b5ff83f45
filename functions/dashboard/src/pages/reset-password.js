
form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (form.password.value !== form.again.value) {
    say("The two are not the same.");
    form.again.focus();
    return;
  }
  const body = { newPassword: form.password.value };
  confirmLink("/v1/account/recovery/confirm", body, "Your password is set. You can sign in with it now.");
});
