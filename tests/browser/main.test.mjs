// The main path of a person: from the one-time link to a problem that is solved, and what others may not do.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { browser, call, journal, missed, serve, until, workspace } from "./support.mjs";
import { RULES, commit, happened, owner, person, post, signIn } from "./world.mjs";

let groove, server, chromium, page;

before(async () => {
  groove = await journal();
  const folder = workspace(groove, { "rules/daily.yaml": RULES["rules/daily.yaml"] });
  commit(folder, "Begin");
  server = await serve(folder);
  chromium = await browser();
});

after(async () => {
  await chromium?.close();
  await server?.stop();
  await groove?.close();
});

const BAD = `name: Missed call
on: gruveo.call
whem:
  event.resolution: missed
do:
  - groove.add_note:
      ticket: "{{ event.tracking.ticket }}"
      body: "Missed call from {{ event.location }}."
`;
const GOOD = BAD.replace("whem", "when");

/** Replaces what stands in the editor by what a person pastes. */
async function write(page, text) {
  const content = page.locator("#ed-host .cm-content");
  await content.click();
  await page.keyboard.press("Control+a");
  await page.keyboard.press("Delete");
  await page.keyboard.insertText(text);
}

/** What is proposed where a text ends has an entry that begins so. */
async function proposes(page, text, entry) {
  await write(page, text);
  await page.keyboard.press("Control+Space");
  await page.locator(".cm-tooltip-autocomplete li", { hasText: new RegExp(`^${entry}`) }).first().waitFor();
  await page.keyboard.press("Escape");
}

/** What is said where the pointer rests on a word of the text. */
async function told(page, word) {
  await page.mouse.move(1, 1);
  await page.locator(".ed-hover").waitFor({ state: "detached" });
  await page.locator("#ed-host .cm-line span", { hasText: new RegExp(`^${word}$`) }).first().hover();
  return page.locator(".ed-hover").innerText();
}

/** Saves by the dialog. */
async function save(page, message) {
  await page.locator("#ed-save").click();
  const dialog = page.locator("dialog.ed-dialog");
  await dialog.locator("[name=message]").fill(message);
  return dialog;
}

test("an owner signs up by the link that the server printed, which works once", async () => {
  page = await owner(chromium, server);
  const link = server.log().match(/\/setup\?token=\S+/)[0];
  await page.getByText("First steps").waitFor();
  assert.equal((await page.request.get(link)).status(), 404);
});

test("a rule is written from an event, judged on it, saved, and in force", async () => {
  const { id } = await (await call(server, missed(41))).json();
  await page.goto(`/events/${id}`);
  await page.getByRole("link", { name: "Make a rule for this" }).first().click();
  await page.locator("#ed-host .cm-content").waitFor();
  await page.waitForLoadState("networkidle");
  const begun = "name: Missed call\non: gruveo.call\n";
  await proposes(page, `${begun}whe`, "when");
  await proposes(page, `${begun}ti`, "timeout");
  await proposes(page, "name: Missed call\non: gru", "gruveo\\.call");
  await proposes(page, `${begun}do:\n  - groo`, "groove\\.add_note");
  await proposes(page, `${begun}when:\n  event.`, "event\\.resolution");
  await write(page, BAD);
  await page.locator("#ed-host .cm-lintRange-error").first().waitFor();
  await page.locator("#ed-tab-findings").click();
  await page.locator("#ed-panel-findings").getByText("whem").first().waitFor();
  await write(page, GOOD);
  await page.locator("#ed-host .cm-lintRange-error").first().waitFor({ state: "detached" });
  assert.match(await told(page, "when"), /What must hold/);
  assert.match(await told(page, "groove.add_note"), /note/i);
  await page.locator("#ed-tab-conditions").click();
  const verdict = page.locator("#ed-panel-conditions");
  await verdict.locator(".ed-row").first().waitFor();
  assert.match(await verdict.innerText(), /event\.resolution/);
  assert.match(await verdict.locator(".ed-verdict").innerText(), /match/i);
  // An error elsewhere leaves the verdicts of the text before it, with the way to the error.
  await write(page, `${GOOD}bad: 1\n`);
  await verdict.getByRole("button", { name: "Mend 1 error" }).waitFor();
  assert.match(await verdict.locator(".ed-old").innerText(), /event\.resolution/);
  await verdict.getByRole("button", { name: "Mend 1 error" }).click();
  assert.match(await page.locator("#ed-panel-findings").innerText(), /bad/);
  await write(page, GOOD);
  await page.locator("#ed-tab-conditions").click();
  await verdict.locator(".ed-stale").waitFor({ state: "detached" });
  const dialog = await save(page, "Tell the desk of missed calls");
  await dialog.locator("[name=path]").fill("rules/calls/missed.yaml");
  await dialog.getByRole("button", { name: "Save", exact: true }).click();
  await dialog.waitFor({ state: "detached" });
  await page.goto("/rules");
  await page.getByRole("link", { name: "Missed call" }).waitFor();
  await page.goto("/rules/versions?id=calls%2Fmissed");
  await page.getByText("Tell the desk of missed calls").first().waitFor();
  assert.deepEqual(page.faults, []);
});

