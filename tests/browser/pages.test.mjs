// Every page as people have it: with a screen reader, at night, on a telephone, by keyboard, without scripts, on a thin line.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { AXE, browser, call, journal, missed, serve, workspace } from "./support.mjs";
import { RULES, commit, lived, owner, signIn, walk } from "./world.mjs";

let groove, server, chromium, page, hrefs;

before(async () => {
  groove = await journal();
  const folder = workspace(groove, RULES);
  commit(folder, "Rules of the desk");
  server = await serve(folder);
  chromium = await browser();
  page = await owner(chromium, server);
  await lived(page, server, groove);
});

after(async () => {
  await chromium?.close();
  await server?.stop();
  await groove?.close();
});

/** What axe finds on the page as it is. */
async function axe(page, runOnly) {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(AXE_TEXT);
  return page.evaluate(async (runOnly) => {
    const { violations } = await window.axe.run(document, { runOnly, resultTypes: ["violations"] });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ html }) => html.slice(0, 160)).join(" | ")}`);
  }, runOnly);
}
const RULES_OF = {
  light: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
  // By night colours alone are others.
  dark: { type: "rule", values: ["color-contrast", "link-in-text-block"] },
};
const AXE_TEXT = await import("node:fs").then(({ readFileSync }) => readFileSync(AXE, "utf8"));

/** How many pixels the page is wider than the screen. */
const excess = (page) => page.evaluate(() => document.scrollingElement.scrollWidth - document.documentElement.clientWidth);

test("axe finds nothing on any page, light or dark, and none scrolls sideways on a telephone", async () => {
  const found = [];
  hrefs = await walk(page, async (href) => {
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      found.push(...(await axe(page, RULES_OF[colorScheme])).map((violation) => `${href} ${colorScheme}: ${violation}`));
    }
    await page.setViewportSize({ width: 390, height: 844 });
    const wide = await excess(page);
    if (wide > 0) found.push(`${href} is ${wide} px wider than a telephone`);
    await page.setViewportSize({ width: 1280, height: 900 });
  }, { each: 1 });
  const faults = page.faults.splice(0);
  assert.deepEqual([...new Set(found)], []);
  assert.deepEqual(faults, []);
  assert.ok(hrefs.length > 25, hrefs.join("\n"));
});

test("the first load of any page but the editor is below 100 KB on the line", async () => {
  const heavy = [];
  // A page of the inbox that is full.
  for (let ticket = 1000; ticket < 1040; ticket += 1) {
    const email = `somebody.with.a.long.name.${ticket}@customer.example.com`;
    await call(server, missed(ticket, { email, resolution: "answered" }));
  }
  for (const href of hrefs) {
    const first = await page.context().newPage();
    const line = await page.context().newCDPSession(first);
    await line.send("Network.enable");
    await line.send("Network.setCacheDisabled", { cacheDisabled: true });
    let bytes = 0;
    line.on("Network.loadingFinished", ({ encodedDataLength }) => (bytes += encodedDataLength));
    await first.goto(href, { waitUntil: "load" });
    const isEditor = new URL(first.url()).pathname === "/rules/edit";
    if ((bytes >= 100_000 && !isEditor) || bytes === 0) heavy.push(`${href}: ${bytes} bytes`);
    await first.close();
  }
  assert.deepEqual(heavy, []);
});

/** Notes what moves on a page after it was first drawn. */
function watchShifts() {
  window.shifts = [];
  const told = (list) => {
    for (const { value, sources } of list.getEntries()) {
      const nodes = sources.map(({ node }) => (node?.outerHTML ?? node?.parentElement?.outerHTML ?? "?").slice(0, 120));
      window.shifts.push({ value, nodes });
    }
  };
  new PerformanceObserver(told).observe({ type: "layout-shift", buffered: true });
}

test("nothing moves while a page loads, on a screen or a telephone", async () => {
  const moved = [];
  for (const [width, height] of [[1280, 900], [390, 844]]) {
    const first = await page.context().newPage();
    await first.setViewportSize({ width, height });
    await first.addInitScript(watchShifts);
    for (const href of hrefs) {
      // The editor goes on asking what the text would do; nothing else asks at once.
      const isEditor = /^\/rules\/(edit|new)/.test(href);
      await first.goto(href, { waitUntil: isEditor ? "networkidle" : "load" });
      const shifts = await first.evaluate(() => new Promise((done) => {
        // What was drawn is told in the frame after it.
        requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(window.shifts))));
      }));
      const all = shifts.reduce((sum, { value }) => sum + value, 0);
      // A hundredth of the screen at a time is no more than a word that becomes longer.
      if (all >= 0.01) moved.push(`${href} at ${width}: ${all.toFixed(3)} ${JSON.stringify(shifts)}`);
    }
    await first.close();
  }
  assert.deepEqual(moved, []);
});

test("keys open the help, move through rows, open one and go to the search", async () => {
  await page.goto("/events");
  await page.keyboard.press("?");
  await page.locator("#keys[open]").waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("k");
  const first = await page.locator("#rows tr").first().getAttribute("data-row");
  await page.keyboard.press("Enter");
  await page.waitForURL((url) => url.pathname === first);
  await page.goBack();
  await page.keyboard.press("/");
  assert.equal(await page.evaluate(() => document.activeElement.name), "q");
  await page.keyboard.type("Greece");
  await page.keyboard.press("Enter");
  await page.waitForURL((url) => url.searchParams.get("q") === "Greece");
  await page.goto("/");
  await page.keyboard.press("g");
  await page.keyboard.press("r");
  await page.waitForURL((url) => url.pathname === "/rules");
  assert.deepEqual(page.faults, []);
});

/** The lists, and what Enter does on the first row that is marked: it opens a page, or a fold; or it does nothing. */
const LISTS = {
  "/runs": /^\/runs\/run_/,
  "/problems": /^\/problems\/prb_/,
  "/rules": /^\/rules\/show\?id=/,
  "/people": /^\/people\/./,
  "/schedules": /^\/rules\/./,
  "/connections": /^\/connections\/./,
  "/sources": /^\/sources\/./,
  "/services": /^\/services\/./,
  "/calls": /^\/events\/evt_/,
  "/users": "fold",
  "/tokens": "fold",
  "/audit": "fold",
  "/secrets": "any",
  "/settings": "any",
};

test("j, k and Enter work on every list", async () => {
  await page.goto("/tokens/new");
  await page.locator("main input[name=name]").fill("program");
  await page.locator("main form[method=post] button").last().click();
  const failed = [];
  for (const [list, wanted] of Object.entries(LISTS)) {
    await page.goto(list);
    const rows = await page.locator("table[data-keys] tr[data-row]").count();
    if (rows === 0) {
      failed.push(`${list}: no row`);
      continue;
    }
    for (const key of ["j", "j", "k", "k"]) await page.keyboard.press(key);
    const marked = await page.evaluate(() => {
      const row = document.querySelector("tr.is-here");
      return { count: document.querySelectorAll("tr.is-here").length, has: row?.contains(document.activeElement), name: document.activeElement.localName };
    });
    if (marked.count !== 1 || !marked.has) failed.push(`${list}: ${JSON.stringify(marked)}`);
    if (wanted === "any") continue;
    if (wanted === "fold") {
      const fold = page.locator("tr[data-row] details").first();
      await fold.locator("summary").first().focus();
      await page.keyboard.press("Enter");
      if (!(await fold.evaluate((details) => details.open))) failed.push(`${list}: the fold stays shut`);
      continue;
    }
    await Promise.all([page.waitForURL((url) => url.pathname !== list), page.keyboard.press("Enter")]);
    const { pathname, search } = new URL(page.url());
    if (!wanted.test(pathname + search)) failed.push(`${list}: Enter leads to ${pathname}${search}`);
  }
  assert.deepEqual(failed, []);
  assert.deepEqual(page.faults, []);
});

test("cells hold their words, and rows of the inbox have two lines at most", async () => {
  const found = [];
  for (const list of ["/events", "/rules", "/runs", "/schedules", "/problems", "/people", "/connections", "/sources", "/audit", "/users"]) {
    await page.goto(list);
    found.push(...(await page.$$eval("table.list td, table.list th", (cells, list) => cells
      .filter((cell) => cell.scrollWidth > cell.clientWidth + 1 && !cell.querySelector(".visually-hidden"))
      .map((cell) => `${list}: ${cell.textContent.trim().slice(0, 60)}`), list)));
  }
  await page.goto("/events");
  const high = await page.$$eval("#rows tr", (rows) => rows.map((row) => row.getBoundingClientRect().height).filter((height) => height > 62));
  assert.deepEqual([...found, ...high], []);
});

test("a live inbox that is paused says Resume, and how many came meanwhile", async () => {
  await page.goto("/events?live=1");
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByRole("button", { name: "Resume" }).waitFor();
  const before = await page.locator("#rows tr").count();
  await call(server, missed(77));
  await page.locator("[data-live-new]").getByText(/new events? came/).waitFor({ timeout: 15000 });
  assert.equal(await page.locator("#rows tr").count(), before);
  await page.getByRole("button", { name: "Resume" }).click();
  await page.waitForFunction((before) => document.querySelectorAll("#rows tr").length > before, before);
  assert.equal(await page.locator("[data-live-new]").textContent(), "");
  assert.deepEqual(page.faults, []);
});

test("without scripts people sign in, filter, open a run, switch a rule off and repeat an event", async () => {
  const plain = await signIn(chromium, server, { javaScriptEnabled: false });
  await plain.goto("/events");
  await plain.getByLabel("State").selectOption("unmatched");
  await plain.getByRole("button", { name: "Filter", exact: true }).click();
  assert.match(plain.url(), /state=unmatched/);
  await plain.goto("/events?type=gruveo.call&state=matched");
  await plain.locator("#rows a").first().click();
  await plain.locator("section[aria-labelledby=runs] a[href^='/runs/run_']").first().click();
  await plain.getByRole("heading", { level: 1, name: /^Run/ }).waitFor();
  await plain.goto("/rules/show?id=calls%2Fmissed");
  await plain.getByRole("button", { name: "Disable" }).click();
  await plain.getByRole("button", { name: "Enable" }).waitFor();
  const before = groove.seen.length;
  await call(server, missed(99));
  await plain.goto("/events?type=gruveo.call");
  assert.match(await plain.locator("#rows tr").first().innerText(), /unmatched/);
  assert.equal(groove.seen.length, before);
  await plain.goto("/rules/show?id=calls%2Fmissed");
  await plain.getByRole("button", { name: "Enable" }).click();
  await plain.getByRole("button", { name: "Disable" }).waitFor();
  assert.deepEqual(plain.faults, []);
});
