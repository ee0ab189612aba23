// A Bellwire as a process, a stand-in for Groove, and Chromium: what every test of the pages works with.
import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const require = createRequire(join(ROOT, "target", "tools", "x.js"));
const { chromium } = require("playwright-core");
export const AXE = require.resolve("axe-core/axe.min.js");

const PROGRAM = process.env.BELLWIRE ?? join(ROOT, "target", "debug", "bellwire");
export const GRUVEO_KEY = "a-gruveo-signing-key";
export const GROOVE_TOKEN = "a-groove-api-token";

/** A receiving server that notes what comes and answers as told. */
export async function journal() {
  const seen = [];
  const it = { seen, answer: { status: 201, body: { message: { href: "https://api.groovehq.com/v1/messages/7" } } } };
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += chunk));
    request.on("end", () => {
      seen.push({ method: request.method, path: request.url, headers: request.headers, body });
      response.writeHead(it.answer.status, { "content-type": "application/json", ...it.answer.headers });
      response.end(JSON.stringify(it.answer.body));
    });
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  it.port = server.address().port;
  it.close = () => new Promise((done) => server.close(done).closeAllConnections());
  return it;
}

/** A workspace in a folder of its own. `files` by path; the settings let requests go to `journal`. */
export function workspace(journal, files = {}, settings = "") {
  const folder = mkdtempSync(join(tmpdir(), "bellwire-browser-"));
  const own = `[server]\nlisten = "127.0.0.1:0"\n[egress]\nallow = ["127.0.0.1/32"]\nports = [${journal.port}]\n[services.groove]\nbase_url = "http://127.0.0.1:${journal.port}/v1"\n${settings}`;
  for (const [path, text] of Object.entries({ "bellwire.toml": own, ...files })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  mkdirSync(join(folder, "rules"), { recursive: true });
  return folder;
}

function environment(more) {
  const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("BELLWIRE")));
  return { ...clean, BELLWIRE_SECRET_GRUVEO_KEY: GRUVEO_KEY, BELLWIRE_SECRET_GROOVE_TOKEN: GROOVE_TOKEN, ...more };
}

/** Runs a command of the program to its end: { code, out, err }. */
export function run(folder, args, more = {}) {
  return new Promise((done) => {
    const child = spawn(PROGRAM, ["--workspace", folder, ...args], { env: environment(more) });
    let [out, err] = ["", ""];
    child.stdout.on("data", (chunk) => (out += chunk));
    child.stderr.on("data", (chunk) => (err += chunk));
    child.on("close", (code) => done({ code, out, err }));
  });
}

/** A server on a workspace, listening. `url` is where; `log()` is what it has said. */
export async function serve(folder, more = {}) {
  const child = spawn(PROGRAM, ["--workspace", folder, "serve"], { env: environment(more) });
  let log = "";
  const gone = new Promise((ended) => child.on("close", ended));
  const address = await new Promise((found, failed) => {
    const look = (chunk) => {
      log += chunk;
      const listening = log.match(/listening.*address=(\S+?:\d+)/);
      if (listening) found(listening[1]);
    };
    child.stdout.on("data", look);
    child.stderr.on("data", look);
    gone.then((code) => failed(new Error(`the server ended with ${code}:\n${log}`)));
  });
  return {
    folder,
    url: `http://${address}`,
    log: () => log,
    stop: async () => {
      child.kill("SIGTERM");
      await gone;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Sends a signed delivery of Gruveo; the answer. */
export async function call(server, body) {
  const text = JSON.stringify(body);
  const signature = createHmac("sha256", GRUVEO_KEY).update(text).digest("hex");
  return fetch(`${server.url}/hooks/gruveo`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-gruveo-sha256-hmac": signature },
    body: text,
  });
}

/** A missed call of a customer whose ticket is `ticket`. */
export function missed(ticket, more = {}) {
  return {
    timestamp: Date.now(), maxParticipants: 1, duration: 0, link: "@acme.sales", location: "Greece", resolution: "missed",
    tracking: { ticket: String(ticket), customer_id: "14810" }, waitingTime: 35,
    account: { id: "9cf7336a-e40e-4628-bdac-4370298ccf14", organization: "Acme Corp." },
    assignedUsers: [{ name: "John Smith", email: "john@acme.com" }], ...more,
  };
}

/** Chromium, once a file of tests. */
export function browser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
}

/** A page that notes everything that must never happen: `page.faults` stays empty. */
export async function visit(browser, server, options = {}) {
  const context = await browser.newContext({ baseURL: server.url, viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.faults = [];
  page.on("dialog", (dialog) => (page.faults.push(`dialog: ${dialog.message()}`), dialog.dismiss()));
  page.on("pageerror", (error) => page.faults.push(`error: ${error}`));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) page.faults.push(`console: ${message.text()}`);
  });
  page.on("request", (request) => {
    const to = request.url();
    if (!to.startsWith(server.url) && !to.startsWith("data:") && !to.startsWith("about:")) page.faults.push(`left the origin: ${to}`);
  });
  return page;
}

/** Waits until `check` gives something, for ten seconds. */
export async function until(check, what) {
  const end = Date.now() + 10_000;
  for (;;) {
    const found = await check();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited in vain until ${what}`);
    await new Promise((next) => setTimeout(next, 50));
  }
}
