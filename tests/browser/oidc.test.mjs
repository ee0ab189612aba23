// Sign-in through a certified provider of OpenID Connect (panva's oidc-provider) that runs here: its own pages, its own checks.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { ROOT, browser, journal, run, serve, until, workspace } from "./support.mjs";
import { PASSWORD, owner } from "./world.mjs";

const { resolve } = createRequire(join(ROOT, "target", "tools", "x.js"));
const { default: Provider } = await import(pathToFileURL(resolve("oidc-provider")));
const SECRET = "a-secret-of-the-client+/=";

/** A port that was free a moment ago. */
async function freePort() {
  const probe = createServer();
  await new Promise((ready) => probe.listen(0, "127.0.0.1", ready));
  const { port } = probe.address();
  await new Promise((done) => probe.close(done));
  return port;
}

/** The provider: whoever says a name there is that person, and `eve`'s address is not verified. */
async function provider(back) {
  const port = await freePort();
  const it = { issuer: `http://127.0.0.1:${port}`, port, errors: [] };
  const configuration = {
    clients: [{ client_id: "bellwire", client_secret: SECRET, redirect_uris: [back], response_types: ["code"], grant_types: ["authorization_code"] }],
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["preferred_username"] },
    pkce: { required: () => true },
    findAccount: (_context, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: `${id}@example.com`, email_verified: id !== "eve", preferred_username: id }),
    }),
  };
  const real = new Provider(it.issuer, configuration);
  for (const event of ["server_error", "authorization.error", "grant.error", "userinfo.error"]) real.on(event, (_context, error) => it.errors.push(`${event}: ${error}`));
  const server = createServer(real.callback());
  await new Promise((ready) => server.listen(port, "127.0.0.1", ready));
  it.close = () => new Promise((done) => server.close(done).closeAllConnections());
  return it;
}

let groove, chromium, login, server;

before(async () => {
  const url = `http://127.0.0.1:${await freePort()}`;
  login = await provider(`${url}/login/oidc/back`);
  groove = await journal();
  const settings = `[server]
listen = "${url.slice("http://".length)}"
public_url = "${url}"
[egress]
allow = ["127.0.0.1/32"]
ports = [${login.port}]
[oidc]
issuer = "${login.issuer}"
client_id = "bellwire"
client_secret = "oidc_client"
label = "Example"
`;
  const folder = workspace(groove, { "bellwire.toml": settings });
  server = await serve(folder, { BELLWIRE_SECRET_OIDC_CLIENT: SECRET });
  chromium = await browser();
  await owner(chromium, server);
  for (const name of ["grace", "eve"]) {
    const { code, err } = await run(server.folder, ["users", "add", name, "--role", "editor", "--email", `${name}@example.com`]);
    assert.equal(code, 0, err);
  }
});

after(async () => {
  await chromium?.close();
  await server?.stop();
  await login?.close();
  await groove?.close();
});

/** A browser of its own. `faults`: what our pages have run into. */
async function visitor() {
  const context = await chromium.newContext({ baseURL: server.url });
  const page = await context.newPage();
  page.faults = [];
  page.on("pageerror", (error) => page.faults.push(`${error}`));
  page.on("console", (message) => {
    if (message.type() === "error" && message.location().url.startsWith(server.url)) page.faults.push(message.text());
  });
  return page;
}

/** Says a name at the provider, and agrees where it asks for that. */
async function prove(page, name) {
  await page.waitForURL((url) => url.href.startsWith(`${login.issuer}/interaction/`));
  await page.locator("[name=login]").fill(name);
  await page.locator("[name=password]").fill("anything");
  await page.locator("[type=submit]").click();
  const consent = page.getByRole("button", { name: "Continue" });
  await until(async () => page.url().startsWith(server.url) || (await consent.count()) > 0, "the provider went on");
  if (!page.url().startsWith(server.url)) await consent.click();
  await page.waitForURL((url) => url.href.startsWith(server.url));
}

test("an invited person signs in by the provider's pages and goes where they were going", async () => {
  const page = await visitor();
  await page.goto("/runs");
  await page.getByRole("link", { name: "Sign in with Example" }).click();
  await prove(page, "grace");
  assert.equal(new URL(page.url()).pathname, "/runs", `${login.errors}\n${server.log()}`);
  await page.goto("/account");
  await page.getByText("It is your only way in").waitFor();

  // What asks for a password has the provider ask once more, whatever session there is.
  await page.goto("/account/code");
  await page.getByRole("link", { name: "Confirm with Example" }).click();
  await prove(page, "grace");
  assert.equal(new URL(page.url()).pathname, "/account/code", `${login.errors}\n${server.log()}`);
  await page.getByRole("button", { name: "Set it up" }).click();
  const picture = await page.getByRole("img", { name: "QR code of the key" }).boundingBox();
  assert.ok(picture.width >= 200 && Math.abs(picture.width - picture.height) < 2, JSON.stringify(picture));

  // Signed out here and not there: the way in is one click.
  await page.goto("/account");
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("link", { name: "Sign in with Example" }).click();
  await page.waitForURL(`${server.url}/`);
  assert.deepEqual(page.faults, []);
  assert.deepEqual(login.errors, []);
});

test("whoever proves to be somebody else is not taken for the one who is signed in", async () => {
  const page = await visitor();
  await page.goto("/login");
  await page.getByRole("link", { name: "Sign in with Example" }).click();
  await prove(page, "grace");
  await page.context().clearCookies({ domain: "127.0.0.1", name: /^_/ });
  await page.goto("/account/code");
  await page.getByRole("link", { name: "Confirm with Example" }).click();
  await prove(page, "mallory");
  await page.locator("[data-refusal]", { hasText: "somebody else" }).waitFor();
});

test("an address that the provider has not verified lets nobody in", async () => {
  const page = await visitor();
  await page.goto("/login");
  await page.getByRole("link", { name: "Sign in with Example" }).click();
  await prove(page, "eve");
  await page.locator("[data-refusal]", { hasText: "Ask an owner" }).waitFor();
  await page.goto("/runs");
  assert.equal(new URL(page.url()).pathname, "/login");
});

test("somebody with a password connects an account by a click that leads out", async () => {
  const page = await ada();
  await page.goto("/account");
  await page.getByRole("button", { name: "Connect with Example" }).click();
  await page.getByRole("link", { name: "Go on to Example" }).click();
  await prove(page, "ada");
  await page.getByText("You can sign in through the provider from now on.").waitFor();
  assert.deepEqual(page.faults, []);
});

async function ada() {
  const page = await visitor();
  await page.goto("/login");
  await page.getByLabel("Name").fill("ada");
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(`${server.url}/`);
  return page;
}
