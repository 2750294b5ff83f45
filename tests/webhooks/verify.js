// Verifies deliveries with the published library of Standard Webhooks: reads a JSON list of {secret, headers, body} from
// standard input, and prints a JSON list of what came of each: the event's name, or null.
const { Webhook } = require("standardwebhooks");

const asked = JSON.parse(require("fs").readFileSync(0, "utf8"));
const told = asked.map(({ secret, headers, body }) => {
  try {
    return new Webhook(secret).verify(body, headers).event;
  } catch {
    return null;
  }
});
process.stdout.write(JSON.stringify(told));
