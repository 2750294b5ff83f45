
form.addEventListener("submit", (event) => {
  event.preventDefault();
  confirmLink("/v1/account/verification/confirm", {}, "Your address is verified. You can close this page.");
});
