// People who are signed in, a workspace that has seen something, and a walk through every page there is.
import { execFileSync } from "node:child_process";
import { call, missed, run, until, visit } from "./support.mjs";

export const PASSWORD = "four words make one";

/** Makes the owner `ada` by the one-time link that the server printed; her page. */
export async function owner(browser, server, options = {}) {
  const printed = await until(() => server.log().match(/\/setup\?token=\S+/), "the link was printed");
  const page = await visit(browser, server, options);
  await page.goto(printed[0]);
  await page.getByLabel("Name").fill("ada");
  await choose(page);
  return page;
}

/** Makes a user by the command line and lets that person choose a password by the printed link; the person's page. */
export async function person(browser, server, name, role, options = {}) {
  const { code, out, err } = await run(server.folder, ["users", "add", name, "--role", role]);
  if (code !== 0) throw new Error(err);
  const page = await visit(browser, server, options);
  await page.goto(`${out}${err}`.match(/\/setup\?token=[0-9a-f]+/)[0]);
  await choose(page);
  return page;
}

async function choose(page) {
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByLabel("The same again").fill(PASSWORD);
  await page.locator("main button").click();
  await page.waitForURL((url) => url.pathname === "/");
}

/** The page of somebody who signs in by the form. */
export async function signIn(browser, server, options = {}) {
  const page = await visit(browser, server, options);
  await page.goto("/login");
  await page.getByLabel("Name").fill("ada");
  await page.getByLabel("Password").fill(PASSWORD);
  await page.locator("main button").click();
  await page.waitForURL((url) => url.pathname === "/");
  return page;
}

/** Makes the workspace a git repository with one commit by `author`. */
export function commit(folder, message, author = "Ada <ada@example.com>") {
  const git = (...args) => execFileSync("git", ["-C", folder, "-c", "user.name=Ada", "-c", "user.email=ada@example.com", ...args], { stdio: "pipe" });
  git("init", "-q", "-b", "main");
  git("add", "-A", "rules", "bellwire.toml");
  git("commit", "-q", "--author", author, "-m", message);
}

/** The token that the pages of a person send with what they write. */
export const csrf = (page) => page.evaluate(() => JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRF"]);

/** Sends a form as the person of `page` would, whatever buttons are there; the answer's status. */
export async function post(page, path, form = {}) {
  const response = await page.request.post(path, {
    form: { csrf: await csrf(page), ...form },
    headers: { origin: new URL(page.url()).origin, "sec-fetch-site": "same-origin" },
    maxRedirects: 0,
  });
  return response.status();
}

/** A delivery comes in and what it starts is over; the ids of its event and first run. */
export async function happened(page, server, body) {
  const { id: event } = await (await call(server, body)).json();
  const runs = () => page.request.get(`/events/${event}`).then((answer) => answer.text());
  await until(async () => / href="\/runs\/run_/.test(await runs()), "the event started a run");
  const [, id] = (await runs()).match(/ href="\/runs\/(run_[^"?]+)/);
  await until(async () => /badge-(ok|failed|held)/.test(await (await page.request.get(`/runs/${id}`)).text()), "the run was over");
  return { event, run: id };
}

const MISSED = `name: Missed call
description: Tells the desk of a call that nobody took.
on: gruveo.call
when:
  event.resolution: missed
do:
  - groove.add_note:
      ticket: "{{ event.tracking.ticket }}"
      body: "Missed call from {{ event.location }} on {{ event.link }} after {{ event.waitingTime }} seconds."
tests:
  - name: a missed call adds a note
    event: { sample: gruveo.call/missed, set: { tracking: { ticket: "42" } } }
    expect: [{ groove.add_note: { ticket: 42 } }]
`;
const DAILY = `name: Every morning
on: { schedule: { cron: "0 9 * * mon-fri", timezone: Europe/Athens } }
do:
  - emit: { type: calls.report, data: { at: "{{ event.slot }}" } }
`;
const KNOWN = `name: Keep the last call of a person
on: gruveo.call
when:
  event.tracking.email: { exists: true }
do:
  - profile: { email: "{{ event.tracking.email }}", set: { last_call: "{{ event.resolution }}" } }
`;

/** Rules of a small desk. */
export const RULES = { "rules/calls/missed.yaml": MISSED, "rules/daily.yaml": DAILY, "rules/people/known.yaml": KNOWN };

/** Fills a workspace: events, runs that went well and one that failed, a profile, a saved view. `page` is the owner's. */
export async function lived(page, server, journal) {
  for (let ticket = 1; ticket <= 6; ticket += 1) await happened(page, server, missed(ticket, { tracking: { ticket: String(ticket), email: `maria${ticket}@example.com` } }));
  await call(server, missed(7, { resolution: "answered", duration: 120 }));
  await fetch(`${server.url}/hooks/gruveo`, { method: "POST", body: "{}", headers: { "content-type": "application/json" } });
  const well = journal.answer;
  journal.answer = { status: 422, body: { errors: ["The ticket is closed"] } };
  await happened(page, server, missed(8));
  journal.answer = well;
  await run(server.folder, ["profiles", "set", "maria1@example.com", "plan=Gold", "phone=+30 210 1234567"]);
  await post(page, "/events/views", { name: "Missed", query: "type=gruveo.call" });
  await until(async () => /href="\/problems\/\w/.test(await (await page.request.get("/problems")).text()), "there was a problem");
}

/** Pages of all rules, not of one. */
const FIXED = new Set(["new", "edit", "show", "versions", "run", "samples", "text", "codes"]);

/** Paths that differ in ids alone are one shape. */
function shape(href) {
  const [path, query = ""] = href.split("#")[0].split("?");
  const [, area, ...rest] = path.split("/");
  const named = ["services", "connections", "sources", "people"].includes(area) || (area === "rules" && !FIXED.has(rest.at(0)));
  const parts = [area, ...rest.map((part, at) => ((named && at % 2 === 0) || /^[a-z]{3}_\w+$|^[0-9a-f-]{8,}$|^\d+$/.test(part) ? ":id" : part))];
  const names = [...new Set([...new URLSearchParams(query).keys()])].sort();
  return `${parts.join("/")}?${names.join("&")}`;
}

/**
 * Opens every page that links lead to, of each shape `each` at most, beginning with what the navigation shows. `look(href)` is called
 * on each page that is there.
 */
export async function walk(page, look, { each = 2, start = ["/"], skip = /\/(logout|body)$|\/openapi\.json|\/assets\// } = {}) {
  const [queue, known, shapes] = [[...start], new Set(start), new Map()];
  const seen = [];
  while (queue.length > 0) {
    const href = queue.shift();
    const response = await page.goto(href, { waitUntil: "load" });
    const kind = response.headers()["content-type"] ?? "";
    if (response.status() >= 400) page.faults.push(`${href} answered ${response.status()}`);
    if (!kind.startsWith("text/html")) continue;
    seen.push(href);
    await look(href, response);
    const links = await page.$$eval("a[href]:not([download])", (all) => all.map((a) => a.getAttribute("href")));
    for (const link of links) {
      const next = link.startsWith("?") ? href.split("?")[0] + link : link.split("#")[0];
      if (!next.startsWith("/") || known.has(next) || skip.test(next.split("?")[0])) continue;
      known.add(next);
      const kept = shape(next);
      const count = shapes.get(kept) ?? 0;
      if (count >= each) continue;
      shapes.set(kept, count + 1);
      queue.push(next);
    }
  }
  return seen;
}
