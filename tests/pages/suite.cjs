// The pages that links lead to, in Chromium: those in mails, and share links. `./tests/pages/run` installs what this needs.

const { spawn } = require("node:child_process");
const { createInterface } = require("node:readline");
const { once } = require("node:events");
const assert = require("node:assert/strict");
const { chromium } = require("playwright-core");

const PERSON = { email: "owner@example.com", username: "Owner", password: "correct-horse-battery-9" };
const NEW_PASSWORD = "another-horse-battery-8";
const VERIFICATION = "/v1/account/verification/confirm";
const RECOVERY = "/v1/account/recovery/confirm";
// The narrowest screen that WCAG 2.2 (1.4.10, Reflow) names, in CSS pixels.
const NARROW = { width: 320, height: 480 };
// WCAG 2.2 (1.4.3): the contrast of text with what is behind it.
const CONTRAST = 4.5;

/** A local server with nothing in it: `url`, where its mails are shown, and `stop`. */
async function startServer() {
  const [command, ...words] = (process.env.SIKKERKEY_LOCAL || "local/run").split(" ");
  const child = spawn(command, [...words, "--port", "0", "--ephemeral"], { stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const word = async (name) => {
    const { value, done } = await lines.next();
    assert.ok(!done && value.startsWith(`${name} `), `the server printed ${value}`);
    return value.slice(name.length + 1);
  };
  const [url, mails] = [await word("ready"), await word("mails")];
  const stop = async () => {
    child.kill("SIGTERM");
    if (child.exitCode === null) await once(child, "exit");
  };
  return { url, mails, stop };
}

/** Calls the API as a script would. */
async function call(server, path, body, cookie = "") {
  const headers = { "content-type": "application/json", "x-sikkerkey-request": "1", cookie };
  const answer = await fetch(server.url + path, { method: "POST", headers, body: JSON.stringify(body) });
  const json = await answer.json().catch(() => ({}));
  return { status: answer.status, json, cookie: answer.headers.getSetCookie()[0]?.split(";")[0] };
}

const SHARED = "MARKER-shared-value\nof <b>two</b> lines";

/** A new share link: its page and its passphrase. */
async function shareLink(server, owner, seconds = 86_400) {
  const body = { name: "database <i>password</i>", expiresInSeconds: seconds, value: SHARED };
  const made = await call(server, `/v1/manage/projects/${owner.project}/temporary-secrets`, body, owner.cookie);
  assert.equal(made.status, 200, JSON.stringify(made.json));
  return made.json;
}

/** The link of the newest mail that leads to this page. */
async function mailedLink(server, page) {
  const mails = await (await fetch(server.mails)).text();
  const link = mails.match(new RegExp(`href="([^"]*/${page}#[^"]+)"`));
  assert.ok(link, `a mail with a link to ${page}`);
  return link[1];
}

const said = (page) => page.locator("[role=status]").textContent();
const saysSoon = (page, text) => page.locator("[role=status]", { hasText: text }).waitFor({ timeout: 10_000 });
const focused = (page) => page.evaluate(() => document.activeElement.tagName);

/** Answers the page's next calls of this path with what `fulfil` says. */
const instead = (page, path, fulfil) => page.route(`**${path}`, fulfil);

/** The contrast of an element's text with what is behind it, as WCAG computes it. */
const contrast = (page, selector) => page.locator(selector).first().evaluate((element) => {
  const colour = (text) => text.match(/[\d.]+/g).map(Number);
  let behind = element;
  while (colour(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
  const luminance = (text) => {
    const [red, green, blue] = colour(text).map((part) => part / 255).map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [dark, bright] = [getComputedStyle(element).color, getComputedStyle(behind).backgroundColor].map(luminance).sort((one, other) => one - other);
  return (bright + 0.05) / (dark + 0.05);
});

/** What a refusal has to leave: the words, the button and its focus, and the token for another try. */
async function canTryAgain(page, words) {
  await saysSoon(page, words);
  assert.match(await said(page), /You can try again\.$/);
  assert.equal(await focused(page), "BUTTON");
  assert.ok(new URL(page.url()).hash.length > 1, "the token is still in the address");
  assert.ok(await page.locator("form").isVisible());
}

const refusals = {
  "429 of the server": [{ status: 429, json: { error: "Too many requests", code: "too_many_requests" } }, "Too many requests"],
  "an answer of the gateway": [{ status: 503, json: { message: "Service Unavailable" } }, "Service Unavailable"],
  "a page of a proxy": [{ status: 502, contentType: "text/html", body: "<h1>Bad Gateway</h1>" }, "status 502"],
  "no answer": [null, "did not answer"],
};

const cases = {};

for (const [name, [answer, words]] of Object.entries(refusals)) {
  cases[`verification: ${name} can be tried again`] = async ({ page, server }) => {
    await page.goto(`${server.url}/verify-email#token`);
    await instead(page, VERIFICATION, (route) => answer ? route.fulfill(answer) : route.abort());
    await page.getByRole("button").press("Enter");
    await canTryAgain(page, words);
    await page.reload();
    await page.getByRole("button").press("Enter");
    await canTryAgain(page, words);
  };
  cases[`reset: ${name} can be tried again, and what was typed stays`] = async ({ page, server }) => {
    await page.goto(`${server.url}/reset-password#token`);
    await instead(page, RECOVERY, (route) => answer ? route.fulfill(answer) : route.abort());
    await page.getByLabel("New password").fill(NEW_PASSWORD);
    await page.getByLabel("The same again").fill(NEW_PASSWORD);
    await page.getByRole("button").press("Enter");
    await canTryAgain(page, words);
    assert.equal(await page.getByLabel("New password").inputValue(), NEW_PASSWORD);
  };
}

for (const path of ["/verify-email", "/reset-password"]) {
  cases[`${path} without a token says what is missing`] = async ({ page, server }) => {
    await page.goto(server.url + path);
    await saysSoon(page, "without the link from the mail");
    assert.ok(await page.locator("form").isHidden());
  };
  for (const scheme of ["light", "dark"]) {
    cases[`${path} can be read, ${scheme}`] = async ({ page, server }) => {
      await page.emulateMedia({ colorScheme: scheme });
      await page.goto(`${server.url}${path}#token`);
      for (const selector of ["h1", "main p", "button"]) {
        const found = await contrast(page, selector);
        assert.ok(found >= CONTRAST, `${selector} has a contrast of ${found.toFixed(2)}`);
      }
    };
  }
  cases[`${path} fits a narrow screen`] = async ({ page, server }) => {
    await page.setViewportSize(NARROW);
    await page.goto(`${server.url}${path}#token`);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= NARROW.width, `${width} pixels wide`);
  };
}

cases["a link that is used up ends the page"] = async ({ page, server }) => {
  await page.goto(`${server.url}/verify-email#${"0".repeat(64)}`);
  await page.getByRole("button").press("Enter");
  await saysSoon(page, "Ask for a new one.");
  assert.ok(await page.locator("form").isHidden());
  assert.equal(await focused(page), "P");
  assert.equal(new URL(page.url()).hash, "");
};

cases["two passwords that differ are not sent"] = async ({ page, server }) => {
  let sent = 0;
  await instead(page, RECOVERY, (route) => { sent += 1; return route.abort(); });
  await page.goto(`${server.url}/reset-password#token`);
  await page.getByLabel("New password").fill(NEW_PASSWORD);
  await page.getByLabel("The same again").fill(`${NEW_PASSWORD}!`);
  await page.getByLabel("The same again").press("Enter");
  await saysSoon(page, "The two are not the same.");
  assert.equal(sent, 0);
  assert.equal(await page.evaluate(() => document.activeElement.name), "again");
};

// Before the cases that end the owner's sessions.
const typePassphrase = async (page, passphrase) => {
  await page.getByLabel("Passphrase").fill(passphrase);
  await page.getByLabel("Passphrase").press("Enter");
};

/** What the server says of a link that nobody can open any more. */
async function isGone(page, link) {
  const answer = await page.goto(link.url);
  assert.equal(answer.status(), 410);
  assert.equal(await page.locator("main p").first().textContent(), "This link was used or has expired.");
  assert.equal(await page.locator("form").count(), 0);
}

for (const [name, [answer, words]] of Object.entries(refusals)) {
  cases[`share link: ${name} can be tried again, and the passphrase stays`] = async ({ page, server, owner }) => {
    const link = await shareLink(server, owner);
    await page.goto(link.url);
    await instead(page, new URL(link.url).pathname, (route) => answer ? route.fulfill(answer) : route.abort());
    await typePassphrase(page, link.passphrase);
    await saysSoon(page, words);
    assert.match(await said(page), /You can try again\.$/);
    assert.equal(await page.getByLabel("Passphrase").inputValue(), link.passphrase);
    await page.unrouteAll();
    await page.getByLabel("Passphrase").press("Enter");
    await page.getByLabel("Value").waitFor();
  };
}

cases["share link: the right passphrase shows the value once, by keyboard alone"] = async ({ page, server, owner }) => {
  const link = await shareLink(server, owner);
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.goto(link.url);
  await page.reload();
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.name), "passphrase");
  await page.keyboard.type(link.passphrase.toUpperCase().replaceAll("-", " "));
  await page.keyboard.press("Enter");
  await page.getByLabel("Value").waitFor();
  assert.equal(await page.getByLabel("Value").inputValue(), SHARED);
  assert.equal(await page.locator("h2").textContent(), "database <i>password</i>");
  assert.equal(await focused(page), "H2");
  assert.equal(await page.getByLabel("Passphrase").inputValue(), "");
  await page.keyboard.press("Tab");
  assert.equal(await focused(page), "TEXTAREA");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await saysSoon(page, "Copied.");
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), SHARED);
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, history.state, location.href]));
  assert.ok(!kept.includes("MARKER") && !kept.includes(link.passphrase), kept);
  assert.ok(!(await page.content()).includes("MARKER"), "the value is in no mark-up");
  await isGone(page, link);
  await page.goBack();
  assert.ok(!(await page.content()).includes("MARKER") && await page.locator("textarea").count() === 0, "going back shows nothing");
};