test("a delivery arrives live, and its run shows the note that was sent", async () => {
  await page.goto("/events?live=1");
  const { id } = await (await call(server, missed(42))).json();
  const row = page.locator(`#rows tr[data-row="/events/${id}"]`);
  await row.waitFor();
  await until(() => groove.seen.some(({ path, body }) => path.includes("/42/") && body.includes("Missed call from Greece.")), "the note came to Groove");
  await row.locator("a").first().click();
  await page.locator("#runs ~ div a[href^='/runs/run_'], section[aria-labelledby=runs] a[href^='/runs/run_']").first().click();
  await page.getByRole("heading", { level: 1, name: /^Run/ }).waitFor();
  const trace = page.locator("main");
  await trace.locator("details summary", { hasText: "Attempt 1" }).first().click();
  assert.match(await trace.innerText(), /Missed call from Greece\./);
  assert.match(await trace.innerText(), /201/);
  assert.deepEqual(page.faults, []);
});

test("a target that fails is a problem, and its replay solves it", async () => {
  const well = groove.answer;
  groove.answer = { status: 422, body: { errors: ["The ticket is closed"] } };
  await happened(page, server, missed(43));
  groove.answer = well;
  await page.goto("/problems");
  await page.locator("main table a[href^='/problems/']").first().click();
  await page.getByText("The ticket is closed").first().waitFor();
  const problem = page.url();
  await page.getByRole("button", { name: /^Replay for real/ }).click();
  const agreed = page.locator("dialog[open] .button-danger");
  if (await agreed.isVisible()) await agreed.click();
  await until(() => groove.seen.filter(({ path }) => path.includes("/43/")).length >= 2, "the note was sent again");
  await until(async () => {
    await page.goto(problem);
    return page.locator(".head .badge-solved").isVisible();
  }, "the problem was solved");
  assert.deepEqual(page.faults, []);
});

test("of two editors of one file the later one is shown the three texts, and loses none", async () => {
  const other = await signIn(chromium, server);
  const path = "/rules/edit?path=rules/calls/missed.yaml";
  for (const one of [page, other]) {
    await one.goto(path);
    await one.locator("#ed-host .cm-content").waitFor();
  }
  await write(page, GOOD.replace("Missed call from", "First words from"));
  const first = await save(page, "First");
  await first.getByRole("button", { name: "Save", exact: true }).click();
  await first.waitFor({ state: "detached" });
  await write(other, GOOD.replace("Missed call from", "Second words from"));
  const second = await save(other, "Second");
  await second.getByRole("button", { name: "Save", exact: true }).click();
  const conflict = other.locator("dialog.ed-wide");
  await conflict.waitFor();
  const texts = await conflict.locator("pre").allInnerTexts();
  assert.equal(texts.length, 3);
  assert.match(texts[0], /Missed call from/);
  assert.match(texts[1], /First words from/);
  assert.match(texts[2], /Second words from/);
  assert.match(await conflict.innerText(), /changed the same lines, in 1 place/);
  assert.equal(await conflict.getByRole("button", { name: "Merge both" }).count(), 0);
  await conflict.getByRole("button", { name: "Overwrite theirs with mine" }).click();
  await conflict.waitFor({ state: "detached" });
  await other.locator("#ed-save").click();
  const again = other.locator("dialog.ed-dialog");
  assert.equal(await again.locator("[name=message]").inputValue(), "Second");
  await again.locator("del", { hasText: "First words from" }).waitFor();
  await again.getByRole("button", { name: "Save", exact: true }).click();
  await again.waitFor({ state: "detached" });
  await other.goto("/rules/show?id=calls%2Fmissed");
  assert.match(await other.locator("main").innerText(), /Second words from/);
  // The browser itself writes of the 409 that the page was answered.
  assert.deepEqual(other.faults.filter((fault) => !fault.includes("409")), []);
});

