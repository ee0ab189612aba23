import assert from "node:assert/strict";
import { test } from "node:test";

import { changedLines } from "../src/editor/lines.js";
import { merge } from "../src/editor/merge.js";

const BASE = "name: A\non: x.y\nwhen:\n  a: 1\n  b: 2\ndo:\n  - stop: done\n";

test("changes that do not touch each other are put together", () => {
  const theirs = BASE.replace("name: A", "# theirs\nname: B");
  const mine = BASE.replace("done", "over");
  assert.deepEqual(merge(BASE, theirs, mine), { text: "# theirs\nname: B\non: x.y\nwhen:\n  a: 1\n  b: 2\ndo:\n  - stop: over\n" });
  assert.equal(merge(BASE, mine, theirs).text, merge(BASE, theirs, mine).text);
});

test("lines that one took away are gone, and lines that the other added stay", () => {
  const theirs = BASE.replace("  a: 1\n", "");
  const mine = BASE + "tests: []\n";
  assert.equal(merge(BASE, theirs, mine).text, theirs + "tests: []\n");
});

test("where only one changed something, that text is the result to the byte", () => {
  for (const changed of [BASE.replaceAll("\n", "\r\n"), BASE.trimEnd(), "", `${BASE}\n\n`, "x\n"]) {
    assert.equal(merge(BASE, changed, BASE).text, changed);
    assert.equal(merge(BASE, BASE, changed).text, changed);
    assert.equal(merge(BASE, changed, changed).text, changed);
  }
});

test("what both changed differently is a conflict that names each text and its line", () => {
  const theirs = BASE.replace("b: 2", "b: 3");
  const mine = `# mine\n${BASE.replace("b: 2", "b: 4")}`;
  assert.deepEqual(merge(BASE, theirs, mine), {
    text: null,
    conflicts: [{ base: ["  b: 2"], theirs: ["  b: 3"], mine: ["  b: 4"], line: 6 }],
  });
});

test("what both add at one place is a conflict, and so are changes of neighbouring lines", () => {
  assert.equal(merge(BASE, `${BASE}# theirs\n`, `${BASE}# mine\n`).conflicts.length, 1);
  assert.equal(merge(BASE, BASE.replace("a: 1", "a: 0"), BASE.replace("b: 2", "b: 0")).conflicts.length, 1);
  assert.equal(merge(BASE, BASE.replace("  a: 1\n", ""), BASE.replace("a: 1", "a: 0")).conflicts.length, 1);
});

test("a merge loses no line that either of them added, whatever the texts are", () => {
  let seed = 7;
  const next = (most) => (seed = (seed * 48271) % 2147483647) % most;
  for (let round = 0; round < 500; round += 1) {
    const base = Array.from({ length: 1 + next(12) }, () => "abc"[next(3)]);
    const changed = (mark) => base.flatMap((line, at) => (next(5) ? [line] : next(2) ? [] : [line, `${mark}${at}`]));
    const [theirs, mine] = [changed("t"), changed("m")];
    const { text } = merge(base.join("\n"), theirs.join("\n"), mine.join("\n"));
    if (text === null) continue;
    const lines = text.split("\n");
    for (const added of [...theirs, ...mine].filter((line) => /^[tm]/.test(line))) assert.ok(lines.includes(added), `${added} of ${base}: ${lines}`);
  }
});

test("texts of very many lines are not merged", () => {
  const long = "a\n".repeat(5000);
  assert.deepEqual(merge(long, long, `${long}b`), { text: null, conflicts: [] });
  assert.deepEqual(changedLines(long, "a\nb"), [false, false]);
});

test("lines that are not in the base are told", () => {
  assert.deepEqual(changedLines("a\nb\nc\nd", "a\nx\nc\nd\ne"), [false, true, false, false, true]);
});