cases["share link: what cannot be a passphrase is not sent"] = async ({ page, server, owner }) => {
  const link = await shareLink(server, owner);
  let sent = 0;
  await page.goto(link.url);
  await instead(page, new URL(link.url).pathname, (route) => { sent += 1; return route.continue(); });
  for (const text of ["abcde", `${link.passphrase}a`, link.passphrase.replace(/^./, "1"), " "]) {
    await typePassphrase(page, text);
    await saysSoon(page, "This cannot be the passphrase, so it was not sent");
    assert.equal(await page.evaluate(() => document.activeElement.name), "passphrase");
  }
  assert.equal(sent, 0);
  await typePassphrase(page, link.passphrase);
  await page.getByLabel("Value").waitFor();
};

cases["share link: a wrong passphrase ends it"] = async ({ page, server, owner }) => {
  const link = await shareLink(server, owner);
  await page.goto(link.url);
  await typePassphrase(page, link.passphrase.replace(/^./, (first) => (first === "a" ? "b" : "a")));
  await saysSoon(page, "This is not the passphrase, and the link is destroyed. Ask for a new one.");
  assert.ok(await page.locator("form").isHidden());
  assert.equal(await focused(page), "P");
  await isGone(page, link);
};

cases["share link: the page counts down to the end, and then it is over"] = async ({ page, server, owner }) => {
  const link = await shareLink(server, owner, 60);
  await page.clock.install();
  await page.goto(link.url);
  assert.match(await page.locator("time").textContent(), /^00:0[01]:\d\d$/);
  await page.clock.fastForward(61_000);
  await saysSoon(page, "This link has expired. Ask for a new one.");
  assert.ok(await page.locator("form").isHidden());
};

