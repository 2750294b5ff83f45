// What a person does first, by the types that openapi-typescript makes of docs/openapi.json: what is written wrong here, or
// there, does not compile. Ends with an error when an answer is not 200.

import createClient, { type Middleware } from "openapi-fetch";

import type { components, operations, paths } from "./sikkerkey.js";

const [url, email, password, publicKey] = process.argv.slice(2) as [string, string, string, string];

// Operations and schemas have names.
type SignIn = operations["signIn"]["requestBody"]["content"]["application/json"];
type Machine = components["schemas"]["MachineDetail"];

let cookie = "";
const session: Middleware = {
  onRequest({ request }) {
    request.headers.set("X-SikkerKey-Request", "1");
    if (cookie) request.headers.set("Cookie", cookie);
    return request;
  },
};
const client = createClient<paths>({ baseUrl: url });
client.use(session);

function done<T>(answer: { data?: T; error?: components["schemas"]["Error"]; response: Response }): T {
  if (answer.data === undefined) {
    throw new Error(`${answer.response.url} is answered ${answer.response.status}: ${answer.error?.error}`);
  }
  return answer.data;
}

const credentials: SignIn = { email, password };
const signedIn = await client.POST("/v1/account/sign-in", { body: credentials });
done(signedIn);
cookie = (signedIn.response.headers.get("set-cookie") ?? "").split(";")[0] ?? "";

const project = done(await client.POST("/v1/manage/projects", { body: { name: "from TypeScript" } }));
const secret = done(
  await client.POST("/v1/manage/projects/{projectId}/secrets", {
    params: { path: { projectId: project.id } },
    body: { name: "database password", value: "a value to store" },
  }),
);
const kept = done(
  await client.GET("/v1/manage/projects/{projectId}/secrets/{secretId}", {
    params: { path: { projectId: project.id, secretId: secret.id } },
  }),
);
if (kept.version !== 1 || kept.type !== "secret") throw new Error(`stored as ${JSON.stringify(kept)}`);

const { token } = done(await client.POST("/v1/manage/bootstrap-tokens", { body: {} }));
const { machineId } = done(
  await client.POST("/v1/bootstrap/{token}/register", {
    params: { path: { token } },
    body: { publicKey, hostname: "from-typescript" },
  }),
);
const path = { machineId };
done(await client.POST("/v1/manage/machines/{machineId}/approve", { params: { path } }));
const machine: Machine = done(await client.GET("/v1/manage/machines/{machineId}", { params: { path } }));
if (!machine.approved) throw new Error("the machine is not approved");
