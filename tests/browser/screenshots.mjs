// Every page, light and dark, wide and narrow, into target/screenshots.
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ROOT, browser, journal, serve, workspace } from "./support.mjs";
import { RULES, commit, lived, owner, walk } from "./world.mjs";

const folder = join(ROOT, "target", "screenshots");
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
const groove = await journal();
const place = workspace(groove, RULES);
commit(place, "Rules of the desk");
const server = await serve(place);
const chromium = await browser();
const page = await owner(chromium, server, { reducedMotion: "reduce" });

const named = (href) => href.replace(/^\/\??/, "").replace(/[^a-z0-9]+/gi, "-").replace(/-?(evt|run|prb|job|ref)-\w+/g, "-one").slice(0, 60) || "overview";
async function picture(prefix, href) {
  for (const theme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: theme });
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: 900 });
      if (href.startsWith("/rules/edit")) await page.waitForTimeout(1500);
      await page.screenshot({ path: join(folder, `${prefix}${named(href)}.${theme}.${width}.png`), fullPage: true });
    }
  }
}

let count = 0;
await walk(page, async (href) => ((count += 1), picture("empty-", href)), { start: ["/"], each: 0 });
for (const href of ["/events", "/runs", "/problems", "/people", "/calls", "/jobs"]) {
  await page.goto(href);
  count += 1;
  await picture("empty-", href);
}
await lived(page, server, groove);
await walk(page, async (href) => ((count += 1), picture("", href)), { each: 1 });
await page.context().clearCookies();
await page.goto("/login");
await picture("", "/login");
await chromium.close();
await server.stop();
await groove.close();
console.log(`${(count + 1) * 4} pictures are in target/screenshots`);