for (const scheme of ["light", "dark"]) {
  cases[`share link: it can be read, ${scheme}, and on a narrow screen`] = async ({ page, server, owner }) => {
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize(NARROW);
    const link = await shareLink(server, owner);
    const fits = async () => {
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(width <= NARROW.width, `${width} pixels wide`);
    };
    const isReadable = async (selectors) => {
      for (const selector of selectors) {
        const found = await contrast(page, selector);
        assert.ok(found >= CONTRAST, `${selector} has a contrast of ${found.toFixed(2)}`);
      }
    };
    await page.goto(link.url);
    await fits();
    await isReadable(["h1", "main p", "label", "form button"]);
    await typePassphrase(page, link.passphrase);
    await page.getByLabel("Value").waitFor();
    await fits();
    await isReadable(["h2", "textarea", "section button"]);
    await isGone(page, link);
    await isReadable(["h1", "main p"]);
  };
}

cases["share link: a screen reader is told what each field and button is"] = async ({ page, server, owner }) => {
  const link = await shareLink(server, owner);
  await page.goto(link.url);
  await page.getByRole("heading", { level: 1, name: "A value for you" }).waitFor();
  await page.getByRole("textbox", { name: "Passphrase" }).fill(link.passphrase);
  await page.getByRole("button", { name: "Show the value" }).click();
  await page.getByRole("textbox", { name: "Value" }).waitFor();
  await page.getByRole("heading", { level: 2 }).waitFor();
  await page.getByRole("button", { name: "Copy" }).waitFor();
};