test("changes of two editors that do not touch each other are put together", async () => {
  const other = await signIn(chromium, server);
  for (const one of [page, other]) {
    await one.goto("/rules/edit?path=rules/calls/missed.yaml");
    await one.locator("#ed-host .cm-content").waitFor();
  }
  const text = GOOD.replace("Missed call from", "Second words from");
  await write(page, `# theirs\n${text}`);
  const first = await save(page, "Add a word above");
  await first.getByRole("button", { name: "Save", exact: true }).click();
  await first.waitFor({ state: "detached" });
  await write(other, `${text}# mine\n`);
  const second = await save(other, "Explain at length");
  await second.getByRole("button", { name: "Save", exact: true }).click();
  const conflict = other.locator("dialog.ed-wide");
  await conflict.getByRole("button", { name: "Merge both" }).click();
  await conflict.waitFor({ state: "detached" });
  await other.locator("#ed-save").click();
  const again = other.locator("dialog.ed-dialog");
  assert.equal(await again.locator("[name=message]").inputValue(), "Explain at length");
  await again.getByRole("button", { name: "Save", exact: true }).click();
  await again.waitFor({ state: "detached" });
  const now = await (await other.request.get("/rules/text?path=rules/calls/missed.yaml")).json();
  assert.equal(now.text, `# theirs\n${text}# mine\n`);
  assert.deepEqual(other.faults.filter((fault) => !fault.includes("409")), []);
});

test("a rule from nothing begins with what a rule is made of, also under a name", async () => {
  for (const href of ["/rules/edit", "/rules/edit?path=rules/calls/other.yaml"]) {
    await page.goto(href);
    const text = page.locator("#ed-host .cm-content");
    await text.waitFor();
    for (const key of ["name:", "on:", "when:", "do:"]) assert.match(await text.innerText(), new RegExp(key));
    await page.locator("#ed-event optgroup").first().waitFor({ state: "attached" });
    assert.equal(await page.locator("#ed-event").inputValue(), "");
  }
});

test("viewers and editors see no button that they may not press, and are refused if they send it all the same", async () => {
  const { event, run } = await happened(page, server, missed(44));
  const pages = ["/", "/rules", "/rules/show?id=calls%2Fmissed", "/events", `/events/${event}`, `/runs/${run}`, "/problems", "/sources/gruveo", "/schedules", "/people", "/connections/groove"];
  const writes = {
    [`/runs/${run}/replay`]: { with: "original", key: "k" }, "/rules/switch": { id: "calls/missed", enabled: "false" }, "/rules/delete": { id: "calls/missed" },
    "/events/replay": { id: event }, "/sources/gruveo/pause": {}, "/people": { email: "a@example.com" }, "/schedules/run": { rule: "daily" },
  };
  const viewer = await person(chromium, server, "vera", "viewer");
  for (const href of pages) {
    await viewer.goto(href);
    const forms = await viewer.$$eval("main form[method=post]", (all) => all.map((form) => new URL(form.action).pathname));
    assert.deepEqual(forms.filter((action) => !action.startsWith("/events/views")), [], `${href} lets a viewer write`);
  }
  for (const [path, form] of Object.entries(writes)) assert.equal(await post(viewer, path, form), 403, `a viewer at ${path}`);
  const editor = await person(chromium, server, "eddie", "editor");
  await editor.goto(`/runs/${run}`);
  await editor.getByRole("button", { name: /^Replay/ }).waitFor();
  await editor.goto("/connections/groove");
  assert.equal(await editor.locator("main form[action$='/login'], main form[action$='/logout']").count(), 0);
  for (const path of ["/connections/groove/login", "/connections/groove/logout"]) assert.equal(await post(editor, path), 403, `an editor at ${path}`);
  assert.equal(await post(editor, "/rules/switch", { id: "daily", enabled: "false" }), 303);
  assert.deepEqual([...viewer.faults, ...editor.faults], []);
});
