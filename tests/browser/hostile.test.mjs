// Whoever writes into Bellwire from outside, or from inside, writes text: every field is fed what would be a script anywhere else.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { connect } from "node:net";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { GRUVEO_KEY, browser, journal, missed, run, serve, workspace } from "./support.mjs";
import { commit, csrf, happened, owner, post, walk } from "./world.mjs";

const FLAG = "window.__ran=1";
/** One string that ends every context it may be put into. */
const ALL = `"'><script>${FLAG}</script><img src=x onerror=${FLAG}><svg onload=${FLAG}></textarea></title></style></pre></option></select><!--</script>{{7*7}}{% raw %}\u2028\u202e\u001b[31m`;
const LINKS = [`javascript:${FLAG}`, `data:text/html,<script>${FLAG}</script>`, `vbscript:x`, "https://evil.invalid/pixel.png", "//evil.invalid/x"];
const LONG = "W".repeat(4000);
/** The same where only what a header may hold can stand. */
const ASCII = `"'><script>${FLAG}</script><img src=x onerror=${FLAG}><svg/onload=${FLAG}>{{7*7}}</script>`;
const quoted = JSON.stringify;

const RULE = `name: ${quoted(ALL)}
description: ${quoted(`${ALL} ${LINKS.join(" ")} ${LONG}`)}
on: gruveo.call
vars:
  poisoned: ${quoted(`${ASCII.replaceAll("{{7*7}}", "")}`)}
when:
  event.resolution: missed
  event.location: { not_equals: ${quoted(ASCII.replaceAll("{{7*7}}", ""))} }
do:
  - groove.add_note:
      ticket: "{{ event.tracking.ticket }}"
      body: "{{ event.location }} {{ vars.poisoned }}"
  - profile: { email: maria@example.com, set: { poisoned: "{{ event.location }}", link: "{{ event.link }}" } }
`.replace("  event.location: { not_equals", "  event.link: { not_equals");
const SIMPLE = `name: Poisoned by its events
on: gruveo.call
when:
  event.resolution: missed
do:
  - groove.add_note:
      ticket: "{{ event.tracking.ticket }}"
      body: "{{ event.location }} {{ event.link }}"
  - profile: { email: maria@example.com, set: { poisoned: "{{ event.location }}", link: "{{ event.link }}" } }
`;

let groove, server, chromium, page;

/** A request as bytes, which no client would send. */
function raw(lines, body = "") {
  return new Promise((done) => {
    const { hostname, port } = new URL(server.url);
    const socket = connect(Number(port), hostname, () => socket.end(`${lines.join("\r\n")}\r\n\r\n${body}`));
    socket.on("data", () => {}).on("close", done).on("error", done);
  });
}

/** A delivery with poison in its path, query, headers and body; `isSigned`: as the service would send it. */
function poison(isSigned) {
  const body = JSON.stringify({ ...missed(7), location: ALL, link: LINKS[0], organization: LONG, tracking: { ticket: "7", [ALL]: LINKS, email: "maria@example.com" } });
  const proof = isSigned ? createHmac("sha256", GRUVEO_KEY).update(body).digest("hex") : ASCII;
  const query = encodeURIComponent(ALL);
  return raw([
    `POST /hooks/gruveo?${query}=${query} HTTP/1.1`, "Host: localhost", "Connection: close", "Content-Type: application/json",
    `User-Agent: ${ASCII}`, `X-Poison: ${ASCII}`, `Referer: ${LINKS[0]}`, `X-Gruveo-Sha256-Hmac: ${proof}`, `Content-Length: ${Buffer.byteLength(body)}`,
  ], body);
}

before(async () => {
  groove = await journal();
  const folder = workspace(groove, { "rules/plain.yaml": SIMPLE }, `[sources.meter]\npublic = true\n`);
  commit(folder, `${ALL}\n\n${ASCII}`.replaceAll("\u0000", ""), `${ASCII.replace(/[<>]/g, "'")} <a@example.com>`);
  // A second file whose text is poison itself: it is held back if it does not read, and is shown either way.
  writeFileSync(join(folder, "rules", "poisoned.yaml"), RULE);
  server = await serve(folder);
  chromium = await browser();
  page = await owner(chromium, server);
  await page.context().addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
  });
});

after(async () => {
  await chromium?.close();
  await server?.stop();
  await groove?.close();
});