cases["the mailed link verifies the address, once"] = async ({ page, server, link }) => {
  await page.goto(link.verification);
  assert.equal(await said(page), "", "opening the link alone changes nothing");
  await page.getByRole("button").press("Enter");
  await saysSoon(page, "Your address is verified.");
  assert.equal(new URL(page.url()).hash, "");
  await page.goto(link.verification);
  await page.reload();
  await page.getByRole("button").press("Enter");
  await saysSoon(page, "Ask for a new one.");
};

cases["a password that the server refuses can be typed anew; the mailed link sets one"] = async ({ page, server, link }) => {
  await page.goto(link.reset);
  const type = async (password) => {
    await page.getByLabel("New password").fill(password);
    await page.getByLabel("The same again").fill(password);
    await page.getByLabel("The same again").press("Enter");
  };
  await type("onlyletters-and-a-dash");
  await canTryAgainAtField(page);
  await type(NEW_PASSWORD);
  await saysSoon(page, "Your password is set.");
  assert.equal((await call(server, "/v1/account/sign-in", { email: PERSON.email, password: NEW_PASSWORD })).status, 200);
};

/** As `canTryAgain`, after Enter in a field. */
async function canTryAgainAtField(page) {
  await saysSoon(page, "You can try again.");
  assert.equal(await focused(page), "INPUT");
  assert.ok(new URL(page.url()).hash.length > 1);
}

async function run() {
  const server = await startServer();
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  let [passed, failed] = [0, 0];
  try {
    const { cookie } = await call(server, "/v1/account/sign-up", PERSON);
    await call(server, "/v1/account/verification", undefined, cookie);
    const project = (await call(server, "/v1/manage/projects", { name: "shared" }, cookie)).json.id;
    const owner = { cookie, project };
    await call(server, "/v1/account/recovery", { email: PERSON.email });
    const link = { verification: await mailedLink(server, "verify-email"), reset: await mailedLink(server, "reset-password") };
    for (const [name, test] of Object.entries(cases)) {
      const context = await browser.newContext();
      const page = await context.newPage();
      const complaints = [];
      page.on("pageerror", (error) => complaints.push(error.message));
      page.on("console", (message) => { if (message.text().includes("Content Security Policy")) complaints.push(message.text()); });
      try {
        await test({ page, server, link, owner });
        assert.deepEqual(complaints, []);
        passed += 1;
        console.log(`ok   ${name}`);
      } catch (error) {
        failed += 1;
        console.log(`FAIL ${name}\n     ${error.message.split("\n").join("\n     ")}`);
      }
      await context.close();
    }
  } finally {
    await browser.close();
    await server.stop();
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed ? 1 : 0;
}

run().catch((error) => { console.error(error); process.exitCode = 1; });