test("poison in every field runs nowhere, is reported nowhere, and asks nobody", async () => {
  groove.answer = { status: 201, body: { message: { href: LINKS[0] }, [ALL]: ALL, links: LINKS } };
  await poison(true);
  await poison(false);
  await fetch(`${server.url}/hooks/meter/${encodeURIComponent(ASCII)}`, { method: "POST", body: quoted({ html: ALL, links: LINKS }), headers: { "content-type": "application/json" } });
  await fetch(`${server.url}/hooks/meter`, { method: "POST", body: `<html>${ALL}`, headers: { "content-type": "text/html" } });
  await fetch(`${server.url}/hooks/${encodeURIComponent(ASCII)}`, { method: "POST", body: ALL });
  const accepted = await fetch(`${server.url}/hooks/meter`, { method: "POST", body: quoted({ html: ALL, links: LINKS }), headers: { "content-type": "application/json" } });
  assert.equal(accepted.status, 202);
  groove.answer = { status: 422, body: { errors: [ALL, LINKS[0]], message: ASCII } };
  await happened(page, server, missed(8, { location: ALL, link: LINKS[0] }));
  groove.answer = { status: 302, headers: { location: LINKS[0] }, body: { message: ALL } };
  await happened(page, server, missed(9, { location: ASCII }));
  groove.answer = { status: 201, headers: { "x-poison": ASCII, "set-cookie": ASCII }, body: { message: { href: LINKS[1] } } };
  await happened(page, server, missed(10, { location: ASCII }));
  // Names that people choose, each as far as it is allowed; `taken` counts those that were.
  const taken = { view: 0, person: 0, attribute: 0, token: 0, user: 0 };
  const names = [ALL, ASCII, LINKS[0]];
  for (const name of names) {
    taken.view += (await post(page, "/events/views", { name: name.slice(0, 60), query: `q=${encodeURIComponent(ASCII)}` })) === 303;
    taken.person += (await post(page, "/people", { email: `${name.slice(0, 40).replace(/\W/g, "")}@example.com`, name: "poisoned", value: name })) === 303;
    taken.attribute += (await run(server.folder, ["profiles", "set", "maria@example.com", `poisoned=${name}`, `${name.slice(0, 30)}=x`])).code === 0;
    taken.token += (await run(server.folder, ["tokens", "new", name, "--user", "ada", "--scope", "read"])).code === 0;
    taken.user += (await run(server.folder, ["users", "add", name, "--role", "viewer"])).code === 0;
    await run(server.folder, ["secrets", "set", name]);
  }
  const { user, ...free } = taken;
  assert.equal(user, 0, "names to sign in with are letters and digits");
  for (const [what, count] of Object.entries(free)) assert.ok(count > 0, `no ${what} had a name that is poison`);
  const token = await csrf(page);
  await page.request.post("/rules/save", {
    data: { path: "rules/saved.yaml", text: SIMPLE.replace("Poisoned by its events", "Saved"), base: null, message: ALL, force_tests: true },
    headers: { "x-csrf": token, origin: server.url, "sec-fetch-site": "same-origin" },
  });
  const start = ["/", "/events?state=refused", ...[ALL.replace("\u001b", ""), ASCII].flatMap((text) => [`/events?q=${encodeURIComponent(text)}`, `/rules?q=${encodeURIComponent(text)}`, `/people?q=${encodeURIComponent(text)}`, `/runs?rule=${encodeURIComponent(text)}`]), "/rules/show?id=poisoned", "/rules/edit?path=rules/poisoned.yaml", `/login?next=${encodeURIComponent(LINKS[0])}`];
  // What is asked for in vain is told of as well, in the words that were asked with.
  for (const path of ["/events/", "/runs/", "/rules/", "/people/", "/sources/", "/services/"]) {
    await page.goto(path + encodeURIComponent(ASCII));
    assert.equal(await page.evaluate(() => window.__ran), undefined, path);
  }
  // The browser itself writes of each page that was not found.
  assert.deepEqual(page.faults.filter((fault) => !fault.includes("Failed to load resource")), []);
  page.faults.length = 0;
  const [ran, links] = [[], []];
  const hrefs = await walk(page, async (href) => {
    if (href.startsWith("/rules/edit")) await page.locator("#ed-loading").waitFor({ state: "hidden" }).catch(() => ran.push(`${href} did not load`));
    await page.$$eval("details", (all) => all.forEach((one) => (one.open = true)));
    if (await page.evaluate(() => "__ran" in window)) ran.push(href);
    links.push(...(await page.$$eval("a[href], form[action], img[src], [hx-get]", (all) => all.map((one) => one.getAttribute("href") ?? one.getAttribute("action") ?? one.getAttribute("src") ?? one.getAttribute("hx-get")))));
  }, { each: 2, start });
  assert.deepEqual(ran, []);
  assert.deepEqual(links.filter((link) => /^\s*(javascript|data|vbscript):/i.test(link)), []);
  assert.deepEqual(page.faults, []);
  assert.ok(hrefs.length > 30, hrefs.join("\n"));
});

test("a body that is a page is handed out as bytes", async () => {
  await page.goto("/events?source=meter");
  const event = await page.locator("#rows tr[data-row^='/events/']").first().getAttribute("data-row");
  const { headers, status } = await page.request.get(`${event}/body`).then((answer) => ({ headers: answer.headers(), status: answer.status() }));
  assert.equal(status, 200);
  assert.match(headers["content-disposition"], /^attachment/);
  assert.match(headers["content-type"], /^(text\/plain|application\/octet-stream)/);
  assert.equal(headers["x-content-type-options"], "nosniff");
  assert.match(headers["content-security-policy"], /sandbox/);
});
